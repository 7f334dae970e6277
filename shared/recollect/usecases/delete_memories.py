"""Deleting everything that belongs to some subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.filters import Filter, is_scoped, of_subjects, parse_filter, subject_is
from recollect.domain.jobs import DeleteAllRequest, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject
from recollect.ports.queue import WakeUps
from recollect.ports.record import (
    Change,
    Episodes,
    Listing,
    Position,
    Record,
    VersionMovedError,
)
from recollect.ports.subjects import Subjects
from recollect.usecases.change_memory import deletion
from recollect.usecases.end_project import EndProject
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.waking import wake
from recollect.usecases.walking import FIRST
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

MAX_LOST_RACES = 50
PAGE = 200
"""Memories that are listed at once, to be deleted in as few changes as the record can do."""
REMOVED_UP_TO = "removed_up_to"
"""The note of a job that is handed over between episodes: where to go on."""


@dataclass(frozen=True)
class DeleteMemories:
    """Delete, under a job, the memories of some subjects that are there when it starts.

    Where the filters say nothing but whom the memories belong to, each subject by its name, the
    messages that were added for all of these subjects go, too. With any other filter they stay:
    they may be what memories that stay came from. The graph of whoever is left without memories
    goes as well; from others what these memories said is withdrawn.
    """

    record: Record
    episodes: Episodes
    listing: Listing
    subjects: Subjects
    work: WorkOnJobs
    erase_graph: EraseGraph
    end_project: EndProject
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, request: DeleteAllRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the job when it is done; memories added meanwhile stay, unless the project goes.

        It is PENDING if the time was up; maintenance carries it on then.

        Repeating it finds nothing more to delete. Raises `InvalidRequestError` unless the filters
        name a subject, or `*`, for every match.
        """
        if not is_scoped(parse_filter(request.filters)):
            message = "At least one of user_id, agent_id, app_id or run_id is required"
            raise InvalidRequestError(message)
        return self.work.start(request, key, self._carry_out)

    def resume(self, job: Job) -> Job | None:
        """Finish a job that failed or was abandoned; None if it is done or in other hands."""
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job) -> Job:
        request = job.request
        if not isinstance(request, DeleteAllRequest):
            raise TypeError(type(request))
        matching = parse_filter(request.filters)
        job = self._delete_all(job, matching)
        if job.status is not JobStatus.PENDING:
            job = self._remove_episodes(job, of_subjects(matching))
        if request.ends_project and job.status is not JobStatus.PENDING:
            job = self.end_project(job)
        if job.status is JobStatus.PENDING:
            return self.work.hand_over(job)
        subjects = of_subjects(matching)
        if len(subjects) == 1:
            self._end(job.project, subjects[0], request)
        now = self.now()
        done = replace(
            job,
            status=JobStatus.SUCCEEDED,
            completed_at=now,
            notes={"deleted": job.done},
        )
        self.record.commit(job.project, Change(at=now, job=done))
        return done

    def _end(self, project: str, subject: Subject, request: DeleteAllRequest) -> None:
        self.erase_graph(project, subject)
        if request.ends_subject:
            self.subjects.forget(project, subject)

    def _delete_all(self, job: Job, matching: Filter) -> Job:
        # A memory that is given another time meanwhile can slip past one walk; passes that find
        # nothing left cost one page.
        while True:
            done = job.done
            job = self._one_pass(job, matching)
            if job.done == done or job.status is JobStatus.PENDING:
                return job

    def _one_pass(self, job: Job, matching: Filter) -> Job:
        position: Position | None = None
        while True:
            page = self.listing.memories(job.project, matching, limit=PAGE, after=position)
            before = [memory for memory in page.memories if _is_to_go(memory, job)]
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

    def _remove_episodes(self, job: Job, subjects: Sequence[Subject]) -> Job:
        place: str | None = str(job.notes.get(REMOVED_UP_TO, ""))
        while place is not None:
            place = self.episodes.remove(job.project, subjects, before=job.created_at, after=place)
            if place is not None and self.work.is_late():
                return replace(job, status=JobStatus.PENDING, notes={REMOVED_UP_TO: place})
        return job

    def _commit(self, job: Job, memories: Sequence[Memory]) -> Job:
        at = self.now()
        done = job.done + len(memories)
        after = replace(job, done=done)
        writes = tuple(deletion(memory, at=at, cause=job.id) for memory in memories)
        change = Change(at=at, lease_end=at + LEASE, writes=writes, job=after)
        self.record.commit(job.project, change)
        wake(self.wake_ups, job.project, writes)
        return after


def _is_to_go(memory: Memory, job: Job) -> bool:
    is_whole = isinstance(job.request, DeleteAllRequest) and job.request.ends_project
    return is_whole or memory.recorded_at <= job.created_at
