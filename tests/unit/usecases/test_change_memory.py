"""What a change or a deletion by id promises."""

from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Any

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from recollect.domain.memory import MAX_METADATA_BYTES, MAX_TEXT_BYTES, HistoryAction
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, VersionMovedError
from recollect.testing.builders import NOON, a_change, updating
from recollect.usecases.racing import MAX_LOST_RACES
from tests.service import Service, embedder

LAST_DAY = date(2030, 1, 1)


@dataclass(frozen=True)
class OvertakenRecord(LocalRecord):
    """Changes every memory of a change first, as long as there is somebody to do it."""

    others: list[str]

    def commit(self, project: str, change: Change) -> None:
        if self.others:
            name = self.others.pop()
            for memory in self.get(project, [write.event.memory_id for write in change.writes]):
                current = self.get(project, [memory])[memory]
                write = updating(current, text=f"{name} was faster")
                super().commit(project, a_change(write))
        super().commit(project, change)


def test_an_update_is_a_new_version_with_a_history(service: Service, scope: Scope) -> None:
    before = service.remember(scope, "lives in Lisbon")

    after = service.update(scope.project, before.id, MemoryChanges(text="  lives in Porto "))

    assert after == service.read(scope.project, before.id)
    assert (after.text, after.version) == ("lives in Porto", 2)
    assert after.updated_at > before.updated_at
    assert (after.created_at, after.recorded_at) == (before.created_at, before.recorded_at)
    [_, (event, _)] = service.read.history(scope.project, before.id).events
    assert (event.action, event.version) == (HistoryAction.UPDATE, 2)
    assert (event.old_text, event.new_text) == ("lives in Lisbon", "lives in Porto")
    assert event.at == after.updated_at


def test_a_new_text_is_embedded_anew(service: Service, scope: Scope) -> None:
    before = service.remember(scope, "lives in Lisbon")

    after = service.update(scope.project, before.id, MemoryChanges(text="likes sailing"))

    [expected] = embedder().embed(["likes sailing"], "document")
    assert after.embedding is not None
    assert after.embedding.vector() @ expected == pytest.approx(1.0, abs=1e-3)


