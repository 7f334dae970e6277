"""Promises 1 and 2: the record is the truth, and a change is there as a whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest

from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.record import LocalRecord
from recollect.adapters.local.scopes import LocalScopes
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import Decision, IdempotencyKey, JobStatus
from recollect.domain.memory import Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.index import IndexQuery, Proposal
from recollect.ports.record import Change
from recollect.testing.builders import (
    NOON,
    a_change,
    a_job,
    a_memory,
    a_scope,
    adding,
    an_episode,
    deleting,
    updating,
)
from recollect.usecases.work_on_jobs import LEASE
from tests.promises.breaking import NEVER, BreakingDatabase, CrashError, contents
from tests.service import Service

PART = 3
TEXTS = [f"text {number}" for number in range(10)]
KEY = IdempotencyKey("key", "hash")


class BrokenIndex:
    """An index that is down."""

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        raise UnavailableError(project, memories)

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        raise UnavailableError(project, removals)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        raise UnavailableError(project, queries)


@dataclass(frozen=True)
class SmallCommits(LocalRecord):
    """Holds three writes a commit, so that an add of ten texts is in four parts."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), PART)


def lose_the_index(service: Service) -> Service:
    with service.store.database.writing() as connection:
        for table in ("index_documents", "index_members", "index_sequence"):
            connection.execute(f"DROP TABLE {table}")
    return service


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "down"])
def test_promise_1_the_record_answers_without_the_index(
    service: Service, scope: Scope, *, is_gone: bool
) -> None:
    memory = service.remember(scope, "likes tea")
    service.say(scope, "likes cake")
    service.index_all(scope)
    service = lose_the_index(service) if is_gone else service.having(index=BrokenIndex())

    changed = service.update(scope.project, memory.id, MemoryChanges(text="likes coffee"))
    service.say(scope, "likes rain")

    assert service.read(scope.project, memory.id) == changed
    assert [each.text for each in service.listed(scope)] == [
        "likes rain",
        "likes cake",
        "likes coffee",
    ]
    assert len(service.read.history(scope.project, memory.id).events) == 2
    assert service.subjects(scope.project).totals[SubjectKind.USER] == 1
    filters = {"user_id": "ada"}
    job = service.delete_all(DeleteAllRequest(project=scope.project, filters=filters))
    assert job.done == 3
    assert service.listed(scope) == ()
    assert service.subjects(scope.project).totals[SubjectKind.USER] == 0


def a_change_of_everything(service: Service, scope: Scope) -> Change:
    """Return a change with all there can be in one, ready to be committed."""
    gone, kept = a_memory(scope, "goes"), a_memory(scope, "stays")
    service.store.record.commit(scope.project, a_change(adding(gone), adding(kept)))
    job = a_job(scope)
    service.store.jobs.accept(job, None, lease_end=NOON)
    return a_change(
        adding(a_memory(scope, "one")),
        adding(a_memory(a_scope(scope.project, user="ada", run="r1"), "two")),
        updating(kept, text="stays, changed"),
        deleting(gone),
        expected_clocks={scope.key: 1},
        episode=an_episode(scope),
        job=replace(job, status=JobStatus.SUCCEEDED),
    )


def test_promise_2_a_change_that_breaks_off_anywhere_leaves_nothing(
    service: Service, scope: Scope, breaking: BreakingDatabase
) -> None:
    change = a_change_of_everything(service, scope)
    before = contents(service.store.database)
    died = 0

    for last in range(1_000):
        breaking.die_after(last)
        try:
            LocalRecord(breaking).commit(scope.project, change)
            break
        except CrashError:
            died += 1
        assert contents(service.store.database) == before

    after = contents(service.store.database)
    assert died > 30
    assert {name for name, rows in after.items() if rows != before[name]} >= {
        "memories",
        "history",
        "markers",
        "members",
        "subjects",
        "scopes",
        "pending",
        "episodes",
        "jobs",
    }


