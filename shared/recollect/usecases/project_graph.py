"""Bringing the graph store and the entity index to what the record has."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.ports.graph import EntityIndex, GraphRecord, GraphStore
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.queue import WakeUps
from recollect.usecases.walking import graph_pages

BATCH = 20
"""Commits that are looked at together: some hundred entities and relations."""
MAX_BATCHES = 100
MAX_TRIES = 5
"""Of writing a whole graph, while others may erase it."""


@dataclass(frozen=True)
class ProjectGraph:
    """Write what projections of an owner's graph have not seen, from the record's current state."""

    graph: GraphRecord
    outbox: GraphOutbox
    store: GraphStore
    index: EntityIndex
    wake_ups: WakeUps
    is_late: Callable[[], bool] = lambda: False
    """Tells whether what is left should be left to the next one, for the time is nearly up."""

    def __call__(self, owner: Owner) -> int:
        """Return how many commits were confirmed.

        Repeating it is safe: projections ignore versions they have. No model is asked. Raises
        `UnavailableError` if a projection cannot be used, or others erase the graph all the time.
        """
        confirmed = 0
        for _ in range(MAX_BATCHES):
            waiting = self.outbox.unprojected(owner, limit=BATCH)
            if not waiting:
                break
            if self.is_late():
                self.wake_ups.project_graph(owner)
                break
            is_right = False
            if not any(each.is_whole for each in waiting):
                entity_ids = {an_id for each in waiting for an_id in each.entity_ids}
                triples = {triple for each in waiting for triple in each.triples}
                is_right = self._bring(owner, entity_ids, triples)
            if not is_right:
                self._renew(owner)
            self.outbox.confirm(owner, waiting)
            confirmed += len(waiting)
        return confirmed

    def _bring(
        self, owner: Owner, entity_ids: Collection[str], triples: Collection[Triple]
    ) -> bool:
        """Write these; return whether all of it is still there, so that nothing comes back."""
        # The ends of relations, too, which an erasure may have taken from a projection.
        ends = {end for triple in triples for end in triple.ends}
        found = self.graph.entities(owner, sorted(ends | set(entity_ids)))
        entities = list({each.id: each for each in found.values()}.values())
        relations = list(self.graph.relations(owner, sorted(triples)).values())
        return self._write(owner, entities, relations)

    def _write(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> bool:
        """Write what was read; return whether the record still has it.

        If not, it was erased meanwhile, and may have come after those who removed it.
        """
        self.index.put(owner, entities)
        self.store.apply(owner, entities, relations)
        triples = {each.triple for each in relations}
        return self._has(owner, {each.id for each in entities}) and triples.issubset(
            self.graph.relations(owner, sorted(triples))
        )

    def _has(self, owner: Owner, entity_ids: Collection[str]) -> bool:
        """Tell whether the record has all of these by their own ids."""
        found = self.graph.entities(owner, sorted(entity_ids))
        return all(each in found and found[each].id == each for each in entity_ids)

    def _renew(self, owner: Owner) -> None:
        """Have the projections hold what there is, and nothing else."""
        for _ in range(MAX_TRIES):
            self.store.erase(owner)
            # Not what is still there, which an index takes again at a later version only.
            kept = {each.id for entities, _ in graph_pages(self.graph, owner) for each in entities}
            self.index.erase(owner, keep=kept)
            if all(self._write(owner, *each) for each in self._pages(owner)):
                return
        message = "The graph is being erased all the time; try again"
        raise UnavailableError(message)

    def _pages(self, owner: Owner) -> Iterator[tuple[list[Entity], list[Relation]]]:
        """Yield all there is, each relation with its ends."""
        for entities, relations in graph_pages(self.graph, owner):
            ends = {end for each in relations for end in each.triple.ends}
            others = self.graph.entities(owner, sorted(ends - {each.id for each in entities}))
            yield [*entities, *others.values()], relations
