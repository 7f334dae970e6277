"""Changing or deleting one memory by its id."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.memory import Embedding, HistoryEvent, Json, Memory
from recollect.domain.subjects import Subject
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, MemoryWrite, Record, VersionMovedError
from recollect.usecases.racing import until_first
from recollect.usecases.waking import wake


def memory_not_found() -> NotFoundError:
    """Return the refusal for ids that the project does not know."""
    return NotFoundError("Memory not found!")


def current_memory(record: Record, project: str, memory_id: str, within: Subject | None) -> Memory:
    """Return a memory as it is now.

    Raises `NotFoundError`, also for what is not `within` a subject's own if one is given.
    """
    memory = record.get(project, [memory_id]).get(memory_id)
    if memory is None or not memory.scope.is_within(within):
        raise memory_not_found()
    return memory


@dataclass(frozen=True)
class UpdateMemory:
    """Change a memory from the version that was read; never over somebody else's change."""

    record: Record
    embedder: Embedder
    projects: SettingsStore
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(
        self,
        project: str,
        memory_id: str,
        changes: MemoryChanges,
        *,
        within: Subject | None = None,
    ) -> Memory:
        """Return the changed memory; without any difference, the memory as it is.

        What is not `within` a subject's own, if one is given, is not found.

        Raises `NotFoundError`; `ConflictError` if somebody else changed it at the same time, if
        it is immutable, or if another memory of its scope has the text; `InvalidRequestError`.
        """
        check_asked(changes)
        before = current_memory(self.record, project, memory_id, within)
        check_mutable(before)
        redaction = self.projects.get(project).redaction
        changed = changes.redacted(redaction).apply(before)
        if is_same(changed, before):
            return before
        embeddings = embed(self.embedder, [changed.text] if changed.text != before.text else [])
        after = next_version(before, changed, embeddings, at=self.now())
        write = updating(before, after, cause=self.new_id())
        self.record.commit(project, Change(at=after.updated_at, writes=(write,)))
        wake(self.wake_ups, project, [write])
        return after


@dataclass(frozen=True)
class DeleteMemory:
    """Delete one memory, whatever its version."""

    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(self, project: str, memory_id: str, *, within: Subject | None = None) -> None:
        """Delete it.

        Raises `NotFoundError` if it is unknown, deleted, another project's, or not `within` a
        subject's own if one is given.
        """

        def attempt() -> MemoryWrite:
            memory = current_memory(self.record, project, memory_id, within)
            write = deletion(memory, at=self.now(), cause=self.new_id())
            self.record.commit(project, Change(at=write.event.at, writes=(write,)))
            return write

        write = until_first(attempt, what="This memory is", lost=VersionMovedError)
        wake(self.wake_ups, project, [write])


def check_asked(changes: MemoryChanges) -> None:
    """Raise `InvalidRequestError` unless something is to be changed."""
    if changes == MemoryChanges():
        message = "Nothing to change: give text, metadata, timestamp or expiration_date"
        raise InvalidRequestError(message)


def check_mutable(memory: Memory) -> None:
    """Raise `ConflictError` for a memory that may not be changed."""
    if memory.is_immutable:
        message = "This memory is immutable"
        raise ConflictError(message)


def is_same(changed: Memory, before: Memory) -> bool:
    """Tell whether nothing of a memory was changed."""
    # True equals 1 and 1.0 in Python, but a caller who sends one for the other means it.
    return changed == before and _canonical(changed.metadata) == _canonical(before.metadata)


def _canonical(metadata: Mapping[str, Json]) -> str:
    return json.dumps(metadata, sort_keys=True)


def embed(embedder: Embedder, texts: Sequence[str]) -> dict[str, Embedding]:
    """Return what these texts are found by, of each; no texts cost nothing."""
    vectors = embedder.embed(texts, "document") if texts else []
    return {
        text: Embedding.of(embedder.model, vector)
        for text, vector in zip(texts, vectors, strict=True)
    }


def next_version(
    before: Memory, changed: Memory, embeddings: Mapping[str, Embedding], *, at: datetime
) -> Memory:
    """Return a changed memory as its next version; a new text must be among the embeddings."""
    following = replace(changed, version=before.version + 1, updated_at=at)
    if changed.text == before.text:
        return following
    is_backdated = changed.created_at != before.created_at
    return replace(
        following,
        embedding=embeddings[changed.text],
        stated_at=None if is_backdated else at,
        # No message of the add says this.
        message=None,
    )


def updating(before: Memory, after: Memory, *, cause: str) -> MemoryWrite:
    """Return the write that takes a memory, from the version it was read at, to its next one."""
    event = HistoryEvent.of(
        before, after, at=after.updated_at, cause=cause, valid_from=after.said_at
    )
    return MemoryWrite(before=before, after=after, event=event)


def deletion(memory: Memory, *, at: datetime, cause: str) -> MemoryWrite:
    """Return the write that deletes a memory from the version it was read at."""
    event = HistoryEvent.of(memory, None, at=at, cause=cause)
    return MemoryWrite(before=memory, after=None, event=event)
