"""The search index in the SQLite file, searched exactly in arrays that stay in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import itemgetter

import numpy as np

from recollect.adapters.local.database import Database
from recollect.adapters.local.documents import (
    INDEX_SCHEMA,
    WHOLE_PROJECT,
    DocumentChange,
    put_changes,
    write_changes,
)
from recollect.adapters.local.growing import Mask, Ranking, Rows, Scores
from recollect.adapters.local.resident import Posting, Resident
from recollect.adapters.local.residents import Residents
from recollect.adapters.local.sieve import Sieve
from recollect.domain.evidence import Evidence
from recollect.domain.filters import Filter
from recollect.domain.memory import Memory
from recollect.domain.ranking import TermStatistics
from recollect.ports.index import IndexQuery, Proposal

__all__ = ["INDEX_SCHEMA", "LocalIndex"]

Place = tuple[Resident, int]
"""The arrays of a subject, and a row of theirs."""
GROWTH = 4
"""How many times more of a ranking is filtered next when what was filtered left too little."""
BLOCK = 64
"""Scores of which the largest is looked at first: of 100,000, the best 40 are found five times as
fast."""
MAX_CHUNK = 4_096
"""Rows of a ranking that are filtered at once, so that few are read in vain."""


class LocalIndex:
    """A `MemoryIndex` that is up to date as soon as a change is answered, for every process.

    `max_resident_bytes` bounds what the arrays take between searches. A subject that does not fit
    is read from the file for each search: right, but slow.
    """

    def __init__(self, database: Database, *, max_resident_bytes: int) -> None:
        self._database = database
        self._residents = Residents(max_resident_bytes)

    @property
    def resident_bytes(self) -> int:
        """About what the arrays take in memory now."""
        return self._residents.size_in_bytes

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store or replace each unless the same or a newer version, or its removal, is there."""
        self._write(project, put_changes(memories))

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Remove memories (id -> version of the deletion); they never come back."""
        changes = [DocumentChange(memory_id, last, None) for memory_id, last in removals.items()]
        self._write(project, changes)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        """Return, for each query in order, the nearest and the best-worded matching memories."""
        # By identity: to Python 1 is true, and equal filters may let different memories through.
        filters = {id(query.matching): query.matching for query in queries}
        keys = set[str]().union(*map(_subject_keys, filters.values()))
        # The file is read after the arrays are held, so that it is never older than they are.
        with self._residents.held(project, keys) as residents, self._database.reading() as file:
            for resident in residents:
                resident.refresh(file)
            searches = {
                key: _Search(matching, residents, Sieve(matching, project, file))
                for key, matching in filters.items()
            }
            vectors = [query.vector for query in queries]
            cosines = {each.subject_key: each.cosines(vectors) for each in residents}
            return [
                searches[id(query.matching)].proposal(
                    query, {key: rankings[place] for key, rankings in cosines.items()}
                )
                for place, query in enumerate(queries)
            ]

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        """Return (id, version) of the project's memories in id order behind `after`."""
        with self._database.reading() as file:
            rows = file.execute(
                "SELECT memory_id, version FROM index_documents"
                " WHERE project = ? AND memory_id > ? AND NOT is_removed"
                " ORDER BY memory_id LIMIT ?",
                (project, after or "", limit),
            )
            return [(memory_id, version) for memory_id, version in rows]

    def _write(self, project: str, changes: Sequence[DocumentChange]) -> None:
        # Not synced to disk: the later confirmation of these changes, in the same file, syncs both.
        with self._database.writing(durable=False) as file:
            write_changes(file, project, changes)


@dataclass(frozen=True)
class _Holding:
    """The arrays of one subject, and which of its rows no other subject of the search counts."""

    resident: Resident
    counted: Mask

    def nearest(self, cosines: Ranking) -> Ranking:
        rows, scores = cosines
        keep = self.counted[rows]
        return cosines if keep.all() else (rows[keep], scores[keep])

    def frequency(self, posting: Posting) -> int:
        rows, _ = posting
        return int(np.count_nonzero(self.counted[rows]))

    def best_worded(self, postings: Mapping[str, Posting], statistics: TermStatistics) -> Ranking:
        return self.resident.best_worded(postings, statistics, self.counted)


_Asked = tuple[_Holding, Mapping[str, Posting]]
"""What a subject holds, and in which of its rows the terms of a query are."""


