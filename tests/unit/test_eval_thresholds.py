"""The measuring of thresholds: how far their precision differs, and how far it does by chance."""

import numpy as np
import pytest

from evals import extras_thresholds
from evals.extras_orders import Ranker
from evals.extras_thresholds import Best, logistic
from evals.ranking import Case
from recollect.domain.relevance import EVENNESS, WEIGHTS


def made_up(seed: int, questions: int) -> list[Case]:
    """Return questions about three conversations; most evidence is better than most else."""
    random = np.random.default_rng(seed)
    cases = []
    for number in range(questions):
        is_evidence = np.arange(40) == random.integers(40)
        rows = random.random((40, len(WEIGHTS))) + 0.4 * is_evidence[:, np.newaxis]
        cases.append(Case(f"{number % 3}", number % 6 > 0, rows, is_evidence, 1))
    return cases


def a_best(conversations: int, questions: int, seed: int, chances: list[float]) -> Best:
    """Return questions whose best memories are right with a probability of their conversation."""
    random = np.random.default_rng(seed)
    names = np.repeat([f"{each}" for each in range(conversations)], questions)
    is_right = random.random(len(names)) < np.repeat(chances, questions)
    return Best(random.random(len(names)), is_right, names)


def test_a_gap_is_to_the_other_conversations() -> None:
    best = Best(
        np.array([0.9, 0.9, 0.2, 0.9, 0.9]),
        np.array([True, False, True, True, True]),
        np.array(["a", "a", "a", "b", "b"]),
    )

    assert best.gaps(0.5, best.conversations) == {"a": -0.5, "b": 0.5}
    assert best.gaps(0.1, best.conversations) == pytest.approx({"a": -1 / 3, "b": 1 / 3})
    assert best.largest(best.conversations)[2] == 0.5


def test_a_threshold_that_one_conversation_alone_reaches_has_no_gap() -> None:
    best = Best(np.array([0.9, 0.1]), np.array([True, False]), np.array(["a", "b"]))

    assert best.gaps(0.5, best.conversations) == {}
    assert best.largest(best.conversations)[3] == 0.0


def test_gaps_of_conversations_that_are_alike_are_as_large_by_chance() -> None:
    alike = a_best(5, 150, 5, [0.4] * 5)
    unlike = a_best(5, 150, 5, [0.1, 0.4, 0.4, 0.4, 0.8])

    chances = {
        name: (best.by_chance()[:, 0] >= best.largest(best.conversations)[0]).mean()
        for name, best in (("alike", alike), ("unlike", unlike))
    }

    assert chances["alike"] > 0.05
    assert chances["unlike"] == 0.0


def test_a_logistic_fit_finds_what_made_the_outcomes() -> None:
    random = np.random.default_rng(6)
    values = random.normal(3.0, 2.0, 20_000)
    outcomes = random.random(20_000) < 1 / (1 + np.exp(-(0.7 * values - 2.0)))

    assert logistic(values, outcomes) == pytest.approx((0.7, -2.0), abs=0.08)


def test_thresholds_are_told_of_each_way_of_scoring() -> None:
    cases = made_up(7, questions=90)
    learned_once = Ranker(np.linspace(0.1, 1.0, len(WEIGHTS)), 5.0)

    told = extras_thresholds.told(cases, lambda _: learned_once)

    assert set(told) == {"score", "platt", "answered"}
    assert told["score"]["separation"] > 0.5
    lowest = told["score"]["thresholds"]["0.1"]
    assert lowest["reached"] == 90
    assert 0.3 < lowest["precision"] < 0.85
    assert set(lowest["conversations"]) == {"0", "1", "2"}
    for each in lowest["conversations"].values():
        assert each["low"] <= each["gap"] <= each["high"]
        assert each["reached"] == 30


def test_a_score_leaves_out_the_conversation_that_it_is_of() -> None:
    cases = made_up(8, questions=12)
    asked_for: list[frozenset[str]] = []

    def without(left_out: frozenset[str]) -> Ranker:
        asked_for.append(left_out)
        return Ranker(np.ones(len(WEIGHTS)), 5.0)

    best = extras_thresholds.scored(cases, without)["score"]

    assert asked_for == [frozenset({case.conversation}) for case in cases]
    first = int(cases[1].rows.sum(axis=1).argmax())
    assert bool(best.is_right[1]) == bool(cases[1].is_evidence[first])
    odds = np.exp(cases[1].rows.sum(axis=1))
    assert best.scores[1] ** (1 / EVENNESS) == pytest.approx(
        odds.max() / (odds.sum() + np.exp(5.0))
    )
