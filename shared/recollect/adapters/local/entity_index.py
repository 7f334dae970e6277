"""Finding entities by comparing all of an owner's: a person's graph has some thousand at most."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain

import numpy as np

from recollect.domain.graph import Entity, Owner
from recollect.domain.ranking import unit
from recollect.domain.text import terms
from recollect.ports.graph import EntityQuery, GraphRecord
from recollect.usecases.walking import entity_pages

PAGE = 500


@dataclass(frozen=True)
class LocalEntityIndex:
    """`EntityIndex` over the record's own entities, so that it is never behind."""

    graph: GraphRecord

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        """Do nothing: they are in the record."""

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        """Return ids of mentioned entities, best first, for each query in order."""
        if not queries:
            return []
        entities = [each for each in self._all(owner) if each.mentions]
        names = [(each.id, set(terms(each.name))) for each in entities]
        return [
            list(dict.fromkeys([*_nearest(entities, query), *_best_named(names, query)]))
            for query in queries
        ]

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity of the owner."""
        return {each.id: each.version for each in self._all(owner)}

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        """Do nothing: what the record has erased is not found any more."""

    def _all(self, owner: Owner) -> Iterator[Entity]:
        return chain.from_iterable(entity_pages(self.graph, owner, PAGE))


def _nearest(entities: Iterable[Entity], query: EntityQuery) -> list[str]:
    vectors = {each.id: each.embedding.vector() for each in entities if each.embedding}
    alike = {key: vector for key, vector in vectors.items() if vector.shape == query.vector.shape}
    if not alike:
        return []
    cosines = unit(np.stack(list(alike.values()))) @ unit(query.vector)
    ranked = zip(cosines.tolist(), alike, strict=True)
    return [an_id for cosine, an_id in nlargest(query.limit, ranked) if cosine > 0]


def _best_named(names: Iterable[tuple[str, set[str]]], query: EntityQuery) -> list[str]:
    """Return those whose names have most of the terms, the most fully named of them first."""
    asked = set(query.terms)
    ranked = [
        (len(asked & words), len(asked & words) / len(words), an_id)
        for an_id, words in names
        if asked & words
    ]
    return [an_id for *_, an_id in nlargest(query.limit, ranked)]