class _Search:
    """What the subjects that a filter names hold, ready for any number of queries."""

    def __init__(self, matching: Filter, residents: Sequence[Resident], sieve: Sieve) -> None:
        keys = _subject_keys(matching)
        self._holdings = _disjoint([each for each in residents if each.subject_key in keys])
        self._sieve = sieve
        self._documents = sum(int(np.count_nonzero(each.counted)) for each in self._holdings)
        self._length = sum(each.resident.total_length(each.counted) for each in self._holdings)

    def proposal(self, query: IndexQuery, cosines: Mapping[str, Ranking]) -> Proposal:
        """Return what to propose, with the cosines of each subject's rows to the query."""
        different = list(dict.fromkeys(query.terms))
        asked = [(each, each.resident.postings(different)) for each in self._holdings]
        statistics = self._statistics(different, asked)
        near = [
            (each.resident, each.nearest(cosines[each.resident.subject_key]))
            for each in self._holdings
        ]
        worded = [
            (each.resident, each.best_worded(postings, statistics)) for each, postings in asked
        ]
        places = [
            *_best_matching(near, self._sieve, query.limit),
            *_best_matching(worded, self._sieve, query.limit),
        ]
        ids = tuple(dict.fromkeys(resident.ids[row] for resident, row in places))
        evidence = self._evidence(query, asked, places) if query.wants_evidence else None
        return Proposal(ids, statistics, evidence)

    def _evidence(
        self, query: IndexQuery, asked: Sequence[_Asked], places: Sequence[Place]
    ) -> Evidence | None:
        """Return what the rows at these places, and those around them, are ranked by."""
        parts: list[Evidence] = []
        for holding, postings in asked:
            resident = holding.resident
            proposed = np.unique([row for other, row in places if other is resident])
            if not len(proposed):
                continue
            rows = resident.around(proposed.astype(np.intp))
            may_answer = self._sieve.passes(resident, rows)
            parts.append(resident.evidence(rows, postings, len(query.vector), may_answer))
        return reduce(Evidence.and_also, parts) if parts else None

    def _statistics(self, terms: Sequence[str], asked: Sequence[_Asked]) -> TermStatistics:
        frequencies = {
            term: sum(each.frequency(postings[term]) for each, postings in asked) for term in terms
        }
        average = self._length / self._documents if self._documents else 0.0
        return TermStatistics(self._documents, average, frequencies)


def _subject_keys(matching: Filter) -> set[str]:
    named = matching.named_subjects()
    return {WHOLE_PROJECT} if named is None else {subject.key for subject in named}


def _disjoint(residents: Sequence[Resident]) -> list[_Holding]:
    """Count each memory for the first subject that holds it."""
    holdings: list[_Holding] = []
    taken = np.empty(0, dtype=np.int64)
    for resident in residents:
        counted = resident.alive
        if taken.size:
            counted = counted & ~np.isin(resident.numbers, taken)
        holdings.append(_Holding(resident, counted))
        if len(residents) > 1:
            taken = np.concatenate([taken, resident.numbers[counted]])
    return holdings


def _best_matching(
    rankings: Sequence[tuple[Resident, Ranking]], sieve: Sieve, limit: int
) -> list[Place]:
    """Return where the best rows of all rankings are that match the filter, best first."""
    found = [
        (score, resident.ids[row], (resident, row))
        for resident, ranking in rankings
        for score, row in _passing(resident, ranking, sieve=sieve, limit=limit)
    ]
    return [place for *_, place in sorted(found, key=itemgetter(0, 1), reverse=True)[:limit]]


def _passing(
    resident: Resident, ranking: Ranking, *, sieve: Sieve, limit: int
) -> list[tuple[float, int]]:
    found: list[tuple[float, int]] = []
    for rows, scores in _chunks(ranking, limit):
        passed = sieve.passes(resident, rows)
        found += zip(scores[passed].tolist(), rows[passed].tolist(), strict=True)
        if len(found) >= limit:
            break
    return found[:limit]


def _chunks(ranking: Ranking, size: int) -> Iterator[Ranking]:
    """Yield the ranking from its best rows to its worst, the first `size`, then more at a time.

    Only what is asked for is put in order.
    """
    rows, scores = ranking
    while 0 < size < len(rows):
        best = _best(scores, size)
        yield _sorted(rows[best], scores[best])
        is_left = np.ones(len(rows), dtype=np.bool_)
        is_left[best] = False
        rows, scores = rows[is_left], scores[is_left]
        size = min(size * GROWTH, MAX_CHUNK)
    if size > 0 and len(rows):
        yield _sorted(rows, scores)


def _best(scores: Scores, size: int) -> Rows:
    """Return where the largest scores are, so many, in no order."""
    blocks = len(scores) // BLOCK
    if blocks <= size:
        return np.argpartition(scores, -size)[-size:]
    largest = scores[: blocks * BLOCK].reshape(blocks, BLOCK).max(axis=1)
    # So many blocks have one that is as large, and what is smaller is not among the largest.
    good = np.flatnonzero(scores >= np.partition(largest, -size)[-size])
    return good[np.argpartition(scores[good], -size)[-size:]]


def _sorted(rows: Rows, scores: Scores) -> Ranking:
    order = np.argsort(-scores)
    return rows[order], scores[order]
