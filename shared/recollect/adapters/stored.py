"""The stored form of memories, history and episodes, the same in every record.

Each document carries the schema version it was written with; reading upcasts older ones.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from recollect.domain.memory import (
    Attachment,
    Embedding,
    Episode,
    Feedback,
    HistoryAction,
    HistoryEvent,
    Memory,
    MemoryKind,
    Message,
    Verdict,
)
from recollect.domain.subjects import Scope, Subject, SubjectKind

SCHEMA_VERSION = 3

Document = dict[str, Any]


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
        document = {**_UPCASTS[document["schema"]](document), "schema": document["schema"] + 1}
    return document


def _to_2(document: Document) -> Document:
    """Facts got times, salience and their messages; messages times and attachments."""
    if "plan" in document:
        # A plan of which nothing was committed has no episode yet: it is made anew.
        plan = document["plan"] if document["done"] else None
        messages = document["request"].get("messages", ())
        return {
            **document,
            # What had a plan had been read as a whole.
            "read": 0 if plan is None else len(messages),
            "plan": None if plan is None else [{**dict.fromkeys(_FACT_2), **each} for each in plan],
            "outcomes": [{"message": None, **each} for each in document["outcomes"]],
            "request": {**dict.fromkeys(_REQUEST_2), **document["request"]},
        }
    if "episode_id" in document:
        return {**dict.fromkeys(_MEMORY_2), **document}
    if "first_turn" in document:
        return {"recorded_at": document["said_at"], "expires_at": None, **document}
    return {"valid_from": None, **document}


def _to_3(document: Document) -> Document:
    """Memories got a place in the graph."""
    return {"is_graphed": False, **document} if "salience" in document else document


_SAID_2 = ("message", "valid_from", "valid_to", "salience")
_MEMORY_2 = (*_SAID_2, "stated_at")
_FACT_2 = (*_SAID_2, "said_at", "quote", "prompt_version")
_REQUEST_2 = ("reference_at", "kind", "guidance")
_UPCASTS: Mapping[int, Callable[[Document], Document]] = {1: _to_2, 2: _to_3}
"""Schema version -> the step from it to the next one."""


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
        "stated_at": time_or_none(memory.stated_at),
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
        "message": memory.message,
        "turn": memory.turn,
        "valid_from": time_or_none(memory.valid_from),
        "valid_to": time_or_none(memory.valid_to),
        "salience": memory.salience,
        "is_graphed": memory.is_graphed,
        "feedback": [memory.feedback.verdict, memory.feedback.reason] if memory.feedback else None,
    }


def load_memory(project: str, document: Document, embedding: Embedding | None) -> Memory:
    """Return the memory that `dump_memory` wrote."""
    expires_on = document["expires_on"]
    # Absent where the release before feedback wrote it.
    feedback = document.get("feedback")
    return Memory(
        id=document["id"],
        scope=scope_of(project, document["subjects"]),
        text=document["text"],
        created_at=time_of(document["created_at"]),
        updated_at=time_of(document["updated_at"]),
        recorded_at=time_of(document["recorded_at"]),
        stated_at=time_in(document["stated_at"]),
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
        message=document["message"],
        turn=document["turn"],
        valid_from=time_in(document["valid_from"]),
        valid_to=time_in(document["valid_to"]),
        salience=document["salience"],
        is_graphed=document["is_graphed"],
        feedback=Feedback(Verdict(feedback[0]), feedback[1]) if feedback else None,
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
        "valid_from": time_or_none(event.valid_from),
    }


def load_event(project: str, document: Document) -> HistoryEvent:
    """Return the history event that `dump_event` wrote."""
    return HistoryEvent(
        memory_id=document["memory_id"],
        scope=scope_of(project, document["subjects"]),
        version=document["version"],
        action=HistoryAction(document["action"]),
        old_text=document["old_text"],
        new_text=document["new_text"],
        at=time_of(document["at"]),
        role=document["role"],
        actor=document["actor"],
        cause=document["cause"],
        prompt_version=document["prompt_version"],
        valid_from=time_in(document["valid_from"]),
    )


def dump_episode(episode: Episode) -> Document:
    """Return an episode as a document."""
    return {
        "id": episode.id,
        "subjects": episode.scope.pairs,
        "messages": [dump_message(message) for message in episode.messages],
        "first_turn": episode.first_turn,
        "said_at": time_text(episode.said_at),
        "recorded_at": time_text(episode.recorded_at),
        "expires_at": time_or_none(episode.expires_at),
    }


def load_episode(project: str, document: Document) -> Episode:
    """Return the episode that `dump_episode` wrote."""
    return Episode(
        id=document["id"],
        scope=scope_of(project, document["subjects"]),
        messages=tuple(map(load_message, document["messages"])),
        first_turn=document["first_turn"],
        said_at=time_of(document["said_at"]),
        recorded_at=time_of(document["recorded_at"]),
        expires_at=time_in(document["expires_at"]),
    )


def scope_of(project: str, subjects: list[list[str]]) -> Scope:
    """Return the scope whose pairs were written."""
    return _sharedscope_of(project, tuple(map(tuple, subjects)))


@lru_cache(maxsize=4096)
def _sharedscope_of(project: str, subjects: tuple[tuple[str, str], ...]) -> Scope:
    """One object for all memories of a scope, so that its hashes are computed once."""
    return Scope(project, tuple(Subject(SubjectKind(kind), name) for kind, name in subjects))


def dump_message(message: Message) -> list[Any]:
    """Return a message as a list, without what most have not."""
    attachments = [[each.kind, each.text, each.url] for each in message.attachments]
    fields = [message.role, message.content, message.name]
    if message.said_at is None and not attachments:
        return fields
    return [*fields, time_or_none(message.said_at), attachments]


def load_message(fields: list[Any]) -> Message:
    """Return the message that `dump_message` wrote."""
    role, content, name, *rest = fields
    if not rest:
        return Message(role, content, name)
    said_at, attachments = rest
    return Message(
        role, content, name, time_in(said_at), tuple(Attachment(*each) for each in attachments)
    )


def time_or_none(time: datetime | None) -> str | None:
    """Return a time as `time_text` does, or None."""
    return time_text(time) if time else None


def time_in(text: str | None) -> datetime | None:
    """Return the time that `time_or_none` wrote."""
    return time_of(text) if text else None
