"""What the life of a job promises: accepted once, worked on by one, finished or failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import IdempotencyMismatchError, UnavailableError
from recollect.domain.jobs import AddRequest, DeleteAllRequest, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.subjects import Scope
from recollect.ports.record import Change
from recollect.testing.builders import NOON, a_job, a_scope
from recollect.usecases.work_on_jobs import LEASE, MAX_ATTEMPTS, RESUMED_LEASE
from tests.service import Service

KEY = IdempotencyKey("key", "hash of the body")


@dataclass(frozen=True)
class CommitsOfThree(LocalRecord):
    """Holds three writes a commit."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 3)


@dataclass(frozen=True)
class Work:
    """Commits a success; but first calls whoever interrupts it."""

    service: Service
    seen: list[Job]

    def __call__(self, job: Job) -> Job:
        self.seen.append(job)
        self.interrupt(job)
        done = replace(job, status=JobStatus.SUCCEEDED, done=job.done + 1)
        self.service.store.record.commit(job.project, Change(at=self.service.clock(), job=done))
        return done

    def interrupt(self, job: Job) -> None:
        """Do nothing."""


class FailingWork(Work):
    """Makes some progress before it fails."""

    def interrupt(self, job: Job) -> None:
        progress = replace(job, done=job.done + 1)
        self.service.store.record.commit(job.project, Change(at=self.service.clock(), job=progress))
        message = "the model is down"
        raise UnavailableError(message)


class DefectiveWork(Work):
    def interrupt(self, job: Job) -> None:
        raise ZeroDivisionError(job.id)


class OvertakenWork(Work):
    """Takes so long that somebody else takes the job over."""

    def interrupt(self, job: Job) -> None:
        self.service.clock.forward(LEASE)
        self.service.work.resume(job, Work(self.service, []))


class OvertakenFailingWork(OvertakenWork):
    def interrupt(self, job: Job) -> None:
        super().interrupt(job)
        raise UnavailableError


class ForgetfulJobs(LocalJobs):
    """Forgets what it has accepted."""

    def get(self, project: str, job_id: str) -> Job | None:
        return super().get(f"not {project}", job_id)


def a_request(scope: Scope) -> AddRequest:
    return AddRequest(scope=scope, messages=(Message("user", "likes tea"),))


def test_the_work_is_done_under_a_job(service: Service, scope: Scope) -> None:
    work = Work(service, [])

    job = service.work.start(a_request(scope), None, work)

    [begun] = work.seen
    assert (begun.status, begun.attempt) == (JobStatus.RUNNING, 1)
    assert begun.started_at == begun.created_at
    assert job == replace(begun, status=JobStatus.SUCCEEDED, done=1)
    assert service.read_job(scope.project, job.id) == job


def test_the_same_key_answers_the_first_job_again(service: Service, scope: Scope) -> None:
    work = Work(service, [])
    first = service.work.start(a_request(scope), KEY, work)

    second = service.work.start(a_request(scope), KEY, work)

    assert second == first
    assert len(work.seen) == 1


def test_the_same_key_in_another_project_is_another_key(service: Service, scope: Scope) -> None:
    other = a_scope(service.open_project("other"))
    work = Work(service, [])

    first = service.work.start(a_request(scope), KEY, work)
    second = service.work.start(a_request(other), KEY, work)

    assert first.id != second.id
    assert len(work.seen) == 2


def test_the_same_key_with_another_body_is_refused(service: Service, scope: Scope) -> None:
    work = Work(service, [])
    service.work.start(a_request(scope), KEY, work)

    with pytest.raises(IdempotencyMismatchError):
        service.work.start(a_request(scope), replace(KEY, body_hash="another"), work)

    assert len(work.seen) == 1


def test_a_failure_is_written_into_the_job_with_its_progress(
    service: Service, scope: Scope
) -> None:
    work = FailingWork(service, [])

    with pytest.raises(UnavailableError, match="the model is down"):
        service.work.start(a_request(scope), KEY, work)

    job = service.read_job(scope.project, work.seen[0].id)
    assert (job.status, job.error, job.done) == (JobStatus.FAILED, "the model is down", 1)
    assert job.completed_at is not None
    assert job.completed_at > job.created_at


def test_a_failed_job_is_tried_again_with_its_key(service: Service, scope: Scope) -> None:
    with pytest.raises(UnavailableError):
        service.work.start(a_request(scope), KEY, FailingWork(service, []))
    work = Work(service, [])

    job = service.work.start(a_request(scope), KEY, work)

    [resumed] = work.seen
    assert (resumed.attempt, resumed.done, resumed.error) == (2, 1, None)
    assert (job.status, job.done, job.completed_at) == (JobStatus.SUCCEEDED, 2, None)


