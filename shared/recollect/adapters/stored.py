"""The stored form of memories, history, episodes and jobs, the same in every record.

Each document carries the schema version it was written with; reading upcasts older ones.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from recollect.domain.jobs import (
    AddRequest,
    Decision,
    DeleteAllRequest,
    Draft,
    Fact,
    Job,
    JobStatus,
    Outcome,
    Turn,
)
from recollect.domain.memory import (
    Embedding,
    Episode,
    HistoryAction,
    HistoryEvent,
    Memory,
    MemoryKind,
    Message,
)
from recollect.domain.subjects import Scope, Subject, SubjectKind

SCHEMA_VERSION = 1

Document = dict[str, Any]

_UPCASTS: dict[int, Callable[[Document], Document]] = {}
"""Schema version -> the step from it to the next one."""


def dump(document: Mapping[str, Any]) -> str:
    """Return the document as compact JSON, stamped with the schema version."""
    stamped = {"schema": SCHEMA_VERSION, **document}
    return json.dumps(stamped, ensure_ascii=False, separators=(",", ":"))


def load(text: str) -> Document:
    """Return the document of a text as the current schema has it."""
    return upcast(json.loads(text))


def upcast(document: Document) -> Document:
    """Return a stored document as the current schema has it."""
    while document["schema"] < SCHEMA_VERSION:
        document = _UPCASTS[document["schema"]](document)
    return document


def time_text(time: datetime) -> str:
    """Return a UTC time as text of fixed width, which sorts as the times do."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def day_text(time: datetime) -> str:
    """Return the UTC day of a time as text, to be compared with expiry days."""
    return time.astimezone(UTC).date().isoformat()


def time_of(text: str) -> datetime:
    """Return the time that `time_text` wrote."""
    return datetime.fromisoformat(text)


def dump_memory(memory: Memory) -> Document:
    """Return a memory as a document; its embedding is stored beside it."""
    return {
        "id": memory.id,
        "subjects": memory.scope.pairs,
        "text": memory.text,
        "created_at": time_text(memory.created_at),
        "updated_at": time_text(memory.updated_at),
        "recorded_at": time_text(memory.recorded_at),
        "version": memory.version,
        "kind": memory.kind,
        "metadata": memory.metadata,
        "categories": memory.categories,
        "role": memory.role,
        "actor": memory.actor,
        "attributed_to": memory.attributed_to,
        "expires_on": memory.expires_on.isoformat() if memory.expires_on else None,
        "is_immutable": memory.is_immutable,
        "episode_id": memory.episode_id,
        "turn": memory.turn,
    }


def load_memory(project: str, document: Document, embedding: Embedding | None) -> Memory:
    """Return the memory that `dump_memory` wrote."""
    expires_on = document["expires_on"]
    return Memory(
        id=document["id"],
        scope=_scope(project, document["subjects"]),
        text=document["text"],
        created_at=time_of(document["created_at"]),
        updated_at=time_of(document["updated_at"]),
        recorded_at=time_of(document["recorded_at"]),
        version=document["version"],
        kind=MemoryKind(document["kind"]),
        metadata=document["metadata"],
        categories=tuple(document["categories"]),
        role=document["role"],
        actor=document["actor"],
        attributed_to=document["attributed_to"],
        expires_on=date.fromisoformat(expires_on) if expires_on else None,
        is_immutable=document["is_immutable"],
        episode_id=document["episode_id"],
        turn=document["turn"],
        embedding=embedding,
    )


def dump_event(event: HistoryEvent) -> Document:
    """Return a history event as a document."""
    return {
        "memory_id": event.memory_id,
        "subjects": event.scope.pairs,
        "version": event.version,
        "action": event.action,
        "old_text": event.old_text,
        "new_text": event.new_text,
        "at": time_text(event.at),
        "role": event.role,
        "actor": event.actor,
        "cause": event.cause,
        "prompt_version": event.prompt_version,
    }


def load_event(project: str, document: Document) -> HistoryEvent:
    """Return the history event that `dump_event` wrote."""
    return HistoryEvent(
        memory_id=document["memory_id"],
        scope=_scope(project, document["subjects"]),
        version=document["version"],
        action=HistoryAction(document["action"]),
        old_text=document["old_text"],
        new_text=document["new_text"],
        at=time_of(document["at"]),
        role=document["role"],
        actor=document["actor"],
        cause=document["cause"],
        prompt_version=document["prompt_version"],
    )


def dump_episode(episode: Episode) -> Document:
    """Return an episode as a document."""
    return {
        "id": episode.id,
        "subjects": episode.scope.pairs,
        "messages": [[turn.role, turn.content, turn.name] for turn in episode.messages],
        "first_turn": episode.first_turn,
        "said_at": time_text(episode.said_at),
    }


