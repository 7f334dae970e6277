"""What the life of a job promises: accepted once, worked on by one, finished or failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.record import LocalRecord
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.errors import IdempotencyMismatchError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest, DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change
from recollect.testing.builders import NOON, a_job, a_scope
from recollect.usecases import project_changes
from recollect.usecases.project_changes import LONG_LINE
from recollect.usecases.work_on_jobs import (
    LEASE,
    MAX_ATTEMPTS,
    RESUMED_LEASE,
    UNHEARD,
    UNTOLD,
    WOKEN_EVERY,
)
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
    return AddRequest(scope=scope, messages=(Message("user", "likes tea"),), infer=False)


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

    service.having(is_late=lambda: True).drive_on()

    assert service.read_job(scope.project, job.id).attempt == 1
    assert service.work_off() == 1
    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED


def test_an_add_that_runs_out_of_time_is_handed_over(service: Service, scope: Scope) -> None:
    texts = [f"likes tea number {number}" for number in range(10)]
    record = CommitsOfThree(service.store.database)
    hurried = service.having(record=record, is_late=late_after(3))

    job = hurried.say(scope, *texts, key=KEY)

    assert (job.status, job.done) == (JobStatus.PENDING, 6)
    assert len(service.listed(scope)) == 6
    assert hurried.say(scope, *texts, key=KEY).status is JobStatus.PENDING
    assert service.having(record=record).work_off() == 1
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
    assert service.work_off() == 1
    done = service.read_job(scope.project, job.id)
    assert (done.status, done.notes) == (JobStatus.SUCCEEDED, {"deleted": 10})
    assert service.listed(scope) == ()


# --- what is left to workers

ANOTHER = IdempotencyKey("another key", "hash of the body")


class DeafWakeUps(LocalWakeUps):
    """Workers hear of nothing."""

    def work(self, job: Job) -> bool:  # noqa: ARG002 - of the port
        return False


@dataclass(frozen=True)
class FullRecord(LocalRecord):
    """Takes nothing any more."""

    def commit(self, project: str, change: Change) -> None:
        raise UnavailableError(project, change)


@dataclass(frozen=True)
class OutpacedJobs(LocalJobs):
    """Somebody else is always faster."""

    def claim(self, project: str, job_id: str, *, now: datetime, lease_end: datetime) -> Job | None:
        super().claim(project, job_id, now=now, lease_end=lease_end)
        return super().claim(project, job_id, now=now, lease_end=lease_end)


def waiting(service: Service) -> int:
    return len(service.ports.wake_ups.jobs)


def abandoned_at(service: Service, job: Job) -> timedelta:
    """Return how long after now the job is taken for abandoned, to the minute."""
    for minutes in range(24 * 60):
        later = timedelta(minutes=minutes)
        found = service.ports.jobs.abandoned(now=service.clock() + later, limit=9)
        if (job.project, job.id) in found:
            return later
    raise AssertionError(job)


def test_what_is_accepted_waits_for_a_worker(service: Service, scope: Scope) -> None:
    asked_at = NOON - timedelta(hours=1)

    job = service.work.accept(a_request(scope), None, asked_at=asked_at, message_id="m1")

    assert (job.status, job.started_at, job.attempt) == (JobStatus.PENDING, None, 1)
    assert (job.asked_at, job.said_by, job.message_id) == (asked_at, asked_at, "m1")
    assert service.read_job(scope.project, job.id) == job
    assert service.listed(scope) == ()
    assert waiting(service) == 1


def test_a_job_knows_which_key_asked_for_it(service: Service, scope: Scope) -> None:
    asking = replace(service.work, asked_with=lambda: "k1")

    assert asking.accept(a_request(scope), None).key_id == "k1"
    assert asking.start(a_request(scope), None, Work(service, [])).key_id == "k1"
    assert service.work.accept(a_request(scope), None).key_id is None


def test_a_worker_carries_on_what_was_accepted(service: Service, scope: Scope) -> None:
    job = service.add.accept(a_request(scope))
    service.clock.forward(timedelta(minutes=1))

    assert service.work_off() == 1

    done = service.read_job(scope.project, job.id)
    assert (done.status, done.attempt, done.tries) == (JobStatus.SUCCEEDED, 2, 1)
    assert done.started_at is not None
    assert done.started_at - done.created_at > timedelta(minutes=1)
    assert [memory.text for memory in service.listed(scope)] == ["likes tea"]
    assert waiting(service) == 0


def test_accepting_with_the_same_key_is_accepting_once(service: Service, scope: Scope) -> None:
    first = service.add.accept(a_request(scope), KEY)

    assert service.add.accept(a_request(scope), KEY) == first
    assert waiting(service) == 1
    service.work_off()
    done = service.add.accept(a_request(scope), KEY)

    assert (done.id, done.status) == (first.id, JobStatus.SUCCEEDED)
    assert waiting(service) == 0
    with pytest.raises(IdempotencyMismatchError):
        service.add.accept(a_request(scope), replace(KEY, body_hash="another"))
    assert service.add.accept(a_request(scope), ANOTHER).id != first.id


def test_accepting_what_failed_has_it_tried_again(service: Service, scope: Scope) -> None:
    with pytest.raises(UnavailableError):
        service.work.start(a_request(scope), KEY, FailingWork(service, []))

    job = service.work.accept(a_request(scope), KEY)

    assert (job.status, job.done, job.error, job.completed_at) == (JobStatus.PENDING, 1, None, None)
    assert service.read_job(scope.project, job.id) == job
    assert waiting(service) == 1


def test_whoever_is_slower_to_accept_what_failed_leaves_it_to_the_other(
    service: Service, scope: Scope
) -> None:
    with pytest.raises(UnavailableError):
        service.work.start(a_request(scope), KEY, FailingWork(service, []))
    outpaced = service.having(jobs=OutpacedJobs(service.store.database))

    job = outpaced.work.accept(a_request(scope), KEY)

    assert job.status is JobStatus.FAILED
    assert service.read_job(scope.project, job.id).status is JobStatus.RUNNING
    assert waiting(service) == 0


def test_whoever_waits_for_an_accepted_job_does_it(service: Service, scope: Scope) -> None:
    accepted = service.add.accept(a_request(scope), KEY)

    job = service.add(a_request(scope), KEY)

    assert (job.id, job.status) == (accepted.id, JobStatus.SUCCEEDED)
    assert service.work_off() == 1
    assert len(service.listed(scope)) == 1


def test_a_job_whose_wake_up_may_be_lost_is_taken_up_later(service: Service, scope: Scope) -> None:
    heard = service.work.accept(a_request(scope), None)
    unheard = service.having(wake_ups=DeafWakeUps()).work.accept(a_request(scope), None)

    assert abandoned_at(service, heard) == UNHEARD
    assert abandoned_at(service, unheard) == UNTOLD


def test_what_is_accepted_stays_so_though_nobody_hears_of_it(
    service: Service, scope: Scope
) -> None:
    record = FullRecord(service.store.database)
    silent = service.having(wake_ups=DeafWakeUps(), record=record)

    job = silent.work.accept(a_request(scope), None)

    assert service.read_job(scope.project, job.id) == job
    assert abandoned_at(service, job) == UNHEARD


def test_a_job_in_a_long_queue_is_not_said_again_and_again(service: Service, scope: Scope) -> None:
    job = service.work.accept(a_request(scope), None)
    service.clock.forward(UNHEARD)

    assert service.maintain() == 1
    assert service.maintain() == 0
    assert abandoned_at(service, job) == WOKEN_EVERY
    assert waiting(service) == 1


class CrowdedWakeUps(LocalWakeUps):
    """Very many jobs wait."""

    def waiting(self) -> int:
        return LONG_LINE


def test_in_a_long_line_what_nobody_has_begun_keeps_its_turn(
    service: Service, scope: Scope
) -> None:
    crowded = service.having(wake_ups=CrowdedWakeUps())
    job = crowded.work.accept(a_request(scope), None)
    begun = service.work.hand_over(service.work.start(a_request(scope), None, as_it_is))
    service.clock.forward(UNHEARD)

    assert crowded.maintain() == 2

    assert [heard(crowded) for _ in range(3)] == [job.id, begun.id, None]
    assert abandoned_at(service, job) == abandoned_at(service, begun) == WOKEN_EVERY


def test_after_a_restart_all_that_was_waiting_is_heard_of(
    service: Service, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_changes, "BATCH", 2)
    monkeypatch.setattr(project_changes, "LONG_LINE", 2)
    ended = service.having(wake_ups=DeafWakeUps())
    jobs = [ended.work.accept(a_request(scope), None) for _ in range(5)]
    service.clock.forward(UNHEARD)

    service.maintain()

    assert [heard(service) for _ in range(6)] == [*(job.id for job in jobs), None]


def test_an_accept_that_broke_off_is_heard_of_when_it_is_repeated(
    service: Service, scope: Scope
) -> None:
    first = service.having(wake_ups=DeafWakeUps()).work.accept(a_request(scope), KEY)
    assert waiting(service) == 0

    assert service.work.accept(a_request(scope), KEY).id == first.id

    assert waiting(service) == 1


def heard(service: Service) -> str | None:
    """Return the job that a worker hears of next."""
    with service.ports.wake_ups.jobs.next() as waiting:
        return waiting[1] if waiting else None


def as_it_is(job: Job) -> Job:
    return job


def test_a_job_that_ended_meanwhile_wakes_nobody(service: Service, scope: Scope) -> None:
    job = service.say(scope, "likes tea")

    assert not service.work.requeue(scope.project, job.id)
    assert not service.work.requeue(scope.project, "unknown")
    assert waiting(service) == 0


def test_a_job_that_waits_for_others_may_do_so_for_ever(service: Service, scope: Scope) -> None:
    minute = timedelta(minutes=1)
    job = service.work.accept(a_request(scope), None)

    def wait(job: Job) -> Job:
        return service.work.rest(job, minute)

    for _ in range(2 * MAX_ATTEMPTS):
        rested = service.work.resume(job, wait)
        assert rested is not None
        assert rested.status is JobStatus.PENDING
        assert abandoned_at(service, rested) == minute

    assert service.read_job(scope.project, job.id).attempt == 1 + 2 * MAX_ATTEMPTS


def test_a_job_that_gets_on_is_taken_up_as_often_as_it_takes(
    service: Service, scope: Scope
) -> None:
    job = service.work.accept(a_request(scope), None)

    def step(job: Job) -> Job:
        return service.work.hand_over(replace(job, done=job.done + 1))

    for _ in range(2 * MAX_ATTEMPTS):
        assert service.work.resume(job, step) is not None

    stuck = service.read_job(scope.project, job.id)
    assert (stuck.done, stuck.tries) == (2 * MAX_ATTEMPTS, 1)
    for _ in range(MAX_ATTEMPTS - 1):
        assert service.work.resume(job, service.work.hand_over) is not None
    # The last step was the first try to get further.
    assert service.work.resume(job, service.work.hand_over) is not None
    with pytest.raises(UnavailableError, match="Given up"):
        service.work.resume(job, service.work.hand_over)


def test_who_asks_again_for_what_was_given_up_begins_anew(service: Service, scope: Scope) -> None:
    job = service.work.accept(a_request(scope), KEY)
    for _ in range(MAX_ATTEMPTS):
        service.work.resume(job, service.work.hand_over)
    with pytest.raises(UnavailableError, match="Given up"):
        service.work.resume(job, service.work.hand_over)
    assert service.read_job(scope.project, job.id).status is JobStatus.FAILED

    again = service.work.accept(a_request(scope), KEY)

    assert (again.status, again.tries) == (JobStatus.PENDING, 1)
    assert service.work.resume(again, service.work.hand_over) is not None


# --- carrying on


def test_a_worker_leaves_alone_what_is_unknown_done_or_in_other_hands(
    service: Service, scope: Scope
) -> None:
    done, mine = service.say(scope, "likes tea"), a_job(scope)
    service.store.jobs.accept(mine, None, lease_end=NOON + timedelta(hours=1))

    for job_id in ("unknown", done.id, mine.id):
        assert service.carry_on(scope.project, job_id) is None

    assert service.read_job(scope.project, done.id) == done
    assert service.read_job(scope.project, mine.id) == mine


def test_a_worker_tries_what_failed_only_if_it_is_told_to(service: Service, scope: Scope) -> None:
    with pytest.raises(UnavailableError):
        service.work.start(a_request(scope), KEY, FailingWork(service, []))
    [failed] = service.store.jobs.recent(scope.project, limit=9)

    assert service.carry_on(scope.project, failed.id) == failed
    assert service.read_job(scope.project, failed.id) == failed
    done = service.carry_on(scope.project, failed.id, again=True)

    assert done is not None
    assert (done.status, done.tries) == (JobStatus.SUCCEEDED, 1)


def test_what_a_worker_cannot_do_fails_and_is_told_as_the_jobs_end(
    service: Service, scope: Scope
) -> None:
    request = DeleteAllRequest(project=scope.project, filters={"user_id": {"like": "a"}})
    job = a_job(scope, request=request, status=JobStatus.PENDING)
    service.store.jobs.accept(job, None, lease_end=NOON)

    failed = service.carry_on(scope.project, job.id)

    assert failed is not None
    assert (failed.status, bool(failed.error)) == (JobStatus.FAILED, True)
    assert service.read_job(scope.project, job.id) == failed


def test_what_stops_a_worker_for_now_is_raised(service: Service, scope: Scope) -> None:
    job = service.add.accept(a_request(scope))
    full = service.having(record=FullRecord(service.store.database))

    with pytest.raises(UnavailableError):
        full.carry_on(scope.project, job.id)

    assert service.read_job(scope.project, job.id).status is JobStatus.RUNNING
    service.clock.forward(RESUMED_LEASE)
    service.drive_on()
    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED
