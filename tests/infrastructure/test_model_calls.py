"""The count of calls that is kept and shown beside mem0's."""

import json

from benchmarks import model_calls
from benchmarks.measuring import RESULTS
from benchmarks.model_calls_peer import CASES

KEPT = json.loads((RESULTS / "model_calls.json").read_text(encoding="utf-8"))


def test_mem0_does_what_its_source_says() -> None:
    counted = KEPT["mem0_measured"]

    assert [(each["results"], each["updates"]) for each in counted] == list(CASES)
    for theirs, formula in zip(counted, KEPT["mem0_by_formula"], strict=True):
        same = ("model_calls", "embedding_calls", "store_calls")
        assert {name: theirs[name] for name in same} == {name: formula[name] for name in same}


def test_the_formulas_are_those_that_are_kept() -> None:
    assert [model_calls.formulas(*case) for case in CASES] == KEPT["mem0_by_formula"]


def test_ours_did_the_same_work() -> None:
    assert [(each["results"], each["updates"]) for each in KEPT["ours"]] == list(CASES)


def test_the_report_says_whose_counts_it_has() -> None:
    told = model_calls.report(KEPT)
    without = model_calls.report({**KEPT, "mem0_measured": None})

    assert "counted in the same run" in told
    assert "by its source" in without
    assert len(told.splitlines()) == len(without.splitlines()) == 4 + len(CASES)
