"""The items of owners' graphs in the record table: how each is written and read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from recollect.adapters import stored, stored_graph
from recollect.adapters.aws.dynamodb import Item, Key, key_item, number, text
from recollect.adapters.aws.items import (
    WIDE_SHARDS,
    project_of,
    project_part,
    shard,
    state_key,
    vectors_item,
)
from recollect.adapters.aws.waiting import waiting_marks
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation, Triple
from recollect.domain.memory import Embedding
from recollect.ports.graph import Unread
from recollect.ports.graph_outbox import SetAside, Unprojected
from recollect.ports.record import MemoryWrite

ENTITY = "N#"
ALIAS = "A#"
UNREAD = "P#"
ASIDE = "F#"
UNPROJECTED = "Q#N#"
CONFIRMED = "Q#C#"
"""Sorts before what is unprojected, as with the index's pending changes."""
READING, PROJECTING = "G", "Q"
"""The kinds of what waits: for the writer, and for projections."""


def graph_partition(owner: Owner) -> str:
    """Where everything of an owner's graph is but what was read in its memories."""
    return f"G#{project_part(owner.project)}#{owner.key}"


def unread_key(owner: Owner, an_id: str) -> Key:
    """Where it is told that a change awaits the graph writer."""
    return graph_partition(owner), f"{UNREAD}{an_id}"


def place_of(at: datetime, unique: str) -> str:
    """Return a place among what is unprojected, in the order of time."""
    return f"{stored.time_text(at)}-{unique[:8]}"


def aside_key(owner: Owner, an_id: str) -> Key:
    """Where a change is that was set aside."""
    return graph_partition(owner), f"{ASIDE}{an_id}"


def unread_place(at: datetime, unique: str) -> str:
    """Return a place among what is unread, in the order of time, as changes of memories have it."""
    return f"{int(at.timestamp() * 1_000_000):016d}-{unique[:8]}"


def unprojected_key(owner: Owner, place: str) -> Key:
    """Where it is told that projections have to look at a commit."""
    return graph_partition(owner), f"{UNPROJECTED}{place}"


def entity_key(owner: Owner, an_id: str) -> Key:
    """Where an entity is."""
    return graph_partition(owner), f"{ENTITY}{an_id}"


def alias_key(owner: Owner, an_id: str) -> Key:
    """Where it is told whose other name this is."""
    return graph_partition(owner), f"{ALIAS}{an_id}"


def is_alias(key: Key) -> bool:
    """Tell whether it is the key of an alias."""
    return key[1].startswith(ALIAS)


def relation_key(owner: Owner, end: str, triple: Triple) -> Key:
    """Where a relation is, at one of its ends."""
    return graph_partition(owner), f"{relations_of(end)}{triple.id}"


def relations_of(entity_id: str) -> str:
    """Return what the sort keys of an entity's relations begin with."""
    return f"X#{entity_id}#"


def reading_key(project: str, memory_id: str) -> Key:
    """Where it is told what the graph has of a memory."""
    return state_key(project, memory_id)[0], "G"


def wide_owners(project: str) -> str:
    """Where `wide` has the owners of a project's graphs."""
    return f"O#{project_part(project)}"


def owner_key(owner: Owner) -> Key:
    """Where it is told that an owner has a graph."""
    return graph_partition(owner), "A"


def unread_items(unique: str, at: datetime, writes: Sequence[MemoryWrite]) -> Iterator[Item]:
    """Yield what tells the graph writer of a change, one item for each memory in the graph."""
    for place, write in enumerate(writes):
        if write.is_graphed:
            event = write.event
            unread = Unread(f"{unique}-{place:03d}", event.memory_id, event.version)
            yield unread_item(Owner.of(write.scope), unread, at)


def unread_item(owner: Owner, unread: Unread, at: datetime) -> Item:
    """Return the item of a change that the graph writer has to read."""
    return {
        **key_item(unread_key(owner, unread.id)),
        **waiting_marks(READING, owner.project, owner.key, unread.id, at),
        **_change(unread),
    }