def test_without_a_new_text_the_embedding_stays(service: Service, scope: Scope) -> None:
    before = service.remember(scope, "lives in Lisbon")

    after = service.update(scope.project, before.id, MemoryChanges(metadata={"sure": True}))

    assert (after.embedding, after.text) == (before.embedding, before.text)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metadata": {"b": 2}}, {"metadata": {"a": 1, "b": 2}}),
        ({"metadata": {"a": None}}, {"metadata": {"a": None}}),
        ({"metadata": {"a": True}}, {"metadata": {"a": True}}),
        ({"said_at": NOON - timedelta(days=1)}, {"created_at": NOON - timedelta(days=1)}),
        ({"expires_on": date(2031, 1, 1)}, {"expires_on": date(2031, 1, 1)}),
        ({"clears_expiry": True}, {"expires_on": None}),
    ],
)
def test_what_is_asked_for_changes_and_the_rest_stays(
    service: Service, scope: Scope, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = service.remember(scope, "likes tea", metadata={"a": 1}, expires_on=LAST_DAY)

    after = service.update(scope.project, before.id, MemoryChanges(**changes))

    assert after == replace(before, version=2, updated_at=after.updated_at, **expected)
    assert repr(after.metadata) == repr(expected.get("metadata", {"a": 1}))


@pytest.mark.parametrize(
    "changes",
    [
        {"text": " likes tea "},
        {"metadata": {}},
        {"metadata": {"a": 1}},
        {"metadata": {"c": {"y": 2, "x": 1}}},
        {"expires_on": LAST_DAY},
    ],
)
def test_a_change_to_what_is_there_already_is_none(
    service: Service, scope: Scope, changes: dict[str, Any]
) -> None:
    metadata = {"a": 1, "c": {"x": 1, "y": 2}}
    before = service.remember(scope, "likes tea", metadata=metadata, expires_on=LAST_DAY)

    after = service.update(scope.project, before.id, MemoryChanges(**changes))

    assert after == before
    assert len(service.read.history(scope.project, before.id).events) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (MemoryChanges(), "Nothing to change"),
        (MemoryChanges(text=" "), "must not be empty"),
        (MemoryChanges(text="x" * (MAX_TEXT_BYTES + 1)), "at most"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(
    service: Service, scope: Scope, changes: MemoryChanges, reason: str
) -> None:
    before = service.remember(scope, "likes tea")

    with pytest.raises(InvalidRequestError, match=reason):
        service.update(scope.project, before.id, changes)

    assert service.read(scope.project, before.id) == before


def test_metadata_cannot_grow_over_its_limit_bit_by_bit(service: Service, scope: Scope) -> None:
    half = "x" * (MAX_METADATA_BYTES // 2)
    memory = service.remember(scope, "likes tea", metadata={"a": half})

    with pytest.raises(InvalidRequestError, match="metadata"):
        service.update(scope.project, memory.id, MemoryChanges(metadata={"b": half}))


@pytest.fixture
def redacting(service: Service, scope: Scope) -> Service:
    """The service, for a project that has card numbers, secrets and more taken out."""
    service.change_project(
        scope.project,
        lambda before: replace(before, is_redacted=True, redaction_patterns=("EMP-[0-9]+",)),
    )
    return service


def test_what_the_project_wants_taken_out_is_not_stored(redacting: Service, scope: Scope) -> None:
    before = redacting.remember(scope, "likes tea", metadata={"a": "EMP-1"})
    changes = MemoryChanges(
        text="pays with 4111 1111 1111 1111", metadata={"b": ["EMP-2"], "password": "hunter2"}
    )

    after = redacting.update(scope.project, before.id, changes)

    assert after.text == "pays with [card number]"
    assert after.metadata["b"] == ["[redacted]"]
    assert after.metadata["password"] == "[secret]"
    [_, (event, _)] = redacting.read.history(scope.project, before.id).events
    assert event.new_text == after.text


@pytest.mark.parametrize(
    "changes", [MemoryChanges(expires_on=LAST_DAY), MemoryChanges(text="likes coffee")]
)
def test_what_is_not_given_is_not_redacted_anew(
    redacting: Service, scope: Scope, changes: MemoryChanges
) -> None:
    before = redacting.remember(scope, "likes tea")

    after = redacting.update(scope.project, before.id, changes)

    assert after.metadata == before.metadata
    assert after.text == (changes.text or before.text)


def test_a_text_of_nothing_is_refused_also_where_texts_are_redacted(
    redacting: Service, scope: Scope
) -> None:
    memory = redacting.remember(scope, "likes tea")

    with pytest.raises(InvalidRequestError, match="must not be empty"):
        redacting.update(scope.project, memory.id, MemoryChanges(text=""))


def test_another_project_keeps_everything(redacting: Service) -> None:
    other = redacting.new_scope("globex", user="ada")
    memory = redacting.remember(other, "likes tea")

    after = redacting.update(other.project, memory.id, MemoryChanges(text="is EMP-1"))

    assert after.text == "is EMP-1"


def test_an_unknown_memory_cannot_be_changed(service: Service, scope: Scope) -> None:
    with pytest.raises(NotFoundError):
        service.update(scope.project, "unknown", MemoryChanges(text="x"))


def test_an_immutable_memory_cannot_be_changed(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea", is_immutable=True)

    with pytest.raises(ConflictError, match="immutable"):
        service.update(scope.project, memory.id, MemoryChanges(text="x"))


def test_a_text_that_another_memory_has_cannot_be_taken(service: Service, scope: Scope) -> None:
    service.remember(scope, "likes tea")
    memory = service.remember(scope, "likes coffee")

    with pytest.raises(ConflictError, match="has this text"):
        service.update(scope.project, memory.id, MemoryChanges(text="likes tea"))


def test_an_update_is_never_over_somebody_elses_change(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    overtaken = service.having(record=OvertakenRecord(service.store.database, ["Bob"]))

    with pytest.raises(ConflictError):
        overtaken.update(scope.project, memory.id, MemoryChanges(text="likes coffee"))

    assert service.read(scope.project, memory.id).text == "Bob was faster"


def test_a_deleted_memory_is_gone_with_a_history(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")

    service.delete(scope.project, memory.id)

    with pytest.raises(NotFoundError):
        service.read(scope.project, memory.id)
    [_, (event, _)] = service.read.history(scope.project, memory.id).events
    assert (event.action, event.version) == (HistoryAction.DELETE, 2)
    assert (event.old_text, event.new_text) == ("likes tea", None)


@pytest.mark.parametrize("memory_id", ["unknown", ""])
def test_an_unknown_memory_cannot_be_deleted(
    service: Service, scope: Scope, memory_id: str
) -> None:
    with pytest.raises(NotFoundError):
        service.delete(scope.project, memory_id)


def test_a_memory_is_deleted_once(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.delete(scope.project, memory.id)

    with pytest.raises(NotFoundError):
        service.delete(scope.project, memory.id)


def test_a_deletion_wins_over_a_change_at_the_same_time(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    overtaken = service.having(record=OvertakenRecord(service.store.database, ["Bob"]))

    overtaken.delete(scope.project, memory.id)

    events = [event for event, _ in service.read.history(scope.project, memory.id).events]
    assert [event.version for event in events] == [1, 2, 3]
    assert events[2].old_text == "Bob was faster"


def test_a_deletion_gives_up_after_so_many_lost_races(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    record = OvertakenRecord(service.store.database, [f"user {n}" for n in range(99)])

    with pytest.raises(ConflictError, match="try again") as refusal:
        service.having(record=record).delete(scope.project, memory.id)

    assert not isinstance(refusal.value, VersionMovedError)
    assert len(record.others) == 99 - MAX_LOST_RACES


def test_an_immutable_or_expired_memory_can_be_deleted(service: Service, scope: Scope) -> None:
    past = (NOON - timedelta(days=1)).astimezone(UTC).date()
    memory = service.remember(scope, "likes tea", is_immutable=True, expires_on=past)

    service.delete(scope.project, memory.id)

    assert service.listed(scope, show_expired=True) == ()
