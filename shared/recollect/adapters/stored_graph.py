"""The stored form of graphs, the same in every record."""

from datetime import datetime
from typing import Any

from recollect.adapters.stored import Document, time_in, time_of, time_or_none, time_text
from recollect.domain.graph import (
    Alias,
    Belief,
    Entity,
    Owner,
    Reading,
    Relation,
    Support,
    Triple,
)
from recollect.domain.memory import Embedding
from recollect.ports.graph import GraphChange
from recollect.ports.graph_outbox import Unprojected

WHOLE: Document = {"entities": [], "triples": [], "is_whole": True}
"""What projections have to look at if it is everything of an owner."""


def dump_entity(entity: Entity) -> Document:
    """Return an entity as a document; its embedding is stored beside it."""
    return {
        "name": entity.name,
        "type": entity.type,
        "mentions": entity.mentions,
        "recorded_at": time_text(entity.recorded_at),
        "version": entity.version,
    }


def load_entity(owner: Owner, document: Document, embedding: Embedding | None) -> Entity:
    """Return the entity that `dump_entity` wrote."""
    return Entity(
        owner=owner,
        name=document["name"],
        type=document["type"],
        mentions=document["mentions"],
        recorded_at=time_of(document["recorded_at"]),
        version=document["version"],
        embedding=embedding,
    )


def dump_alias(alias: Alias) -> Document:
    """Return an alias as a document."""
    return {
        "id": alias.id,
        "entity_id": alias.entity_id,
        "name": alias.name,
        "recorded_at": time_text(alias.recorded_at),
    }


def load_alias(document: Document) -> Alias:
    """Return the alias that `dump_alias` wrote."""
    return Alias(
        id=document["id"],
        entity_id=document["entity_id"],
        name=document["name"],
        recorded_at=time_of(document["recorded_at"]),
    )


def dump_relation(relation: Relation) -> Document:
    """Return a relation as a document."""
    return {
        "triple": _dump_triple(relation.triple),
        "support": [
            [
                each.memory_id,
                *_dump_times(each.said_at, each.valid_from, each.valid_to, each.learned_at),
            ]
            for each in relation.support
        ],
        "beliefs": [
            [
                *_dump_times(each.valid_from, each.valid_to, each.recorded_at, each.retracted_at),
                each.is_past,
            ]
            for each in relation.beliefs
        ],
        "is_exclusive": relation.is_exclusive,
        "version": relation.version,
    }


def load_relation(owner: Owner, document: Document) -> Relation:
    """Return the relation that `dump_relation` wrote."""
    return Relation(
        owner=owner,
        triple=Triple(*document["triple"]),
        support=tuple(_load_support(*each) for each in document["support"]),
        beliefs=tuple(_load_belief(each) for each in document["beliefs"]),
        is_exclusive=document["is_exclusive"],
        version=document["version"],
    )


def dump_reading(reading: Reading) -> Document:
    """Return a reading as a document."""
    return {
        "memory_id": reading.memory_id,
        "version": reading.version,
        "entities": reading.entities,
        "triples": [_dump_triple(each) for each in reading.triples],
        "ended": [_dump_triple(each) for each in reading.ended],
    }


def load_reading(document: Document) -> Reading:
    """Return the reading that `dump_reading` wrote."""
    return Reading(
        memory_id=document["memory_id"],
        version=document["version"],
        entities=tuple(document["entities"]),
        triples=tuple(Triple(*each) for each in document["triples"]),
        ended=tuple(Triple(*each) for each in document["ended"]),
    )


def unprojected_by(change: GraphChange) -> Document:
    """Return, as a document, what the projections of a graph have to look at after a change."""
    entities = tuple(each.id for each in change.entities)
    triples = tuple(each.triple for each in change.relations)
    return dump_unprojected(Unprojected("", entities, triples))


def dump_unprojected(unprojected: Unprojected) -> Document:
    """Return what projections have to look at as a document."""
    return {
        "entities": unprojected.entity_ids,
        "triples": [_dump_triple(each) for each in unprojected.triples],
        "is_whole": unprojected.is_whole,
    }


def load_unprojected(an_id: str, document: Document) -> Unprojected:
    """Return what `dump_unprojected` wrote, with its id."""
    return Unprojected(
        an_id,
        tuple(document["entities"]),
        tuple(Triple(*each) for each in document["triples"]),
        document["is_whole"],
    )


def _dump_triple(triple: Triple) -> list[str]:
    return [triple.source, triple.predicate, triple.target]


def _dump_times(*times: datetime | None) -> list[str | None]:
    return [time_or_none(time) for time in times]


def _load_support(memory_id: str, said_at: str, *times: str | None) -> Support:
    return Support(memory_id, time_of(said_at), *map(time_in, times))


def _load_belief(fields: list[Any]) -> Belief:
    valid_from, valid_to, recorded_at, retracted_at, is_past = fields
    return Belief(
        time_in(valid_from), time_in(valid_to), time_of(recorded_at), time_in(retracted_at), is_past
    )
