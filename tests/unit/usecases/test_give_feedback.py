"""What feedback on memories promises."""

from dataclasses import dataclass, replace

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import ConflictError, NotFoundError
from recollect.domain.memory import Feedback, HistoryAction, Memory, Verdict
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import Change
from recollect.testing.builders import a_change, a_memory, adding, updating
from recollect.usecases.give_feedback import GiveFeedback
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service

GOOD = Feedback(Verdict.POSITIVE, "just so")
BAD = Feedback(Verdict.VERY_NEGATIVE)


@dataclass(frozen=True)
class ContestedRecord(LocalRecord):
    """Whose memories somebody else changes so often before they can be."""

    rivals: list[str]

    def commit(self, project: str, change: Change) -> None:
        [write] = change.writes
        if self.rivals and write.before:
            super().commit(project, a_change(updating(write.before, text=self.rivals.pop())))
        super().commit(project, change)


def give(service: Service, record: LocalRecord | None = None) -> GiveFeedback:
    ports = service.ports
    return GiveFeedback(record or ports.record, ports.wake_ups, ports.now, ports.new_id)


def contested(service: Service, rivals: int) -> ContestedRecord:
    return ContestedRecord(service.store.database, [f"text {number}" for number in range(rivals)])


@pytest.fixture
def memory(service: Service, scope: Scope) -> Memory:
    memory = a_memory(scope, is_immutable=True)
    service.ports.record.commit(scope.project, a_change(adding(memory)))
    return memory


def stored(service: Service, memory: Memory) -> Memory:
    return service.ports.record.get(memory.scope.project, [memory.id])[memory.id]


def test_feedback_is_noted_and_changes_nothing_else(service: Service, memory: Memory) -> None:
    noted = give(service)(memory.scope.project, memory.id, GOOD)

    assert noted == stored(service, memory) == replace(memory, feedback=GOOD, version=2)
    events = service.ports.record.history(memory.scope.project, memory.id)
    assert [event.action for event in events] == [HistoryAction.ADD, HistoryAction.UPDATE]
    assert events[1].old_text == events[1].new_text == memory.text


def test_the_last_feedback_counts_and_can_be_taken_back(service: Service, memory: Memory) -> None:
    for feedback in (GOOD, BAD, None):
        give(service)(memory.scope.project, memory.id, feedback)
        assert stored(service, memory).feedback == feedback


def test_the_same_feedback_again_is_no_change(service: Service, memory: Memory) -> None:
    give(service)(memory.scope.project, memory.id, GOOD)
    give(service)(memory.scope.project, memory.id, GOOD)

    assert stored(service, memory).version == 2


def test_who_changes_the_memory_at_the_same_time_loses_nothing(
    service: Service, memory: Memory
) -> None:
    record = contested(service, 2)

    give(service, record)(memory.scope.project, memory.id, GOOD)

    assert (stored(service, memory).text, stored(service, memory).feedback) == ("text 0", GOOD)


def test_a_memory_that_others_keep_changing_is_a_conflict(service: Service, memory: Memory) -> None:
    record = contested(service, MAX_LOST_RACES)

    with pytest.raises(ConflictError):
        give(service, record)(memory.scope.project, memory.id, GOOD)


def test_what_is_not_there_or_somebody_elses_is_not_found(service: Service, memory: Memory) -> None:
    project, bob = memory.scope.project, Subject(SubjectKind.USER, "bob")

    for whose, an_id, within in (
        (project, "none", None),
        (f"not {project}", memory.id, None),
        (project, memory.id, bob),
    ):
        with pytest.raises(NotFoundError):
            give(service)(whose, an_id, GOOD, within=within)
    assert stored(service, memory) == memory
    give(service)(project, memory.id, GOOD, within=memory.scope.owner)
