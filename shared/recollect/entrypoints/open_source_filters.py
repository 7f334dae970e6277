"""Filters as mem0's open source has them: every name that is no field is a key of the metadata."""

from collections.abc import Mapping
from typing import Any

from recollect.entrypoints.models import ENTITY_IDS

LOGIC = frozenset({"AND", "OR", "NOT"})
FIELDS = frozenset(
    {
        *ENTITY_IDS,
        *(f"{kind}Id" for kind in ENTITY_IDS.values()),
        *("actor_id", "role", "kind", "memory_type"),
        *("created_at", "updated_at", "timestamp", "expiration_date"),
        *("text", "keywords", "keywords_search", "categories", "memory_ids", "metadata"),
    }
)
"""What a filter can name of a memory."""


def with_metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter of mem0's open source in the language of the hosted clients."""
    fields: dict[str, Any] = {}
    metadata: list[dict[str, Any]] = []
    for key, value in given.items():
        if key in LOGIC:
            clauses = value if isinstance(value, list) else [value]
            fields[key] = [
                with_metadata(each) if isinstance(each, dict) else each for each in clauses
            ]
        elif key in FIELDS:
            fields[key] = value
        else:
            metadata.append(_metadata(key, value))
    return {"AND": [fields, *metadata]} if metadata else fields


def _metadata(key: str, value: object) -> dict[str, Any]:
    match value:
        case {"in": list(allowed), **others} if not others:
            return {"OR": [{"metadata": {key: {"eq": each}}} for each in allowed]}
        case {"nin": list(forbidden), **others} if not others:
            return {"NOT": [{"metadata": {key: {"eq": each}}} for each in forbidden]}
        case _:
            return {"metadata": {key: value}}
