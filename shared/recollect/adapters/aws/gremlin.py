"""The graph store on a Gremlin server: entities are vertices, relations edges.

A traversal is made of our own steps, and of values, which travel as values: no text is ever part
of a query. Beside what the store needs, vertices and edges say what a person wants to see who
looks at the graph.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, TypeVar

from gremlin_python.process.graph_traversal import (
    GraphTraversalSource,
    __,
)
from gremlin_python.process.traversal import (
    Cardinality,
    Direction,
    Merge,
    Order,
    P,
    T,
    TraversalStrategies,
)
from gremlin_python.statics import long
from gremlin_python.structure.graph import Graph

from recollect.domain.graph import Entity, Owner, Relation, Triple

Traversal: TypeAlias = Any
"""Of the driver, which has no types."""
Ask: TypeAlias = Callable[[Traversal], list[Any]]
"""Returns what a traversal yields; may repeat it."""

ENTITY = "entity"
RELATION = "relation"
MERGES_PER_TRAVERSAL = 25
"""Entities or relations that are merged at once. The server plans a chain of merges in more than
its length: with 10 in one it took 4 ms for each on two busy cores, with 25 to 200 about 2 ms, with
400 5 ms. Neptune's guide begins with 200 labels and properties in one; an entity has eight:
https://docs.aws.amazon.com/neptune/latest/userguide/gremlin-efficient-upserts.html"""
DROPS_PER_TRAVERSAL = 500
"""A traversal is one transaction, which must end before the time-out."""
TOLD = ("source", "predicate", "target", "mentions")
"""Of an edge, to whoever asks what is near: reading the answer is a good part of the work."""
TIMES = ("valid_from", "valid_to", "recorded_at")
"""Of an edge, if they are known."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class GremlinGraphStore:
    """The vertices and edges of every owner, each of which names its owner.

    `ask` asks the server: `GremlinConnection.ask`. Every traversal of this class may be repeated.
    Of `apply` there are ceil(entities / 25) + ceil(relations / 25), thus two at most for 25 of
    each; of `near` there is one, or none without entities.
    """

    ask: Ask

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        """Store or replace each unless the same or a newer version is there.

        Merged in the order of their ids, so that two who merge the same do not wait for each other.
        """
        for some in _parts(sorted(entities, key=lambda each: each.id)):
            self.ask(merge_entities(owner, some))
        for part in _parts(sorted(relations, key=lambda each: each.triple.id)):
            self.ask(merge_relations(owner, part))

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        """Return triples 1 or 2 hops away; of each hop those with most mentions, lowest ids first.

        Sorted here, since not every server keeps an order through all steps.
        """
        if not entity_ids:
            return []
        told = self.ask(neighbourhood(owner, entity_ids, hops=hops, fan_out=fan_out))
        found = {_triple(each): (each["hop"], -each["mentions"]) for each in told}
        return sorted(found, key=lambda triple: (found[triple], triple.id))

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every vertex and edge of the owner; one traversal for each kind."""
        answers = (self.ask(versions(all_of(owner))) for all_of in (_vertices, _edges))
        return {each["key"]: int(each["version"]) for found in answers for each in found}

    def erase(self, owner: Owner) -> None:
        """Remove everything of the owner; what was removed before a failure stays removed."""
        for all_of in (_edges, _vertices):
            while self.ask(drop(all_of(owner))) != [0]:
                pass


def merge_entities(owner: Owner, entities: Sequence[Entity]) -> Traversal:
    """Return the traversal that makes or replaces these vertices, newer ones apart."""
    steps = _source()
    for entity in entities:
        steps = steps.merge_v({T.id: _vertex_id(owner, entity.id), T.label: ENTITY})
        steps = steps.option(Merge.on_create, _newborn(owner, entity.id))
        newer = _if_older(entity.version)
        for name, value in _seen_entity(entity).items():
            newer = newer.property(Cardinality.single, name, value)
        steps = steps.side_effect(newer)
    return steps.count()


