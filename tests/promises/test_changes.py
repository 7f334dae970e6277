"""Promises 8 and 9: changes change what was asked for, and every retry is safe."""

from dataclasses import dataclass, replace

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import (
    ConflictError,
    IdempotencyMismatchError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.filters import parse_filter
from recollect.domain.jobs import Decision, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Json
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change
from recollect.testing.builders import a_scope
from recollect.usecases.work_on_jobs import LEASE
from tests.promises.breaking import BreakingDatabase, CrashError
from tests.promises.test_concurrency import THREADS, at_once
from tests.service import Service, UseCases

KEY = IdempotencyKey("key", "hash of the body")
IDS: dict[str, Json] = {
    "user_id": "bob",
    "agent_id": "spy",
    "app_id": "shop",
    "run_id": "r1",
    "project": "other",
    "id": "another",
    "version": 99,
}


@pytest.fixture
def service(edition: UseCases) -> UseCases:
    return edition


class DownRecord(LocalRecord):
    """Cannot store what an add has come to."""

    def commit(self, project: str, change: Change) -> None:
        if change.writes:
            raise UnavailableError(project)
        super().commit(project, change)


@dataclass(frozen=True)
class LostAnswer(LocalRecord):
    """Stores a change, but dies before anybody hears of it."""

    def commit(self, project: str, change: Change) -> None:
        super().commit(project, change)
        if change.writes:
            raise CrashError


def test_promise_8_an_immutable_memory_is_not_updated(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea", is_immutable=True)

    with pytest.raises(ConflictError, match="immutable"):
        service.update(scope.project, memory.id, MemoryChanges(text="likes coffee"))

    assert service.read(scope.project, memory.id) == memory
    assert len(service.read.history(scope.project, memory.id).events) == 1


def test_promise_8_an_update_keeps_the_metadata_it_was_not_asked_to_change(
    service: UseCases, scope: Scope
) -> None:
    metadata: dict[str, Json] = {"source": "chat", "tags": ["a", {"deep": None}], "sure": True}
    memory = service.remember(scope, "likes tea", metadata=metadata)

    service.update(scope.project, memory.id, MemoryChanges(text="likes coffee"))
    service.update(scope.project, memory.id, MemoryChanges(metadata={"sure": False}))

    assert service.read(scope.project, memory.id).metadata == {**metadata, "sure": False}


def test_promise_8_metadata_cannot_move_a_memory(service: UseCases, scope: Scope) -> None:
    service.open_project("other")
    memory = service.remember(scope, "likes tea", metadata=IDS)
    update = MemoryChanges(metadata={**IDS, "user_id": "eve"})

    after = service.update(scope.project, memory.id, update)

    assert (after.id, after.scope, after.version) == (memory.id, scope, 2)
    assert service.listed(scope) == (after,)
    for name in ("bob", "eve"):
        stranger = a_scope(scope.project, user=name)
        assert service.listed(stranger) == ()
        assert service.found(stranger, "tea") == ()
    with pytest.raises(NotFoundError):
        service.read("other", memory.id)
    assert service.list(scope.project, parse_filter({"agent_id": "*"})).memories == ()


def assert_once(service: UseCases, scope: Scope, *texts: str) -> None:
    listed = service.listed(scope)
    assert sorted(memory.text for memory in listed) == sorted(texts)
    for memory in listed:
        assert len(service.read.history(scope.project, memory.id).events) == 1


def test_promise_9_a_retry_answers_the_first_result(service: UseCases, scope: Scope) -> None:
    first = service.say(scope, "likes tea", "likes cake", key=KEY)

    retries = [service.say(scope, "likes tea", "likes cake", key=KEY) for _ in range(3)]

    assert retries == [first] * 3
    assert [outcome.decision for outcome in first.outcomes] == [Decision.ADD] * 2
    assert_once(service, scope, "likes tea", "likes cake")


def test_promise_9_a_retry_after_a_deletion_stores_nothing(service: UseCases, scope: Scope) -> None:
    first = service.say(scope, "likes tea", key=KEY)
    service.delete(scope.project, first.outcomes[0].memory_id)

    retry = service.say(scope, "likes tea", key=KEY)

    assert retry == first
    assert service.listed(scope) == ()


def test_promise_9_retries_at_once_do_the_work_once(service: UseCases, scope: Scope) -> None:
    jobs: list[Job] = at_once(lambda _: service.say(scope, "likes tea", key=KEY))

    assert len({job.id for job in jobs}) == 1
    assert JobStatus.SUCCEEDED in {job.status for job in jobs}
    assert service.say(scope, "likes tea", key=KEY).status is JobStatus.SUCCEEDED
    assert_once(service, scope, "likes tea")
    assert len(jobs) == THREADS


@pytest.mark.parametrize("is_stored", [True, False], ids=["answer lost", "nothing stored"])
def test_promise_9_a_retry_after_a_crash_answers_the_first_result(
    local_service: Service, breaking: BreakingDatabase, *, is_stored: bool
) -> None:
    scope = local_service.new_scope(user="ada")
    breaking.die_after(5)
    record = LostAnswer(local_service.store.database) if is_stored else LocalRecord(breaking)
    crashing = local_service.having(record=record)
    with pytest.raises(CrashError):
        crashing.say(scope, "likes tea", key=KEY)
    assert len(local_service.listed(scope)) == is_stored
    local_service.clock.forward(LEASE)

    retry = local_service.say(scope, "likes tea", key=KEY)

    assert retry.status is JobStatus.SUCCEEDED
    assert [outcome.decision for outcome in retry.outcomes] == [Decision.ADD]
    assert local_service.say(scope, "likes tea", key=KEY) == retry
    assert_once(local_service, scope, "likes tea")


def test_promise_9_a_retry_after_a_failure_tries_again(local_service: Service) -> None:
    scope = local_service.new_scope(user="ada")
    down = local_service.having(record=DownRecord(local_service.store.database))
    with pytest.raises(UnavailableError):
        down.say(scope, "likes tea", key=KEY)

    retry = local_service.say(scope, "likes tea", key=KEY)

    assert (retry.status, retry.attempt) == (JobStatus.SUCCEEDED, 2)
    assert_once(local_service, scope, "likes tea")


def test_promise_9_the_same_key_with_another_body_is_refused(
    service: UseCases, scope: Scope
) -> None:
    first = service.say(scope, "likes tea", key=KEY)

    with pytest.raises(IdempotencyMismatchError):
        service.say(scope, "likes cake", key=replace(KEY, body_hash="another"))

    assert_once(service, scope, "likes tea")
    assert service.say(scope, "likes tea", key=KEY) == first


def test_promise_9_a_delete_of_everything_can_be_repeated(service: UseCases, scope: Scope) -> None:
    request = DeleteAllRequest(project=scope.project, filters={"user_id": "ada"})
    service.say(scope, "likes tea")
    first = service.delete_all(request, KEY)
    service.say(scope, "likes cake")

    retry = service.delete_all(request, KEY)

    assert retry == first
    assert first.notes == {"deleted": 1}
    assert [memory.text for memory in service.listed(scope)] == ["likes cake"]


def test_promise_9_without_a_key_identical_text_alone_is_known_again(
    service: UseCases, scope: Scope
) -> None:
    first = service.say(scope, "likes tea")

    again = service.say(scope, "likes tea")

    assert again.id != first.id
    assert [outcome.decision for outcome in again.outcomes] == [Decision.NONE]
    assert_once(service, scope, "likes tea")
