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
from recollect.entrypoints.open_source_filters import with_metadata


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
    given = with_metadata(as_json(filters))
    return {"AND": [named, given]} if named else given


def _time_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    message = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(message)
