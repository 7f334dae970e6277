"""The decision benchmark: its cases are well-formed, and its numbers are what happened."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evals.cases import Case, cases
from evals.decisions import RESULTS, main, report
from evals.scoring import MAX_UNAVAILABLE, run, summary
from recollect.adapters.local.rules import RuleBasedDecider
from recollect.domain.errors import ModelAnswerError, UnavailableError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.ports.models import Choice, Decided, Decider, Known, Usage

CASES = list(cases())
WANTED = [accepted for case in CASES for accepted in case.expected]
Decide = Callable[[Fact, Sequence[Known]], Choice]


class Deciding:
    """Decides fact by fact by a function; a call costs 10 tokens in and 1 out."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], _: Guidance
    ) -> Decided:
        pairs = zip(facts, candidates, strict=True)
        choices = tuple(self._decide(fact, near) for fact, near in pairs)
        return Decided(choices=choices, usage=Usage(1, 10, 1), prompt_version="decide-1")


class Failing:
    """Fails for cases whose first fact it is to fail for, and adds everything else."""

    def __init__(self, error: Exception, texts: set[str]) -> None:
        self._error = error
        self._texts = texts

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], _: Guidance
    ) -> Decided:
        if facts[0].text in self._texts:
            raise self._error
        return Decided(choices=tuple(Choice(Decision.ADD) for _ in candidates))


def numbers(decider: Decider, chosen: Sequence[Case] = CASES) -> dict[str, Any]:
    ticks = count()
    return summary(run(decider, chosen, clock=lambda: next(ticks) / 4))


def a_case(**changes: Any) -> str:  # noqa: ANN401 - any field of a case
    usual = {
        "id": "x-1",
        "language": "en",
        "category": "negation",
        "memories": [{"text": "a", "said_at": "2025-01-01", "said_by": "user"}],
        "facts": [{"text": "b", "said_by": "user"}],
        "expected": [[{"event": "UPDATE", "memories": [0]}]],
    }
    return json.dumps(usual | changes)


def perfect(fact: Fact, near: Sequence[Known]) -> Choice:
    [case] = [
        case
        for case in CASES
        if [memory.known() for memory in case.memories] == list(near)
        and fact in [each.fact() for each in case.facts]
    ]
    wanted = case.expected[[each.fact() for each in case.facts].index(fact)][0]
    return Choice(wanted.event, tuple(wanted.memories))


def test_there_are_enough_cases_of_every_kind() -> None:
    languages = Counter(case.language for case in CASES)
    categories = Counter(case.category for case in CASES)

    assert len(CASES) >= 160
    assert len(languages) >= 6
    assert min(languages.values()) >= 15
    assert languages.most_common(1)[0][0] == "en"
    assert len(categories) == 14
    assert min(categories.values()) >= 9
    assert all(len({c.category for c in CASES if c.language == each}) >= 12 for each in languages)


def test_no_case_is_there_twice() -> None:
    ids = Counter(case.id for case in CASES)
    content = Counter((case.memories, case.facts) for case in CASES)

    assert max(ids.values()) == max(content.values()) == 1


def test_the_facts_of_a_case_need_not_change_one_memory_twice() -> None:
    for case in CASES:
        changed = [
            memory
            for accepted in case.expected
            if accepted[0].event in {Decision.UPDATE, Decision.DELETE}
            for memory in accepted[0].memories
        ]
        assert len(changed) == len(set(changed)), case.id


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "xx"},
        {"category": "other"},
        {"memories": []},
        {"facts": []},
        {"expected": []},
        {"expected": [[]]},
        {"expected": [[{"event": "UPDATE", "memories": [1]}]]},
        {"expected": [[{"event": "UPDATE", "memories": []}]]},
        {"expected": [[{"event": "NONE", "memories": []}]]},
        {"expected": [[{"event": "DELETE", "memories": []}]]},
        {"expected": [[{"event": "ADD", "memories": [0]}]]},
        {"expected": [[{"event": "MERGE", "memories": [0]}]]},
        {"facts": [{"text": "b", "said_by": "user", "quote": "forget b"}]},
        {"note": "?"},
    ],
)
def test_a_case_that_cannot_be_answered_is_refused(changes: dict[str, Any]) -> None:
    Case.model_validate_json(a_case())

    with pytest.raises(ValidationError):
        Case.model_validate_json(a_case(**changes))


def test_the_rules_change_nothing_wrongly() -> None:
    done = numbers(RuleBasedDecider())

    assert done["wrong_updates_and_deletes"] == 0
    assert done["confusion"]["UPDATE"]["UPDATE"] >= 15
    assert done["confusion"]["DELETE"]["DELETE"] >= 1
    assert done["accuracy"] > numbers(Deciding(lambda *_: Choice(Decision.ADD)))["accuracy"]