def test_promise_2_an_add_that_breaks_off_anywhere_can_be_repeated(
    service: Service, scope: Scope, breaking: BreakingDatabase
) -> None:
    dying = service.having(
        record=LocalRecord(breaking), scopes=LocalScopes(breaking), jobs=LocalJobs(breaking)
    )
    died = 0

    for last in range(1_000):
        breaking.die_after(last)
        try:
            job = dying.say(scope, "likes tea", "likes cake", key=KEY)
            break
        except CrashError:
            died += 1
            service.clock.forward(2 * LEASE)
        assert len(service.listed(scope)) in {0, 2}

    assert died > 20
    assert job.status is JobStatus.SUCCEEDED
    assert [outcome.decision for outcome in job.outcomes] == [Decision.ADD] * 2
    assert_all_there_once(service, scope, ["likes tea", "likes cake"])


def rehearse(service: Service, scope: Scope, breaking: BreakingDatabase) -> int:
    """Add ten texts in four parts for somebody else; return how many statements it took."""
    other = a_scope(scope.project, user="rehearsal")
    breaking.die_after(NEVER)
    service.having(record=SmallCommits(breaking)).say(other, *TEXTS)
    return breaking.statements


def crash_after(
    statements: int, service: Service, scope: Scope, breaking: BreakingDatabase
) -> None:
    """Add ten texts in four parts, dying after so many statements."""
    breaking.die_after(statements)
    with pytest.raises(CrashError):
        service.having(record=SmallCommits(breaking)).say(scope, *TEXTS, key=KEY)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.25, 0.35, 0.5, 0.6, 0.75, 0.85, 0.99])
def test_promise_2_a_large_add_that_breaks_off_is_finished_by_maintenance(
    service: Service, scope: Scope, breaking: BreakingDatabase, share: float
) -> None:
    total = rehearse(service, scope, breaking)
    crash_after(int(total * share), service, scope, breaking)
    kept = [memory.text for memory in reversed(service.listed(scope))]
    service = service.having(record=SmallCommits(service.store.database))

    service.drive_on()
    assert len(service.listed(scope)) == len(kept)
    service.clock.forward(LEASE)
    driven = service.drive_on(stale_after=2 * LEASE)

    assert len(kept) % PART == 0
    assert kept == TEXTS[: len(kept)]
    assert driven == 1
    job = service.say(scope, *TEXTS, key=KEY)
    assert (job.status, job.attempt, job.done) == (JobStatus.SUCCEEDED, 2, len(TEXTS))
    assert [(each.decision, each.text) for each in job.outcomes] == [
        (Decision.ADD, text) for text in TEXTS
    ]
    assert_all_there_once(service, scope, TEXTS)
    assert service.store.jobs.abandoned(now=service.clock() + 9 * LEASE, limit=9) == []


def test_promise_2_the_rest_is_decided_anew_if_another_writer_moved_the_scope(
    service: Service, scope: Scope, breaking: BreakingDatabase
) -> None:
    total = rehearse(service, scope, breaking)
    crash_after(total // 2, service, scope, breaking)
    elsewhere = service.remember(scope, TEXTS[-1])
    service.clock.forward(LEASE)

    service.drive_on()

    job = service.say(scope, *TEXTS, key=KEY)
    assert [each.decision for each in job.outcomes] == [Decision.ADD] * 9 + [Decision.NONE]
    assert job.outcomes[-1].memory_id == elsewhere.id
    assert len(service.listed(scope)) == len(TEXTS)


def assert_all_there_once(service: Service, scope: Scope, texts: Sequence[str]) -> None:
    listed = service.listed(scope)
    assert [memory.text for memory in reversed(listed)] == list(texts)
    assert [memory.turn for memory in listed] == sorted(
        {memory.turn or 0 for memory in listed}, reverse=True
    )
    for memory in listed:
        events = service.read.history(scope.project, memory.id).events
        assert [event.action.value for event, _ in events] == ["ADD"]
        assert service.read.episode(scope.project, memory.id).messages