def merge_relations(owner: Owner, relations: Sequence[Relation]) -> Traversal:
    """Return the traversal that makes or replaces these edges, newer ones apart."""
    steps = _source()
    for relation in relations:
        triple = relation.triple
        edge = {
            T.id: _digest(owner.project, owner.key, "edge", triple.id),
            T.label: RELATION,
            Direction.from_: _vertex_id(owner, triple.source),
            Direction.to: _vertex_id(owner, triple.target),
        }
        steps = steps.merge_e(edge).option(Merge.on_create, _newborn(owner, triple.id))
        newer = _if_older(relation.version).side_effect(__.properties(*TIMES).drop())
        for name, value in _seen_relation(relation).items():
            newer = newer.property(name, value)
        steps = steps.side_effect(newer)
    return steps.count()


def neighbourhood(owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int) -> Traversal:
    """Return the traversal that finds what is believed of these entities, and of their neighbours.

    At most `fan_out` for each, of at most so many neighbours; each once.
    """
    starts = _source().V(*(_vertex_id(owner, each) for each in dict.fromkeys(entity_ids)))
    first = starts.has(ENTITY, "owner", _owner_id(owner)).local(_best(owner, fan_out))
    neighbours = __.unfold().both_v().has("key", P.without(list(entity_ids))).dedup()
    second = neighbours.limit(long(fan_out)).local(_best(owner, fan_out)).dedup()
    ways = (_told(__.unfold(), hop=1), _told(second.where(P.without("first")), hop=2))
    return _best_first(first).aggregate("first").fold().union(*ways[:hops])


def _best(owner: Owner, fan_out: int) -> Traversal:
    """Return the steps from an entity to the relations that are passed."""
    own = __.both_e(RELATION).has("owner", _owner_id(owner))
    believed = own.has("is_retracted", False)  # noqa: FBT003 - the value of a property
    return _best_first(believed).limit(long(fan_out))


def _best_first(relations: Traversal) -> Traversal:
    return relations.dedup().order().by("mentions", Order.desc).by("key")


def _told(relations: Traversal, *, hop: int) -> Traversal:
    told = relations.project("hop", *TOLD).by(__.constant(hop))
    for name in TOLD:
        told = told.by(name)
    return told


def _triple(told: Mapping[str, Any]) -> Triple:
    return Triple(told["source"], told["predicate"], told["target"])


def versions(elements: Traversal) -> Traversal:
    """Return the traversal that tells which versions these are at."""
    return elements.project("key", "version").by("key").by("version")


def drop(elements: Traversal) -> Traversal:
    """Return the traversal that removes some of these, and tells how many."""
    return elements.limit(long(DROPS_PER_TRAVERSAL)).side_effect(__.drop()).count()


def _source() -> Traversal:
    return GraphTraversalSource(Graph(), TraversalStrategies())


def _vertices(owner: Owner) -> Traversal:
    return _source().V().has(ENTITY, "owner", _owner_id(owner))


def _edges(owner: Owner) -> Traversal:
    return _vertices(owner).out_e(RELATION).has("owner", _owner_id(owner))


def _newborn(owner: Owner, key: str) -> dict[Any, Any]:
    """Return what never changes; older than every version, so that the rest follows."""
    return {"owner": _owner_id(owner), "key": key, "version": long(0)}


def _if_older(version: int) -> Traversal:
    return __.has("version", P.lt(long(version)))


def _seen_entity(entity: Entity) -> dict[str, Any]:
    return {
        "name": entity.name,
        "type": entity.type,
        "mentions": long(entity.mentions),
        "recorded_at": entity.recorded_at.isoformat(),
        "version": long(entity.version),
    }


def _seen_relation(relation: Relation) -> dict[str, Any]:
    """Return an edge's properties; of one that is retracted, the times of its last belief."""
    last = asdict(relation.beliefs[-1]) if relation.beliefs else {}
    return {
        "source": relation.triple.source,
        "predicate": relation.triple.predicate,
        "target": relation.triple.target,
        "mentions": long(relation.mentions),
        "is_retracted": relation.belief is None,
        **{name: last[name].isoformat() for name in TIMES if last.get(name)},
        "version": long(relation.version),
    }


def _vertex_id(owner: Owner, entity_id: str) -> str:
    return _digest(owner.project, owner.key, "vertex", entity_id)


def _owner_id(owner: Owner) -> str:
    return _digest(owner.project, owner.key)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), MERGES_PER_TRAVERSAL):
        yield items[start : start + MERGES_PER_TRAVERSAL]
