"""What every Jobs promises, whichever engine is behind it: a fixture `store`."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import IdempotencyMismatchError
from recollect.domain.jobs import Decision, Draft, Fact, IdempotencyKey, Job, JobStatus, Outcome
from recollect.domain.memory import Message
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    ErasedRequest,
    EraseRequest,
    ExportRequest,
    JobRequest,
)
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import FencedError
from recollect.testing.builders import NOON, a_change, a_job, a_memory, a_scope, adding
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project, at_once

MINUTE = timedelta(minutes=1)
LATER = NOON + MINUTE
"""When the leases of these tests run out."""
FINAL = (JobStatus.SUCCEEDED, JobStatus.FAILED)
MANY = 10_000
"""More than all tests together leave in a store that they share."""


def accept(store: Store, scope: Scope, key: IdempotencyKey | None = None) -> Job:
    return store.jobs.accept(a_job(scope), key, lease_end=LATER)


def waiting_job(store: Store, scope: Scope) -> Job:
    job = a_job(scope, status=JobStatus.PENDING)
    return store.jobs.accept(job, None, lease_end=LATER)


def claim(store: Store, job: Job, now: datetime = LATER) -> Job | None:
    return store.jobs.claim(job.project, job.id, now=now, lease_end=now + MINUTE)


def finish(store: Store, job: Job, status: JobStatus) -> Job:
    done = replace(
        job, status=status, completed_at=NOON, error="no" if status == "FAILED" else None
    )
    store.record.commit(job.project, a_change(job=done))
    return done


def abandoned(store: Store, project: str, now: datetime) -> list[str]:
    found = store.jobs.abandoned(now=now, limit=MANY)
    return [job_id for name, job_id in found if name == project]


def test_an_accepted_job_is_there(store: Store, scope: Scope) -> None:
    job = a_job(scope, started_at=NOON, notes={"extractor": "rules"})

    assert store.jobs.accept(job, None, lease_end=LATER) == job

    assert store.jobs.get(scope.project, job.id) == job


def test_an_unknown_job_is_none(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    other = a_project(store)

    assert store.jobs.get(scope.project, str(uuid4())) is None
    assert store.jobs.get(other, job.id) is None
    assert store.jobs.claim(other, job.id, now=LATER, lease_end=LATER) is None


def test_a_request_to_delete_is_kept(store: Store, project: str) -> None:
    request = DeleteAllRequest(project=project, filters={"AND": [{"user_id": "ada"}]})
    job = a_job(a_scope(project), request=request)

    store.jobs.accept(job, None, lease_end=LATER)

    assert store.jobs.get(project, job.id) == job


# --- promise 9: the same key is the same job


def test_a_repeated_key_gets_the_first_job(store: Store, scope: Scope) -> None:
    key = IdempotencyKey("import 1/ä", "body")
    first = accept(store, scope, key)

    second = a_job(scope)

    assert store.jobs.accept(second, key, lease_end=LATER) == first
    assert store.jobs.get(scope.project, second.id) is None


def test_a_repeated_key_gets_the_state_that_the_job_has_now(store: Store, scope: Scope) -> None:
    key = IdempotencyKey("k", "body")
    done = finish(store, accept(store, scope, key), JobStatus.SUCCEEDED)

    assert accept(store, scope, key) == done


def test_a_key_with_another_body_is_refused(store: Store, scope: Scope) -> None:
    first = accept(store, scope, IdempotencyKey("k", "body"))
    other = a_job(scope)

    with pytest.raises(IdempotencyMismatchError):
        store.jobs.accept(other, IdempotencyKey("k", "another body"), lease_end=LATER)

    assert store.jobs.get(scope.project, other.id) is None
    assert accept(store, scope, IdempotencyKey("k", "body")) == first


def test_a_key_belongs_to_its_project(store: Store, scope: Scope) -> None:
    key = IdempotencyKey("k", "body")
    mine = accept(store, scope, key)

    theirs = accept(store, a_scope(a_project(store)), replace(key, body_hash="other"))

    assert theirs.id != mine.id


def test_without_a_key_every_job_is_new(store: Store, scope: Scope) -> None:
    assert accept(store, scope).id != accept(store, scope).id


def test_sixteen_threads_with_one_key_share_one_job(store: Store, scope: Scope) -> None:
    key = IdempotencyKey("k", "body")

    accepted = at_once(lambda _: accept(store, scope, key))

    assert len({job.id for job in accepted}) == 1
    assert abandoned(store, scope.project, LATER) == [accepted[0].id]


# --- one works at a time


def test_nobody_claims_a_job_before_its_lease_ends(store: Store, scope: Scope) -> None:
    job = accept(store, scope)

    assert claim(store, job, LATER - timedelta(microseconds=1)) is None
    assert store.jobs.get(scope.project, job.id) == job


def test_an_abandoned_job_is_claimed_with_the_next_attempt(store: Store, scope: Scope) -> None:
    job = accept(store, scope)

    mine = claim(store, job)

    assert mine == job.taken(LATER)
    assert (mine.attempt, mine.status, mine.started_at) == (2, JobStatus.RUNNING, LATER)
    assert store.jobs.get(scope.project, job.id) == mine
    assert claim(store, job) is None
    again = claim(store, job, LATER + MINUTE)
    assert again == mine.taken(LATER + MINUTE)
    assert again.started_at == LATER


def test_a_failed_job_is_claimed_at_once_and_runs_anew(store: Store, scope: Scope) -> None:
    failed = finish(store, accept(store, scope), JobStatus.FAILED)

    mine = claim(store, failed, NOON)

    assert mine == failed.taken(NOON)
    assert (mine.error, mine.completed_at) == (None, None)
    assert claim(store, failed, NOON) is None


def test_a_job_that_succeeded_is_never_claimed(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    done = finish(store, job, JobStatus.SUCCEEDED)

    assert claim(store, job, LATER + MINUTE) is None
    assert store.jobs.get(scope.project, job.id) == done


def test_a_job_is_claimed_where_it_stood(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    moved = replace(job, done=4, plan=(), notes={"seen": 9})
    store.record.commit(scope.project, a_change(job=moved))

    assert claim(store, job) == moved.taken(LATER)


def test_of_sixteen_threads_one_claims(store: Store, scope: Scope) -> None:
    job = accept(store, scope)

    claimed = [mine for mine in at_once(lambda _: claim(store, job)) if mine]

    assert claimed == [job.taken(LATER)]


def test_who_lost_the_job_can_commit_nothing_more(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    mine = claim(store, job)
    assert mine is not None
    memory = a_memory(scope)

    with pytest.raises(FencedError):
        store.record.commit(scope.project, a_change(adding(memory), job=replace(job, done=1)))

    assert store.record.get(scope.project, [memory.id]) == {}
    store.record.commit(scope.project, a_change(adding(memory), job=replace(mine, done=1)))
    assert store.jobs.get(scope.project, job.id) == replace(mine, done=1)


@pytest.mark.parametrize("status", FINAL)
def test_who_lost_the_job_cannot_end_it(store: Store, scope: Scope, status: JobStatus) -> None:
    job = accept(store, scope)
    mine = claim(store, job)

    with pytest.raises(FencedError):
        finish(store, job, status)

    assert store.jobs.get(scope.project, job.id) == mine


# --- what is left behind


def test_an_unfinished_job_is_abandoned_when_its_lease_ends(store: Store, scope: Scope) -> None:
    job = accept(store, scope)

    assert abandoned(store, scope.project, LATER - timedelta(microseconds=1)) == []
    assert abandoned(store, scope.project, LATER) == [job.id]


def test_a_job_that_waits_is_abandoned_too(store: Store, scope: Scope) -> None:
    job = waiting_job(store, scope)

    assert abandoned(store, scope.project, LATER) == [job.id]


@pytest.mark.parametrize("now", [NOON, LATER, LATER + MINUTE])
def test_a_job_that_waits_is_claimed_by_the_first_who_asks(
    store: Store, scope: Scope, now: datetime
) -> None:
    job = waiting_job(store, scope)

    mine = claim(store, job, now)

    assert mine == job.taken(now)
    assert mine.status is JobStatus.RUNNING
    assert claim(store, job, now) is None
    assert store.jobs.get(scope.project, job.id) == mine


def test_what_was_left_to_others_is_claimed_before_its_lease_ends(
    store: Store, scope: Scope
) -> None:
    job = accept(store, scope)
    waiting = replace(job, status=JobStatus.PENDING, done=3)
    store.record.commit(scope.project, a_change(job=waiting, lease_end=LATER + MINUTE))

    assert claim(store, waiting, NOON) == waiting.taken(NOON)


# --- postponed


def test_an_abandoned_job_that_is_postponed_is_so_again_later(store: Store, scope: Scope) -> None:
    job = accept(store, scope)

    assert store.jobs.postpone(job, now=LATER, until=LATER + MINUTE)

    assert store.jobs.get(scope.project, job.id) == replace(job, status=JobStatus.PENDING)
    assert abandoned(store, scope.project, LATER) == []
    assert abandoned(store, scope.project, LATER + MINUTE) == [job.id]
    assert claim(store, job, LATER) == replace(job, status=JobStatus.PENDING).taken(LATER)


def test_what_a_job_came_to_meanwhile_stays_when_it_is_postponed(
    store: Store, scope: Scope
) -> None:
    job = accept(store, scope)
    moved = replace(job, done=4, notes={"seen": 9})
    store.record.commit(scope.project, a_change(job=moved))

    assert store.jobs.postpone(job, now=LATER, until=LATER + MINUTE)

    assert store.jobs.get(scope.project, job.id) == replace(moved, status=JobStatus.PENDING)


def test_a_job_that_is_worked_on_is_not_postponed(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    assert not store.jobs.postpone(job, now=NOON, until=LATER + MINUTE)

    mine = claim(store, job)

    assert mine is not None
    for known in (job, mine):
        assert not store.jobs.postpone(known, now=LATER, until=LATER + MINUTE)
    # Who knew it before it was taken over does not postpone it even when that lease has run out.
    assert not store.jobs.postpone(job, now=LATER + MINUTE, until=LATER + 2 * MINUTE)
    assert store.jobs.get(scope.project, job.id) == mine
    assert abandoned(store, scope.project, LATER + MINUTE) == [job.id]


@pytest.mark.parametrize("status", FINAL)
def test_a_job_that_ended_is_not_postponed(store: Store, scope: Scope, status: JobStatus) -> None:
    done = finish(store, accept(store, scope), status)

    assert not store.jobs.postpone(done, now=LATER, until=LATER + MINUTE)

    assert store.jobs.get(scope.project, done.id) == done
    assert abandoned(store, scope.project, LATER + MINUTE) == []


def test_a_job_that_is_unknown_is_not_postponed(store: Store, scope: Scope) -> None:
    assert not store.jobs.postpone(a_job(scope), now=LATER, until=LATER + MINUTE)


def test_a_claimed_job_is_abandoned_after_its_new_lease(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    claim(store, job)

    assert abandoned(store, scope.project, LATER) == []
    assert abandoned(store, scope.project, LATER + MINUTE) == [job.id]


def test_a_commit_can_prolong_the_lease(store: Store, scope: Scope) -> None:
    job = accept(store, scope)
    end = LATER + MINUTE

    store.record.commit(scope.project, a_change(job=job, lease_end=end))

    assert claim(store, job, LATER) is None
    assert abandoned(store, scope.project, LATER) == []
    assert abandoned(store, scope.project, end) == [job.id]


@pytest.mark.parametrize("status", FINAL)
def test_a_finished_job_is_not_abandoned(store: Store, scope: Scope, status: JobStatus) -> None:
    finish(store, accept(store, scope), status)

    assert abandoned(store, scope.project, LATER + MINUTE) == []


def test_no_more_abandoned_jobs_than_asked_for(store: Store, scope: Scope) -> None:
    for _ in range(4):
        accept(store, scope)

    assert len(store.jobs.abandoned(now=LATER, limit=3)) == 3


def test_a_large_job_comes_back_whole(store: Store, scope: Scope) -> None:
    text = "Ada likes tea. " * 100
    messages = tuple(Message("user", f"{number} {text}") for number in range(250))
    request = AddRequest(scope=scope, messages=messages)
    plan = tuple(Draft(Fact(text=turn.content, role="user")) for turn in messages)
    job = store.jobs.accept(a_job(scope, request=request, plan=plan), None, lease_end=LATER)

    for done in (0, 100, 101, 250):
        outcomes = tuple(
            Outcome(decision=Decision.ADD, memory_id=str(number), text=turn.content)
            for number, turn in enumerate(messages[:done])
        )
        job = replace(job, done=done, outcomes=outcomes)
        store.record.commit(scope.project, a_change(job=job))

        assert store.jobs.get(scope.project, job.id) == job

    assert claim(store, job) == job.taken(LATER)


@pytest.mark.parametrize("times", [1, 5_000])
def test_an_export_comes_back_with_its_result(store: Store, scope: Scope, times: int) -> None:
    schema = {"properties": {"likes": {"items": {"type": "string"}}}}
    request = ExportRequest(
        project=scope.project, filters={"user_id": "ada"}, schema=schema, instructions="all"
    )
    job = store.jobs.accept(a_job(scope, request=request), None, lease_end=LATER)
    assert store.jobs.get(scope.project, job.id) == job

    done = replace(
        job, status=JobStatus.SUCCEEDED, completed_at=NOON, result={"likes": ["tea"] * times}
    )
    store.record.commit(scope.project, a_change(job=done))

    assert store.jobs.get(scope.project, job.id) == done


# --- what is forgotten

LONG_AGO = NOON - timedelta(days=365)
"""Before any other test's job ended."""


