"""Lets everything go wrong that can, and writes down what came of it.

`python -m tests.faults.table docs/faults.md` needs the engines, and a quarter of an hour.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import tests.conftest  # noqa: F401 - as in tests, no account can be reached
from recollect.adapters.aws import clients
from recollect.bootstrap import models, stores
from tests.faults.cases import Outcome
from tests.faults.operations import OPERATIONS
from tests.faults.refusals import Fault
from tests.faults.sweep import ENGINES, FAULTS, outcomes
from tests.faults.world import world

PROCESSES = 2
NAMES = {
    "dynamodb": "DynamoDB",
    "s3": "S3",
    "sqs": "SQS",
    "opensearch": "OpenSearch",
    "bedrock": "Bedrock",
}
HEAD = """\
# What happens when a part fails

{cases:,} cases, tried on real engines by `make faults`, which writes this page; `make test` tries
some of them. Between the service and an engine stands a proxy. Of each operation, each request to
the engine, from the first to the last, goes wrong in {faults} ways, once or from then on:

- *no answer* until the client gives up; *throttled*, *500* and *503* in the engine's own words;
- the connection is *reset before its effect*, or *after* it: then the answer is lost;
- the answer comes *malformed* or *truncated*, after the request took effect.

In every case it is checked that the caller is answered in bounded time, in a sentence that names
the part and repeats nothing of what it said; that nothing is told to be done that is not; that
memories, history, uniqueness, membership and pending changes are there together or not at all; and
that the same request, asked again with its `Idempotency-Key` (or, without one, just again), brings
about what it would have without the fault, once. Where the index had a part in it, it then agrees
with the record.

*done* is the usual answer. *done, degraded* is a search that says so, answered from the record
alone; maintenance is *done* when it has seen to all that it could. *503* is `UnavailableError`,
with `Retry-After`; *pending* names the job of an add of which a part is stored, and the rest
follows. *left* is what is there of what was asked for, before anything is repeated,
where not all went well: *everything* where only the answer was lost, or where nothing was to be
changed. *wait* is how long the caller waits at most when the part answers nothing at all, with the
deployed time-outs and with a function that never runs out of time: for the requests that are given
up, one after the other, and for the pauses between them.
"""


@dataclass(frozen=True)
class Found:
    """What became of all cases of an operation and an engine."""

    operation: str
    engine: str
    outcomes: tuple[tuple[Fault, bool, Outcome], ...]


def patience(request: str, engine: str) -> float:
    """Return how many seconds the deployed service waits for an answer to a request."""
    if engine == "bedrock":
        if request == "Converse":
            return models.ANSWER_TIMEOUT_SECONDS
        return models.EMBEDDING_TIMEOUT_SECONDS
    if engine == "opensearch":
        return stores.SEARCH_TIMEOUT_SECONDS
    config = clients.WAKE_UPS if engine == "sqs" else clients.STORAGE
    return float(config.read_timeout)  # type: ignore[attr-defined]  # botocore has no types


def found(operation: str, engine: str) -> Found:
    """Return what becomes of all cases of an operation and an engine."""
    [wanted] = [each for each in OPERATIONS if each.name == operation]
    with world() as own:
        tried = outcomes(own, wanted, engine)
    return Found(
        operation, engine, tuple((case.fault, case.lasts, outcome) for case, outcome in tried)
    )


def page(all_found: Sequence[Found]) -> str:
    """Return the page about these."""
    cases = sum(len(each.outcomes) for each in all_found)
    lines = [HEAD.format(cases=cases, faults=len(FAULTS))]
    for engine in ENGINES:
        lines += [f"## {NAMES[engine]}", ""]
        lines += ["| operation | requests | fault | once | for good | left | wait |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [row for each in all_found if each.engine == engine for row in _rows(each)]
        lines += [""]
    return "\n".join(lines)


def _rows(of: Found) -> Iterator[str]:
    cells: dict[tuple[str, str, str], list[Fault]] = defaultdict(list)
    for fault in FAULTS:
        once = [outcome for each, lasts, outcome in of.outcomes if each is fault and not lasts]
        lasting = [outcome for each, lasts, outcome in of.outcomes if each is fault and lasts]
        unfinished = [each for each in (*once, *lasting) if not each.is_all_well]
        key = (
            _counted(each.answer for each in once),
            _counted(each.answer for each in lasting),
            _counted(each.left for each in unfinished) or "-",
        )
        cells[key].append(fault)
    requests = len(once)
    for (answers_once, answers_lasting, left), faults in cells.items():
        said = "any" if len(faults) == len(FAULTS) else ", ".join(faults)
        wait = _wait(of) if Fault.SILENT in faults else ""
        yield (
            f"| {of.operation} | {requests} | {said} | {answers_once} | {answers_lasting} | {left}"
            f" | {wait} |"
        )


def _counted(names: Iterable[str]) -> str:
    counts = Counter(map(str, names))
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _wait(of: Found) -> str:
    waits = [
        outcome.rounds * patience(outcome.request, of.engine) + outcome.seconds_paused
        for fault, lasts, outcome in of.outcomes
        if fault is Fault.SILENT and lasts
    ]
    return f"{max(waits):.0f} s"


def main() -> None:
    """Write the page to the path that is named."""
    [_, path] = sys.argv
    wanted = [(each.name, engine) for each in OPERATIONS for engine in each.engines]
    with ProcessPoolExecutor(PROCESSES) as processes:
        running = [processes.submit(found, *each) for each in wanted]
        for number, done in enumerate(as_completed(running), 1):
            each = done.result()
            sys.stderr.write(
                f"{number}/{len(running)}: {each.operation} on {each.engine},"
                f" {len(each.outcomes)} cases\n"
            )
    Path(path).write_text(page([each.result() for each in running]), encoding="utf-8")


if __name__ == "__main__":
    main()
