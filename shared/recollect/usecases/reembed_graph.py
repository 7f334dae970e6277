"""Embedding the names of every graph's entities again with another model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Embedding
from recollect.ports.graph import GraphChange, GraphRecord
from recollect.ports.keys import Keys
from recollect.ports.models import Embedder
from recollect.ports.record import LostRaceError
from recollect.usecases.walking import Progress, entity_pages, owners_of


@dataclass(frozen=True)
class ReembedGraph:
    """Exchange the vectors of entities for those of the configured embedder.

    Until then names are found by their words alone. Projections follow when they are driven on.
    """

    keys: Keys
    graph: GraphRecord
    embedder: Embedder
    now: Callable[[], datetime]

    def __call__(self, progress: Progress) -> int:
        """Return how many names were embedded; what breaks off goes on when it is repeated.

        What others change meanwhile is left to the next time. Raises `UnavailableError`.
        """
        embedded = 0
        for project in self.keys.projects():
            for owner in owners_of(self.graph, project):
                found = sum(map(self._exchange, entity_pages(self.graph, owner)))
                if found:
                    progress("names embedded", found)
                embedded += found
        return embedded

    def _exchange(self, entities: Sequence[Entity]) -> int:
        others = [each for each in entities if not self._is_embedded(each)]
        room = self.graph.room()
        parts = [others[start : start + room] for start in range(0, len(others), room)]
        return sum(self._commit(part[0].owner, part) for part in parts)

    def _commit(self, owner: Owner, entities: Sequence[Entity]) -> int:
        names = [each.name for each in entities]
        vectors = self.embedder.embed(names, "document")
        model = self.embedder.model
        changed = tuple(
            replace(each, embedding=Embedding.of(model, vector), version=each.version + 1)
            for each, vector in zip(entities, vectors, strict=True)
        )
        try:
            self.graph.commit(owner, GraphChange(at=self.now(), entities=changed, sources={}))
        except LostRaceError:
            return 0
        return len(changed)

    def _is_embedded(self, entity: Entity) -> bool:
        return entity.embedding is not None and entity.embedding.model == self.embedder.model
