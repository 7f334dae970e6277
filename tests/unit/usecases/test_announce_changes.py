"""What webhooks are told, of which changes."""

from dataclasses import replace

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.memory import HistoryEvent
from recollect.domain.subjects import Scope
from recollect.domain.webhooks import DeliveryStatus, EventType
from recollect.testing.builders import a_change, a_memory, adding
from recollect.usecases.manage_webhooks import WebhookChanges
from tests.service import Service
from tests.webhooks import Listening


@pytest.fixture
def listening(service: Service) -> Listening:
    return Listening(service)


def test_every_kind_of_change_is_told(listening: Listening, scope: Scope) -> None:
    service = listening.service
    webhook = listening.make(scope.project)

    memory = service.remember(scope, "I like tea")
    service.index_all(scope)
    assert listening.deliver_news() == 1
    service.update(scope.project, memory.id, MemoryChanges(text="I like coffee"))
    service.index_all(scope)
    listening.deliver_news()
    service.delete(scope.project, memory.id)
    service.index_all(scope)
    listening.deliver_news()

    assert listening.receiver.details == [
        {"id": memory.id, "data": {"memory": "I like tea"}, "event": "ADD"},
        {"id": memory.id, "data": {"memory": "I like coffee"}, "event": "UPDATE"},
        {"id": memory.id, "data": {"memory": None}, "event": "DELETE"},
    ]
    for version, (delivery_id, told) in enumerate(listening.receiver.taken.items(), 1):
        history = service.ports.record.history(scope.project, memory.id)
        assert told["occurred_at"].endswith("Z")
        assert told == {
            "event_details": told["event_details"],
            "event_id": delivery_id,
            "project_id": scope.project,
            "version": version,
            "occurred_at": history[version - 1].at.isoformat().replace("+00:00", "Z"),
        }
    logged = listening.logged(scope.project, webhook)
    assert {each.status for each in logged} == {DeliveryStatus.SUCCEEDED}
    assert [each.event_type for each in logged] == [
        EventType.DELETE,
        EventType.UPDATE,
        EventType.ADD,
    ]


def test_categories_are_told_apart(listening: Listening, scope: Scope) -> None:
    listening.make(scope.project, ["memory_categorize"])
    memory = a_memory(scope, categories=("food", "travel"), created_at=listening.service.clock())
    at = listening.service.clock()
    write = adding(memory)
    write = replace(write, event=replace(write.event, at=at))
    listening.service.ports.record.commit(scope.project, a_change(write, at=at))

    listening.service.index_all(scope)
    listening.deliver_news()

    assert listening.receiver.details == [
        {"event": "CATEGORIZE", "memory_id": memory.id, "categories": ["food", "travel"]}
    ]


def test_categories_of_what_is_deleted_are_not_told(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project, ["memory_categorize"])
    at = listening.service.clock()
    write = adding(a_memory(scope, categories=("food",)))
    write = replace(write, event=replace(write.event, at=at))
    listening.service.ports.record.commit(scope.project, a_change(write, at=at))
    listening.service.index_all(scope)

    listening.service.delete(scope.project, write.event.memory_id)
    listening.deliver_news()

    assert listening.receiver.asked == []
    assert listening.logged(scope.project, webhook) == []


def test_text_that_was_deleted_since_is_not_told(listening: Listening, scope: Scope) -> None:
    listening.make(scope.project)
    memory = listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)

    listening.service.delete(scope.project, memory.id)
    listening.service.index_all(scope)
    listening.deliver_news()

    assert [(each["event"], each["data"]) for each in listening.receiver.details] == [
        ("ADD", {"memory": None}),
        ("DELETE", {"memory": None}),
    ]


def test_a_webhook_hears_only_of_what_it_asked_for(listening: Listening, scope: Scope) -> None:
    listening.make(scope.project, ["memory_delete"])
    memory = listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    assert listening.deliver_news() == 0

    listening.service.delete(scope.project, memory.id)
    listening.service.index_all(scope)

    assert listening.deliver_news() == 1
    assert [each["event"] for each in listening.receiver.details] == ["DELETE"]


def test_every_webhook_of_the_project_hears_and_no_other(
    listening: Listening, scope: Scope
) -> None:
    listening.make(scope.project)
    listening.make(scope.project)
    listening.make("another")
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)

    assert listening.deliver_news() == 2


def test_a_memory_of_many_subjects_is_told_once(listening: Listening) -> None:
    service = listening.service
    scope = service.new_scope(user="ada", agent="guide", run="monday")
    listening.make(scope.project)
    service.remember(scope, "I like tea")

    for subject in scope.subjects:
        service.project_changes(scope.project, [subject.key])

    assert listening.deliver_news() == 1
    assert len(listening.receiver.asked) == 1


def test_what_was_before_a_webhook_is_not_told(listening: Listening, scope: Scope) -> None:
    listening.service.remember(scope, "I like tea")
    webhook = listening.make(scope.project)

    listening.service.index_all(scope)

    assert listening.logged(scope.project, webhook) == []


def test_without_a_webhook_that_listens_nothing_but_that_is_read(
    listening: Listening, scope: Scope
) -> None:
    class Unread:
        def history(self, *_: object) -> list[HistoryEvent]:
            raise AssertionError

    webhook = listening.make(scope.project)
    listening.manage.change(scope.project, webhook.id, WebhookChanges(is_active=False))
    announce = replace(listening.announce, record=Unread())  # type: ignore[arg-type] # not all of it

    listening.service.remember(scope, "I like tea")
    pending = listening.service.ports.outbox.pending(scope.project, [scope.owner.key], limit=1)
    announce(scope.project, pending, {})

    assert listening.logged(scope.project, webhook) == []
