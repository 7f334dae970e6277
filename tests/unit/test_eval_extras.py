"""The measuring of extras: what is a gain, what is chance, and what each extra does to an order."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evals.extras import Rankers, measured, table
from evals.extras_cases import Asked
from evals.extras_choice import chosen_elsewhere, gain, resampled_means
from evals.extras_orders import (
    EXTRAS,
    Ranker,
    alone,
    decay,
    diversity,
    graph,
    no_near_duplicates,
    recency,
    reranker,
)
from evals.ranking import Case
from recollect.domain.ranking import Floats
from recollect.domain.relevance import WEIGHTS

PLAIN = Ranker(np.array([8.0]), 4.0)
"""Ranks by the only component there is."""


def asked(values: list[float], evidence: int, **changes: Any) -> Asked:  # noqa: ANN401 - any field
    """Return a question whose candidates have one component each; one of them is the evidence."""
    rows = np.array(values)[:, np.newaxis]
    case = Case(
        "0",
        is_answerable=True,
        rows=rows,
        is_evidence=np.arange(len(values)) == evidence,
        evidence=1,
    )
    usual = Asked(
        case=case,
        ages=np.zeros(len(values)),
        reread=np.zeros(len(values)),
        vectors=np.eye(len(values), dtype=np.float32),
        backed=case,
        support=np.zeros(len(values)),
        relations=0,
    )
    return replace(usual, **changes)


def place(shown: Any) -> int:  # noqa: ANN401 - a mask
    """Return where the evidence is, from 0."""
    return int(np.flatnonzero(shown)[0])


def test_what_helps_every_question_is_a_proven_gain() -> None:
    before = np.linspace(0.0, 0.9, 50)

    found = gain(before, before + 0.1)

    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.not_better == 0.0


def test_what_helps_as_often_as_it_harms_is_none() -> None:
    before, after = np.zeros(100), np.tile([1.0, -1.0], 50)

    found = gain(before, after)

    assert found.mean == 0.0
    assert found.low < -0.1
    assert found.high > 0.1
    assert 0.4 < found.not_better < 0.6


def test_no_change_at_all_is_not_better_in_any_resample() -> None:
    found = gain(np.ones(9), np.ones(9))

    assert found.told == {"difference": 0.0, "low": 0.0, "high": 0.0, "not_better": 1.0}


def test_the_interval_is_as_wide_as_theory_has_it() -> None:
    values = np.random.default_rng(1).normal(0.5, 1.0, 400)

    found = gain(np.zeros(400), values)

    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)


def test_questions_are_resampled_as_pairs() -> None:
    hard_and_easy = np.tile([0.0, 1.0], 200)

    found = gain(hard_and_easy, hard_and_easy + np.tile([0.01, 0.02], 200))

    assert found.high - found.low < 0.002


def test_the_same_numbers_give_the_same_interval() -> None:
    values = np.random.default_rng(2).normal(size=30)

    assert gain(np.zeros(30), values) == gain(np.zeros(30), values)


def test_columns_are_resampled_together() -> None:
    values = np.arange(20.0)

    means = resampled_means(np.column_stack([values, 2 * values]))

    assert means.shape == (10_000, 2)
    assert means[:, 1] == pytest.approx(2 * means[:, 0])


def test_one_question_tells_nothing_of_how_they_vary() -> None:
    with pytest.raises(ValueError, match="at least two"):
        gain(np.zeros(1), np.ones(1))


def test_a_strength_is_chosen_by_the_other_conversations_alone() -> None:
    finds = {"a": {1.0: 0.9, 2.0: 0.1}, "b": {1.0: 0.2, 2.0: 0.5}, "c": {1.0: 0.2, 2.0: 0.4}}

    def measure(strength: float, name: str, _: frozenset[str]) -> Floats:
        return np.full(3, finds[name][strength])

    chosen = chosen_elsewhere(measure, ["a", "b", "c"], [1.0, 2.0])

    # By all three 1 would be chosen for "a", too, which it finds most in.
    assert chosen == {"a": 2.0, "b": 1.0, "c": 1.0}


def test_questions_count_alike_however_long_their_conversation_is() -> None:
    def measure(strength: float, name: str, _: frozenset[str]) -> Floats:
        return np.full(9, strength) if name == "long" else np.full(1, -5 * strength)

    assert chosen_elsewhere(measure, ["short", "long", "other"], [1.0, 2.0])["other"] == 2.0


def test_of_equal_strengths_the_first_is_chosen() -> None:
    chosen = chosen_elsewhere(lambda *_: np.zeros(2), ["a", "b"], [3.0, 1.0, 2.0])

    assert chosen == {"a": 3.0, "b": 3.0}


def test_nothing_is_learned_where_it_is_measured_or_tried() -> None:
    seen: list[tuple[str, frozenset[str]]] = []

    def measure(_: float, name: str, left_out: frozenset[str]) -> Floats:
        seen.append((name, left_out))
        return np.zeros(2)

    chosen_elsewhere(measure, ["a", "b", "c"], [1.0])

    assert {left_out for _, left_out in seen} == {
        frozenset(pair) for pair in ({"a", "b"}, {"a", "c"}, {"b", "c"})
    }
    assert all(name in left_out for name, left_out in seen)


def test_without_an_extra_the_order_is_that_of_the_sums() -> None:
    assert alone(PLAIN, asked([0.2, 0.9, 0.5], 2), 0.0).tolist() == [False, True, False]


def test_decay_has_the_old_fall_behind() -> None:
    one = asked([0.6, 0.55], 1, ages=np.array([400.0, 0.0]))

    assert place(decay(PLAIN, one, 30.0)) == 0
    assert place(decay(PLAIN, one, 1_000_000.0)) == 1


def test_recency_is_added_to_what_was_said_just_now() -> None:
    one = asked([0.6, 0.55], 1, ages=np.array([400.0, 0.0]))

    assert place(recency(PLAIN, one, 2.0)) == 0
    assert place(recency(PLAIN, one, 0.1)) == 1


def test_diversity_takes_another_one_before_one_that_is_alike() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    one = asked([0.9, 0.8, 0.7], 2, vectors=vectors)

    assert place(diversity(PLAIN, one, 0.5)) == 1
    assert place(diversity(PLAIN, one, 0.0)) == 2


def test_near_duplicates_go_behind_all_others() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    one = asked([0.9, 0.8, 0.7], 2, vectors=vectors)

    assert place(no_near_duplicates(PLAIN, one, 0.75)) == 1
    assert place(no_near_duplicates(PLAIN, one, 0.85)) == 2


def test_the_graph_raises_what_it_has_a_relation_of() -> None:
    one = asked([0.9, 0.7], 1, support=np.array([0.0, 1.0]))

    assert place(graph(PLAIN, one, 0.9)) == 0
    assert place(graph(PLAIN, one, 0.0)) == 1


def test_the_graph_may_bring_candidates_of_its_own() -> None:
    one = asked([0.9], 1)
    backed = asked([0.9, 0.1], 1, support=np.array([0.0, 1.0]))

    with_graph = replace(one, backed=backed.case, support=backed.support)

    assert not alone(PLAIN, with_graph, 0.0).any()
    assert graph(PLAIN, with_graph, 0.5).any()


def test_a_reranker_is_added_to_the_best_or_has_its_own_order() -> None:
    one = asked([0.9, 0.8, 0.1], 2, reread=np.array([0.2, 0.1, 0.9]))

    assert place(reranker(PLAIN, one, 1.0)) == 2
    assert place(reranker(PLAIN, one, 8.0)) == 1
    assert place(reranker(PLAIN, one, math.inf)) == 0


def test_a_reranker_reads_only_the_best() -> None:
    values = [1.0 - row / 100 for row in range(40)]
    eager = np.arange(40.0)

    assert not reranker(PLAIN, asked(values, 35, reread=eager), math.inf).any()
    assert place(reranker(PLAIN, asked(values, 29, reread=eager), math.inf)) == 0


def made_up(seed: int, questions: int = 60) -> list[Asked]:
    """Return questions about three conversations where only MiniLM knows the evidence."""
    random = np.random.default_rng(seed)
    every = []
    for number in range(questions):
        rows = random.random((40, len(WEIGHTS)))
        is_evidence = np.arange(40) == random.integers(40)
        case = Case(f"{number % 3}", number % 6 > 0, rows, is_evidence, 1)
        known = is_evidence.astype(np.float64)
        plain = asked([0.0] * 40, 0)
        every.append(replace(plain, case=case, backed=case, reread=known, relations=number % 2))
    return every


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    ways = {"names_in_texts": made_up(3), "no_names_in_texts": made_up(4)}
    return measured(ways, Rankers([each for some in ways.values() for each in some]))


def test_only_what_helps_is_proven(told: dict[str, Any]) -> None:
    alone_, extras = told["alone"]["names_in_texts"], told["extras"]
    graph_, reranker_ = (extras[name]["ways"]["names_in_texts"] for name in ("graph", "reranker"))

    assert set(extras) == set(EXTRAS)
    assert {name for name, each in extras.items() if each["is_proven"]} == {"reranker"}
    assert alone_["questions"] == 50
    assert alone_["graph"] == {
        "named_something": 30,
        "supported_a_candidate": 0,
        "supported_evidence": 0,
    }
    assert graph_["questions_changed"] == 0
    assert reranker_["recall"]["10"] > alone_["recall"]["10"] + 0.2
    assert reranker_["recall"]["10"] == reranker_["strengths"]["inf"]["recall"]["10"]


def test_the_table_has_a_line_for_each_extra_and_way(told: dict[str, Any]) -> None:
    lines = table(told).splitlines()

    assert lines[0] == "|  | @5 | @10 | @20 | difference @10 | not better | as it is |"
    assert lines[2].startswith("| **names in texts** | 0.")
    assert len(lines) == 2 + 2 * (1 + len(EXTRAS))
    assert {line.count("|") for line in lines} == {8}