def ended(
    store: Store,
    scope: Scope,
    at: datetime,
    key: IdempotencyKey | None = None,
    status: JobStatus = JobStatus.SUCCEEDED,
) -> Job:
    """Accept a job and have it end then."""
    job = store.jobs.accept(a_job(scope, created_at=LONG_AGO), key, lease_end=LATER)
    done = replace(job, status=status, completed_at=at)
    store.record.commit(job.project, a_change(job=done))
    return done


def test_what_ended_long_ago_is_forgotten_here_or_by_the_store_itself(
    store: Store, scope: Scope
) -> None:
    key = IdempotencyKey("k", "body")
    jobs = [
        ended(store, scope, LONG_AGO, key),
        ended(store, scope, LONG_AGO + MINUTE, status=JobStatus.FAILED),
        ended(store, scope, LONG_AGO + 2 * MINUTE),
    ]

    counts = [
        store.jobs.forget_ended(before=LONG_AGO + 2 * MINUTE, limit=limit) for limit in (1, 9, 9)
    ]

    assert counts in ([1, 1, 0], [0, 0, 0])
    kept = jobs[sum(counts) :]
    assert [store.jobs.get(scope.project, job.id) for job in jobs][-len(kept) :] == kept
    assert {*recent(store, scope.project)} == {job.id for job in kept}
    # A key is free again with its job, and not before.
    assert (accept(store, scope, key).id == jobs[0].id) == (jobs[0] in kept)


