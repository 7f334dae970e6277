"""What callers give, turned into what the bodies of the HTTP protocol hold."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import IdempotencyKey
from recollect.domain.subjects import Subject
from recollect.entrypoints.bodies import parse_json
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
"""What a filter can name of a memory; every other name is a key of its metadata, as in mem0."""


def as_json(given: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy of what was given, as JSON holds it; times become texts in ISO 8601.

    Raises `InvalidRequestError` for what JSON cannot hold.
    """
    try:
        text = json.dumps(given, default=_time_text, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Arguments must be what JSON can hold: {error}"
        raise InvalidRequestError(message) from error
    return parse_json(text)


def key_of(key: str | None, body: Mapping[str, object]) -> IdempotencyKey | None:
    """Return the caller's key, tied to the body that it came with."""
    if key is None:
        return None
    canonical = json.dumps(body, sort_keys=True).encode()
    return IdempotencyKey(key, hashlib.sha256(canonical).hexdigest())


def filters_of(
    names: Mapping[str, str | None], filters: Mapping[str, object] | None
) -> dict[str, Any]:
    """Return the filter for memories of all these names that `filters` lets through as well.

    Raises `InvalidRequestError` for what is no name, such as `*`.
    """
    named: dict[str, Any] = {
        field: Subject.of(ENTITY_IDS[field], name).name
        for field, name in names.items()
        if name is not None
    }
    if not filters:
        return named
    given = _clause(as_json(filters))
    return {"AND": [named, given]} if named else given


def _clause(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    metadata: list[dict[str, Any]] = []
    for key, value in given.items():
        if key in LOGIC:
            clauses = value if isinstance(value, list) else [value]
            fields[key] = [_clause(each) if isinstance(each, dict) else each for each in clauses]
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


def _time_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    message = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(message)
