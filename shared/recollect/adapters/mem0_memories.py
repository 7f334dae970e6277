"""Memories as mem0 tells them, on its platform and in its exports: what they are with us."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import (
    Feedback,
    HistoryAction,
    HistoryEvent,
    Memory,
    MemoryKind,
    Verdict,
    checked_metadata,
    checked_text,
)
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.archive import KeptMemory

NAMESPACE: Final = UUID("5d8f8a4e-6c50-4c0f-9f0e-2b9a3f1f6f3a")
"""Of ids that are made of ids that are no UUIDs; what is stored depends on it for good."""
UNKNOWN_CAUSE: Final = "import"
"""The cause of what nobody tells the cause of."""
BAD: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What values of another form make of those who read them."""

Row = Mapping[str, Any]


def kept_memory(
    project: str, row: Row, history: Sequence[Row] = (), *, learned_at: datetime
) -> KeptMemory:
    """Return a memory and its history as they are told; raise `InvalidRequestError`.

    It was recorded when we learned it, and not when mem0 did.

    Its id is kept if it is a UUID; what is made of another one is always the same. Where the
    history is not told, or not up to the text that the memory has, it is the least that explains
    the text.
    """
    try:
        memory = _memory(project, row)
        events = _events(memory, history)
    except BAD as error:
        message = "it does not have the form of a memory of mem0"
        raise InvalidRequestError(message) from error
    kept = replace(memory, version=events[-1].version, recorded_at=learned_at)
    return KeptMemory(kept, events)


def is_memory(value: object) -> bool:
    """Tell whether a JSON value has the shape of a memory."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("memory"), str)
        and "messages" not in value
    )


def _memory(project: str, row: Row) -> Memory:
    created_at = _time(row["created_at"])
    verdict = row.get("feedback")
    return Memory(
        id=_id(row["id"]),
        scope=_scope(project, row),
        text=checked_text(row["memory"]),
        created_at=created_at,
        updated_at=_time_or_none(row.get("updated_at")) or created_at,
        recorded_at=created_at,
        kind=MemoryKind(row.get("kind") or MemoryKind.SEMANTIC),
        metadata=checked_metadata(dict(row.get("metadata") or {})),
        categories=tuple(map(str, row.get("categories") or ())),
        role=_text_or_none(row.get("role")),
        actor=_text_or_none(row.get("actor_id")),
        attributed_to=_text_or_none(row.get("attributed_to")),
        expires_on=_day_or_none(row.get("expiration_date")),
        is_immutable=bool(row.get("immutable")),
        episode_id=_text_or_none(row.get("event_id")) or _id(row["id"]),
        valid_from=_time_or_none(row.get("valid_from")),
        valid_to=_time_or_none(row.get("valid_to")),
        salience=None if row.get("salience") is None else float(row["salience"]),
        feedback=Feedback(Verdict(verdict), row.get("feedback_reason")) if verdict else None,
    )


def _scope(project: str, row: Row) -> Scope:
    told = {**row, "run_id": row.get("run_id") or row.get("session_id")}
    names = {kind: told.get(f"{kind}_id") for kind in SubjectKind}
    return Scope.of(project, {kind: name for kind, name in names.items() if name is not None})


def _events(memory: Memory, history: Sequence[Row]) -> tuple[HistoryEvent, ...]:
    told = [each for each in history if each["event"] in {"ADD", "UPDATE"}]
    events = [_event(memory, each) for each in told]
    if not events or events[0].action is not HistoryAction.ADD:
        first = (events[0].old_text if events else None) or memory.text
        events.insert(0, _made(memory, None, first, memory.created_at))
    if events[-1].new_text != memory.text:
        events.append(_made(memory, events[-1].new_text, memory.text, memory.updated_at))
    versions = [each.version for each in events]
    if 0 in versions or versions != sorted(set(versions)):
        versions = list(range(1, len(events) + 1))
    return tuple(
        replace(each, version=version) for each, version in zip(events, versions, strict=True)
    )


def _event(memory: Memory, row: Row) -> HistoryEvent:
    return HistoryEvent(
        memory_id=memory.id,
        scope=memory.scope,
        version=int(row.get("version") or 0),
        action=HistoryAction(row["event"]),
        old_text=_text_or_none(row.get("old_memory")),
        new_text=row["new_memory"] or "",
        at=_time(row.get("updated_at") or row["created_at"]),
        role=_text_or_none(row.get("role")),
        actor=_text_or_none(row.get("actor_id")),
        cause=_text_or_none(row.get("event_id")) or UNKNOWN_CAUSE,
        prompt_version=_text_or_none(row.get("prompt_version")),
        valid_from=_time_or_none(row.get("valid_from")),
    )


def _made(memory: Memory, old_text: str | None, new_text: str, at: datetime) -> HistoryEvent:
    return HistoryEvent(
        memory_id=memory.id,
        scope=memory.scope,
        version=0,
        action=HistoryAction.UPDATE if old_text else HistoryAction.ADD,
        old_text=old_text,
        new_text=new_text,
        at=at,
        role=memory.role,
        actor=memory.actor,
        cause=UNKNOWN_CAUSE,
    )


def _id(told: str) -> str:
    try:
        return str(UUID(told))
    except ValueError:
        return str(uuid5(NAMESPACE, told))


def _time(told: str) -> datetime:
    time = datetime.fromisoformat(told)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _time_or_none(told: str | None) -> datetime | None:
    return _time(told) if told else None


def _day_or_none(told: str | None) -> date | None:
    return date.fromisoformat(told[: len("2026-03-01")]) if told else None


def _text_or_none(told: object) -> str | None:
    return str(told) if told else None
