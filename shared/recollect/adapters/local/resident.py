"""What one subject holds, as arrays in memory that follow the file by its change numbers."""

import json
import sqlite3
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recollect.adapters.local.documents import StoredTraits, load_scope
from recollect.adapters.local.growing import Growing, Mask, Ranking, Rows
from recollect.adapters.local.turns import Turns
from recollect.adapters.local.vector_tables import VectorTables
from recollect.domain.evidence import Evidence
from recollect.domain.memory import Vector
from recollect.domain.ranking import TermStatistics, term_weights
from recollect.domain.subjects import Scope

Posting = tuple[Rows, NDArray[np.int64]]
"""The rows that have a term, in ascending order, and how often."""

MAX_DEAD_SHARE = 0.25
"""Of the rows, superseded or removed ones; with more than this the arrays are read anew, which a
subject pays once in a third as many changes as it has memories."""
ROWS_AT_ONCE = 2_000
"""How many rows are read between two extensions of the arrays."""

# What Python objects take in CPython 3.11, rounded up; a test compares the sum with reality.
RESIDENT_BYTES = 6_000
ID_BYTES = 100
FACET_BYTES = 1_200
TERM_BYTES = 260
POSTING_BYTES = 9


@dataclass(frozen=True)
class Facet:
    """What filters may know of a memory without its body; many memories share one."""

    scope: Scope
    expires_on: date | None


