"""Test data with defaults: name only what the test is about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np

from recollect.domain.graph import Entity, Owner, Relation, Support, Triple
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.keys import ApiKey
from recollect.domain.memory import (
    Embedding,
    Episode,
    HistoryEvent,
    Memory,
    Message,
    Vector,
)
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.graph import GraphChange
from recollect.ports.record import Change, MemoryWrite

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When everything was said and recorded unless a test says otherwise."""


def a_scope(project: str | None = None, **names: str) -> Scope:
    """Return a scope, `a_scope(user="ada", run="r1")`; by default in a project of its own."""
    subjects = {SubjectKind(kind): name for kind, name in names.items()}
    return Scope.of(project or f"project-{uuid4().hex}", subjects or {SubjectKind.USER: "ada"})


def a_vector(*numbers: float) -> Vector:
    """Return a vector of these numbers, brought to unit length."""
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.float32(np.linalg.norm(vector) or 1.0)


def a_memory(
    scope: Scope,
    text: str = "likes tea",
    *,
    vector: Sequence[float] | None = None,
    **changes: Any,  # noqa: ANN401 - whatever a Memory has
) -> Memory:
    """Return a memory of the scope, without an embedding unless a vector is given."""
    embedding = None if vector is None else Embedding.of("test", a_vector(*vector))
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "created_at": NOON,
        "updated_at": NOON,
        "recorded_at": NOON,
        "episode_id": str(uuid4()),
        "embedding": embedding,
    }
    return Memory(scope=scope, text=text, **{**defaults, **changes})


def adding(memory: Memory) -> MemoryWrite:
    """Return the write that adds a memory."""
    return _write(None, memory)


def updating(before: Memory, **changes: Any) -> MemoryWrite:  # noqa: ANN401 - as in a_memory
    """Return the write that takes a memory to its next version, with these changes."""
    after = replace(before, version=before.version + 1, **changes)
    return _write(before, after)


def deleting(before: Memory) -> MemoryWrite:
    """Return the write that deletes a memory."""
    return _write(before, None)


def a_change(*writes: MemoryWrite, **rest: Any) -> Change:  # noqa: ANN401 - as in a_memory
    """Return a change of these writes, made at `NOON` unless it says otherwise."""
    return Change(**{"at": NOON, "writes": writes, **rest})


def an_episode(scope: Scope, *texts: str, **changes: Any) -> Episode:  # noqa: ANN401 - as above
    """Return an episode in which the user said these texts."""
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "first_turn": 0,
        "said_at": NOON,
        "recorded_at": NOON,
    }
    messages = tuple(Message("user", text) for text in texts or ["I like tea"])
    return Episode(scope=scope, messages=messages, **{**defaults, **changes})


def a_job(scope: Scope, **changes: Any) -> Job:  # noqa: ANN401 - whatever a Job has
    """Return a running job that adds "I like tea" to the scope."""
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "request": AddRequest(scope=scope, messages=(Message("user", "I like tea"),)),
        "status": JobStatus.RUNNING,
        "created_at": NOON,
    }
    return Job(project=scope.project, **{**defaults, **changes})


def a_key(project: str, **changes: Any) -> ApiKey:  # noqa: ANN401 - whatever an ApiKey has
    """Return a key that opens the project."""
    defaults: dict[str, Any] = {"id": str(uuid4()), "name": "laptop", "created_at": NOON}
    return ApiKey(project=project, **{**defaults, **changes})


def _write(before: Memory | None, after: Memory | None) -> MemoryWrite:
    event = HistoryEvent.of(before, after, at=NOON, cause="a job")
    return MemoryWrite(before=before, after=after, event=event)


def an_entity(
    owner: Owner,
    name: str = "Ada",
    *,
    vector: Sequence[float] | None = None,
    **changes: Any,  # noqa: ANN401 - whatever an Entity has
) -> Entity:
    """Return a person mentioned once, without an embedding unless a vector is given."""
    embedding = None if vector is None else Embedding.of("test", a_vector(*vector))
    defaults: dict[str, Any] = {
        "type": "person",
        "mentions": 1,
        "recorded_at": NOON,
        "embedding": embedding,
    }
    return Entity(owner=owner, name=name, **{**defaults, **changes})


def a_relation(
    source: Entity,
    target: Entity,
    predicate: str = "knows",
    **changes: Any,  # noqa: ANN401 - whatever a Relation has
) -> Relation:
    """Return a relation between two entities of an owner that nothing supports yet."""
    triple = Triple(source.id, predicate, target.id)
    return Relation(owner=source.owner, triple=triple, **changes)


def a_support(memory_id: str | None = None, **changes: Any) -> Support:  # noqa: ANN401 - as above
    """Return the support of a memory that said so at `NOON`."""
    return Support(**{"memory_id": memory_id or str(uuid4()), "said_at": NOON, **changes})


def a_graph_change(**changes: Any) -> GraphChange:  # noqa: ANN401 - whatever a GraphChange has
    """Return a change of a graph, made at `NOON` from no memory unless it says otherwise.

    What is at version 1 comes to be with it.
    """
    entities = [each.id for each in changes.get("entities", ()) if each.version == 1]
    relations = [each.triple.id for each in changes.get("relations", ()) if each.version == 1]
    created = frozenset([*entities, *relations])
    return GraphChange(**{"at": NOON, "sources": {}, "created": created, **changes})
