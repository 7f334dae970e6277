"""Where the memories of a subject stand in their conversations, as arrays in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recollect.adapters.local.documents import StoredTraits
from recollect.adapters.local.growing import Growing, Mask, Rows
from recollect.domain.evidence import NO_TURN, NOBODY, is_one_run, scope_number
from recollect.domain.subjects import Scope
from recollect.domain.surroundings import NEIGHBOURS

TURN_BITS = 40
"""No scope has so many turns that their numbers need more."""
NAME_BYTES = 250
"""What a speaker or a scope takes, in CPython 3.11."""


class Turns:
    """The scopes, turns, times, speakers and marks of the rows of a subject."""

    def __init__(self) -> None:
        self._places = Growing(np.int64)
        self._times = Growing(np.float64)
        self._speakers = Growing(np.int32)
        self._asks = Growing(np.bool_)
        self._tells_time = Growing(np.bool_)
        self._scope_numbers = Growing(np.int64)
        self._has_run = Growing(np.bool_)
        self._scopes: dict[str, int] = {}
        self._names: list[str] = []
        self._name_codes: dict[str, int] = {}
        self._index: tuple[NDArray[np.int64], Rows] | None = None

    @property
    def size_in_bytes(self) -> int:
        """About what it all takes in memory."""
        columns = (self._places, self._times, self._speakers, self._asks, self._tells_time)
        of_scopes = (self._scope_numbers, self._has_run)
        index = sum(each.nbytes for each in self._index or ())
        names = NAME_BYTES * (len(self._scopes) + len(self._names))
        return index + names + sum(each.size_in_bytes for each in (*columns, *of_scopes))

    def extend(self, scopes: Sequence[Scope], traits: Sequence[StoredTraits]) -> None:
        """Append rows."""
        codes = np.array([self._code(scope) for scope in scopes], dtype=np.int64)
        turns = np.array([-1 if each.turn is None else each.turn for each in traits], np.int64)
        self._places.extend(np.where(turns < 0, ~codes, (codes << TURN_BITS) + turns))
        self._times.extend(np.array([each.said_at for each in traits], np.float64))
        self._speakers.extend(np.array([self._speaker(each.speaker) for each in traits], np.int32))
        self._asks.extend(np.array([each.asks for each in traits], np.bool_))
        self._tells_time.extend(np.array([each.tells_time for each in traits], np.bool_))
        self.forget_order()

    def forget_order(self) -> None:
        """Have the turns put in order anew, since rows came or are dead."""
        self._index = None

    def around(self, rows: Rows, living: Mask) -> Rows:
        """Return these rows, and those of the turns around them, in ascending order."""
        numbers, ordered = self._ordered(living)
        own = self._places.items[rows]
        own = own[own >= 0]
        wanted = np.unique(own[:, np.newaxis] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1))
        first = np.searchsorted(numbers, wanted)
        is_there = np.append(numbers, -1)[first] == wanted
        return np.union1d(rows, ordered[first[is_there]])

    def columns(self, rows: Rows) -> dict[str, Any]:
        """Return what `Evidence` wants to know of rows, by its names."""
        places = self._places.items[rows]
        is_turn = places >= 0
        codes = np.where(is_turn, places >> TURN_BITS, ~places)
        turn_mask = (1 << TURN_BITS) - 1
        speakers = self._speakers.items[rows]
        # Only who speaks here: a whole project may have thousands.
        named = np.unique(speakers[speakers != NOBODY])
        return {
            "scopes": self._scope_numbers.items[codes],
            "has_run": self._has_run.items[codes],
            "turns": np.where(is_turn, places & turn_mask, NO_TURN),
            "times": self._times.items[rows],
            "speakers": np.where(speakers == NOBODY, NOBODY, np.searchsorted(named, speakers)),
            "asks": self._asks.items[rows],
            "tells_time": self._tells_time.items[rows],
            "names": tuple(self._names[code] for code in named.tolist()),
        }

    def _ordered(self, living: Mask) -> tuple[NDArray[np.int64], Rows]:
        """Return the places of all living turns in ascending order, and the rows they are in."""
        if self._index is None:
            rows = np.flatnonzero(living & (self._places.items >= 0))
            places = self._places.items[rows]
            # They come nearly in order, which this way of sorting makes use of.
            order = np.argsort(places, kind="stable")
            self._index = places[order], rows[order]
        return self._index

    def _code(self, scope: Scope) -> int:
        code = self._scopes.get(scope.key)
        if code is None:
            code = self._scopes[scope.key] = len(self._scopes)
            self._scope_numbers.extend(np.array([scope_number(scope)], np.int64))
            self._has_run.extend(np.array([is_one_run(scope)], np.bool_))
        return code

    def _speaker(self, name: str | None) -> int:
        if name is None:
            return NOBODY
        if name not in self._name_codes:
            self._name_codes[name] = len(self._names)
            self._names.append(name)
        return self._name_codes[name]
