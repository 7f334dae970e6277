"""What an add promises when it is large, cut short, or overtaken by others."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import Decision, IdempotencyKey, JobStatus
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, TextTakenError
from recollect.testing.builders import a_change, a_memory, adding
from recollect.usecases.add_memories import MAX_LOST_RACES_INFERRED, MAX_LOST_RACES_VERBATIM
from recollect.usecases.work_on_jobs import FIRST_PAUSE
from tests.service import Service


@dataclass(frozen=True)
class CommitsOfThree(LocalRecord):
    """Holds three writes a commit."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 3)


@dataclass(frozen=True)
class MortalRecord(CommitsOfThree):
    """Lives for a number of commits."""

    lives: list[None]

    def commit(self, project: str, change: Change) -> None:
        if change.job and change.job.status is JobStatus.RUNNING:
            if not self.lives:
                raise UnavailableError
            self.lives.pop()
        super().commit(project, change)


@dataclass(frozen=True)
class LosingRecord(LocalRecord):
    """Loses every race of an add, and notes what it was."""

    lost: list[Change]

    def commit(self, project: str, change: Change) -> None:
        if change.writes:
            self.lost.append(change)
            raise TextTakenError
        super().commit(project, change)


@dataclass(frozen=True)
class OvertakingRecord(LocalRecord):
    """Lets others commit first."""

    others: list[Change]

    def commit(self, project: str, change: Change) -> None:
        while self.others:
            super().commit(project, self.others.pop())
        super().commit(project, change)


def test_a_large_add_is_committed_in_parts(service: Service, scope: Scope) -> None:
    texts = [f"text {number}" for number in range(7)]
    service = service.having(record=CommitsOfThree(service.store.database))

    job = service.say(scope, *texts, "text 0")

    assert [each.text for each in job.outcomes] == [*texts, "text 0"]
    assert [each.decision for each in job.outcomes] == [Decision.ADD] * 7 + [Decision.NONE]
    assert job.outcomes[0].memory_id == job.outcomes[7].memory_id
    assert [memory.text for memory in reversed(service.listed(scope))] == texts
    assert service.store.scopes.clock(scope) == 3


def test_a_finished_job_keeps_neither_messages_nor_plan(service: Service, scope: Scope) -> None:
    service = service.having(record=CommitsOfThree(service.store.database))

    job = service.say(scope, "one", "two", "three", "four")

    kept = service.read_job(scope.project, job.id)
    assert kept == job
    assert isinstance(kept.request, AddRequest)
    assert (kept.request.messages, kept.plan, kept.done) == ((), None, 4)


def test_an_add_that_is_cut_short_goes_on_from_its_plan(service: Service, scope: Scope) -> None:
    texts = [f"text {number}" for number in range(7)]
    key = IdempotencyKey("key", "hash")
    record = MortalRecord(service.store.database, [None, None])
    begun = service.having(record=record).say(scope, *texts, key=key)
    kept = [memory.id for memory in service.listed(scope)]
    service.clock.forward(FIRST_PAUSE)

    job = service.say(scope, *texts, key=key)

    assert begun.status is JobStatus.PENDING
    assert len(kept) == 3
    assert [each.decision for each in job.outcomes] == [Decision.ADD] * 7
    assert [each.memory_id for each in job.outcomes[:3]] == kept[::-1]
    assert [memory.text for memory in reversed(service.listed(scope))] == texts


@pytest.mark.parametrize(
    ("infer", "tries"), [(True, MAX_LOST_RACES_INFERRED), (False, MAX_LOST_RACES_VERBATIM)]
)
def test_an_add_waits_for_its_turn_after_so_many_lost_races(
    service: Service, scope: Scope, *, infer: bool, tries: int
) -> None:
    record = LosingRecord(service.store.database, [])

    job = service.having(record=record).say(scope, "My dog is called Rex.", infer=infer)

    assert len(record.lost) == tries
    assert job.status is JobStatus.PENDING
    assert service.listed(scope) == ()

    service.drive_on()

    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED
    assert [memory.text for memory in service.listed(scope)] == ["My dog is called Rex."]


def test_a_decision_is_made_anew_when_the_scope_has_moved(service: Service, scope: Scope) -> None:
    rex = a_memory(scope, "My dog is called Rex.")
    record = OvertakingRecord(service.store.database, [a_change(adding(rex))])

    job = service.having(record=record).say(scope, "My dog is really called Rex!", infer=True)

    assert [(each.decision, each.memory_id) for each in job.outcomes] == [(Decision.NONE, rex.id)]
    assert [memory.id for memory in service.listed(scope)] == [rex.id]
