"""Changing or deleting many memories by their ids, under one job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Embedding, Memory
from recollect.domain.requests import BatchDeleteRequest, BatchUpdateRequest
from recollect.ports.models import Embedder
from recollect.ports.projects import SettingsStore
from recollect.ports.queue import WakeUps
from recollect.ports.record import (
    Change,
    MemoryWrite,
    Record,
    TextTakenError,
    VersionMovedError,
)
from recollect.usecases.change_memory import (
    check_asked,
    check_mutable,
    deletion,
    embed,
    is_same,
    next_version,
    updating,
)
from recollect.usecases.waking import wake
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

MAX_MEMORIES = 1_000
"""Of one batch, as mem0 has it."""
READ_TOGETHER = 200
"""Memories of a batch that are read, and embedded, at once: whoever takes a batch over does at most
so many of them again."""
MAX_LOST_RACES = 50


@dataclass(frozen=True)
class UpdateBatch:
    """Change many memories, each as `UpdateMemory` does one, so that a crash ends nothing."""

    record: Record
    embedder: Embedder
    projects: SettingsStore
    work: WorkOnJobs
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, request: BatchUpdateRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the job, with how many memories are as was asked; PENDING if the time was up.

        Before anything is changed it raises `InvalidRequestError` for a batch of none or too many
        or a change that cannot be made, `NotFoundError` if the project, or the request's subject,
        has not all of the memories, and `ConflictError` for one that is immutable or two that would
        have one text. What others do to a memory meanwhile stays, but for what was asked; one that
        they delete stays deleted, and is not counted. Raises `ConflictError` as well when it comes
        to a text that another memory has: those before it are changed then. The same request with
        its key goes on from there.
        """
        check_batch(request.memory_ids, "updated")
        for changes in request.changes.values():
            check_asked(changes)
        redaction = self.projects.get(request.project).redaction
        kept = {an_id: each.redacted(redaction) for an_id, each in request.changes.items()}
        return self.work.start(replace(request, changes=kept), key, self._carry_out)

    def resume(self, job: Job) -> Job | None:
        """Finish a job that failed or was abandoned; None if it is done or in other hands."""
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job) -> Job:
        request = job.request
        if not isinstance(request, BatchUpdateRequest):
            raise TypeError(type(request))
        if job.done == 0:
            _check_update(_all_of(self.record, request), request.changes)
        step = _Updates(request.changes, self.embedder, job.id)
        batch = _Batch(request.memory_ids, step, self.record, self.work, self.wake_ups, self.now)
        return batch.carry_out(job)


