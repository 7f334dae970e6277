"""The rules of webhooks: what they hear of, and how often it is tried."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import HistoryAction, HistoryEvent, Memory
from recollect.domain.webhooks import (
    LEASE,
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    MAX_NAME_LENGTH,
    MAX_URL_LENGTH,
    MAX_WEBHOOKS,
    Answer,
    Delivery,
    DeliveryStatus,
    EventType,
    Problem,
    ProjectWebhooks,
    deliveries_of,
    delivery_id,
    event_types,
)
from recollect.testing.builders import NOON, a_memory, a_scope
from recollect.testing.webhooks import a_delivery, a_webhook
from recollect.usecases.deliver_webhooks import signature

SECOND = timedelta(seconds=1)
REFUSED = Answer(500, Problem.STATUS)


def an_event(**changes: Any) -> HistoryEvent:  # noqa: ANN401 - whatever one has
    memory = a_memory(a_scope(user="ada"), id="a memory")
    return replace(HistoryEvent.of(None, memory, at=NOON, cause="a job"), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * (MAX_NAME_LENGTH + 1)},
        {"url": "https://hooks.example/".ljust(MAX_URL_LENGTH + 1, "x")},
        {"event_types": ()},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        a_webhook(**changes)


def test_a_webhook_never_tells_its_secret_by_the_way() -> None:
    assert "whsec" not in repr(a_webhook())


def test_a_webhook_hears_of_what_it_asked_for_since_it_was_made() -> None:
    webhook = a_webhook(event_types=(EventType.ADD,))

    assert webhook.wants(EventType.ADD, NOON)
    assert not webhook.wants(EventType.ADD, NOON - SECOND)
    assert not webhook.wants(EventType.DELETE, NOON)
    assert not replace(webhook, is_active=False).wants(EventType.ADD, NOON)


def test_event_types_are_named_once_and_must_be_known() -> None:
    assert event_types(["memory_add", "memory_delete", "memory_add"]) == (
        "memory_add",
        "memory_delete",
    )
    with pytest.raises(InvalidRequestError, match="memory_categorize"):
        event_types(["memory_add", "ingest_job_done"])


def test_a_project_has_no_more_webhooks_than_it_may() -> None:
    webhooks = ProjectWebhooks()
    for _ in range(MAX_WEBHOOKS):
        webhooks = webhooks.having(a_webhook())

    with pytest.raises(InvalidRequestError, match=str(MAX_WEBHOOKS)):
        webhooks.having(a_webhook())

    assert len(webhooks.webhooks) == webhooks.version == MAX_WEBHOOKS


def test_one_webhook_changes_and_the_others_stay() -> None:
    first, second = a_webhook(), a_webhook()
    webhooks = ProjectWebhooks().having(first).having(second)
    changed = replace(first, name="another")

    assert webhooks.with_changed(changed) == ProjectWebhooks((changed, second), 3)
    assert webhooks.without(first.id) == ProjectWebhooks((second,), 3)
    silent = replace(second, is_active=False, updated_at=NOON + SECOND)
    assert webhooks.silenced(second.id, NOON + SECOND) == ProjectWebhooks((first, silent), 3)
    assert webhooks.silenced("gone", NOON) == ProjectWebhooks((first, second), 3)


def test_the_same_announcement_is_the_same_delivery_and_others_are_others() -> None:
    event = an_event()

    def an_id(**changes: Any) -> str:  # noqa: ANN401 - as above
        return delivery_id("w", EventType.ADD, replace(event, **changes))

    assert an_id() == delivery_id("w", EventType.ADD, an_event())
    others = {
        an_id(memory_id="another"),
        an_id(version=2),
        delivery_id("x", EventType.ADD, event),
        delivery_id("w", EventType.CATEGORIZE, event),
    }
    assert len(others | {an_id()}) == 5


def test_ids_of_deliveries_are_uuids_in_the_order_of_events() -> None:
    ids = [
        delivery_id("w", EventType.ADD, an_event(at=NOON + timedelta(milliseconds=at)))
        for at in range(300)
    ]

    assert ids == sorted(ids)
    assert {(an_id[14], an_id[19] in "89ab") for an_id in ids} == {("8", True)}


@pytest.mark.parametrize("action", HistoryAction)
def test_every_action_is_told_as_what_it_is(action: HistoryAction) -> None:
    event = an_event(action=action)

    [delivery] = deliveries_of([a_webhook()], event, None, NOON + SECOND)

    assert delivery.event_type == f"memory_{action.lower()}"
    assert (delivery.memory_id, delivery.version) == (event.memory_id, event.version)
    assert (delivery.occurred_at, delivery.created_at) == (NOON, NOON + SECOND)
    assert delivery.is_due(NOON + SECOND)


def test_categories_are_told_of_what_was_added_with_some() -> None:
    plain = a_memory(a_scope(user="ada"))
    categorised = replace(plain, categories=("food",))
    webhooks = [a_webhook(event_types=(EventType.CATEGORIZE,)), a_webhook()]

    def told(memory: Memory | None, action: HistoryAction = HistoryAction.ADD) -> list[EventType]:
        found = deliveries_of(webhooks, an_event(action=action), memory, NOON)
        return [each.event_type for each in found]

    assert told(categorised) == [EventType.ADD, EventType.CATEGORIZE, EventType.CATEGORIZE]
    assert told(plain) == told(None) == [EventType.ADD]
    assert told(categorised, HistoryAction.UPDATE) == [EventType.UPDATE]


@pytest.mark.parametrize(
    ("status", "is_taken"), [(199, False), (200, True), (204, True), (299, True), (301, False)]
)
def test_an_answer_takes_a_delivery_if_it_is_2xx(status: int, *, is_taken: bool) -> None:
    assert Answer.of(status) == Answer(status, None if is_taken else Problem.STATUS)


def test_an_attempt_under_way_is_not_due_until_it_counts_as_lost() -> None:
    begun = a_delivery().begun(NOON)

    assert (begun.attempts, begun.last_attempt_at) == (1, NOON)
    assert not begun.is_due(NOON + LEASE - SECOND)
    assert begun.is_due(NOON + LEASE)
    assert begun.problem is Problem.LOST


def test_pauses_double_up_to_the_longest_and_the_tenth_attempt_is_the_last() -> None:
    delivery, pauses = a_delivery(), []
    while delivery.status is DeliveryStatus.PENDING:
        delivery = delivery.begun(NOON).ended(REFUSED, NOON)
        pauses.append((delivery.next_attempt_at - NOON).total_seconds())

    assert pauses[:-1] == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert LONGEST_PAUSE.total_seconds() == 900
    assert delivery.attempts == MAX_ATTEMPTS == len(pauses)
    assert (delivery.status, delivery.status_code) == (DeliveryStatus.FAILED, 500)
    assert not delivery.is_due(NOON + timedelta(days=1))


def test_what_is_gone_is_given_up_at_once() -> None:
    ended = a_delivery().begun(NOON).ended(Answer.of(410), NOON)

    assert (ended.status, ended.attempts) == (DeliveryStatus.FAILED, 1)


def test_what_was_taken_is_done() -> None:
    ended = a_delivery().begun(NOON).ended(Answer.of(204), NOON)

    assert (ended.status, ended.status_code) == (DeliveryStatus.SUCCEEDED, 204)
    assert ended.problem is None
    assert isinstance(ended, Delivery)


def test_a_signature_is_that_of_time_and_body() -> None:
    # By another implementation: printf '1772366400.{}' | openssl dgst -sha256 -hmac whsec_test
    expected = "474c6a8bd0b217b707fb6f0a0ce04beb43fe1e1835a329b06c8f3113a6875edc"

    assert signature("whsec_test", NOON, b"{}") == f"t=1772366400,v1={expected}"
