"""What bringing the index up to date, and driving on what was left behind, promise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from recollect.adapters.local.episodes import LocalEpisodes
from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import EVERYTHING
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery
from recollect.testing.builders import NOON, a_change, a_job, a_scope, an_episode
from recollect.usecases.project_changes import BATCH, MAX_BATCHES, STALE_AFTER
from recollect.usecases.work_on_jobs import LEASE
from tests.service import Service, embedder


@dataclass(frozen=True)
class NewsWhileIndexing:
    """An index during whose work a memory is deleted."""

    service: Service
    doomed: list[Memory]

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        self.service.store.index.put(project, memories)
        while self.doomed:
            self.service.delete(project, self.doomed.pop().id)

    def __getattr__(self, name: str) -> object:
        return getattr(self.service.store.index, name)


class DeafWakeUps(LocalWakeUps):
    """Workers hear of nothing."""

    def work(self, job: Job) -> bool:  # noqa: ARG002 - of the port
        return False


class BrokenExtractor:
    def extract(self, conversation: object) -> None:
        raise UnavailableError(str(conversation))


@dataclass(frozen=True)
class ForgetfulJobs(LocalJobs):
    """Knows abandoned jobs by name only."""

    def get(self, project: str, job_id: str) -> Job | None:
        return super().get(f"not {project}", job_id)


def proposed(service: Service, scope: Scope, words: str = "likes tea") -> set[str]:
    """Return what the index alone knows."""
    [vector] = embedder().embed([words], "query")
    query = IndexQuery(EVERYTHING, vector, tuple(terms(words)), 1_000)
    [proposal] = service.store.index.propose(scope.project, [query])
    return set(proposal.memory_ids)


def pending(service: Service, scope: Scope) -> int:
    keys = [subject.key for subject in scope.subjects]
    return len(service.store.outbox.pending(scope.project, keys, limit=9_999))


def test_what_was_added_changed_and_deleted_reaches_the_index(
    service: Service, scope: Scope
) -> None:
    kept = service.remember(scope, "likes tea")
    changed = service.remember(scope, "likes cake")
    deleted = service.remember(scope, "likes tea and cake")
    service.update(scope.project, changed.id, MemoryChanges(text="likes tea leaves"))
    service.delete(scope.project, deleted.id)

    confirmed = service.index_all(scope)

    assert confirmed == 5
    assert pending(service, scope) == 0
    assert proposed(service, scope) == {kept.id, changed.id}


def test_a_deletion_reaches_the_index_later(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.index_all(scope)
    service.delete(scope.project, memory.id)

    assert service.index_all(scope) == 1

    assert proposed(service, scope) == set()


def test_projecting_twice_changes_nothing(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.index_all(scope)

    assert service.index_all(scope) == 0

    assert proposed(service, scope) == {memory.id}


def test_only_the_subjects_asked_for_are_projected(service: Service, scope: Scope) -> None:
    bob = a_scope(scope.project, user="bob")
    service.say(scope, "likes tea")
    service.say(bob, "likes tea too")

    service.index_all(scope)

    assert (pending(service, scope), pending(service, bob)) == (0, 1)


def test_more_than_one_batch_is_projected(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"likes tea number {number}" for number in range(600)))

    assert service.index_all(scope) == 600

    assert len(proposed(service, scope)) == 600


def test_a_memory_deleted_while_it_is_indexed_does_not_come_back(
    service: Service, scope: Scope
) -> None:
    memory = service.remember(scope, "likes tea")
    racing = service.having(index=NewsWhileIndexing(service, [memory]))

    racing.index_all(scope)
    service.index_all(scope)  # as the deletion's own wake-up does

    assert pending(service, scope) == 0
    assert proposed(service, scope) == set()


def test_lost_wake_ups_are_repeated(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")
    service.ports.wake_ups.subjects.take(limit=9)
    assert service.maintain() == 0
    service.clock.forward(STALE_AFTER)

    driven = service.maintain()

    assert driven == 1
    assert service.ports.wake_ups.subjects.take(limit=9) == [(scope.project, (scope.owner.key,))]


def test_fresh_changes_can_be_counted_as_stale(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")

    assert service.maintain(stale_after=timedelta(0)) == 1


def test_abandoned_jobs_are_finished(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes cake")
    add = a_job(scope)
    request = DeleteAllRequest(project=scope.project, filters={"user_id": "bob"})
    delete = a_job(scope, request=request)
    for job in (add, delete):
        service.store.jobs.accept(job, None, lease_end=NOON + LEASE)
    assert service.drive_on() == 0
    service.clock.forward(LEASE)
    service.project_changes(scope.project, [scope.owner.key])

    driven = service.drive_on()

    assert driven == 2
    assert {service.read_job(scope.project, job.id).status for job in (add, delete)} == {
        JobStatus.SUCCEEDED
    }
    assert [each.text for each in service.listed(scope)] == [memory.text, "I like tea"]
    assert service.store.jobs.abandoned(now=service.clock() + 9 * LEASE, limit=9) == []


def test_a_job_that_fails_again_does_not_stop_the_others(service: Service, scope: Scope) -> None:
    failing, request = (
        a_job(scope),
        DeleteAllRequest(project=scope.project, filters={"user_id": "*"}),
    )
    delete = a_job(scope, request=request)
    service.store.jobs.accept(failing, None, lease_end=NOON)
    service.store.jobs.accept(delete, None, lease_end=NOON + LEASE)
    service.clock.forward(LEASE)

    driven = service.having(extractor=BrokenExtractor()).drive_on()

    assert driven == 2
    left = service.read_job(scope.project, failing.id)
    assert (left.status, bool(left.error)) == (JobStatus.PENDING, True)
    assert service.read_job(scope.project, delete.id).status is JobStatus.SUCCEEDED


def test_a_job_that_is_gone_by_now_is_left_alone(service: Service, scope: Scope) -> None:
    service.store.jobs.accept(a_job(scope), IdempotencyKey("k", "hash"), lease_end=NOON)

    assert service.having(jobs=ForgetfulJobs(service.store.database)).drive_on() == 0


def test_workers_are_woken_for_more_than_a_batch_of_jobs_while_there_is_time(
    service: Service, scope: Scope
) -> None:
    jobs = [replace(a_job(scope), status=JobStatus.PENDING) for _ in range(BATCH + 1)]
    for job in jobs:
        service.store.jobs.accept(job, None, lease_end=NOON)

    assert service.having(is_late=lambda: True).maintain() == BATCH
    assert service.maintain() == 1
    assert len(service.ports.wake_ups.jobs) == len(jobs)
    assert service.maintain() == 0


def test_what_cannot_be_said_now_is_said_the_next_time(service: Service, scope: Scope) -> None:
    for _ in range(BATCH):
        service.store.jobs.accept(a_job(scope), None, lease_end=NOON)

    assert service.having(wake_ups=DeafWakeUps()).maintain() == 0
    assert service.maintain() == BATCH


@pytest.mark.parametrize("later", [timedelta(0), LEASE - timedelta(seconds=1)])
def test_a_job_that_is_being_worked_on_is_left_alone(
    service: Service, scope: Scope, later: timedelta
) -> None:
    job = a_job(scope)
    service.store.jobs.accept(job, None, lease_end=NOON + LEASE)
    service.clock.forward(later)

    assert service.maintain() == 0

    assert service.read_job(scope.project, job.id) == job


def test_expired_episodes_are_removed_batch_by_batch(service: Service, scope: Scope) -> None:
    for hours in range(4):
        expiry = NOON + timedelta(hours=hours)
        service.store.record.commit(
            scope.project, a_change(episode=an_episode(scope, expires_at=expiry))
        )

    assert service.maintain() == 1
    service.clock.forward(timedelta(hours=2))
    assert service.maintain() == 2

    endless = EndlessEpisodes(service.store.database)
    assert service.having(episodes=endless).maintain() == MAX_BATCHES * BATCH


class EndlessEpisodes(LocalEpisodes):
    """As many expire as are removed."""

    def remove_expired(self, *, now: datetime, limit: int) -> int:
        super().remove_expired(now=now, limit=limit)
        return limit


class EndlessJobs(LocalJobs):
    """Knows as many abandoned jobs as anybody asks for, the same ones again and again."""

    def abandoned(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        return super().abandoned(now=now, limit=limit) * limit


def test_one_run_wakes_only_so_many_workers(service: Service, scope: Scope) -> None:
    service.store.jobs.accept(a_job(scope), None, lease_end=NOON)
    endless = EndlessJobs(service.store.database)
    unnoted = UnnotedJobs(service.store.database)

    assert service.having(jobs=unnoted).maintain() == MAX_BATCHES * BATCH
    assert service.having(jobs=endless).maintain() == BATCH


class UnnotedJobs(EndlessJobs):
    """Forgets at once that a worker was woken."""

    def postpone(self, job: Job, *, now: datetime, until: datetime) -> bool:
        assert now < until
        return bool(job)
