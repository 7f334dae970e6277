"""The truth about owners' graphs, in the record table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from recollect.adapters import stored
from recollect.adapters.aws import graph_items
from recollect.adapters.aws.dynamodb import Item, Key, Step, Table, key_item, number, text
from recollect.adapters.aws.graph_items import (
    ENTITY,
    UNREAD,
    alias_key,
    entity_key,
    graph_partition,
    is_alias,
    relations_of,
    unread_key,
)
from recollect.adapters.aws.items import WIDE_INDEX, WIDE_SHARDS, is_possible, state_key
from recollect.domain.graph import Entity, Owner, Reading, Relation, Triple
from recollect.ports.graph import GraphChange, Unread
from recollect.ports.record import LostRaceError, VersionMovedError

ROOM = 100
"""The items of a transaction. Each may then have 40 KB of its 4 MB: as much as a relation has with
50 beliefs and 250 memories that support it.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""


@dataclass(frozen=True)
class DynamoGraph:
    """Owners' graphs in the record table; see the port `GraphRecord` for what it promises.

    What is unread has an item for each memory of a change, so that a commit may be done with some
    of them. A relation is stored whole at both of its ends, so that what is around an entity is
    together; a commit conditions on the version at both, which are never apart.
    """

    table: Table
    new_token: Callable[[], str]

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        """Return what awaits the graph writer, oldest first. One Query."""
        return list(map(graph_items.unread_of, self._first(owner, UNREAD, limit)))

    def stale(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with changes unread since before then. 16 Queries at once."""

        def of_shard(at: int) -> list[tuple[str, Owner]]:
            items = self.table.query(
                "gpk = :gpk AND gsk <= :before",
                {
                    ":gpk": text(graph_items.wide_unread(at)),
                    ":before": text(f"{stored.time_text(before)}~"),
                },
                IndexName=WIDE_INDEX,
                Limit=limit,
            )
            return list(islice(_oldest_of_each(items), limit))

        shards = self.table.together(of_shard, range(WIDE_SHARDS))
        oldest = sorted(each for found in shards for each in found)
        return [owner for _, owner in oldest[:limit]]

    def readings(self, project: str, memory_ids: Sequence[str]) -> dict[str, Reading]:
        """Return what the graph has of these memories. One BatchGetItem a hundred."""
        keys = [graph_items.reading_key(project, each) for each in memory_ids if is_possible(each)]
        readings = map(graph_items.reading_of, self.table.get_all(keys).values())
        return {reading.memory_id: reading for reading in readings}

    def entities(self, owner: Owner, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Return entities by these ids, which may be those of aliases.

        One BatchGetItem for fifty ids, and one more if there are aliases of entities not yet read.
        """
        ids = [each for each in dict.fromkeys(entity_ids) if is_possible(each)]
        keys = [key for each in ids for key in (entity_key(owner, each), alias_key(owner, each))]
        found = self.table.get_all(keys)
        aliases = [graph_items.alias_of(item) for key, item in found.items() if is_alias(key)]
        places = {alias.id: entity_key(owner, alias.entity_id) for alias in aliases}
        # What is an entity by its own name is not meant to be another one.
        places |= {each: key for each in ids if (key := entity_key(owner, each)) in found}
        found |= self.table.get_all(key for key in places.values() if key not in found)
        return {
            each: graph_items.entity_of(owner, found[key])
            for each, key in places.items()
            if key in found
        }

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        """Return entities in the order of their ids, from behind this one. One Query."""
        items = self._first(owner, ENTITY, limit, after=f"{ENTITY}{after}" if after else "")
        return [graph_items.entity_of(owner, item) for item in items]

    def relations(self, owner: Owner, triples: Sequence[Triple]) -> dict[Triple, Relation]:
        """Return the relations among these triples. One BatchGetItem a hundred."""
        keys = [graph_items.relation_key(owner, each.source, each) for each in triples]
        items = self.table.get_all(keys).values()
        relations = [graph_items.relation_of(owner, item) for item in items]
        return {relation.triple: relation for relation in relations}

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        """Return at most `limit` relations of each entity. One Query an entity, 16 at once."""

        def of_entity(entity_id: str) -> list[Relation]:
            items = self._first(owner, relations_of(entity_id), limit)
            return [graph_items.relation_of(owner, item) for item in items]

        ids = [each for each in dict.fromkeys(entity_ids) if is_possible(each)]
        found = chain.from_iterable(self.table.together(of_entity, ids))
        return list({relation.triple: relation for relation in found}.values())

    def room(self) -> int:
        """Return the `GraphChange.size` that a commit can hold."""
        return ROOM

    def commit(self, owner: Owner, change: GraphChange) -> None:
        """Store the change at once, or raise a `LostRaceError`. One TransactWriteItems."""
        steps = [
            *(self._source(owner, *source) for source in change.sources.items()),
            *(self._next(graph_items.entity_item(owner, each), each) for each in change.entities),
            *(self._new(graph_items.alias_item(owner, each)) for each in change.aliases),
            *(
                self._next(item, each)
                for each in change.relations
                for item in graph_items.relation_items(owner, each)
            ),
            *(self._put(graph_items.reading_item(owner, each)) for each in change.readings),
            *(self._delete(unread_key(owner, each.id)) for each in change.done),
        ]
        if steps:
            self.table.transact(steps, self.new_token())

    def _first(self, owner: Owner, prefix: str, limit: int, *, after: str = "") -> list[Item]:
        """Return the owner's first items of a kind behind a sort key, and read no others."""
        partition = graph_partition(owner)
        start: Item = {"ExclusiveStartKey": key_item((partition, after))} if after else {}
        items = self.table.query(
            "pk = :pk AND begins_with(sk, :prefix)",
            {":pk": text(partition), ":prefix": text(prefix)},
            Limit=limit,
            **start,
        )
        return list(islice(items, limit))

    def _source(self, owner: Owner, memory_id: str, version: int) -> Step:
        """Check that a memory is at a version, be it the one of its deletion."""
        request: Item = {
            "TableName": self.table.name,
            "Key": key_item(state_key(owner.project, memory_id)),
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": number(version)},
        }
        moved = VersionMovedError(f"Memory {memory_id} changed while it was read")
        return Step({"ConditionCheck": request}, moved)

    def _next(self, item: Item, thing: Entity | Relation) -> Step:
        """Replace what was read at the version before; the first version is new."""
        if thing.version == 1:
            return self._new(item)
        return self._put(
            item,
            _overtaken(),
            ConditionExpression="version = :before",
            ExpressionAttributeValues={":before": number(thing.version - 1)},
        )

    def _new(self, item: Item) -> Step:
        return self._put(item, _overtaken(), ConditionExpression="attribute_not_exists(pk)")

    def _put(self, item: Item, lost: LostRaceError | None = None, **condition: object) -> Step:
        return Step({"Put": {"TableName": self.table.name, "Item": item, **condition}}, lost)

    def _delete(self, key: Key) -> Step:
        return Step({"Delete": {"TableName": self.table.name, "Key": key_item(key)}})


def _oldest_of_each(items: Iterable[Item]) -> Iterator[tuple[str, Owner]]:
    """Yield each owner once, with the time of the first of its items."""
    seen = set()
    for since, owner in map(graph_items.since_and_owner, items):
        if owner not in seen:
            seen.add(owner)
            yield since, owner


def _overtaken() -> LostRaceError:
    return LostRaceError("Somebody else changed the graph first")