@dataclass(frozen=True)
class DeleteBatch:
    """Delete many memories, each as `DeleteMemory` does one, so that a crash ends nothing."""

    record: Record
    work: WorkOnJobs
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, request: BatchDeleteRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the job, with how many memories it deleted; PENDING if the time was up.

        Before anything is deleted it raises `InvalidRequestError` for a batch of none or too many,
        and `NotFoundError` if the project, or the request's subject, has not all of the memories.
        What others delete meanwhile is not counted.
        """
        check_batch(request.memory_ids, "deleted")
        return self.work.start(request, key, self._carry_out)

    def resume(self, job: Job) -> Job | None:
        """Finish a job that failed or was abandoned; None if it is done or in other hands."""
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job) -> Job:
        request = job.request
        if not isinstance(request, BatchDeleteRequest):
            raise TypeError(type(request))
        if job.done == 0:
            _all_of(self.record, request)
        step = _Deletions(job.id)
        batch = _Batch(request.memory_ids, step, self.record, self.work, self.wake_ups, self.now)
        return batch.carry_out(job)


@dataclass(frozen=True)
class _Updates:
    """What is asked of each memory, and what the new texts are found by."""

    counted_as: ClassVar[str] = "updated"
    changes: Mapping[str, MemoryChanges]
    embedder: Embedder
    cause: str
    _embeddings: dict[str, Embedding] = field(default_factory=dict)

    def prepare(self, memories: Sequence[Memory]) -> None:
        """Embed the texts that these memories are to have and have not."""
        asked = [(self.changes[memory.id].apply(memory).text, memory) for memory in memories]
        new = dict.fromkeys(text for text, memory in asked if text != memory.text)
        texts = [text for text in new if text not in self._embeddings]
        self._embeddings.update(embed(self.embedder, texts))

    def write(self, memory: Memory, at: datetime) -> MemoryWrite | None:
        """Return what changes a memory from what it is now; None if that is what was asked."""
        changed = self.changes[memory.id].apply(memory)
        if is_same(changed, memory):
            return None
        after = next_version(memory, changed, self._embeddings, at=at)
        return updating(memory, after, cause=self.cause)


@dataclass(frozen=True)
class _Deletions:
    """Nothing is asked of a memory but to go."""

    counted_as: ClassVar[str] = "deleted"
    cause: str

    def prepare(self, memories: Sequence[Memory]) -> None:
        """Need nothing."""

    def write(self, memory: Memory, at: datetime) -> MemoryWrite:
        """Return what deletes a memory."""
        return deletion(memory, at=at, cause=self.cause)


@dataclass(frozen=True)
class _Batch:
    """The memories of a job, in order, of which `Job.done` are behind."""

    memory_ids: Sequence[str]
    step: _Updates | _Deletions
    record: Record
    work: WorkOnJobs
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def carry_out(self, job: Job) -> Job:
        """Return the job when it is done, or handed over because the time is up."""
        notes = {self.step.counted_as: 0, "of": len(self.memory_ids)}
        job = replace(job, notes=job.notes or notes)
        while job.done < len(self.memory_ids):
            if self.work.is_late():
                return self.work.hand_over(job)
            job = self._some(job)
        now = self.now()
        done = replace(job, status=JobStatus.SUCCEEDED, completed_at=now)
        self.record.commit(job.project, Change(at=now, job=done))
        return done

    def _some(self, job: Job) -> Job:
        end = job.done + READ_TOGETHER
        known = self._current(job.project, self.memory_ids[job.done : end])
        while job.done < min(end, len(self.memory_ids)) and not self.work.is_late():
            left = self.memory_ids[job.done : end]
            job = self._commit(job, left[: self._room(left, known)], known)
        return job

    def _current(self, project: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of the memories that are there, ready to be written."""
        living = self.record.get(project, memory_ids)
        self.step.prepare(list(living.values()))
        return living

    def _room(self, memory_ids: Sequence[str], known: Mapping[str, Memory]) -> int:
        """Return how many of these, from the first on, one change can hold."""
        living = [at for at, an_id in enumerate(memory_ids) if an_id in known]
        room = self.record.room_for([known[memory_ids[at]].scope for at in living])
        return living[room] if room < len(living) else len(memory_ids)

    def _commit(self, job: Job, memory_ids: Sequence[str], known: Mapping[str, Memory]) -> Job:
        for _ in range(MAX_LOST_RACES):
            try:
                return self._try(job, memory_ids, known)
            except VersionMovedError:
                known = self._current(job.project, memory_ids)
            except TextTakenError as error:
                if len(memory_ids) == 1:
                    message = f"{error}: that of {memory_ids[0]}. {job.done} before it are done."
                    raise ConflictError(message) from error
                return self._one_by_one(job, memory_ids, known)
        message = "These memories are being changed by others; try again"
        raise UnavailableError(message)

    def _one_by_one(self, job: Job, memory_ids: Sequence[str], known: Mapping[str, Memory]) -> Job:
        """Get as far as the text that is taken."""
        for an_id in memory_ids:
            job = self._commit(job, [an_id], known)
        return job

    def _try(self, job: Job, memory_ids: Sequence[str], known: Mapping[str, Memory]) -> Job:
        at = self.now()
        living = [known[an_id] for an_id in memory_ids if an_id in known]
        asked = (self.step.write(memory, at) for memory in living)
        writes = tuple(write for write in asked if write)
        counted_as = self.step.counted_as
        counted = int(str(job.notes[counted_as])) + len(living)
        notes = {**job.notes, counted_as: counted}
        after = replace(job, done=job.done + len(memory_ids), notes=notes)
        change = Change(at=at, lease_end=at + LEASE, writes=writes, job=after)
        self.record.commit(job.project, change)
        if writes:
            wake(self.wake_ups, job.project, writes)
        return after


def check_batch(memory_ids: Sequence[str], done: str) -> None:
    """Raise `InvalidRequestError` for a batch of no memories, too many, or one of them twice."""
    if not memory_ids:
        message = f"At least one memory must be {done}"
        raise InvalidRequestError(message)
    if len(memory_ids) > MAX_MEMORIES:
        message = f"Maximum of {MAX_MEMORIES} memories can be {done} in a single request"
        raise InvalidRequestError(message)
    if len(set(memory_ids)) < len(memory_ids):
        message = f"A memory must be {done} once only in a single request"
        raise InvalidRequestError(message)


def _all_of(record: Record, request: BatchUpdateRequest | BatchDeleteRequest) -> dict[str, Memory]:
    """Return the memories of a request; raise `NotFoundError` if one is out of its reach."""
    found = record.get(request.project, request.memory_ids)
    for an_id in request.memory_ids:
        if an_id not in found or not found[an_id].scope.is_within(request.subject):
            message = f"Memory not found: {an_id}. Nothing was changed."
            raise NotFoundError(message)
    return found


def _check_update(memories: Mapping[str, Memory], changes: Mapping[str, MemoryChanges]) -> None:
    for memory in memories.values():
        check_mutable(memory)
    changed = ((changes[an_id].apply(memory), memory) for an_id, memory in memories.items())
    taken = [
        (after.scope.key, after.text) for after, memory in changed if after.text != memory.text
    ]
    if len(set(taken)) < len(taken):
        message = "Two memories of one scope would have the same text. Nothing was changed."
        raise ConflictError(message)
