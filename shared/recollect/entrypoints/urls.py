"""What callers put into a URL: ids and queries, and their meaning in our words."""

import ast
import json
import re
from collections.abc import Mapping, Sequence

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.models import ENTITY_IDS
from recollect.entrypoints.turns import JsonObject

_FILTERING = frozenset({"filters", "metadata"})
_HARMLESS = frozenset({"org_id", "project_id", "source", "version", "output_format"})
"""What clients add to every request; none of it narrows a delete."""
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def memory_id_from(text: str) -> str:
    """Return a memory's id as it is stored; raise `InvalidRequestError` unless it is a UUID."""
    return _uuid("memory_id", text)


def job_id_from(text: str) -> str:
    """Return a job's id as it is stored; raise `InvalidRequestError` unless it is a UUID."""
    return _uuid("event_id", text)


def delete_filters(query: Mapping[str, Sequence[str]]) -> JsonObject:
    """Return the filters of a delete-all request from its query.

    A client may serialise `filters` as JSON or as the text of a Python dict. What cannot be read,
    empty values and unknown parameters included, is refused: ignoring it would delete more than
    was asked for.
    """
    aliases = {f"{kind}Id" for kind in SubjectKind}
    if unknown := sorted(set(query) - {*ENTITY_IDS, *aliases, *_FILTERING, *_HARMLESS}):
        message = f"Unknown parameter {ascii(unknown[0])[:40]}: nothing was deleted"
        raise InvalidRequestError(message)
    parts: list[JsonObject] = [
        {name: value}
        for name, kind in ENTITY_IDS.items()
        for value in (*query.get(name, ()), *query.get(f"{kind}Id", ()))
    ]
    parts += [_object_from("filters", text) for text in query.get("filters", ())]
    parts += [{"metadata": _object_from("metadata", text)} for text in query.get("metadata", ())]
    return {"AND": parts}


def _uuid(name: str, text: str) -> str:
    if not UUID_PATTERN.fullmatch(text):
        message = f"{name} should be a valid UUID"
        raise InvalidRequestError(message)
    return text.lower()


def _object_from(name: str, text: str) -> JsonObject:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, dict):
        message = f"{name} must be a JSON object"
        raise InvalidRequestError(message)
    return value
