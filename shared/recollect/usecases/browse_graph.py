"""Browsing owners' graphs, from the record alone: what was true at a time, as it was known then."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.filters import Filter
from recollect.domain.graph import Belief, Entity, Owner, Relation
from recollect.domain.memory import Memory
from recollect.ports.graph import GraphRecord
from recollect.ports.record import Record
from recollect.usecases.search_graph import MAX_OWNERS, graph_owners

MAX_PAGE_SIZE = 100
MAX_RELATIONS = 1_000
"""Of one entity; whatever is behind them is not shown."""
MAX_SUPPORT = 10
"""The memories last said, of those that support a relation; `mentions` counts them all."""
MAX_MEMORIES = 100
"""Whose texts come with one entity, the last said first."""
ENTITIES_PER_STEP = 16
"""As many as the record on AWS reads around at once."""
MAX_STEPS = 20
"""Of one page: a second of reading, however much of the graph was not so at that time."""


@dataclass(frozen=True)
class AsOf:
    """What was true in the world at one time, by what was known at another."""

    true_at: datetime
    known_at: datetime

    def belief(self, relation: Relation) -> Belief | None:
        """Return what was held of a relation that was true."""
        return relation.held(at=self.true_at, known_at=self.known_at)


@dataclass(frozen=True, kw_only=True)
class RelationView:
    """A relation with its ends, what was held of it, and living memories that say so now."""

    relation: Relation
    belief: Belief
    source: Entity
    target: Entity
    memories: tuple[Memory, ...]
    """Last said first."""


@dataclass(frozen=True)
class Place:
    """Behind a relation that ends at this entity; behind all of them if none is named."""

    entity_id: str
    relation_id: str | None = None


@dataclass(frozen=True)
class EntityPage:
    """Some of an owner's entities; more follow those up to `after` unless that is None."""

    entities: tuple[Entity, ...]
    after: str | None


@dataclass(frozen=True)
class RelationPage:
    """Some of an owner's relations as of a time; more follow behind `after` unless that is None."""

    relations: tuple[RelationView, ...]
    after: Place | None
    as_of: AsOf


@dataclass(frozen=True)
class EntityView:
    """An entity with its relations, most mentions first, and memories that support them."""

    entity: Entity
    relations: tuple[RelationView, ...]
    memories: tuple[Memory, ...]