def test_what_has_not_ended_is_not_forgotten(store: Store, scope: Scope) -> None:
    waiting = a_job(scope, created_at=LONG_AGO, status=JobStatus.PENDING)
    running = a_job(scope, created_at=LONG_AGO)
    retried = ended(store, scope, LONG_AGO, status=JobStatus.FAILED)
    for job in (waiting, running):
        store.jobs.accept(job, None, lease_end=LONG_AGO)
    claim(store, retried)

    store.jobs.forget_ended(before=NOON - MINUTE, limit=MANY)

    assert len(recent(store, scope.project)) == 3


# --- the last jobs of a project


def begun(store: Store, scope: Scope, minutes: int, **changes: Any) -> Job:  # noqa: ANN401 - as a_job
    """Accept a job so many minutes after noon."""
    job = a_job(scope, created_at=NOON + minutes * MINUTE, **changes)
    return store.jobs.accept(job, None, lease_end=LATER)


def recent(store: Store, project: str) -> list[str]:
    return [job.id for job in store.jobs.recent(project, limit=100)]


def test_recent_jobs_come_last_created_first_whatever_became_of_them(
    store: Store, scope: Scope
) -> None:
    failed = begun(store, scope, 1)
    running = begun(store, scope, 4)
    succeeded = begun(store, scope, 3)
    waiting = begun(store, scope, 2, status=JobStatus.PENDING)
    done = [finish(store, failed, JobStatus.FAILED), finish(store, succeeded, JobStatus.SUCCEEDED)]

    found = store.jobs.recent(scope.project, limit=100)

    assert found == [running, done[1], waiting, done[0]]


