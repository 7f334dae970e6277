"""Where memories stand in their conversations: sessions, and the turns around each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recollect.domain.evidence import NO_TURN, Evidence
from recollect.domain.ranking import Counts, Floats, Mask, counted
from recollect.domain.traits import traits_of

NEIGHBOURS = 2
"""Turns before and after each candidate that are looked up."""
REACH = 4
"""Turns before and after that are evidence, as far as they are known: more than `NEIGHBOURS` where
candidates are close together."""
FADING = 0.85
"""What the evidence of a neighbour is worth for each turn that lies between."""
LONGEST_PAUSE = 1_800.0
"""Seconds; turns that are further apart begin a new session, in scopes that are not one run."""
_BEFORE = tuple(range(-1, -REACH - 1, -1))
_OFFSETS = (*_BEFORE, *(-offset for offset in _BEFORE))
_WORTH = FADING ** np.abs(np.array(_OFFSETS, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Surroundings:
    """For each memory its session, and where its neighbours in it are.

    `sessions` are numbers from 0. `around` has the rows of the `REACH` turns before, the nearest
    first, and then of as many after; -1 where a turn is not known, or of another session.
    """

    sessions: Counts
    around: NDArray[np.intp]

    @classmethod
    def of(cls, evidence: Evidence) -> "Surroundings":
        """Return what surrounds each memory of the evidence."""
        order = np.lexsort((evidence.turns, evidence.scopes))
        sessions = np.empty(len(evidence), dtype=np.int64)
        sessions[order] = np.cumsum(_begins(evidence, order)) - 1
        # No session has turns of 2^40, so that no two have a number in common.
        numbers = (sessions << 40) + evidence.turns
        ordered = numbers[order]
        wanted = numbers[:, np.newaxis] + np.array(_OFFSETS)
        found = order[np.minimum(np.searchsorted(ordered, wanted), len(evidence) - 1)]
        is_turn = evidence.turns != NO_TURN
        is_there = (numbers[found] == wanted) & is_turn[found] & is_turn[:, np.newaxis]
        return cls(sessions, np.where(is_there, found, -1))

    def most(self, values: Floats) -> Floats:
        """Return the best of the neighbours' values, each faded by its distance; at least 0.

        `values` have a row for each memory, and may have columns.
        """
        padded = np.concatenate([values, np.zeros((1, *values.shape[1:]))])
        worth = _WORTH.reshape(1, -1, *(1 for _ in values.shape[1:]))
        best: Floats = (padded[self.around] * worth).max(axis=1)
        return np.maximum(best, 0.0)

    def before(self, values: Floats) -> Floats:
        """Return the value of the turn just before each memory; 0 where that is not known."""
        return np.append(values, 0.0)[self.around[:, 0]]

    def of_session(self, values: Floats) -> Floats:
        """Return for each memory the largest of each column in its session."""
        largest = np.full((int(self.sessions.max(initial=-1)) + 1, *values.shape[1:]), -np.inf)
        np.maximum.at(largest, self.sessions, values)
        return largest[self.sessions]


def words_around(asked: Sequence[str], texts: Sequence[str], place: int) -> Floats:
    """Return how near to the text at the place each of the asked terms is said, of 0 to 1.

    1 if the text has it, and less for each text that lies between.
    """
    worth = FADING ** np.abs(np.arange(len(texts)) - place)
    has = counted(asked, [traits_of(text).counts for text in texts]) > 0
    nearest: Floats = (has * worth[:, np.newaxis]).max(axis=0, initial=0.0)
    return nearest


def _begins(evidence: Evidence, order: NDArray[np.intp]) -> Mask:
    """Tell of memories in this order where a session begins."""
    scopes, turns, times = (
        each[order] for each in (evidence.scopes, evidence.turns, evidence.times)
    )
    begins = np.ones(len(order), dtype=np.bool_)
    is_same_scope = scopes[1:] == scopes[:-1]
    is_close = (np.diff(times) <= LONGEST_PAUSE) & (turns[:-1] != NO_TURN)
    begins[1:] = ~(is_same_scope & (evidence.has_run[order][1:] | is_close))
    return begins
