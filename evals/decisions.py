"""`make eval-decisions MODEL=...`: how well a model decides what new facts mean for old ones.

Writes `results/decisions-MODEL.json` and prints it as tables. `MODEL=rules` is the stand-in without
a model; any other name is that of a chat model of the service in `RECOLLECT_LANGUAGE_MODEL`.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.cases import cases
from evals.scoring import CHOSEN, run, summary
from recollect.bootstrap.configuration import choosing, settings
from recollect.bootstrap.models import minds
from recollect.domain.errors import InvalidRequestError, RecollectError
from recollect.ports.models import Decider

RESULTS = Path(__file__).with_name("results")
RULES = "rules"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark; end with a message if the model is not configured or not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="name of a chat model, or rules")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to write to")
    asked = parser.parse_args(arguments)
    try:
        numbers = {"model": asked.model, **summary(run(decider(asked.model), cases()))}
    except RecollectError as error:
        parser.exit(1, f"{error}\n")
    asked.results.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", asked.model)
    text = json.dumps(numbers, indent=2, ensure_ascii=False) + "\n"
    (asked.results / f"decisions-{name}.json").write_text(text, encoding="utf-8")
    print(report(numbers))


def decider(model: str) -> Decider:
    """Return who decides; raise `InvalidRequestError` if the model's service is not configured."""
    chosen = {"language_model": RULES} if model == RULES else {"chat_model": model}
    with choosing(edition="local", **chosen):
        if model != RULES and settings().language_model == RULES:
            message = f"Set RECOLLECT_LANGUAGE_MODEL to the service that has {model}"
            raise InvalidRequestError(message)
        return minds().decider


def report(numbers: Mapping[str, Any]) -> str:
    """Return the numbers of a run as Markdown."""
    parts = [
        _headline(numbers),
        _table(["expected \\ chosen", *CHOSEN], _confusion_rows(numbers["confusion"])),
        _table(["category", "facts", "right"], _rows(numbers["by_category"])),
        _table(["language", "facts", "right"], _rows(numbers["by_language"])),
        _table(["failed", "expected", "chosen", "fact"], _failed_rows(numbers["failed"])),
    ]
    return "\n\n".join(parts)


def _headline(numbers: Mapping[str, Any]) -> str:
    latency = numbers["latency_ms"]
    return (
        f"{numbers['model']}: {numbers['right']} of {numbers['facts']} facts decided rightly"
        f" ({numbers['accuracy']:.1%}), {numbers['wrong_updates_and_deletes']} wrong updates and"
        f" deletes. {numbers['model_calls']} model calls, {numbers['input_tokens']} tokens in,"
        f" {numbers['output_tokens']} out; p50 {latency['p50']} ms, p95 {latency['p95']} ms a case."
    )


def _confusion_rows(confusion: Mapping[str, Mapping[str, int]]) -> list[list[object]]:
    return [[row, *(counts[column] for column in CHOSEN)] for row, counts in confusion.items()]


def _rows(groups: Mapping[str, Mapping[str, float]]) -> list[list[object]]:
    return [[name, each["facts"], f"{each['accuracy']:.1%}"] for name, each in groups.items()]


def _failed_rows(failed: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    return [
        [each["case"], " or ".join(each["expected"]), each["chosen"], each["fact"]]
        for each in failed
    ]


def _table(header: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


if __name__ == "__main__":
    main()
