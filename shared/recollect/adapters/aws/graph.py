"""The truth about owners' graphs, in the record table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from recollect.adapters import stored_graph
from recollect.adapters.aws import graph_items
from recollect.adapters.aws.dynamodb import Item, Key, Step, Table, key_item, key_of, number, text
from recollect.adapters.aws.graph_items import (
    ENTITY,
    UNPROJECTED,
    alias_key,
    entity_key,
    graph_partition,
    is_alias,
    place_of,
    reading_key,
    relations_of,
    unread_key,
    unread_place,
)
from recollect.adapters.aws.items import (
    DELETED,
    WIDE_INDEX,
    is_possible,
    state_key,
    subject_partition,
)
from recollect.adapters.stored_graph import WHOLE
from recollect.domain.graph import Entity, Owner, Reading, Relation, Triple
from recollect.ports.graph import GraphChange, Unread
from recollect.ports.record import LostRaceError, VersionMovedError

ROOM = 98
"""The items of a transaction, without the two that tell of it. Each may then have 40 KB of its
4 MB: as much as a relation has with 50 beliefs and 250 memories that support it.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""


@dataclass(frozen=True)
class DynamoGraph:
    """Owners' graphs in the record table; see the port `GraphRecord` for what it promises.

    A relation is stored whole at both of its ends, so that what is around an entity is
    together; a commit conditions on the version at both, which are never apart.
    """

    table: Table
    new_token: Callable[[], str]

    def owners(self, project: str, *, after: Owner | None, limit: int) -> list[Owner]:
        """Return owners of the project that have a graph, behind this one. One Query of `wide`."""
        items = self.table.query(
            "gpk = :gpk AND gsk > :after",
            {
                ":gpk": text(graph_items.wide_owners(project)),
                ":after": text(after.key if after else " "),
            },
            IndexName=WIDE_INDEX,
            Limit=limit,
        )
        return [Owner(project, item["gsk"]["S"]) for item in islice(items, limit)]

    def readings(self, project: str, memory_ids: Sequence[str]) -> dict[str, Reading]:
        """Return what the graph has of these memories. One BatchGetItem a hundred."""
        keys = [reading_key(project, each) for each in memory_ids if is_possible(each)]
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
        created = change.created
        steps = [
            *(self._source(owner, *source) for source in change.sources.items()),
            *(
                self._next(graph_items.entity_item(owner, each), each.version, each.id in created)
                for each in change.entities
            ),
            *(self._new(graph_items.alias_item(owner, each)) for each in change.aliases),
            *(
                self._next(item, each.version, each.triple.id in created)
                for each in change.relations
                for item in graph_items.relation_items(owner, each)
            ),
            *(self._put(graph_items.reading_item(owner, each)) for each in change.readings),
            *(self._delete(unread_key(owner, each.id)) for each in change.done),
            *self._news(owner, change),
        ]
        if steps:
            self.table.transact(steps, self.new_token())

    def reread(self, owner: Owner, memories: Mapping[str, int], *, at: datetime) -> None:
        """Forget what the graph has of these memories, and have them read again."""
        place = unread_place(at, self.new_token())
        unread = [
            Unread(f"{place}-{number:05d}", memory_id, version)
            for number, (memory_id, version) in enumerate(memories.items())
        ]
        # Before what has to be read is told: it would be read already.
        self.table.write_all(delete=[reading_key(owner.project, each) for each in memories])
        self.table.write_all(put=[graph_items.unread_item(owner, each, at) for each in unread])

    def erase(self, owner: Owner, *, at: datetime) -> bool:
        """Remove everything of the owner's graph, and what was read in gone memories."""
        pages = self.table.query_pages(
            "pk = :pk",
            {":pk": text(graph_partition(owner))},
            ProjectionExpression="pk, sk, memory_id",
        )
        is_any = False
        for page in pages:
            if page["Items"] and not is_any:
                # So that whoever finishes what breaks off here finds something.
                self._unproject_all(owner, at)
                is_any = True
            self._erase(owner, page["Items"])
        if is_any:
            self._forget_gone(owner)
            self._unproject_all(owner, at)
        return is_any

    def _erase(self, owner: Owner, items: Sequence[Item]) -> None:
        # Once each, though many changes of one memory may wait.
        read = {item["memory_id"]["S"] for item in items if "memory_id" in item}
        keys = map(key_of, items)
        self.table.write_all(delete=[reading_key(owner.project, each) for each in read])
        self.table.write_all(delete=[key for key in keys if not key[1].startswith(UNPROJECTED)])

    def _forget_gone(self, owner: Owner) -> None:
        """Remove what was read in those memories of the subject that were deleted."""
        gone = self.table.query(
            "pk = :pk AND begins_with(sk, :deleted)",
            {
                ":pk": text(subject_partition(owner.project, owner.key)),
                ":deleted": text(DELETED),
            },
            ProjectionExpression="pk, sk",
        )
        ids = {item["sk"]["S"].rpartition("#")[2] for item in gone}
        self.table.write_all(delete=[reading_key(owner.project, each) for each in sorted(ids)])

    def _unproject_all(self, owner: Owner, at: datetime) -> None:
        place = place_of(at, self.new_token())
        self.table.put(graph_items.unprojected_item(owner, place, at, WHOLE))

    def _news(self, owner: Owner, change: GraphChange) -> Iterator[Step]:
        """Yield what tells of the commit, and of the owner at the first."""
        if change.entities or change.relations:
            place = place_of(change.at, self.new_token())
            document = stored_graph.unprojected_by(change)
            yield self._put(graph_items.unprojected_item(owner, place, change.at, document))
        if change.created:
            marks = {
                "gpk": text(graph_items.wide_owners(owner.project)),
                "gsk": text(owner.key),
            }
            yield self._put({**key_item(graph_items.owner_key(owner)), **marks})

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

    def _source(self, owner: Owner, memory_id: str, version: int | None) -> Step:
        """Check that a memory is at a version, or gone."""
        request: Item = {
            "TableName": self.table.name,
            "Key": key_item(state_key(owner.project, memory_id)),
        }
        if version is None:
            request["ConditionExpression"] = "attribute_not_exists(body)"
        else:
            request["ConditionExpression"] = "version = :version"
            request["ExpressionAttributeValues"] = {":version": number(version)}
        moved = VersionMovedError(f"Memory {memory_id} changed while it was read")
        return Step({"ConditionCheck": request}, moved)

    def _next(self, item: Item, version: int, is_new: bool) -> Step:  # noqa: FBT001 - of a thing
        """Replace what was read at the version before, or make what nobody has made."""
        if is_new:
            return self._new(item)
        return self._put(
            item,
            _overtaken(),
            ConditionExpression="version = :before",
            ExpressionAttributeValues={":before": number(version - 1)},
        )

    def _new(self, item: Item) -> Step:
        return self._put(item, _overtaken(), ConditionExpression="attribute_not_exists(pk)")

    def _put(self, item: Item, lost: LostRaceError | None = None, **condition: object) -> Step:
        return Step({"Put": {"TableName": self.table.name, "Item": item, **condition}}, lost)

    def _delete(self, key: Key) -> Step:
        """Remove what nobody else has removed."""
        request: Item = {
            "TableName": self.table.name,
            "Key": key_item(key),
            "ConditionExpression": "attribute_exists(pk)",
        }
        return Step({"Delete": request}, _overtaken())


def _overtaken() -> LostRaceError:
    return LostRaceError("Somebody else changed the graph first")