def test_the_table_adds_up() -> None:
    done = numbers(RuleBasedDecider())

    facts = sum(len(case.facts) for case in CASES)
    cells = [cell for row in done["confusion"].values() for cell in row.values()]
    diagonal = sum(done["confusion"][each][each] for each in Decision)
    assert done["facts"] == sum(cells) == facts
    assert done["right"] == diagonal == facts - len(done["failed"])
    for groups in (done["by_category"], done["by_language"]):
        assert sum(each["facts"] for each in groups.values()) == facts
        right = sum(each["facts"] * each["accuracy"] for each in groups.values())
        assert right == pytest.approx(diagonal, abs=0.1)


def test_who_always_adds_is_right_about_what_is_to_be_added() -> None:
    done = numbers(Deciding(lambda *_: Choice(Decision.ADD)))

    to_add = sum(any(wanted.event == "ADD" for wanted in accepted) for accepted in WANTED)
    assert done["right"] == to_add == done["confusion"]["ADD"]["ADD"]
    assert done["accuracy"] == round(to_add / len(WANTED), 4)
    assert all(each["chosen"] == "ADD" for each in done["failed"])


def test_who_knows_every_answer_is_always_right() -> None:
    done = numbers(Deciding(perfect))

    assert done["accuracy"] == 1
    assert done["failed"] == []


def test_the_right_thing_done_to_another_memory_is_wrong() -> None:
    chosen = [case for case in CASES if len(case.memories) > 1 and len(case.facts) == 1]
    [first, *_] = [case for case in chosen if case.expected[0][0].memories == {0}]

    done = numbers(Deciding(lambda *_: Choice(first.expected[0][0].event, (1,))), [first] * 2)

    assert done["right"] == 0
    assert done["confusion"][first.expected[0][0].event]["other memory"] == 2
    assert done["wrong_updates_and_deletes"] == 2


def test_the_costs_are_those_of_all_cases() -> None:
    done = numbers(Deciding(lambda *_: Choice(Decision.ADD)))

    assert done["model_calls"] == len(CASES)
    assert (done["input_tokens"], done["output_tokens"]) == (10 * len(CASES), len(CASES))
    assert done["latency_ms"] == {"p50": 250, "p95": 250}
    assert done["prompts"] == ["decide-1"]


def test_nonsense_is_a_wrong_answer_and_the_others_are_still_asked() -> None:
    failing = Failing(ModelAnswerError("two invalid answers"), {CASES[1].facts[0].text})

    done = numbers(failing, CASES[:4])

    nothing = sum(row["no answer"] for row in done["confusion"].values())
    assert nothing == len(CASES[1].facts)
    [failed] = [each for each in done["failed"] if each["case"] == CASES[1].id]
    assert failed["chosen"] == "two invalid answers"
    assert done["facts"] == sum(len(case.facts) for case in CASES[:4])


def test_a_model_that_is_away_for_good_ends_the_run() -> None:
    away = UnavailableError("not there")
    few = {case.facts[0].text for case in CASES[: MAX_UNAVAILABLE - 1]}

    numbers(Failing(away, few))
    with pytest.raises(UnavailableError, match="not there"):
        numbers(Failing(away, few | {CASES[MAX_UNAVAILABLE - 1].facts[0].text}))


def test_the_command_keeps_and_prints_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["rules", "--results", str(tmp_path)])

    kept = json.loads((tmp_path / "decisions-rules.json").read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert kept["model"] == "rules"
    assert kept["model_calls"] == 0
    assert printed == report(kept) + "\n"
    assert all(f"| {each['case']} |" in printed for each in kept["failed"])


def test_what_is_kept_in_the_repository_is_what_the_rules_do() -> None:
    kept = json.loads((RESULTS / "decisions-rules.json").read_text(encoding="utf-8"))
    done = numbers(RuleBasedDecider())

    assert {name: kept[name] for name in done if name != "latency_ms"} == {
        name: done[name] for name in done if name != "latency_ms"
    }


def test_a_model_is_asked_once_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOLLECT_LANGUAGE_MODEL", "tests.contract.simple_mind:SimpleMind")

    main(["simple/mind:1", "--results", str(tmp_path)])

    kept = json.loads((tmp_path / "decisions-simple-mind-1.json").read_text(encoding="utf-8"))
    assert kept["model_calls"] == len(CASES)
    assert kept["input_tokens"] > kept["output_tokens"] > 0
    assert len(kept["prompts"]) == 1
    assert sum(row["no answer"] for row in kept["confusion"].values()) == 0


def test_a_model_needs_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["some-model"])

    assert ended.value.code == 1
    assert re.search("RECOLLECT_LANGUAGE_MODEL", capsys.readouterr().err)
