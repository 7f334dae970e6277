"""What following and listing jobs promises."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.requests import AddRequest, DeleteAllRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import Change
from recollect.testing.builders import NOON, a_job, a_scope
from recollect.usecases.read_jobs import (
    FIRST_LOOK,
    LAST_LOOK,
    LONGEST_WAIT,
    MOST_READ,
    READ_TOGETHER,
    AwaitJob,
    JobFilter,
    ReadJob,
)
from tests.service import Service

ADA, BOB = (Subject(SubjectKind.USER, name) for name in ("ada", "bob"))
ANY = JobFilter()


def begun(service: Service, scope: Scope, count: int) -> list[Job]:
    """Accept so many jobs, an add and a delete-all by turns; return them last first."""
    jobs = []
    for number in range(count):
        job = a_job(scope, created_at=NOON + timedelta(seconds=number))
        if number % 2:
            request = DeleteAllRequest(project=scope.project, filters={}, subject=scope.owner)
            job = replace(job, request=request, status=JobStatus.PENDING)
        jobs.append(service.ports.jobs.accept(job, None, lease_end=NOON))
    return jobs[::-1]


@pytest.mark.parametrize("count", [0, 3, READ_TOGETHER, READ_TOGETHER + 1])
def test_all_jobs_are_listed_last_first(service: Service, scope: Scope, count: int) -> None:
    jobs = begun(service, scope, count)

    page = service.list_jobs(scope.project, ANY, page_size=200)

    assert (list(page.jobs), page.count, page.has_more) == (jobs, count, False)


def test_pages_follow_each_other(service: Service, scope: Scope) -> None:
    jobs = begun(service, scope, 5)

    first, second = (
        service.list_jobs(scope.project, ANY, page=page, page_size=3) for page in (1, 2)
    )

    assert (first.jobs, first.count, first.has_more) == (tuple(jobs[:3]), 4, True)
    assert (second.jobs, second.count, second.has_more) == (tuple(jobs[3:]), 5, False)
    with pytest.raises(NotFoundError):
        service.list_jobs(scope.project, ANY, page=3, page_size=3)


def test_jobs_are_listed_by_kind_state_and_whose_they_are(service: Service, scope: Scope) -> None:
    jobs = begun(service, scope, 4)
    theirs = begun(service, a_scope(scope.project, user="bob"), 1)

    def found(**asked: frozenset[object] | Subject) -> list[Job]:
        return list(service.list_jobs(scope.project, JobFilter(**asked)).jobs)  # type: ignore[arg-type]

    assert found(requests=frozenset({DeleteAllRequest})) == jobs[::2]
    assert found(statuses=frozenset({JobStatus.RUNNING}), within=ADA) == jobs[1::2]
    assert found(requests=frozenset({AddRequest}), within=BOB) == theirs
    assert found(requests=frozenset()) == []


@pytest.mark.parametrize(("page", "size"), [(0, 1), (1, 0), (1, 201), (MOST_READ // 200 + 1, 200)])
def test_a_page_that_cannot_be_is_refused(
    service: Service, scope: Scope, page: int, size: int
) -> None:
    with pytest.raises(InvalidRequestError):
        service.list_jobs(scope.project, ANY, page=page, page_size=size)


class EndlessJobs:
    """Has jobs of somebody else without end, and counts how many are read."""

    def __init__(self, job: Job) -> None:
        self.job, self.read = job, 0

    def recent(self, _project: str, *, limit: int, after: Job | None = None) -> list[Job]:
        assert after == (self.job if self.read else None)
        self.read += limit
        return [self.job] * limit


def test_no_more_than_the_last_jobs_are_looked_through(service: Service, scope: Scope) -> None:
    endless = EndlessJobs(a_job(scope))

    page = service.having(jobs=endless).list_jobs(scope.project, JobFilter(within=BOB))

    assert (page.jobs, endless.read) == ((), MOST_READ)


def test_none_are_looked_through_for_a_kind_that_there_is_not(
    service: Service, scope: Scope
) -> None:
    endless = EndlessJobs(a_job(scope))

    page = service.having(jobs=endless).list_jobs(scope.project, JobFilter(requests=frozenset()))

    assert (page.jobs, page.count, endless.read) == ((), 0, 0)


def test_a_job_is_followed_by_whose_it_is(service: Service, scope: Scope) -> None:
    [job] = begun(service, scope, 1)

    assert service.read_job(scope.project, job.id, within=ADA) == job
    with pytest.raises(NotFoundError):
        service.read_job(scope.project, job.id, within=BOB)
    with pytest.raises(NotFoundError):
        service.read_job("another", job.id)


# --- waiting for the end of one

SECOND = timedelta(seconds=1)
NEVER = timedelta(days=1)


@dataclass
class Waiter:
    """Waits for a job while a clock goes by itself; the job ends after so long."""

    service: Service
    job: Job
    ends_after: timedelta = NEVER
    seconds_left: Callable[[], float | None] = lambda: None
    looks: int = 0
    now: datetime = NOON
    pauses: list[float] = field(default_factory=list)

    def get(self, project: str, job_id: str) -> Job | None:
        """Look at the job, as the port does."""
        self.looks += 1
        return self.service.ports.jobs.get(project, job_id)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)
        if self.now - NOON >= self.ends_after:
            self.ends_after = NEVER
            done = replace(self.job, status=JobStatus.SUCCEEDED, completed_at=self.now)
            self.service.ports.record.commit(done.project, Change(at=self.now, job=done))

    def wait(self, wait: timedelta) -> Job:
        read_job = ReadJob(self)  # type: ignore[arg-type]
        follow = AwaitJob(read_job, lambda: self.now, self.pause, self.seconds_left)
        return follow(self.job.project, self.job.id, wait)


@pytest.fixture(params=[JobStatus.PENDING, JobStatus.RUNNING])
def waiter(service: Service, scope: Scope, request: pytest.FixtureRequest) -> Waiter:
    job = a_job(scope, status=request.param)
    return Waiter(service, service.ports.jobs.accept(job, None, lease_end=NOON))


def test_without_a_wait_a_job_is_told_as_it_is(waiter: Waiter) -> None:
    assert waiter.wait(timedelta(0)) == waiter.job
    assert (waiter.looks, waiter.pauses) == (1, [])


def test_a_job_that_has_ended_is_told_at_once(waiter: Waiter) -> None:
    waiter.ends_after = timedelta(0)
    waiter.pause(0)

    assert waiter.wait(LONGEST_WAIT).status is JobStatus.SUCCEEDED
    assert (waiter.looks, waiter.pauses) == (1, [0])


@pytest.mark.parametrize(
    ("ends_after", "looks"),
    [(timedelta(milliseconds=40), 2), (SECOND, 7), (5 * SECOND, 12), (19 * SECOND, 26)],
)
def test_the_end_is_told_soon_and_few_looks_are_taken(
    waiter: Waiter, ends_after: timedelta, looks: int
) -> None:
    waiter.ends_after = ends_after

    job = waiter.wait(LONGEST_WAIT)

    assert job.status is JobStatus.SUCCEEDED
    assert waiter.looks == looks
    assert waiter.now - NOON - ends_after < LAST_LOOK


@pytest.mark.parametrize(("wait", "looks"), [(SECOND, 7), (LONGEST_WAIT, 27)])
def test_after_the_wait_a_job_is_told_as_it_is(waiter: Waiter, wait: timedelta, looks: int) -> None:
    job = waiter.wait(wait)

    assert job == waiter.job
    assert waiter.now - NOON == wait
    assert waiter.looks == looks
    assert waiter.pauses[0] == FIRST_LOOK.total_seconds()
    assert max(waiter.pauses) <= LAST_LOOK.total_seconds()
    assert waiter.pauses[:-1] == sorted(waiter.pauses[:-1])


@pytest.mark.parametrize(("seconds", "waited"), [(-1.0, 0), (3.0, 3), (99.0, 20)])
def test_the_answer_comes_before_the_time_for_it_is_up(
    waiter: Waiter, seconds: float, waited: int
) -> None:
    waiter.seconds_left = lambda: seconds - (waiter.now - NOON).total_seconds()

    assert waiter.wait(LONGEST_WAIT) == waiter.job

    assert waiter.now - NOON == waited * SECOND


@pytest.mark.parametrize("wait", [timedelta(milliseconds=-1), LONGEST_WAIT + SECOND])
def test_a_wait_that_is_none_or_too_long_is_refused(waiter: Waiter, wait: timedelta) -> None:
    with pytest.raises(InvalidRequestError, match="wait must be a number of seconds from 0 to 20"):
        waiter.wait(wait)

    assert waiter.looks == 0


def test_nobody_waits_for_what_is_not_theirs(service: Service, waiter: Waiter) -> None:
    follow = AwaitJob(service.read_job, service.clock, waiter.pause, lambda: None)

    with pytest.raises(NotFoundError):
        follow(waiter.job.project, "unknown", LONGEST_WAIT)
    with pytest.raises(NotFoundError):
        follow(waiter.job.project, waiter.job.id, LONGEST_WAIT, within=BOB)
    assert follow(waiter.job.project, waiter.job.id, SECOND, within=ADA) == waiter.job
