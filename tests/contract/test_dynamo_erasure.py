"""What late adds of erased subjects leave in S3: nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from recollect.adapters.aws.store import DynamoStore
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, ErasedError, FencedError
from recollect.testing.builders import NOON, a_change, a_job, a_memory, adding, an_episode
from recollect.testing.fixtures import *
from tests.aws import dynamo_store

pytestmark = pytest.mark.engines

LONG = "and so on " * 20_000
LEASE_END = NOON + timedelta(minutes=1)


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as opened:
        yield opened


def accepted(store: DynamoStore, scope: Scope) -> Job:
    """Have a job that says so much that it is in S3, in a scope that the store knows well."""
    store.record.commit(scope.project, a_change(episode=an_episode(scope, "before")))
    request = AddRequest(scope=scope, messages=(Message("user", LONG),))
    job = store.jobs.accept(a_job(scope, request=request), None, lease_end=LEASE_END)
    assert any(job.id in key for key in objects(store))
    return job


def committed(job: Job, scope: Scope) -> Change:
    return a_change(episode=an_episode(scope, LONG, id=job.id), job=job, said_by=NOON)


def objects(store: DynamoStore) -> list[str]:
    found = store.s3.list_objects_v2(Bucket=store.bucket).get("Contents", [])
    return [each["Key"] for each in found]


def another(store: DynamoStore) -> DynamoStore:
    """Return the store as another process has it, which knows nothing yet."""
    return replace(store)


def test_a_late_add_that_is_refused_leaves_nothing(store: DynamoStore, scope: Scope) -> None:
    job = accepted(store, scope)
    erasures = another(store).erasures
    erasures.mark(scope.project, scope.owner, at=NOON)
    assert erasures.refuse(scope.project, scope.owner, at=NOON) is None
    with pytest.raises(ErasedError):
        store.record.commit(scope.project, committed(job, scope))

    store.record.commit(scope.project, Change(at=NOON, job=replace(job.emptied(NOON), attempt=1)))

    assert not any(job.id in key for key in objects(store))
    found = store.jobs.get(scope.project, job.id)
    assert found
    assert found.status is JobStatus.FAILED


def test_a_late_import_leaves_no_history(store: DynamoStore, scope: Scope) -> None:
    accepted(store, scope)
    erasures = another(store).erasures
    erasures.mark(scope.project, scope.owner, at=NOON)
    assert erasures.refuse(scope.project, scope.owner, at=NOON) is None
    memory = a_memory(scope)
    added = adding(memory)
    write = replace(added, earlier=(added.event,), event=replace(added.event, version=2))

    with pytest.raises(ErasedError):
        store.record.commit(scope.project, a_change(write, said_by=NOON))

    assert store.record.history(scope.project, memory.id) == []
    assert store.archive.deleted(scope.project, scope.owner, limit=9) == {}


def test_an_add_that_was_emptied_under_way_leaves_nothing(store: DynamoStore, scope: Scope) -> None:
    job = accepted(store, scope)
    another(store).remains.empty(job.emptied(NOON))

    with pytest.raises(FencedError):
        store.record.commit(scope.project, committed(replace(job, error="?"), scope))

    assert not any(job.id in key for key in objects(store))


def test_who_lost_a_job_to_another_leaves_what_that_needs(store: DynamoStore, scope: Scope) -> None:
    job = accepted(store, scope)
    taken = another(store).jobs.claim(
        scope.project, job.id, now=LEASE_END, lease_end=LEASE_END + timedelta(minutes=1)
    )

    with pytest.raises(FencedError):
        store.record.commit(scope.project, committed(job, scope))

    assert taken
    assert another(store).jobs.get(scope.project, job.id) == taken
