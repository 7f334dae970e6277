"""Deleting everything that belongs to some subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import is_scoped, of_subjects, parse_filter
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Subject
from recollect.ports.record import Change, Episodes, Record
from recollect.usecases.end_project import EndProject
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.wipe_memories import WipeMemories
from recollect.usecases.work_on_jobs import WorkOnJobs

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
    work: WorkOnJobs
    wipe: WipeMemories
    erase_graph: EraseGraph
    end_project: EndProject
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
        job = self.wipe(job, matching, partial(_is_to_go, job))
        if job.status is not JobStatus.PENDING:
            job = self._remove_episodes(job, of_subjects(matching))
        if request.ends_project and job.status is not JobStatus.PENDING:
            job = self.end_project(job)
        if job.status is JobStatus.PENDING:
            return self.work.hand_over(job)
        subjects = of_subjects(matching)
        if len(subjects) == 1:
            self.erase_graph(job.project, subjects[0])
        now = self.now()
        done = replace(
            job,
            status=JobStatus.SUCCEEDED,
            completed_at=now,
            notes={"deleted": job.done},
        )
        self.record.commit(job.project, Change(at=now, job=done))
        return done

    def _remove_episodes(self, job: Job, subjects: Sequence[Subject]) -> Job:
        place: str | None = str(job.notes.get(REMOVED_UP_TO, ""))
        while place is not None:
            place = self.episodes.remove(job.project, subjects, before=job.created_at, after=place)
            if place is not None and self.work.is_late():
                return replace(job, status=JobStatus.PENDING, notes={REMOVED_UP_TO: place})
        return job


def _is_to_go(job: Job, memory: Memory) -> bool:
    is_whole = isinstance(job.request, DeleteAllRequest) and job.request.ends_project
    return is_whole or memory.recorded_at <= job.created_at