@dataclass(frozen=True)
class BrowseGraph:
    """Show an owner's graph as far as it has followed the memories.

    What is held by support is shown only while a memory that says so is living, unexpired and as
    the graph has read it. Pages are bounded in what they look at, so that one may be shorter than
    asked for, or empty, and still not be the last.
    """

    graph: GraphRecord
    record: Record
    now: Callable[[], datetime]

    def entities(self, owner: Owner, *, after: str | None = None, limit: int) -> EntityPage:
        """Return entities behind this id that memories mention, in the order of ids.

        Raises `InvalidRequestError` for a limit outside 1..100.
        """
        _check_limit(limit)
        found: list[Entity] = []
        for _ in range(MAX_STEPS):
            some = self.graph.page(owner, after=after, limit=limit + 1)
            found += [each for each in some if each.mentions]
            if len(found) > limit:
                return EntityPage(tuple(found[:limit]), found[limit - 1].id)
            if len(some) <= limit:
                return EntityPage(tuple(found), None)
            after = some[-1].id
        return EntityPage(tuple(found), after)

    def entity(
        self,
        owner: Owner,
        entity_id: str,
        *,
        true_at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> EntityView:
        """Return an entity, also by the id of an alias, with its relations as of then, else now.

        Raises `NotFoundError` if the owner has none, or if memories mention it no more and it had
        no relations then.
        """
        entity = self.graph.entities(owner, [entity_id]).get(entity_id)
        if entity is None:
            raise _entity_not_found()
        as_of = self._as_of(true_at, known_at)
        around = self.graph.around(owner, [entity.id], limit=MAX_RELATIONS)
        relations = self._views(owner, around, as_of)
        if not entity.mentions and not relations:
            raise _entity_not_found()
        relations.sort(key=lambda each: (-each.relation.mentions, each.relation.triple.id))
        return EntityView(entity, tuple(relations), _of_all(relations))

    def relations(
        self,
        owner: Owner,
        *,
        true_at: datetime | None = None,
        known_at: datetime | None = None,
        after: Place | None = None,
        limit: int,
    ) -> RelationPage:
        """Return relations as of then, else now, by the ids of their targets and their own.

        Where more than 1,000 begin or end, some that end there may be missing.

        Raises `InvalidRequestError` for a limit outside 1..100.
        """
        _check_limit(limit)
        as_of = self._as_of(true_at, known_at)
        found: list[RelationView] = []
        for step, (place, some) in enumerate(self._steps(owner, after), 1):
            found += self._first(owner, some, as_of, limit + 1 - len(found))
            if len(found) > limit:
                last = found[limit - 1].relation.triple
                return RelationPage(tuple(found[:limit]), Place(last.target, last.id), as_of)
            if step == MAX_STEPS:
                return RelationPage(tuple(found), place, as_of)
        return RelationPage(tuple(found), None, as_of)

    def among(self, project: str, matching: Filter) -> list[RelationView]:
        """Return relations that hold now and that a memory says which the filter lets through.

        Of each of the first `MAX_OWNERS` that the filter names (see `graph_owners`), those among
        the first hundred.
        """
        owners = [Owner(project, each.key) for each in graph_owners(matching)[:MAX_OWNERS]]
        return [
            replace(each, memories=memories)
            for owner in owners
            for each in self.relations(owner, limit=MAX_PAGE_SIZE).relations
            if (memories := tuple(filter(matching.matches, each.memories)))
        ]

    def _as_of(self, true_at: datetime | None, known_at: datetime | None) -> AsOf:
        now = self.now()
        return AsOf(true_at or now, known_at or now)

    def _steps(self, owner: Owner, after: Place | None) -> Iterator[tuple[Place, list[Relation]]]:
        """Yield all relations behind a place, in order, and where one is after each step."""
        entity_id = after.entity_id if after else None
        if after and after.relation_id:
            passed = after.relation_id
            rest = self._ending_at(owner, [after.entity_id])
            yield Place(after.entity_id), [each for each in rest if each.triple.id > passed]
        while some := self.graph.page(owner, after=entity_id, limit=ENTITIES_PER_STEP):
            entity_id = some[-1].id
            yield Place(entity_id), self._ending_at(owner, [each.id for each in some])

    def _ending_at(self, owner: Owner, entity_ids: Sequence[str]) -> list[Relation]:
        # Not beginning: the owner itself is the source of most, and has too many to read at once.
        around = self.graph.around(owner, entity_ids, limit=MAX_RELATIONS)
        targets = set(entity_ids)
        return sorted(
            (each for each in around if each.triple.target in targets),
            key=lambda each: (each.triple.target, each.triple.id),
        )

    def _first(
        self, owner: Owner, relations: Sequence[Relation], as_of: AsOf, count: int
    ) -> list[RelationView]:
        """Return as many views, or a few more; the memories of no others are read."""
        held = [each for each in relations if as_of.belief(each)]
        found: list[RelationView] = []
        for start in range(0, len(held), count):
            found += self._views(owner, held[start : start + count], as_of)
            if len(found) >= count:
                break
        return found

    def _views(
        self, owner: Owner, relations: Sequence[Relation], as_of: AsOf
    ) -> list[RelationView]:
        """Return what was held of these relations, but what lost its support."""
        held = [(each, belief) for each in relations if (belief := as_of.belief(each))]
        living = self._living(owner.project, [each for each, _ in held])
        ends = {end for each, _ in held for end in each.triple.ends}
        entities = self.graph.entities(owner, sorted(ends)) if ends else {}
        return [
            RelationView(
                relation=relation,
                belief=belief,
                source=entities[relation.triple.source],
                target=entities[relation.triple.target],
                memories=memories,
            )
            for relation, belief in held
            # An erasure may have taken the ends a moment ago.
            if entities.keys() >= set(relation.triple.ends)
            if (memories := _supporting(relation, living)) or belief != relation.belief
        ]

    def _living(self, project: str, relations: Sequence[Relation]) -> dict[str, Memory]:
        """Return the memories that say now what the graph has of them."""
        ids = {each for relation in relations for each in relation.last_said_by(MAX_SUPPORT)}
        if not ids:
            return {}
        memories = self.record.get(project, sorted(ids))
        readings = self.graph.readings(project, sorted(memories))
        now = self.now()
        return {
            key: memory
            for key, memory in memories.items()
            if not memory.is_expired(now) and key in readings and readings[key].is_of(memory)
        }


def _supporting(relation: Relation, living: Mapping[str, Memory]) -> tuple[Memory, ...]:
    ids = relation.last_said_by(MAX_SUPPORT)
    return tuple(living[each] for each in ids if each in living)


def _of_all(relations: Sequence[RelationView]) -> tuple[Memory, ...]:
    memories = {memory.id: memory for each in relations for memory in each.memories}
    newest = sorted(memories.values(), key=lambda each: (each.said_at, each.id), reverse=True)
    return tuple(newest[:MAX_MEMORIES])


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE_SIZE:
        message = f"page_size must be between 1 and {MAX_PAGE_SIZE}"
        raise InvalidRequestError(message)


def _entity_not_found() -> NotFoundError:
    return NotFoundError("Entity not found")
