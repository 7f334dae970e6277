"""How well memories answer a question."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from recollect.domain.evidence import Evidence
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.ranking import TermStatistics
from recollect.domain.relevance import (
    GRAPH_WEIGHT,
    NO_ANSWER,
    WEIGHTS,
    Ranked,
    components,
    ranked,
    scores_of,
)
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector

SCOPE = a_scope("acme", user="ada")


def said(turn: int, text: str, **more: Any) -> Memory:  # noqa: ANN401 - whatever a Memory has
    return a_memory(SCOPE, text, id=f"m{turn}", turn=turn, **more)


def asked(
    question: str,
    *memories: Memory,
    support: Mapping[str, float] | None = None,
    silent: tuple[str, ...] = (),
) -> list[Ranked]:
    wanted = Question.of(question, a_vector(1, 0), NOON + timedelta(days=30))
    may_answer = [memory.id not in silent for memory in memories]
    evidence = Evidence.of(wanted, memories, "test", may_answer)
    frequencies = dict.fromkeys(wanted.terms, 1)
    statistics = TermStatistics(len(memories), 3.0, frequencies)
    return list(ranked(wanted, evidence, statistics, support or {}))


def order(best: list[Ranked]) -> list[str]:
    return [each.memory_id for each in best]


def part(best: list[Ranked], memory_id: str, name: str) -> float:
    [found] = [each for each in best if each.memory_id == memory_id]
    return found.relevance().components[name]


def test_the_words_of_a_question_are_found() -> None:
    best = asked("sailing in Lisbon", said(0, "I like tea"), said(9, "sailing off Lisbon"))

    assert order(best) == ["m9", "m0"]
    assert part(best, "m9", "nearby_words") == pytest.approx(1.0)
    assert part(best, "m0", "keyword") == 0.0


def test_a_near_vector_is_found_without_a_word() -> None:
    best = asked("boats", said(0, "tea", vector=[0, 1]), said(9, "yachts", vector=[1, 0.1]))

    assert order(best) == ["m9", "m0"]
    assert part(best, "m9", "semantic") == pytest.approx(0.995, abs=0.001)


def test_an_answer_is_found_by_the_question_before_it() -> None:
    best = asked(
        "when did Mia go sailing?",
        said(0, "Did you go sailing with Mia?"),
        said(1, "Yes, last Friday!"),
        said(9, "It was nice last Friday"),
    )

    assert order(best).index("m1") < order(best).index("m9")
    assert part(best, "m1", "reply") == pytest.approx(1.0)
    assert part(best, "m1", "nearby_words") == pytest.approx(0.85)
    assert part(best, "m9", "reply") == 0.0


def test_whoever_the_question_names_is_preferred() -> None:
    best = asked(
        "what does Mia drink",
        said(0, "I drink tea", actor="Zoe"),
        said(9, "I drink tea", actor="Mia Olsen"),
    )

    assert order(best) == ["m9", "m0"]
    assert part(best, "m9", "speaker") == 1.0
    assert part(best, "m0", "speaker") == 0.0


def test_a_time_is_preferred_where_one_is_asked_for() -> None:
    texts = (said(0, "we moved, at last"), said(9, "we moved last Friday"))

    assert part(asked("when did we move?", *texts), "m9", "time") == 1.0
    assert part(asked("who moved?", *texts), "m9", "time") == 0.0


def test_what_was_said_at_the_asked_time_is_preferred() -> None:
    best = asked(
        "what did we drink in March 2026",
        said(0, "we drink tea", created_at=NOON - timedelta(days=400)),
        said(9, "we drink tea", created_at=NOON),
    )

    assert order(best) == ["m9", "m0"]
    assert part(best, "m9", "asked_time") == 1.0
    assert part(best, "m0", "asked_time") < 0.1


def test_without_a_time_to_see_it_from_no_date_is_understood() -> None:
    question = Question.of("in March 2026", a_vector(1, 0))

    assert question.nearness(np.array([NOON.timestamp()])).tolist() == [0.0]


def test_the_graph_raises_what_supports_its_answer() -> None:
    texts = (said(0, "I like tea"), said(9, "I like tea"))

    plain = asked("tea", *texts)
    best = asked("tea", *texts, support={"m9": 1.0})

    assert order(plain) == ["m0", "m9"]
    assert order(best) == ["m9", "m0"]
    before = plain[1].score
    assert best[0].score == pytest.approx(before + GRAPH_WEIGHT * (1 - before))
    assert best[0].relevance().graph == 1.0


def test_what_may_not_answer_is_evidence_for_others() -> None:
    best = asked("sailing", said(0, "sailing?"), said(1, "Yes!"), silent=("m0",))

    assert order(best) == ["m1"]
    assert part(best, "m1", "reply") == pytest.approx(1.0)


def test_ties_are_in_the_order_they_were_said_and_then_by_id() -> None:
    twins = [
        a_memory(SCOPE, "tea", id=name, created_at=NOON + timedelta(minutes=minutes))
        for name, minutes in [("c", 1), ("b", 0), ("a", 1)]
    ]

    assert order(asked("tea", *twins)) == ["b", "a", "c"]


def test_a_score_fades() -> None:
    [found] = asked("tea", said(0, "tea"))

    faded = found.faded(0.5).relevance()

    assert faded.score == pytest.approx(found.score / 2)
    assert faded.decay == 0.5
    assert found.faded(100.0).score == 1.0


def test_scores_are_powers_of_probabilities() -> None:
    columns = {name: np.array([0.0, 0.0]) for name in WEIGHTS}
    columns["semantic"] = np.array([NO_ANSWER / WEIGHTS["semantic"], 0.0])

    scores = scores_of(columns)

    none = 1 / (2 + np.exp(-NO_ANSWER))
    assert scores[0] == pytest.approx(none**0.22, abs=1e-6)
    assert 0 < scores[1] < 0.08
    assert scores_of({name: np.zeros(0) for name in WEIGHTS}).tolist() == []


def test_every_component_is_weighed() -> None:
    question = Question.of("tea", a_vector(1, 0))
    evidence = Evidence.of(question, [said(0, "tea")], "test", [True])

    assert components(question, evidence, TermStatistics()).keys() == WEIGHTS.keys()


def test_the_weights_are_not_so_large_that_numbers_overflow() -> None:
    columns = {name: np.array([1.0, 500.0]) for name in WEIGHTS}

    assert scores_of(columns).tolist() == [0.0, 1.0]
