"""What following and listing jobs promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.jobs import AddRequest, DeleteAllRequest, Job, JobStatus
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.testing.builders import NOON, a_job, a_scope
from recollect.usecases.read_jobs import MOST_READ, READ_TOGETHER, JobFilter
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
