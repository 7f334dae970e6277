"""The items of owners' graphs in the record table: how each is written and read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from recollect.adapters import stored, stored_graph
from recollect.adapters.aws.dynamodb import Item, Key, key_item, number, text
from recollect.adapters.aws.items import WIDE_SHARDS, project_of, project_part, shard, state_key
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation, Triple
from recollect.domain.memory import Embedding
from recollect.ports.graph import Unread
from recollect.ports.record import MemoryWrite

ENTITY = "N#"
ALIAS = "A#"
UNREAD = "P#"


def graph_partition(owner: Owner) -> str:
    """Where everything of an owner's graph is but what was read in its memories."""
    return f"G#{project_part(owner.project)}#{owner.key}"


def unread_key(owner: Owner, an_id: str) -> Key:
    """Where it is told that a change awaits the graph writer."""
    return graph_partition(owner), f"{UNREAD}{an_id}"


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


def wide_unread(at: int) -> str:
    """Where `wide` has a shard of what awaits the graph writer, of all projects."""
    return f"G#{at}"


def unread_items(unique: str, at: datetime, writes: Sequence[MemoryWrite]) -> Iterator[Item]:
    """Yield what tells the graph writer of a change, one item for each memory in the graph."""
    for place, write in enumerate(writes):
        if write.is_graphed:
            yield _unread_item(Owner.of(write.scope), f"{unique}-{place:03d}", at, write)


def _unread_item(owner: Owner, place: str, at: datetime, write: MemoryWrite) -> Item:
    since, project = stored.time_text(at), project_part(owner.project)
    return {
        **key_item(unread_key(owner, place)),
        "gpk": text(wide_unread(shard(owner.key, WIDE_SHARDS))),
        "gsk": text(f"{since}#{project}#{owner.key}#{place}"),
        "memory_id": text(write.event.memory_id),
        "version": number(write.event.version),
    }


def unread_of(item: Item) -> Unread:
    """Return the change that an item of `unread_items` tells of."""
    place = item["sk"]["S"].removeprefix(UNREAD)
    return Unread(place, item["memory_id"]["S"], int(item["version"]["N"]))


def since_and_owner(item: Item) -> tuple[str, Owner]:
    """Return since when the change of such an item has been unread, and whose it is."""
    since, project, key, _ = item["gsk"]["S"].split("#", 3)
    return since, Owner(project_of(project), key)


def entity_item(owner: Owner, entity: Entity) -> Item:
    """Return the item of an entity."""
    embedding = entity.embedding
    vectors = {embedding.model: {"B": embedding.data}} if embedding else {}
    return {
        **key_item(entity_key(owner, entity.id)),
        "version": number(entity.version),
        "body": _body(stored_graph.dump_entity(entity)),
        "vec": {"M": vectors},
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
