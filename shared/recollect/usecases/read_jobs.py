"""Following jobs: one, or the last ones of a project."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.jobs import UNFINISHED, Job, JobStatus
from recollect.domain.requests import JobRequest
from recollect.domain.subjects import Subject
from recollect.ports.jobs import Jobs
from recollect.usecases.read_memories import checked_page, invalid_page

READ_TOGETHER = 100
MOST_READ = 10_000
"""Jobs of a project that are looked through, the last ones."""
LONGEST_WAIT = timedelta(seconds=20)
"""As long as an HTTP API lets a function run, less what it takes to answer."""
FIRST_LOOK, LAST_LOOK = timedelta(milliseconds=50), timedelta(seconds=1)
"""The pauses between looks at a job that is waited for begin and end so long."""
SLOWER = 1.5
"""How many times longer each pause is than the one before: some 25 looks take 20 seconds."""


@dataclass(frozen=True)
class ReadJob:
    """Follow a job."""

    jobs: Jobs

    def __call__(self, project: str, job_id: str, *, within: Subject | None = None) -> Job:
        """Return the job's state; raise `NotFoundError`, also if it is not the subject's own."""
        job = self.jobs.get(project, job_id)
        if job is None or not job.request.is_within(within):
            message = "Event not found or you don't have permission to access it."
            raise NotFoundError(message)
        return job


@dataclass(frozen=True)
class AwaitJob:
    """Follow a job until it has ended, for a while; `pause` waits for so many seconds."""

    read_job: ReadJob
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    seconds_left: Callable[[], float | None]
    """Returns how much time there is for the answer; None for as much as it takes."""

    def __call__(
        self, project: str, job_id: str, wait: timedelta, *, within: Subject | None = None
    ) -> Job:
        """Return the job's state when it has ended, or at the latest after this wait.

        Earlier if the time for the answer is up. Raises `InvalidRequestError` for a wait that is
        negative or longer than `LONGEST_WAIT`, and otherwise what `ReadJob` raises.
        """
        if not timedelta(0) <= wait <= LONGEST_WAIT:
            message = f"wait must be a number of seconds from 0 to {LONGEST_WAIT.seconds}"
            raise InvalidRequestError(message)
        end, look = self.now() + wait, FIRST_LOOK
        while True:
            job = self.read_job(project, job_id, within=within)
            left = self._left(end)
            if job.status not in UNFINISHED or left <= timedelta(0):
                return job
            self.pause(min(look, left).total_seconds())
            look = min(look * SLOWER, LAST_LOOK)

    def _left(self, end: datetime) -> timedelta:
        left, seconds = end - self.now(), self.seconds_left()
        return left if seconds is None else min(left, timedelta(seconds=seconds))


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are asked for: of these kinds and in these states; None stands for any."""

    requests: frozenset[type[JobRequest]] | None = None
    statuses: frozenset[JobStatus] | None = None
    within: Subject | None = None
    """Whose own they are."""

    @property
    def is_of_none(self) -> bool:
        """Tell whether no job can be asked for."""
        return self.requests is not None and not self.requests

    def lets_through(self, job: Job) -> bool:
        """Tell whether a job is asked for."""
        return (
            (self.requests is None or type(job.request) in self.requests)
            and (self.statuses is None or job.status in self.statuses)
            and job.request.is_within(self.within)
        )


@dataclass(frozen=True)
class JobPage:
    """Some jobs, last created first; `count` are all that match, unless it `has_more`."""

    jobs: tuple[Job, ...]
    count: int
    has_more: bool


@dataclass(frozen=True)
class ListJobs:
    """List the last jobs of a project."""

    jobs: Jobs

    def __call__(
        self, project: str, matching: JobFilter, *, page: int = 1, page_size: int = 100
    ) -> JobPage:
        """Return one page, last created first; what begins meanwhile moves the others.

        Raises `InvalidRequestError` for a page that cannot exist or lies too far back, and
        `NotFoundError` for one behind the last.
        """
        checked_page(page, page_size)
        end = page * page_size
        if end > MOST_READ:
            message = f"At most {MOST_READ} events are listed"
            raise InvalidRequestError(message)
        last = islice(last_jobs(self.jobs, project), MOST_READ)
        matches = () if matching.is_of_none else filter(matching.lets_through, last)
        found = list(islice(matches, end + 1))
        some = tuple(found[end - page_size : end])
        if page > 1 and not some:
            raise invalid_page()
        return JobPage(some, len(found), has_more=len(found) > end)


def last_jobs(jobs: Jobs, project: str) -> Iterator[Job]:
    """Yield the project's jobs, last created first; what begins meanwhile is left out."""
    last: Job | None = None
    while some := jobs.recent(project, limit=READ_TOGETHER, after=last):
        yield from some
        if len(some) < READ_TOGETHER:
            return
        last = some[-1]
