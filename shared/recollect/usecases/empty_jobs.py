"""Finding the jobs that hold something of a subject, and emptying them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.filters import parse_filter
from recollect.domain.jobs import UNFINISHED, Job
from recollect.domain.memory import Json
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    ErasedRequest,
    ExportRequest,
    IngestRequest,
)
from recollect.domain.subjects import Subject
from recollect.ports.erasure import Remains
from recollect.ports.jobs import Jobs
from recollect.ports.record import Record
from recollect.usecases.read_jobs import last_jobs

READ_TOGETHER = 100
CARRIED_OUT = (DeleteAllRequest, BatchUpdateRequest, BatchDeleteRequest)
"""What is done for others, too, and is waited for."""


@dataclass(frozen=True)
class EmptyJobs:
    """Empty what was asked for before an erasure and says, names or tells something of its subject.

    An add that is under way is taken out of all hands. Of what tells of many, such as an export,
    everything goes that may tell of the subject.
    """

    jobs: Jobs
    record: Record
    remains: Remains
    now: Callable[[], datetime]

    def __call__(self, erasure: Job, subject: Subject, after: str = "") -> tuple[int, str | None]:
        """Return how many of the next jobs were emptied, and the place to go on `after`.

        None at the end. Repeating it is safe.
        """
        some, following = self._next(erasure.project, after)
        emptied = 0
        for job in self._full(some, erasure, subject):
            if not (job.status in UNFINISHED and isinstance(job.request, CARRIED_OUT)):
                self.remains.empty(job.emptied(self.now()))
                emptied += 1
        return emptied, following

    def all_but(self, own: Job, after: str = "") -> str | None:
        """Empty the next jobs of a project, whoever they tell of, but one; return the place."""
        some, following = self._next(own.project, after)
        for job in some:
            if job.id != own.id and not isinstance(job.request, ErasedRequest):
                self.remains.empty(job.emptied(self.now()))
        return following

    def count(self, erasure: Job, subject: Subject) -> int:
        """Return how many jobs are not empty."""
        jobs = last_jobs(self.jobs, erasure.project)
        return sum(1 for _ in self._full(jobs, erasure, subject))

    def _next(self, project: str, after: str) -> tuple[Sequence[Job], str | None]:
        last = self.jobs.get(project, after) if after else None
        some = self.jobs.recent(project, limit=READ_TOGETHER, after=last)
        return some, some[-1].id if len(some) == READ_TOGETHER else None

    def _full(self, jobs: Iterable[Job], erasure: Job, subject: Subject) -> Iterator[Job]:
        for job in jobs:
            if job.said_by <= erasure.said_by and self._is_of(job, subject):
                yield job

    def _is_of(self, job: Job, subject: Subject) -> bool:
        match job.request:
            case AddRequest(scope=scope):
                return scope.is_within(subject)
            case DeleteAllRequest(filters=filters, subject=owner):
                return owner == subject or subject.name in _texts(filters)
            case ExportRequest(filters=filters):
                return subject.name in _texts(filters) or _may_tell_of(filters, subject)
            case BatchUpdateRequest() | BatchDeleteRequest() as batch:
                return self._has_any(job.project, batch.memory_ids, subject)
            case IngestRequest(key=key):
                return ObjectKey.of(key).names.get(subject.kind) == subject.name
        return False

    def _has_any(self, project: str, memory_ids: Sequence[str], subject: Subject) -> bool:
        """Tell whether one of the memories is the subject's, or nobody knows whose."""
        living = self.record.get(project, memory_ids)
        if any(memory.scope.is_within(subject) for memory in living.values()):
            return True
        gone = (each for each in memory_ids if each not in living)
        histories = (self.record.history(project, each) for each in gone)
        return any(not events or events[-1].scope.is_within(subject) for events in histories)


def _may_tell_of(filters: Mapping[str, Json], subject: Subject) -> bool:
    """Tell whether these filters may let memories of the subject through.

    No memory belongs to two subjects of one kind.
    """
    named = parse_filter(filters).named_subjects()
    return not named or any(each.kind is not subject.kind for each in named)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _texts(each)
