"""What callers put into a URL: ids and queries, and their meaning in our words."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import SubjectKind
from recollect.entrypoints.bodies import parse_json
from recollect.entrypoints.models import ENTITY_IDS, EVERY_ENTITY
from recollect.entrypoints.turns import JsonObject

_FILTERING = frozenset({"filters", "metadata"})
_HARMLESS = frozenset({"org_id", "project_id", "source", "version", "output_format"})
"""What clients add to every request; none of it narrows a delete."""
MAX_LITERAL_LENGTH = 10_000
"""As long as a URL can be; of megabytes of operators Python makes gigabytes of syntax tree."""
_NO_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
"""What Python raises for a text that is none of its literals, or not one that JSON can say."""
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def memory_id_from(text: str) -> str:
    """Return a memory's id as it is stored; raise `InvalidRequestError` unless it is a UUID."""
    return _uuid("memory_id", text)


def export_id_from(text: str) -> str:
    """Return an export's id as it is stored; raise `InvalidRequestError` unless it is a UUID."""
    return _uuid("memory_export_id", text)


def job_id_from(text: str) -> str:
    """Return a job's id as it is stored; raise `InvalidRequestError` unless it is a UUID."""
    return _uuid("event_id", text)


def subject_kind_from(text: str) -> SubjectKind:
    """Return the kind that a path names, as `user` or `users`; raise `InvalidRequestError`."""
    try:
        return SubjectKind(text.removesuffix("s"))
    except ValueError as error:
        message = "Invalid entity type"
        raise InvalidRequestError(message) from error


def delete_filters(query: Mapping[str, Sequence[str]]) -> JsonObject:
    """Return the filters of a delete-all request from its query.

    A client may serialise `filters` as JSON or as the text of a Python dict. What cannot be read,
    empty values and unknown parameters included, is refused: ignoring it would delete more than
    was asked for. All four ids with `*` are the whole project, not what has all four.
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
    any_of_each = EVERY_ENTITY["OR"]
    if all(each in parts for each in any_of_each):
        parts = [EVERY_ENTITY, *(each for each in parts if each not in any_of_each)]
    parts += [object_from("filters", text) for text in query.get("filters", ())]
    parts += [{"metadata": object_from("metadata", text)} for text in query.get("metadata", ())]
    return {"AND": parts}


def _uuid(name: str, text: str) -> str:
    if not UUID_PATTERN.fullmatch(text):
        message = f"{name} should be a valid UUID"
        raise InvalidRequestError(message)
    return text.lower()


def object_from(name: str, text: str) -> JsonObject:
    """Return the object of a JSON text, or of a Python dict's; raise `InvalidRequestError`."""
    with suppress(InvalidRequestError):
        return parse_json(text)
    try:
        return parse_json(json.dumps(_literal(text), ensure_ascii=False))
    except (*_NO_LITERAL, InvalidRequestError) as error:
        message = f"{name} must be a JSON object"
        raise InvalidRequestError(message) from error


def _literal(text: str) -> object:
    if len(text) > MAX_LITERAL_LENGTH:
        raise ValueError
    return ast.literal_eval(text)
