"""Which rows of a subject's arrays match a filter, reading from the file only what is needed."""

import json
import sqlite3
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from recollect.adapters.local.growing import Mask, Rows
from recollect.adapters.local.resident import Facet, Resident
from recollect.adapters.stored import load, load_memory
from recollect.domain.filters import Filter
from recollect.domain.memory import Memory


class Sieve:
    """Decides the rows of one search, each at most once.

    Filters that look at nothing but subjects and expiry, or fail by these alone, are decided
    once for all memories that have them in common, without reading any.
    """

    def __init__(self, matching: Filter, project: str, connection: sqlite3.Connection) -> None:
        self._matching = matching
        self._project = project
        self._connection = connection
        # By identity: telling whether two are equal takes longer than judging one.
        self._by_facet: dict[int, bool | None] = {}
        self._by_number: dict[int, bool] = {}

    def passes(self, resident: Resident, rows: Rows) -> Mask:
        """Tell for each row whether its memory matches."""
        codes = resident.facet_codes[rows].tolist()
        by_code = {code: self._judge_facet(resident.facets[code]) for code in set(codes)}
        verdicts = [by_code[code] for code in codes]
        passed = np.array([verdict is True for verdict in verdicts], dtype=np.bool_)
        if None in by_code.values():
            is_open = np.array([verdict is None for verdict in verdicts], dtype=np.bool_)
            passed[is_open] = self._judge_bodies(resident.numbers[rows[is_open]])
        return passed

    def _judge_facet(self, facet: Facet) -> bool | None:
        if id(facet) not in self._by_facet:
            self._by_facet[id(facet)] = self._guess(facet)
        return self._by_facet[id(facet)]

    def _guess(self, facet: Facet) -> bool | None:
        try:
            return self._matching.matches(cast("Memory", _Outline(facet)))
        except _NotKnownError:
            return None

    def _judge_bodies(self, numbers: NDArray[np.int64]) -> list[bool]:
        asked = numbers.tolist()
        unknown = [number for number in asked if number not in self._by_number]
        bodies = self._connection.execute(
            "SELECT number, body FROM index_documents"
            " WHERE number IN (SELECT value FROM json_each(?)) AND NOT is_removed",
            (json.dumps(unknown),),
        )
        for number, body in bodies:
            memory = load_memory(self._project, load(body), None)
            self._by_number[number] = self._matching.matches(memory)
        return [self._by_number.get(number, False) for number in asked]


class _NotKnownError(Exception):
    """A filter asked for more than a facet has."""


class _Outline:
    """Stands in for the memories of a facet; raises when it is asked for anything else."""

    is_expired = Memory.is_expired

    def __init__(self, facet: Facet) -> None:
        self.scope = facet.scope
        self.expires_on = facet.expires_on

    def __getattr__(self, name: str) -> NoReturn:
        raise _NotKnownError(name)
