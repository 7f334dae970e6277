"""What callers ask of a graph in a URL, and what they get: entities, relations, their memories."""

import re
from collections.abc import Sequence
from datetime import datetime

from typing_extensions import TypedDict

from recollect.domain.errors import InvalidRequestError
from recollect.domain.graph import Entity
from recollect.entrypoints.times import time_from, time_text
from recollect.usecases.browse_graph import EntityView, RelationView

GRAPH_ID = re.compile(r"[0-9a-f]{32}")
_SECONDS = re.compile(r"-?[0-9]{9,}(?:\.[0-9]+)?")
"""Unix seconds; eight digits are a day, 20260301."""


class GraphEntityAnswer(TypedDict):
    """Who or what memories speak of, and how many of them do."""

    id: str
    name: str
    type: str
    mentions: int
    created_at: str


class GraphRelationAnswer(TypedDict):
    """What one entity is to another: when it was so, and when that was held.

    `mentions` counts the memories that say so now; `memory_ids` are the last of them.
    """

    id: str
    source: str
    source_type: str
    source_id: str
    relationship: str
    target: str
    target_type: str
    target_id: str
    mentions: int
    valid_from: str | None
    valid_to: str | None
    recorded_at: str
    retracted_at: str | None
    memory_ids: list[str]


class SupportingMemoryAnswer(TypedDict):
    """A memory that says what the graph has of it."""

    id: str
    memory: str


class GraphEntityViewAnswer(GraphEntityAnswer):
    """An entity with its relations, and the memories that support them."""

    relations: list[GraphRelationAnswer]
    memories: list[SupportingMemoryAnswer]


class GraphEntityPageAnswer(TypedDict):
    """One page of a graph's entities; `next` is null at the end alone."""

    next: str | None
    results: list[GraphEntityAnswer]


class GraphRelationPageAnswer(TypedDict):
    """One page of a graph's relations; `next` is null at the end alone."""

    next: str | None
    results: list[GraphRelationAnswer]


def entity_id_from(text: str) -> str:
    """Return an entity's id as it is stored; raise `InvalidRequestError` if it cannot be one."""
    if not GRAPH_ID.fullmatch(text.lower()):
        message = "entity_id should be 32 hexadecimal digits"
        raise InvalidRequestError(message)
    return text.lower()


def moment_from(text: str | None, field: str) -> datetime | None:
    """Return the time of a query: unix seconds, a day or an ISO text; None for None.

    Raises `InvalidRequestError`, which names the field.
    """
    is_number = text is not None and _SECONDS.fullmatch(text)
    return time_from(float(text) if text and is_number else text, field)


def graph_entity_answer(entity: Entity) -> GraphEntityAnswer:
    """Return an entity."""
    return {
        "id": entity.id,
        "name": entity.name,
        "type": entity.type,
        "mentions": entity.mentions,
        "created_at": time_text(entity.recorded_at),
    }


def graph_relation_answers(relations: Sequence[RelationView]) -> list[GraphRelationAnswer]:
    """Return relations, each with its two ends and the times of what was held of it."""
    return [
        {
            "id": each.relation.triple.id,
            "source": each.source.name,
            "source_type": each.source.type,
            "source_id": each.source.id,
            "relationship": each.relation.triple.predicate,
            "target": each.target.name,
            "target_type": each.target.type,
            "target_id": each.target.id,
            "mentions": each.relation.mentions,
            "valid_from": _time(each.belief.valid_from),
            "valid_to": _time(each.belief.valid_to),
            "recorded_at": time_text(each.belief.recorded_at),
            "retracted_at": _time(each.belief.retracted_at),
            "memory_ids": [memory.id for memory in each.memories],
        }
        for each in relations
    ]


def graph_entity_view_answer(view: EntityView) -> GraphEntityViewAnswer:
    """Return an entity with its relations, and the memories that support them."""
    return {
        **graph_entity_answer(view.entity),
        "relations": graph_relation_answers(view.relations),
        "memories": [{"id": each.id, "memory": each.text} for each in view.memories],
    }


def _time(time: datetime | None) -> str | None:
    return time_text(time) if time else None
