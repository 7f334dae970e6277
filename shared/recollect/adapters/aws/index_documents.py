"""Memories as the documents of an index."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from operator import attrgetter
from typing import Any, Literal

from recollect.adapters.aws.index_bulk import Operation
from recollect.adapters.aws.index_family import Member, Versioning, vector_field
from recollect.adapters.aws.index_filters import microseconds
from recollect.adapters.aws.index_marks import grams_of, marks_of
from recollect.domain.memory import Embedding, Memory
from recollect.domain.text import terms

REMOVED = 2**62
"""The version of every removal: higher than any memory's, so that it never comes back."""
DECIMALS = 6
"""Of a stored number, which was half as exact before: half as many characters are sent."""


def put_operations(
    member: Member, project: str, memories: Iterable[Memory], versioning: Versioning
) -> list[Operation]:
    """Return what stores the memories in an index, the newest version of each."""
    newest = {memory.id: memory for memory in sorted(memories, key=attrgetter("version"))}
    return [
        Operation(
            {"index": _target(member, project, memory.id) | versioned(memory.version, versioning)},
            _document(member, project, memory),
        )
        for memory in newest.values()
    ]


def removal_operations(
    member: Member, project: str, memory_ids: Iterable[str], versioning: Versioning
) -> list[Operation]:
    """Return what removes the memories from an index."""
    version = versioned(REMOVED, versioning)
    return [
        Operation({"delete": _target(member, project, memory_id) | version})
        for memory_id in memory_ids
    ]


def load_terms(stored: str) -> list[str]:
    """Return the terms from the field `terms_read`, which the engine answers without padding."""
    return base64.b64decode(stored + "==").decode().split()


def _dumped_terms(words: Iterable[str]) -> str:
    return base64.b64encode(" ".join(words).encode()).decode()


def _target(member: Member, project: str, memory_id: str) -> dict[str, Any]:
    return {"_index": member.own_alias, "_id": hashed(project, memory_id)}


def versioned(
    version: int,
    versioning: Versioning,
    accepted: Literal["external", "external_gte"] = "external",
) -> dict[str, Any]:
    """Return what has an operation done only if the document's version is lower (or equal)."""
    is_ours = versioning == "external"
    return {"version": version, "version_type": accepted} if is_ours else {}


def hashed(*names: str) -> str:
    """Return an id that no other names lead to: nothing of another project can have it."""
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]


def _document(member: Member, project: str, memory: Memory) -> Mapping[str, Any]:
    words = terms(memory.text)
    document = {
        "project": project,
        "memory_id": memory.id,
        "version": memory.version,
        "subjects": [subject.key for subject in memory.scope.subjects],
        "marks": sorted(marks_of(memory)),
        "grams": sorted(grams_of(memory)),
        "created_at": microseconds(memory.created_at),
        "updated_at": microseconds(memory.updated_at),
        "terms": " ".join(words),
        "terms_read": _dumped_terms(words),
        "length": len(words),
    }
    if memory.expires_on:
        document["expires_on"] = microseconds(_midnight(memory.expires_on))
    if memory.embedding and member.holds_vectors_of(memory.embedding):
        document |= stored_vector(memory.embedding)
    return document


def stored_vector(embedding: Embedding) -> dict[str, list[float]]:
    """Return the field with the vector; none if it is all zero, which has no direction."""
    vector = embedding.vector().astype(float).round(DECIMALS)
    return {vector_field(embedding.model): vector.tolist()} if vector.any() else {}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