def test_recent_jobs_of_one_moment_have_an_order(store: Store, scope: Scope) -> None:
    jobs = [begun(store, scope, 0) for _ in range(6)]
    for job in jobs[::2]:
        finish(store, job, JobStatus.SUCCEEDED)

    assert recent(store, scope.project) == sorted((job.id for job in jobs), reverse=True)


def test_recent_jobs_come_in_pages(store: Store, scope: Scope) -> None:
    jobs = [begun(store, scope, minutes) for minutes in range(7)]
    for job in jobs[1::2]:
        finish(store, job, JobStatus.SUCCEEDED)
    expected = [job.id for job in reversed(jobs)]

    found = store.jobs.recent(scope.project, limit=3)
    pages = [[job.id for job in found]]
    while found:
        found = store.jobs.recent(scope.project, limit=3, after=found[-1])
        pages.append([job.id for job in found])

    assert pages == [expected[:3], expected[3:6], expected[6:], []]


def test_a_page_of_recent_jobs_can_end_amid_those_of_one_moment(store: Store, scope: Scope) -> None:
    jobs = [begun(store, scope, 0) for _ in range(5)]
    for job in jobs[::2]:
        finish(store, job, JobStatus.SUCCEEDED)
    first = store.jobs.recent(scope.project, limit=2)

    # What begins meanwhile moves nothing.
    begun(store, scope, 1)
    rest = store.jobs.recent(scope.project, limit=9, after=first[-1])

    expected = sorted((job.id for job in jobs), reverse=True)
    assert [job.id for job in (*first, *rest)] == expected


def test_recent_jobs_are_of_one_project(store: Store, scope: Scope) -> None:
    other = a_scope(a_project(store))
    finish(store, begun(store, other, 1), JobStatus.SUCCEEDED)
    begun(store, other, 2)

    assert recent(store, scope.project) == []
    assert len(recent(store, other.project)) == 2


def test_a_retried_job_is_found_once_as_it_is_now(store: Store, scope: Scope) -> None:
    failed = finish(store, begun(store, scope, 1), JobStatus.FAILED)
    begun(store, scope, 2)

    retried = claim(store, failed)

    assert retried is not None
    assert [job for job in store.jobs.recent(scope.project, limit=9) if job.id == failed.id] == [
        retried
    ]
    done = finish(store, retried, JobStatus.SUCCEEDED)
    assert store.jobs.recent(scope.project, limit=9)[1:] == [done]


# --- what is asked for


@pytest.mark.parametrize("subject", [None, Subject(SubjectKind.USER, "ada")])
def test_requests_for_batches_are_kept(store: Store, project: str, subject: Subject | None) -> None:
    changes = {
        "b": MemoryChanges(text="likes tea", metadata={"sure": True}),
        "a": MemoryChanges(said_at=NOON, expires_on=date(2030, 1, 1)),
        "c": MemoryChanges(clears_expiry=True),
    }
    requests: list[JobRequest] = [
        BatchUpdateRequest(project=project, changes=changes, subject=subject),
        BatchDeleteRequest(project=project, memory_ids=("b", "a"), subject=subject),
        DeleteAllRequest(project=project, filters={}, subject=subject, ends_project=True),
        EraseRequest.of(project, Subject(SubjectKind.USER, "ada")),
        EraseRequest(project=project, subject_key="a key"),
        ErasedRequest(project=project),
    ]

    for request in requests:
        job = store.jobs.accept(a_job(a_scope(project), request=request), None, lease_end=LATER)

        found = store.jobs.get(project, job.id)
        assert found == job
        assert list(getattr(found.request, "changes", "bac")) == ["b", "a", "c"]
