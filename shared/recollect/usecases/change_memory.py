"""Changing or deleting one memory by its id."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.memory import (
    Embedding,
    HistoryEvent,
    Json,
    Memory,
    checked_metadata,
    checked_text,
)
from recollect.domain.redaction import Redaction
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, MemoryWrite, Record, VersionMovedError
from recollect.usecases.waking import wake

MAX_LOST_RACES = 10


def memory_not_found() -> NotFoundError:
    """Return the refusal for ids that the project does not know."""
    return NotFoundError("Memory not found!")


@dataclass(frozen=True, kw_only=True)
class MemoryChanges:
    """What to change of a memory; what is None stays as it is.

    `metadata` is merged into what is there, key by key. `clears_expiry` removes the last day.
    """

    text: str | None = None
    metadata: Mapping[str, Json] | None = None
    said_at: datetime | None = None
    expires_on: date | None = None
    clears_expiry: bool = False

    def apply(self, memory: Memory) -> Memory:
        """Return the memory with these changes, its version as it was.

        Raises `InvalidRequestError` if the text or the merged metadata cannot be kept.
        """
        return replace(
            memory,
            text=memory.text if self.text is None else checked_text(self.text),
            metadata=self._merged(memory.metadata),
            created_at=self.said_at or memory.created_at,
            expires_on=None if self.clears_expiry else self.expires_on or memory.expires_on,
        )

    def redacted(self, redaction: Redaction | None) -> "MemoryChanges":
        """Return these changes as a project lets them be kept."""
        if redaction is None:
            return self
        return replace(
            self,
            text=redaction.redact(self.text) if self.text else self.text,
            metadata=redaction.redact_members(self.metadata) if self.metadata else self.metadata,
        )

    def _merged(self, known: Mapping[str, Json]) -> Mapping[str, Json]:
        return checked_metadata({**known, **self.metadata}) if self.metadata else known


@dataclass(frozen=True)
class UpdateMemory:
    """Change a memory from the version that was read; never over somebody else's change."""

    record: Record
    embedder: Embedder
    projects: SettingsStore
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(self, project: str, memory_id: str, changes: MemoryChanges) -> Memory:
        """Return the changed memory; without any difference, the memory as it is.

        Raises `NotFoundError`; `ConflictError` if somebody else changed it at the same time, if
        it is immutable, or if another memory of its scope has the text; `InvalidRequestError`.
        """
        if changes == MemoryChanges():
            message = "Nothing to change: give text, metadata, timestamp or expiration_date"
            raise InvalidRequestError(message)
        before = self.record.get(project, [memory_id]).get(memory_id)
        if before is None:
            raise memory_not_found()
        if before.is_immutable:
            message = "This memory is immutable"
            raise ConflictError(message)
        redaction = self.projects.get(project).redaction
        changed = changes.redacted(redaction).apply(before)
        if _is_same(changed, before):
            return before
        after = self._next_version(before, changed)
        event = HistoryEvent.of(
            before, after, at=after.updated_at, cause=self.new_id(), valid_from=after.said_at
        )
        write = MemoryWrite(before=before, after=after, event=event)
        self.record.commit(project, Change(at=after.updated_at, writes=(write,)))
        wake(self.wake_ups, project, [write])
        return after

    def _next_version(self, before: Memory, changed: Memory) -> Memory:
        following = replace(changed, version=before.version + 1, updated_at=self.now())
        if changed.text == before.text:
            return following
        [vector] = self.embedder.embed([changed.text], "document")
        is_backdated = changed.created_at != before.created_at
        return replace(
            following,
            embedding=Embedding.of(self.embedder.model, vector),
            stated_at=None if is_backdated else following.updated_at,
        )


@dataclass(frozen=True)
class DeleteMemory:
    """Delete one memory, whatever its version."""

    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(self, project: str, memory_id: str) -> None:
        """Delete it; raise `NotFoundError` if it is unknown, deleted, or another project's."""
        for _ in range(MAX_LOST_RACES):
            memory = self.record.get(project, [memory_id]).get(memory_id)
            if memory is None:
                raise memory_not_found()
            write = deletion(memory, at=self.now(), cause=self.new_id())
            try:
                self.record.commit(project, Change(at=write.event.at, writes=(write,)))
            except VersionMovedError:
                continue
            wake(self.wake_ups, project, [write])
            return
        message = "This memory is being changed by others; try again"
        raise ConflictError(message)


def _is_same(changed: Memory, before: Memory) -> bool:
    # True equals 1 and 1.0 in Python, but a caller who sends one for the other means it.
    return changed == before and _canonical(changed.metadata) == _canonical(before.metadata)


def _canonical(metadata: Mapping[str, Json]) -> str:
    return json.dumps(metadata, sort_keys=True)


def deletion(memory: Memory, *, at: datetime, cause: str) -> MemoryWrite:
    """Return the write that deletes a memory from the version it was read at."""
    event = HistoryEvent.of(memory, None, at=at, cause=cause)
    return MemoryWrite(before=memory, after=None, event=event)
