"""Bringing back graphs as they were elsewhere."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice
from typing import TypeAlias, TypeVar

from recollect.domain.graph import Alias, Entity, Owner, Reading, Triple, entity_id
from recollect.domain.memory import Embedding
from recollect.domain.subjects import Scope
from recollect.ports.archive import (
    Item,
    KeptMemory,
    NamedAlias,
    NamedReading,
    NamedRelation,
    NotTaken,
)
from recollect.ports.graph import GraphChange, GraphRecord, NamedEntity, Statement
from recollect.ports.models import Embedder
from recollect.ports.queue import WakeUps

LARGEST = 2
"""The most that one entity, alias, relation or reading adds to the size of a change."""
COMPARED_AT_ONCE = 200
"""Entities or relations."""

PartOfGraph: TypeAlias = Entity | NamedAlias | NamedRelation
T = TypeVar("T")


@dataclass(frozen=True)
class ImportGraph:
    """Store entities, aliases and relations as they were, and what was read in memories.

    Names are embedded anew; ids follow from names, types and the owner, so that a graph can go to
    another project. What is here already is left alone. Repeating it is safe.
    """

    graph: GraphRecord
    embedder: Embedder
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def owners_of_others(
        self, items: Iterable[Item | NotTaken], erased: Collection[str]
    ) -> set[Owner]:
        """Return the owners of whom an entity or a relation is here in another state.

        And those whose graphs tell what was said to a subject whose key is among the `erased`.
        """
        others: set[Owner] = set()

        def parts() -> Iterator[Entity | NamedRelation]:
            for each in items:
                if isinstance(each, Entity | NamedRelation):
                    yield each
                elif isinstance(each, KeptMemory) and _is_of_any(each.memory.scope, erased):
                    others.add(Owner.of(each.memory.scope))

        for owner, some in _of_owners(parts()):
            here = self._here(owner, some)
            if any(_key(each) in here and here[_key(each)] != _state(each) for each in some):
                others.add(owner)
        return others

    def store(self, items: Sequence[PartOfGraph], others: Collection[Owner]) -> tuple[int, int]:
        """Store what is not here, all of one kind, but nothing of these others.

        Returns how many were stored, and how many were here. Raises `LostRaceError` if somebody
        else made some of it at the same time.
        """
        stored = known = 0
        for owner, some in _of_owners(items):
            if owner in others:
                continue
            here = self._here(owner, some)
            new = [each for each in some if _key(each) not in here]
            for part in _parts(new, self.graph.room() // LARGEST):
                self.graph.commit(owner, self._change(part))
            if new:
                self.wake_ups.project_graph(owner)
            stored += len(new)
            known += len(some) - len(new)
        return stored, known

    def store_readings(self, items: Sequence[KeptMemory], others: Collection[Owner]) -> None:
        """Store what was read in memories that are about to be stored, but not in the others'."""
        of_owners: dict[Owner, list[Reading]] = {}
        for each in items:
            owner = Owner.of(each.memory.scope)
            if each.reading and owner not in others:
                reading = _reading(owner, each.memory.id, each.reading)
                of_owners.setdefault(owner, []).append(reading)
        for owner, readings in of_owners.items():
            here = self.graph.readings(owner.project, [each.memory_id for each in readings])
            new = [each for each in readings if each.memory_id not in here]
            for part in _parts(new, self.graph.room() // LARGEST):
                change = GraphChange(at=self.now(), readings=tuple(part), sources={})
                self.graph.commit(owner, change)

    def _here(self, owner: Owner, items: Sequence[PartOfGraph]) -> Mapping[str, object]:
        """Return what is here by the same keys."""
        if isinstance(items[0], NamedRelation):
            triples = [each.relation.triple for each in items if isinstance(each, NamedRelation)]
            found = self.graph.relations(owner, triples)
            return {triple.id: relation for triple, relation in found.items()}
        entities = self.graph.entities(owner, list(map(_key, items)))
        return {key: replace(each, embedding=None) for key, each in entities.items()}

    def _change(self, items: Sequence[PartOfGraph]) -> GraphChange:
        aliases = [each for each in items if isinstance(each, NamedAlias)]
        return GraphChange(
            at=self.now(),
            created=frozenset(_key(each) for each in items if not isinstance(each, NamedAlias)),
            entities=self._embedded([each for each in items if isinstance(each, Entity)]),
            aliases=tuple(map(_alias, aliases)),
            relations=tuple(each.relation for each in items if isinstance(each, NamedRelation)),
            sources={},
        )

    def _embedded(self, entities: Sequence[Entity]) -> tuple[Entity, ...]:
        if not entities:
            return ()
        vectors = self.embedder.embed([each.name for each in entities], "document")
        return tuple(
            replace(each, embedding=Embedding.of(self.embedder.model, vector))
            for each, vector in zip(entities, vectors, strict=True)
        )


def id_of(owner: Owner, named: NamedEntity) -> str:
    """Return the id of what is called so in the owner's graph."""
    return entity_id(owner, named.name, named.type)


def triple_of(owner: Owner, statement: Statement) -> Triple:
    """Return what is stated, by ids of the owner's graph."""
    source, target = id_of(owner, statement.source), id_of(owner, statement.target)
    return Triple(source, statement.predicate, target)


def _is_of_any(scope: Scope, erased: Collection[str]) -> bool:
    """Tell whether a subject of this scope is erased, and not the one that has its graph."""
    keys = {subject.key for subject in scope.subjects}
    return scope.owner.key not in erased and not keys.isdisjoint(erased)


def _owner(item: PartOfGraph) -> Owner:
    return item.relation.owner if isinstance(item, NamedRelation) else item.owner


def _key(item: PartOfGraph) -> str:
    """Return the id under which it is found."""
    if isinstance(item, NamedRelation):
        return item.relation.triple.id
    return item.id if isinstance(item, Entity) else id_of(item.owner, item.other)


def _state(item: PartOfGraph) -> object:
    """Return what is compared with what is here."""
    return item.relation if isinstance(item, NamedRelation) else item


def _alias(item: NamedAlias) -> Alias:
    entity = id_of(item.owner, item.entity)
    return Alias(_key(item), entity, item.other.name, item.recorded_at)


def _reading(owner: Owner, memory_id: str, named: NamedReading) -> Reading:
    return Reading(
        memory_id=memory_id,
        version=named.version,
        entities=tuple(id_of(owner, each) for each in named.entities),
        triples=tuple(triple_of(owner, each) for each in named.statements),
        ended=tuple(triple_of(owner, each) for each in named.ended),
    )


def _of_owners(items: Iterable[PartOfGraph]) -> Iterator[tuple[Owner, list[PartOfGraph]]]:
    """Yield items of one owner and kind that follow each other together, a batch at a time."""
    for (owner, _), same in groupby(items, lambda each: (_owner(each), type(each))):
        while batch := list(islice(same, COMPARED_AT_ONCE)):
            yield owner, batch


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
