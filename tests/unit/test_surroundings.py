"""Where memories stand in their conversations."""

from datetime import timedelta

import numpy as np
import pytest

from recollect.domain.evidence import Evidence
from recollect.domain.memory import Memory
from recollect.domain.questions import Question
from recollect.domain.subjects import Scope
from recollect.domain.surroundings import FADING, REACH, Surroundings
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector

SCOPE = a_scope("acme", user="ada")
RUN = a_scope("acme", user="ada", run="r1")
NOTHING = Question(a_vector(1, 0), ())


def said(turn: int | None, minutes: int = 0, scope: Scope = SCOPE) -> Memory:
    return a_memory(scope, turn=turn, created_at=NOON + timedelta(minutes=minutes))


def surrounding(*memories: Memory) -> Surroundings:
    evidence = Evidence.of(NOTHING, memories, "test", [True] * len(memories))
    return Surroundings.of(evidence)


def sessions(*memories: Memory) -> list[set[int]]:
    numbers = surrounding(*memories).sessions.tolist()
    return [{at for at, each in enumerate(numbers) if each == number} for number in set(numbers)]


def test_a_long_pause_begins_a_session() -> None:
    turns = [said(0), said(1, 30), said(2, 61), said(3, 62)]

    assert sessions(*turns) == [{0, 1}, {2, 3}]


def test_a_run_is_one_session_whatever_the_pauses() -> None:
    turns = [said(0, 0, RUN), said(1, 600, RUN), said(None, 9_000, RUN)]

    assert sessions(*turns) == [{0, 1, 2}]


def test_scopes_share_no_session() -> None:
    assert len(sessions(said(0), said(1, 0, RUN), said(2), said(3, 0, RUN))) == 2


def test_what_is_no_turn_is_alone_without_a_run() -> None:
    assert len(sessions(said(None), said(None), said(0))) == 3


def test_sessions_do_not_depend_on_the_order() -> None:
    turns = [said(3, 62), said(0), said(2, 61), said(1, 30)]

    assert sessions(*turns) == [{1, 3}, {0, 2}]


def test_neighbours_fade_with_their_distance() -> None:
    around = surrounding(*(said(turn) for turn in range(8)))

    most = around.most(np.array([1.0, 0, 0, 0, 0, 0, 0, 0]))

    expected = [0.0, *(FADING**distance for distance in range(1, REACH + 1)), 0, 0, 0]
    assert most.tolist() == pytest.approx(expected)


def test_each_column_has_the_best_neighbour_of_its_own() -> None:
    around = surrounding(said(0), said(1), said(2))

    most = around.most(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.5]]))

    assert most[1].tolist() == pytest.approx([FADING, FADING / 2])


def test_neighbours_are_of_the_same_session_and_by_the_number_of_their_turn() -> None:
    around = surrounding(said(5), said(7), said(8, 100), said(None), said(6, 0, RUN))

    most = around.most(np.ones(5))

    assert most.tolist() == pytest.approx([FADING**2, FADING**2, 0, 0, 0])


def test_the_turn_before() -> None:
    around = surrounding(said(1), said(0), said(3))

    assert around.before(np.array([0.25, 0.5, 1.0])).tolist() == [0.5, 0.0, 0.0]


def test_a_session_has_the_best_of_its_turns_in_each_column() -> None:
    around = surrounding(said(0), said(1), said(2, 90))

    best = around.of_session(np.array([[1.0, 0.0], [0.5, 0.75], [0.25, 0.25]]))

    assert best.tolist() == [[1.0, 0.75], [1.0, 0.75], [0.25, 0.25]]


def test_nothing_surrounds_nothing() -> None:
    around = surrounding()

    assert around.most(np.zeros(0)).tolist() == []
    assert around.of_session(np.zeros((0, 2))).tolist() == []