def load_episode(project: str, document: Document) -> Episode:
    """Return the episode that `dump_episode` wrote."""
    return Episode(
        id=document["id"],
        scope=_scope(project, document["subjects"]),
        messages=tuple(Message(*turn) for turn in document["messages"]),
        first_turn=document["first_turn"],
        said_at=time_of(document["said_at"]),
    )


def dump_job(job: Job) -> Document:
    """Return a job as a document."""
    return {
        "id": job.id,
        "request": _dump_request(job.request),
        "status": job.status,
        "created_at": time_text(job.created_at),
        "plan": [_dump_draft(draft) for draft in job.plan] if job.plan is not None else None,
        "done": job.done,
        "attempt": job.attempt,
        "started_at": time_text(job.started_at) if job.started_at else None,
        "completed_at": time_text(job.completed_at) if job.completed_at else None,
        "outcomes": [_dump_outcome(outcome) for outcome in job.outcomes],
        "error": job.error,
        "notes": job.notes,
    }


def load_job(project: str, document: Document) -> Job:
    """Return the job that `dump_job` wrote."""
    started, completed = document["started_at"], document["completed_at"]
    plan = document["plan"]
    return Job(
        id=document["id"],
        project=project,
        request=_load_request(project, document["request"]),
        status=JobStatus(document["status"]),
        created_at=time_of(document["created_at"]),
        plan=tuple(map(_load_draft, plan)) if plan is not None else None,
        done=document["done"],
        attempt=document["attempt"],
        started_at=time_of(started) if started else None,
        completed_at=time_of(completed) if completed else None,
        outcomes=tuple(_load_outcome(outcome) for outcome in document["outcomes"]),
        error=document["error"],
        notes=document["notes"],
    )


def _dump_outcome(outcome: Outcome) -> Document:
    return {
        "decision": outcome.decision,
        "memory_id": outcome.memory_id,
        "text": outcome.text,
        "previous_text": outcome.previous_text,
        "role": outcome.role,
        "actor": outcome.actor,
        "attributed_to": outcome.attributed_to,
        "categories": outcome.categories,
        "reason": outcome.reason,
    }


def _load_outcome(document: Document) -> Outcome:
    return Outcome(
        decision=Decision(document["decision"]),
        memory_id=document["memory_id"],
        text=document["text"],
        previous_text=document["previous_text"],
        role=document["role"],
        actor=document["actor"],
        attributed_to=document["attributed_to"],
        categories=tuple(document["categories"]),
        reason=document["reason"],
    )


def _scope(project: str, subjects: list[list[str]]) -> Scope:
    return _shared_scope(project, tuple(map(tuple, subjects)))


@lru_cache(maxsize=4096)
def _shared_scope(project: str, subjects: tuple[tuple[str, str], ...]) -> Scope:
    """One object for all memories of a scope, so that its hashes are computed once."""
    return Scope(project, tuple(Subject(SubjectKind(kind), name) for kind, name in subjects))


def _dump_draft(draft: Draft) -> Document:
    fact = draft.fact
    return {
        "text": fact.text,
        "role": fact.role,
        "actor": fact.actor,
        "attributed_to": fact.attributed_to,
        "kind": fact.kind,
        "categories": fact.categories,
        "turn": [draft.turn.number, draft.turn.memory_id] if draft.turn else None,
    }


def _load_draft(document: Document) -> Draft:
    turn = document["turn"]
    fact = Fact(
        text=document["text"],
        role=document["role"],
        actor=document["actor"],
        attributed_to=document["attributed_to"],
        kind=MemoryKind(document["kind"]),
        categories=tuple(document["categories"]),
    )
    return Draft(fact, Turn(*turn) if turn else None)


def _dump_request(request: AddRequest | DeleteAllRequest) -> Document:
    if isinstance(request, DeleteAllRequest):
        return {"type": "delete_all", "filters": request.filters}
    return {
        "type": "add",
        "subjects": request.scope.pairs,
        "messages": [[turn.role, turn.content, turn.name] for turn in request.messages],
        "infer": request.infer,
        "metadata": request.metadata,
        "said_at": time_text(request.said_at) if request.said_at else None,
        "expires_on": request.expires_on.isoformat() if request.expires_on else None,
        "is_immutable": request.is_immutable,
    }


def _load_request(project: str, document: Document) -> AddRequest | DeleteAllRequest:
    if document["type"] == "delete_all":
        return DeleteAllRequest(project=project, filters=document["filters"])
    said_at, expires_on = document["said_at"], document["expires_on"]
    return AddRequest(
        scope=_scope(project, document["subjects"]),
        messages=tuple(Message(*turn) for turn in document["messages"]),
        infer=document["infer"],
        metadata=document["metadata"],
        said_at=time_of(said_at) if said_at else None,
        expires_on=date.fromisoformat(expires_on) if expires_on else None,
        is_immutable=document["is_immutable"],
    )
