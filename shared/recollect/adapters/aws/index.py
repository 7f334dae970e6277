"""The search index on OpenSearch."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from opensearchpy import OpenSearch

from recollect.adapters.aws.index_bulk import Operation, TargetGoneError, write_all
from recollect.adapters.aws.index_documents import put_operations, removal_operations
from recollect.adapters.aws.index_family import IndexFamily, IndexSettings, Member, vector_field
from recollect.adapters.aws.index_filters import held_by, translation
from recollect.adapters.aws.index_searches import (
    Found,
    Search,
    ask,
    best_worded,
    count_terms,
    in_id_order,
    nearest,
)
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Memory
from recollect.domain.ranking import TermStatistics, score_all
from recollect.ports.index import IndexQuery, Proposal

WIDENED = 4
"""How many times more is proposed for a filter that only could be asked for roughly."""
WORDED_PER_WANTED = 2
"""How many times more is asked for by words than is wanted: the engine weighs a word by how rare
it is among everybody's memories; what is proposed is chosen by the named subjects' alone."""
MAX_SINGLE_WORDS = 16
"""Different words of a question that are also searched for one by one, so that a subject's
frequent words do not keep its rare one out. Of the 60 best of a long conversation (600 turns)
among ten million memories, all are found, by one search for all words 75 %; of five conversations
together (2,800 turns) 99.4 and 63 %."""
MAX_WORDS = 512
"""Different words that are searched for; statistics are of all of them. With the filter's they
stay below the engine's limit of 1,024."""
ATTEMPTS = 3
"""How often a write starts again because an index was dropped under it."""


class OpenSearchIndex:
    """A `MemoryIndex` on OpenSearch, which sees a change `refresh_seconds` late.

    The memory's version is the document's external version, so that an older one never replaces a
    newer one; with `versioning="none"` the last write wins, and what is out of date in the index
    is set right by whoever reads the proposed memories from the record.
    """

    def __init__(
        self, client: OpenSearch, settings: IndexSettings, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._settings = settings
        self._sleep = sleep
        self._family = IndexFamily(client, settings)

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store or replace each unless the same or a newer version, or its removal, is there.

        Raises `UnavailableError` if not all could be written; repeat it then.
        """
        versioning = self._settings.versioning
        self._write(lambda member: put_operations(member, project, memories, versioning))

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Remove memories (id -> version of the deletion); they never come back.

        The removal is remembered for ten minutes, longer than anybody can be late with an old
        state. Raises `UnavailableError` if not all could be removed; repeat it then.
        """
        versioning = self._settings.versioning
        self._write(lambda member: removal_operations(member, project, removals, versioning))

    def propose(self, project: str, query: IndexQuery) -> Proposal:
        """Return the nearest and the best-worded memories that match the query's filter.

        One request. Before anything was put, nothing is proposed. A filter on parts of texts is
        asked for roughly: among up to four times as many, some may not match.
        """
        terms = list(dict.fromkeys(query.terms))
        named = query.matching.named_subjects()
        if named == frozenset():
            return Proposal((), TermStatistics(0, 0.0, dict.fromkeys(terms, 0)))
        matching = translation(project, query.matching)
        limit = query.limit * (1 if matching.most == matching.least else WIDENED)
        near = self._near(query, matching.most, limit)
        worded = _worded(terms[:MAX_WORDS], matching.most, limit * WORDED_PER_WANTED)
        counted, *found = self._ask([count_terms(terms, held_by(project, named)), *near, *worded])
        statistics = counted.statistics(terms)
        ids = [hit.memory_id for each in found[: len(near)] for hit in each.hits.hits]
        ids += _best_by_words(found[len(near) :], statistics, limit)
        return Proposal(tuple(dict.fromkeys(ids)), statistics)

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        """Return (id, version) of the project's memories in id order behind `after`."""
        [found] = self._ask([in_id_order(held_by(project, None), after, limit)])
        return [(hit.memory_id, hit.version) for hit in found.hits.hits]

    def _ask(self, searches: Sequence[Search]) -> list[Found]:
        return ask(self._client, self._family.read, searches, self._sleep)

    def _near(self, query: IndexQuery, matching: Search, limit: int) -> list[Search]:
        if len(query.vector) != self._settings.dimensions or not query.vector.any():
            return []
        return [nearest(vector_field(self._settings.model), query.vector, matching, limit)]

    def _write(self, operations: Callable[[Member], list[Operation]]) -> None:
        for _ in range(ATTEMPTS):
            members = self._family.writable()
            try:
                return write_all(
                    self._client,
                    (each for member in members for each in operations(member)),
                    self._sleep,
                )
            except TargetGoneError:
                continue
        message = "The search index is being replaced again and again"
        raise UnavailableError(message)


def _worded(terms: Sequence[str], matching: Search, limit: int) -> list[Search]:
    alone = [[term] for term in terms[:MAX_SINGLE_WORDS]] if len(terms) > 1 else []
    return [best_worded(each, matching, limit) for each in (terms, *alone) if each]


def _best_by_words(found: Sequence[Found], statistics: TermStatistics, limit: int) -> list[str]:
    """Return the ids of the best of all that was found, weighed by the named subjects' words."""
    hits = {hit.memory_id: hit for each in found for hit in each.hits.hits}
    asked = list(statistics.frequencies)
    # The vector plays no part in what words say.
    nowhere = np.zeros(0, dtype=np.float32)
    texts = [(None, hit.terms) for hit in hits.values()]
    scores = score_all(nowhere, asked, texts, statistics)
    ranked = sorted(zip(scores, hits, strict=True), key=lambda pair: -pair[0].keyword)
    return [memory_id for _, memory_id in ranked[:limit]]