class Resident:
    """The memories of one subject of a project, a row each; hold `lock` to use it.

    A change of a memory appends a row and marks the older one as dead.
    """

    def __init__(self, project: str, subject_key: str) -> None:
        self.project = project
        self.subject_key = subject_key
        self.lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self.ids: list[str] = []
        self.facets: list[Facet] = []
        self._numbers = Growing(np.int64)
        self._alive = Growing(np.bool_)
        self._facet_codes = Growing(np.int32)
        self._lengths = Growing(np.int32)
        self._turns = Turns()
        self._vectors = VectorTables()
        self._postings: dict[str, array[int]] = {}
        self._codes: dict[tuple[str, int | None], int] = {}
        self._posting_count = 0
        self._last_seq = 0
        self._is_whole = True

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The document number of each row."""
        return self._numbers.items

    @property
    def alive(self) -> Mask:
        """Which rows are neither superseded nor removed."""
        return self._alive.items

    @property
    def facet_codes(self) -> NDArray[np.int32]:
        """The place of each row's facet in `facets`."""
        return self._facet_codes.items

    @property
    def size_in_bytes(self) -> int:
        """About what it all takes in memory."""
        columns = [self._numbers, self._alive, self._facet_codes, self._lengths]
        return (
            RESIDENT_BYTES
            + sum(column.size_in_bytes for column in columns)
            + self._turns.size_in_bytes
            + self._vectors.size_in_bytes
            + ID_BYTES * len(self.ids)
            + FACET_BYTES * len(self.facets)
            + TERM_BYTES * len(self._postings)
            + POSTING_BYTES * self._posting_count
        )

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Take in what has changed in the file since the last time."""
        if not self._is_whole:
            self._clear()
        (newest,) = connection.execute(
            "SELECT max(seq) FROM index_members WHERE project = ? AND subject = ?",
            (self.project, self.subject_key),
        ).fetchone()
        if newest is None or newest <= self._last_seq:
            return
        self._is_whole = False
        self._load(connection)
        if len(self.ids) - np.count_nonzero(self.alive) > MAX_DEAD_SHARE * len(self.ids):
            self._clear()
            self._load(connection)
        self._last_seq = newest
        self._is_whole = True

    def cosines(self, vectors: Sequence[Vector]) -> list[Ranking]:
        """Return for each vector the cosines of all rows that have one of these dimensions."""
        return self._vectors.cosines(vectors)

    def postings(self, terms: Iterable[str]) -> dict[str, Posting]:
        """Return the rows of each term."""
        return {term: self._rows_with(term) for term in terms}

    def best_worded(
        self, postings: Mapping[str, Posting], statistics: TermStatistics, counted: Mask
    ) -> Ranking:
        """Return the BM25 sums of the counted rows that have one of the terms."""
        sums = np.zeros(len(self.ids))
        for term, (rows, counts) in postings.items():
            sums[rows] += term_weights(term, counts, self._lengths.items[rows], statistics)
        rows = np.flatnonzero((sums > 0) & counted)
        return rows, sums[rows]

    def around(self, rows: Rows) -> Rows:
        """Return these living rows, and those of the turns around them, in ascending order."""
        return self._turns.around(rows, self.alive)

    def evidence(
        self, rows: Rows, postings: Mapping[str, Posting], dimensions: int, may_answer: Mask
    ) -> Evidence:
        """Return what rows, in ascending order, are ranked by.

        With a column of counts for each term of the postings, and vectors of these dimensions.
        """
        return Evidence(
            ids=np.array([self.ids[row] for row in rows.tolist()], dtype=object),
            may_answer=may_answer,
            vectors=self._vectors.of(rows, dimensions),
            counts=np.column_stack(
                [np.empty((len(rows), 0), np.int64)]
                + [_values(*each, rows)[:, np.newaxis] for each in postings.values()]
            ),
            lengths=self._lengths.items[rows].astype(np.int64),
            origins=np.zeros((len(rows), len(postings))),
            **self._turns.columns(rows),
        )

    def total_length(self, counted: Mask) -> int:
        """Return how many terms the counted rows have together."""
        return int(self._lengths.items.sum(where=counted, dtype=np.int64))

    def _rows_with(self, term: str) -> Posting:
        posting = self._postings.get(term)
        if posting is None:
            return np.empty(0, np.intp), np.empty(0, np.int64)
        # A copy, since an array that is looked into cannot grow.
        pairs = np.array(posting, dtype=np.intp)
        return pairs[::2], pairs[1::2]

    def _load(self, connection: sqlite3.Connection) -> None:
        room = 0 if self.ids else self._living(connection)
        documents = connection.execute(
            "SELECT number, memory_id, is_removed, scope, last_day, terms, vector,"
            " traits"
            " FROM index_members AS member JOIN index_documents USING (number)"
            " WHERE member.project = ? AND member.subject = ? AND member.seq > ?",
            (self.project, self.subject_key, self._last_seq),
        )
        known = len(self.ids)
        while batch := documents.fetchmany(ROWS_AT_ONCE):
            if known:
                self._bury(known, [document["number"] for document in batch])
            self._append([document for document in batch if not document["is_removed"]], room)

    def _living(self, connection: sqlite3.Connection) -> int:
        """Return how many memories the file has, so that arrays are made once for all of them."""
        (living,) = connection.execute(
            "SELECT count(*) FROM index_members AS member JOIN index_documents USING (number)"
            " WHERE member.project = ? AND member.subject = ? AND NOT is_removed",
            (self.project, self.subject_key),
        ).fetchone()
        return int(living)

    def _bury(self, known: int, changed: list[int]) -> None:
        self.alive[:known][np.isin(self.numbers[:known], changed)] = False
        self._turns.forget_order()

    def _append(self, documents: Sequence[sqlite3.Row], room: int) -> None:
        first = len(self.ids)
        texts = [document["terms"].split() for document in documents]
        self.ids.extend(document["memory_id"] for document in documents)
        self._numbers.extend(np.array([document["number"] for document in documents], np.int64))
        self._alive.extend(np.ones(len(documents), dtype=np.bool_))
        self._facet_codes.extend(np.array([self._code(row) for row in documents], np.int32))
        self._lengths.extend(np.array([len(text) for text in texts], np.int32))
        scopes = [self.facets[code].scope for code in self.facet_codes[first:].tolist()]
        # As one document: parsing thousands of short ones takes three times as long.
        traits = json.loads(f"[{','.join(document['traits'] for document in documents)}]")
        self._turns.extend(scopes, [StoredTraits(*each) for each in traits])
        self._post(first, texts)
        blobs = [(row, document["vector"]) for row, document in enumerate(documents, start=first)]
        self._vectors.extend(blobs, room)

    def _post(self, first: int, texts: Sequence[Sequence[str]]) -> None:
        """Note the terms of the rows from `first` on."""
        codes = defaultdict[str, int](count().__next__)
        terms = np.array([codes[term] for text in texts for term in text], dtype=np.int64)
        rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
        # By term, in the order of their codes, and by row.
        places, counts = np.unique(terms * len(texts) + rows, return_counts=True)
        of_terms, of_rows = np.divmod(places, len(texts))
        pairs = np.column_stack([of_rows + first, counts]).astype(np.uintc)
        ends = np.searchsorted(of_terms, np.arange(len(codes)), side="right").tolist()
        for term, start, end in zip(codes, [0, *ends], ends, strict=False):
            posting = self._postings.get(term)
            if posting is None:
                posting = self._postings[term] = array("I")
            posting.frombytes(pairs[start:end].tobytes())
        self._posting_count += len(pairs)

    def _code(self, document: sqlite3.Row) -> int:
        scope, last_day = document["scope"], document["last_day"]
        code = self._codes.get((scope, last_day))
        if code is None:
            code = self._codes[scope, last_day] = len(self.facets)
            expires_on = None if last_day is None else date.fromordinal(last_day)
            self.facets.append(Facet(load_scope(self.project, scope), expires_on))
        return code


def _values(rows: Rows, values: NDArray[Any], wanted: Rows) -> NDArray[Any]:
    """Return the values of the wanted rows, 0 where there is none; rows are in ascending order."""
    if not len(rows):
        return np.zeros(len(wanted), dtype=values.dtype)
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return np.where(rows[at] == wanted, values[at], 0)