def test_a_job_that_somebody_works_on_is_answered_as_it_is(service: Service, scope: Scope) -> None:
    with pytest.raises(ZeroDivisionError):
        service.work.start(a_request(scope), KEY, DefectiveWork(service, []))
    work = Work(service, [])

    job = service.work.start(a_request(scope), KEY, work)

    assert (job.status, work.seen) == (JobStatus.RUNNING, [])


def test_an_abandoned_job_is_tried_again_with_its_key(service: Service, scope: Scope) -> None:
    with pytest.raises(ZeroDivisionError):
        service.work.start(a_request(scope), KEY, DefectiveWork(service, []))
    service.clock.forward(LEASE + timedelta(seconds=1))

    job = service.work.start(a_request(scope), KEY, Work(service, []))

    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 2)


def test_whoever_is_overtaken_answers_what_the_other_did(service: Service, scope: Scope) -> None:
    job = service.work.start(a_request(scope), None, OvertakenWork(service, []))

    assert (job.status, job.attempt, job.done) == (JobStatus.SUCCEEDED, 2, 1)


def test_whoever_is_overtaken_cannot_fail_the_job(service: Service, scope: Scope) -> None:
    work = OvertakenFailingWork(service, [])

    with pytest.raises(UnavailableError):
        service.work.start(a_request(scope), None, work)

    assert service.read_job(scope.project, work.seen[0].id).status is JobStatus.SUCCEEDED


def test_a_job_that_is_gone_can_neither_be_answered_nor_fail(
    service: Service, scope: Scope
) -> None:
    forgetful = service.having(jobs=ForgetfulJobs(service.store.database))

    overtaken = forgetful.work.start(a_request(scope), None, OvertakenWork(service, []))

    assert overtaken.status is JobStatus.RUNNING
    with pytest.raises(UnavailableError, match="the model is down"):
        forgetful.work.start(a_request(scope), None, FailingWork(service, []))


def test_a_job_that_nobody_finishes_fails_at_last(service: Service, scope: Scope) -> None:
    work = DefectiveWork(service, [])
    with pytest.raises(ZeroDivisionError):
        service.work.start(a_request(scope), KEY, work)
    [job] = work.seen

    for _ in range(MAX_ATTEMPTS - 1):
        service.clock.forward(RESUMED_LEASE)
        with pytest.raises(ZeroDivisionError):
            service.work.resume(job, work)
    service.clock.forward(RESUMED_LEASE)
    with pytest.raises(UnavailableError, match="Given up"):
        service.work.resume(job, work)

    assert len(work.seen) == MAX_ATTEMPTS
    assert service.read_job(scope.project, job.id).status is JobStatus.FAILED
    assert service.ports.jobs.abandoned(now=service.clock() + LEASE, limit=9) == []


def late_after(looks: int) -> Callable[[], bool]:
    """Return an `is_late` that says so from a certain look on."""
    left = [False] * looks
    return lambda: not left or left.pop()


def test_who_has_no_time_takes_no_job_up(service: Service, scope: Scope) -> None:
    job = a_job(scope)
    service.store.jobs.accept(job, None, lease_end=NOON)

    service.having(is_late=lambda: True).maintain()

    assert service.read_job(scope.project, job.id).attempt == 1


def test_an_add_that_runs_out_of_time_is_handed_over(service: Service, scope: Scope) -> None:
    texts = [f"likes tea number {number}" for number in range(10)]
    record = CommitsOfThree(service.store.database)
    hurried = service.having(record=record, is_late=late_after(3))

    job = hurried.say(scope, *texts, key=KEY)

    assert (job.status, job.done) == (JobStatus.PENDING, 6)
    assert len(service.listed(scope)) == 6
    assert hurried.say(scope, *texts, key=KEY).status is JobStatus.PENDING
    assert service.having(record=record).maintain() == 1
    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED
    assert {memory.text for memory in service.listed(scope)} == set(texts)


def test_a_delete_that_runs_out_of_time_is_handed_over(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"likes tea number {number}" for number in range(10)))
    record = CommitsOfThree(service.store.database)
    hurried = service.having(record=record, is_late=late_after(2))
    request = DeleteAllRequest(project=scope.project, filters={"user_id": "ada"})

    job = hurried.delete_all(request)

    assert (job.status, job.done) == (JobStatus.PENDING, 6)
    assert len(service.listed(scope)) == 4
    assert service.maintain() == 1
    done = service.read_job(scope.project, job.id)
    assert (done.status, done.notes) == (JobStatus.SUCCEEDED, {"deleted": 10})
    assert service.listed(scope) == ()
