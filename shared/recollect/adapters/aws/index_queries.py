"""One query as searches of the engine, and the proposal that is made of what they find."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recollect.adapters.aws.index_family import IndexSettings, vector_field
from recollect.adapters.aws.index_filters import Query, held_by, translation
from recollect.adapters.aws.index_searches import (
    Found,
    Search,
    best_worded,
    count_terms,
    nearest,
)
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


@dataclass(frozen=True)
class QuerySearches:
    """The searches for one query; none if its filter lets nothing through."""

    terms: tuple[str, ...]
    limit: int
    counting: tuple[Search, ...] = ()
    near: tuple[Search, ...] = ()
    worded: tuple[Search, ...] = ()

    @property
    def all(self) -> tuple[Search, ...]:
        """All of them, in the order in which `proposal` takes what they found."""
        return (*self.counting, *self.near, *self.worded)

    def proposal(self, found: Sequence[Found]) -> Proposal:
        """Return the proposal that these findings, one a search, come to."""
        if not found:
            return Proposal((), TermStatistics(0, 0.0, dict.fromkeys(self.terms, 0)))
        counted, *rest = found
        near, worded = rest[: len(self.near)], rest[len(self.near) :]
        statistics = counted.statistics(self.terms)
        ids = [hit.id for each in near for hit in each.hits.hits]
        ids += _best_by_words(worded, statistics, self.limit)
        return Proposal(tuple(dict.fromkeys(ids)), statistics)


def searches_for(project: str, query: IndexQuery, settings: IndexSettings) -> QuerySearches:
    """Return the searches for a query among the project's memories."""
    terms = tuple(dict.fromkeys(query.terms))
    named = query.matching.named_subjects()
    if named == frozenset():
        return QuerySearches(terms, query.limit)
    matching = translation(project, query.matching)
    limit = query.limit * (1 if matching.most == matching.least else WIDENED)
    return QuerySearches(
        terms,
        limit,
        counting=(count_terms(terms, held_by(project, named)),),
        near=_near(query, matching.most, limit, settings),
        worded=_worded(terms[:MAX_WORDS], matching.most, limit * WORDED_PER_WANTED),
    )


def _near(
    query: IndexQuery, matching: Query, limit: int, settings: IndexSettings
) -> tuple[Search, ...]:
    if len(query.vector) != settings.dimensions or not query.vector.any():
        return ()
    return (nearest(vector_field(settings.model), query.vector, matching, limit),)


def _worded(terms: Sequence[str], matching: Query, limit: int) -> tuple[Search, ...]:
    alone = [[term] for term in terms[:MAX_SINGLE_WORDS]] if len(terms) > 1 else []
    return tuple(best_worded(each, matching, limit) for each in (terms, *alone) if each)


def _best_by_words(found: Sequence[Found], statistics: TermStatistics, limit: int) -> list[str]:
    """Return the ids of the best of all that was found, weighed by the named subjects' words."""
    hits = {hit.id: hit for each in found for hit in each.hits.hits}
    asked = list(statistics.frequencies)
    # The vector plays no part in what words say.
    nowhere = np.zeros(0, dtype=np.float32)
    texts = [(None, hit.terms) for hit in hits.values()]
    scores = score_all(nowhere, asked, texts, statistics)
    ranked = sorted(zip(scores, hits, strict=True), key=lambda pair: -pair[0].keyword)
    return [memory_id for _, memory_id in ranked[:limit]]
