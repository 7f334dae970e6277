"""Deleting many memories under a job, in changes as large as the record takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import Filter, subject_is
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Memory
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, Listing, Position, Record, VersionMovedError
from recollect.usecases.change_memory import deletion
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.waking import wake
from recollect.usecases.walking import FIRST
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

MAX_LOST_RACES = 50
PAGE = 200
"""Memories that are listed at once, to be deleted in as few changes as the record can do."""


@dataclass(frozen=True)
class WipeMemories:
    """Delete what matches, and the graph of whoever is left without memories."""

    record: Record
    listing: Listing
    work: WorkOnJobs
    erase_graph: EraseGraph
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, job: Job, matching: Filter, is_to_go: Callable[[Memory], bool]) -> Job:
        """Return the job, which counts those that it has `done`; PENDING if the time was up.

        Repeating it finds nothing more. Raises `UnavailableError` if others change them all the
        time.
        """
        # A memory that is given another time meanwhile can slip past one walk; passes that find
        # nothing left cost one page.
        while True:
            done = job.done
            job = self._one_pass(job, matching, is_to_go)
            if job.done == done or job.status is JobStatus.PENDING:
                return job

    def _one_pass(self, job: Job, matching: Filter, is_to_go: Callable[[Memory], bool]) -> Job:
        position: Position | None = None
        while True:
            page = self.listing.memories(job.project, matching, limit=PAGE, after=position)
            before = [memory for memory in page.memories if is_to_go(memory)]
            job = self._delete_page(job, matching, before)
            self._erase_graphs(job.project, before)
            if not page.has_more or job.status is JobStatus.PENDING:
                return job
            last = page.memories[-1]
            position = Position(last.created_at, last.id)

    def _delete_page(self, job: Job, matching: Filter, memories: Sequence[Memory]) -> Job:
        while memories:
            if self.work.is_late():
                return replace(job, status=JobStatus.PENDING)
            room = self.record.room_for([memory.scope for memory in memories])
            job = self._delete(job, matching, memories[:room])
            memories = memories[room:]
        return job

    def _erase_graphs(self, project: str, memories: Sequence[Memory]) -> None:
        """Remove the graphs of those owners of these that have no memories any more."""
        owners = dict.fromkeys(each.scope.owner for each in memories if each.is_graphed)
        for owner in owners:
            left = self.listing.memories(project, subject_is(owner), limit=1, after=FIRST)
            if not left.memories:
                self.erase_graph(project, owner)

    def _delete(self, job: Job, matching: Filter, memories: Sequence[Memory]) -> Job:
        for _ in range(MAX_LOST_RACES):
            if not memories:
                return job
            try:
                return self._commit(job, memories)
            except VersionMovedError:
                current = self.record.get(job.project, [memory.id for memory in memories])
                memories = [memory for memory in current.values() if matching.matches(memory)]
        message = "These memories are being changed by others; try again"
        raise UnavailableError(message)

    def _commit(self, job: Job, memories: Sequence[Memory]) -> Job:
        at = self.now()
        done = job.done + len(memories)
        after = replace(job, done=done)
        writes = tuple(deletion(memory, at=at, cause=job.id) for memory in memories)
        change = Change(at=at, lease_end=at + LEASE, writes=writes, job=after)
        self.record.commit(job.project, change)
        wake(self.wake_ups, job.project, writes)
        return after