def aside_item(aside: SetAside) -> Item:
    """Return the item of a change that was set aside."""
    owner, unread = aside.owner, aside.unread
    return {
        **key_item(aside_key(owner, unread.id)),
        "gpk": text(f"{ASIDE}{shard(owner.key, WIDE_SHARDS)}"),
        "gsk": text(f"{unread.id}#{project_part(owner.project)}#{owner.key}"),
        "reason": text(aside.reason),
        **_change(unread),
    }


def aside_of(item: Item) -> SetAside:
    """Return what was set aside, of its item."""
    _, project, key = item["gsk"]["S"].split("#", 2)
    unread = _unread_of(item, ASIDE)
    return SetAside(Owner(project_of(project), key), unread, item["reason"]["S"])


def unread_of(item: Item) -> Unread:
    """Return the change that an item of `unread_item` tells of."""
    return _unread_of(item, UNREAD)


def _unread_of(item: Item, prefix: str) -> Unread:
    place = item["sk"]["S"].removeprefix(prefix)
    return Unread(place, item["memory_id"]["S"], int(item["version"]["N"]))


def _change(unread: Unread) -> Item:
    return {"memory_id": text(unread.memory_id), "version": number(unread.version)}


def unprojected_item(owner: Owner, place: str, at: datetime, document: stored.Document) -> Item:
    """Return the item of a commit that the graph's projections have to look at."""
    return {
        **key_item(unprojected_key(owner, place)),
        **waiting_marks(PROJECTING, owner.project, owner.key, place, at),
        "body": _body(document),
    }


def unprojected_of(item: Item) -> Unprojected:
    """Return what projections have to look at, of its item."""
    place = item["sk"]["S"].removeprefix(UNPROJECTED)
    return stored_graph.load_unprojected(place, _document(item))


def entity_item(owner: Owner, entity: Entity) -> Item:
    """Return the item of an entity."""
    return {
        **key_item(entity_key(owner, entity.id)),
        "version": number(entity.version),
        "body": _body(stored_graph.dump_entity(entity)),
        "vec": vectors_item(entity.embedding),
    }


def entity_of(owner: Owner, item: Item) -> Entity:
    """Return the entity of its item."""
    vectors = [Embedding(model, data["B"]) for model, data in item["vec"]["M"].items()]
    embedding = vectors[0] if vectors else None
    return stored_graph.load_entity(owner, _document(item), embedding)


def alias_item(owner: Owner, alias: Alias) -> Item:
    """Return the item of an alias."""
    body = _body(stored_graph.dump_alias(alias))
    return {**key_item(alias_key(owner, alias.id)), "body": body}


def alias_of(item: Item) -> Alias:
    """Return the alias of its item."""
    return stored_graph.load_alias(_document(item))


def relation_items(owner: Owner, relation: Relation) -> Iterator[Item]:
    """Yield the items of a relation: the same at both ends, once if they are one."""
    body = _body(stored_graph.dump_relation(relation))
    for end in relation.triple.ends:
        key = relation_key(owner, end, relation.triple)
        yield {**key_item(key), "version": number(relation.version), "body": body}


def relation_of(owner: Owner, item: Item) -> Relation:
    """Return the relation of the item at either end."""
    return stored_graph.load_relation(owner, _document(item))


def reading_item(owner: Owner, reading: Reading) -> Item:
    """Return the item of what was read in a memory."""
    body = _body(stored_graph.dump_reading(reading))
    return {**key_item(reading_key(owner.project, reading.memory_id)), "body": body}


def reading_of(item: Item) -> Reading:
    """Return what was read in a memory, of its item."""
    return stored_graph.load_reading(_document(item))


def _body(document: stored.Document) -> Item:
    return text(stored.dump(document))


def _document(item: Item) -> stored.Document:
    return stored.load(item["body"]["S"])
