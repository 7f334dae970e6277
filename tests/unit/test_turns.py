"""Where the memories of a subject stand, as arrays in memory."""

import numpy as np

from recollect.adapters.local.documents import StoredTraits
from recollect.adapters.local.turns import Turns
from recollect.domain.evidence import NO_TURN, NOBODY
from recollect.testing.builders import a_scope

ADA, RUN = a_scope("acme", user="ada"), a_scope("acme", user="ada", run="r1")


def said(turn: int | None, speaker: str | None = None) -> StoredTraits:
    return StoredTraits(turn, 10.0, speaker, asks=turn == 1, tells_time=False)


def some_turns() -> Turns:
    turns = Turns()
    turns.extend([ADA] * 4, [said(0, "Mia"), said(1, "Zoe"), said(2), said(3, "Mia")])
    turns.extend([RUN, ADA, ADA], [said(2, "Ben"), said(None), said(9)])
    return turns


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.intp)


def test_two_turns_on_both_sides_are_around() -> None:
    living = np.ones(7, dtype=np.bool_)

    assert some_turns().around(rows(0), living).tolist() == [0, 1, 2]
    assert some_turns().around(rows(3), living).tolist() == [1, 2, 3]
    assert some_turns().around(rows(4, 5, 6), living).tolist() == [4, 5, 6]
    assert some_turns().around(rows(), living).tolist() == []


def test_what_is_dead_is_around_nothing() -> None:
    living = np.array([True, False, True, True, True, True, True])

    assert some_turns().around(rows(0), living).tolist() == [0, 2]


def test_new_rows_are_around_at_once_and_the_dead_when_the_order_is_forgotten() -> None:
    turns, living = some_turns(), np.ones(8, dtype=np.bool_)
    turns.around(rows(3), living[:7])

    turns.extend([ADA], [said(4)])
    assert turns.around(rows(3), living).tolist() == [1, 2, 3, 7]

    living[7] = False
    turns.forget_order()
    assert turns.around(rows(3), living).tolist() == [1, 2, 3]


def test_rows_tell_their_scopes_turns_and_speakers() -> None:
    columns = some_turns().columns(rows(1, 4, 5))

    assert columns["turns"].tolist() == [1, 2, NO_TURN]
    assert columns["has_run"].tolist() == [False, True, False]
    assert columns["asks"].tolist() == [True, False, False]
    assert columns["scopes"][0] == columns["scopes"][2] != columns["scopes"][1]
    assert columns["names"] == ("Zoe", "Ben")
    assert columns["speakers"].tolist() == [0, 1, NOBODY]


def test_nobody_speaks_in_no_rows() -> None:
    columns = some_turns().columns(rows())

    assert columns["names"] == ()
    assert columns["speakers"].tolist() == []
