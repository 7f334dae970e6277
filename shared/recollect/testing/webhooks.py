"""What Webhooks and Deliveries promise, whichever engine is behind them: a fixture `store`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.webhooks import (
    KEPT,
    MAX_NAME_LENGTH,
    MAX_URL_LENGTH,
    MAX_WEBHOOKS,
    Answer,
    Delivery,
    DeliveryStatus,
    EventType,
    Problem,
    ProjectWebhooks,
    Webhook,
)
from recollect.ports.record import LostRaceError
from recollect.ports.webhooks import DueDelivery
from recollect.testing.builders import NOON
from recollect.testing.fixtures import *
from recollect.testing.store import Store, at_once

SECOND = timedelta(seconds=1)


def a_webhook(**changes: Any) -> Webhook:  # noqa: ANN401 - whatever a Webhook has
    """Return a webhook that hears of everything since `NOON`."""
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "name": "ours",
        "url": "https://hooks.example/recollect",
        "event_types": tuple(EventType),
        "secret": "whsec_test",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Webhook(**{**defaults, **changes})


def a_delivery(webhook_id: str = "w", **changes: Any) -> Delivery:  # noqa: ANN401 - as above
    """Return a delivery of an added memory, due at `NOON`."""
    defaults: dict[str, Any] = {
        "id": str(uuid4()),
        "event_type": EventType.ADD,
        "memory_id": str(uuid4()),
        "version": 1,
        "occurred_at": NOON,
        "created_at": NOON,
        "next_attempt_at": NOON,
    }
    return Delivery(webhook_id=webhook_id, **{**defaults, **changes})


def due_of(store: Store, project: str, **rest: Any) -> list[str]:  # noqa: ANN401 - as above
    """Return the ids of what is due of a project, in order."""
    found = store.deliveries.due(**{"before": NOON, "limit": 10_000, **rest})
    return [each.delivery_id for each in found if each.project == project]


# Webhooks


def test_a_project_has_no_webhooks_at_first(store: Store, project: str) -> None:
    assert store.webhooks.of(project) == ProjectWebhooks()


def test_everything_of_a_webhook_is_there(store: Store, project: str) -> None:
    first = a_webhook(name="Zoë 🙂", is_active=False, updated_at=NOON + SECOND)
    both = ProjectWebhooks().having(first)
    store.webhooks.replace(project, both)
    both = both.having(a_webhook(event_types=(EventType.DELETE,)))
    store.webhooks.replace(project, both)

    assert store.webhooks.of(project) == both
    assert both.version == 2


def test_a_project_may_have_the_longest_of_webhooks(store: Store, project: str) -> None:
    url = "https://hooks.example/".ljust(MAX_URL_LENGTH, "é")
    webhooks = tuple(a_webhook(name="愛" * MAX_NAME_LENGTH, url=url) for _ in range(MAX_WEBHOOKS))

    store.webhooks.replace(project, ProjectWebhooks(webhooks, 1))

    assert store.webhooks.of(project).webhooks == webhooks


@pytest.mark.parametrize("name", ["a/b#c", "愛達 🙂", "50%", "x" * 200])
def test_webhooks_and_deliveries_of_a_project_of_any_name(store: Store, name: str) -> None:
    project = f"{uuid4().hex}{name}"[:200]
    delivery = a_delivery()

    store.webhooks.replace(project, ProjectWebhooks().having(a_webhook()))
    store.deliveries.add(project, [delivery])

    assert store.webhooks.of(project).version == 1
    assert due_of(store, project) == [delivery.id]
    assert store.deliveries.get(project, "w", delivery.id) == delivery
    assert store.webhooks.of(f"{project}x") == ProjectWebhooks()
    assert store.deliveries.get(f"{project}x", "w", delivery.id) is None


@pytest.mark.parametrize("version", [1, 2, 4])
def test_webhooks_made_from_another_version_are_refused(
    store: Store, project: str, version: int
) -> None:
    store.webhooks.replace(project, ProjectWebhooks((a_webhook(),), 1))
    second = ProjectWebhooks((a_webhook(),), 2)
    store.webhooks.replace(project, second)

    with pytest.raises(LostRaceError):
        store.webhooks.replace(project, ProjectWebhooks((), version))

    assert store.webhooks.of(project) == second


def test_one_of_many_changes_at_once_is_first(store: Store, project: str) -> None:
    def change(_: int) -> bool:
        return is_done(
            lambda: store.webhooks.replace(project, ProjectWebhooks().having(a_webhook()))
        )

    assert at_once(change).count(True) == 1


def is_done(write: Callable[[], None]) -> bool:
    """Tell whether a write took place, and nobody was faster."""
    try:
        write()
    except LostRaceError:
        return False
    return True


# Deliveries


def test_everything_of_a_delivery_is_there(store: Store, project: str) -> None:
    delivery = a_delivery(
        event_type=EventType.CATEGORIZE,
        version=12,
        status=DeliveryStatus.PENDING,
        attempts=3,
        last_attempt_at=NOON - SECOND,
        status_code=503,
        problem=Problem.STATUS,
    )

    store.deliveries.add(project, [delivery])

    assert store.deliveries.get(project, "w", delivery.id) == delivery
    assert store.deliveries.get(project, "x", delivery.id) is None
    assert store.deliveries.get(project, "w", str(uuid4())) is None
    assert store.deliveries.get(project, "w", "x" * 5_000) is None


def test_what_is_there_is_not_added_again(store: Store, project: str) -> None:
    first, second = a_delivery(), a_delivery()
    store.deliveries.add(project, [first])
    begun = first.begun(NOON)
    store.deliveries.replace(project, first, begun)

    assert store.deliveries.add(project, [first, second]) == [second]
    assert store.deliveries.add(project, [first, second]) == []
    assert store.deliveries.add(project, []) == []
    assert store.deliveries.get(project, "w", first.id) == begun


def test_of_many_that_add_a_delivery_at_once_one_has_added_it(store: Store, project: str) -> None:
    delivery = a_delivery()

    added = at_once(lambda _: store.deliveries.add(project, [delivery]))

    assert sorted(map(len, added))[-2:] == [0, 1]
    assert due_of(store, project) == [delivery.id]


def test_of_many_that_begin_an_attempt_at_once_one_has_it(store: Store, project: str) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])

    begun = at_once(
        lambda at: is_done(
            lambda: store.deliveries.replace(project, delivery, delivery.begun(NOON + at * SECOND))
        )
    )

    assert begun.count(True) == 1
    after = store.deliveries.get(project, "w", delivery.id)
    assert after == delivery.begun(NOON + begun.index(True) * SECOND)
    assert after is not None
    assert due_of(store, project, before=after.next_attempt_at) == [delivery.id]


def test_what_was_due_is_not_while_an_attempt_is_under_way(store: Store, project: str) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])
    begun = delivery.begun(NOON)

    store.deliveries.replace(project, delivery, begun)

    assert due_of(store, project) == []
    assert due_of(store, project, before=begun.next_attempt_at - SECOND) == []
    assert due_of(store, project, before=begun.next_attempt_at) == [delivery.id]


@pytest.mark.parametrize("answer", [Answer(200), Answer(410, Problem.STATUS)])
def test_what_has_ended_is_never_due(store: Store, project: str, answer: Answer) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])
    begun = delivery.begun(NOON)
    store.deliveries.replace(project, delivery, begun)
    ended = begun.ended(answer, NOON)

    store.deliveries.replace(project, begun, ended)

    assert store.deliveries.get(project, "w", delivery.id) == ended
    assert due_of(store, project, before=NOON + KEPT) == []


def test_what_failed_is_due_again(store: Store, project: str) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])
    begun = delivery.begun(NOON)
    store.deliveries.replace(project, delivery, begun)
    later = begun.ended(Answer(problem=Problem.UNREACHABLE), NOON)

    store.deliveries.replace(project, begun, later)

    assert due_of(store, project, before=later.next_attempt_at - SECOND) == []
    assert due_of(store, project, before=later.next_attempt_at) == [delivery.id]


def test_what_is_written_again_in_the_same_state_stays_due(store: Store, project: str) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])

    store.deliveries.replace(project, delivery, replace(delivery, status_code=500))

    assert due_of(store, project) == [delivery.id]


def test_a_delivery_that_moved_on_is_not_replaced_or_removed(store: Store, project: str) -> None:
    delivery = a_delivery()
    store.deliveries.add(project, [delivery])
    begun = delivery.begun(NOON)
    store.deliveries.replace(project, delivery, begun)
    postponed = begun.ended(Answer(problem=Problem.LOST), NOON)
    store.deliveries.replace(project, begun, postponed)

    for late in (delivery, begun):
        with pytest.raises(LostRaceError):
            store.deliveries.replace(project, late, late.begun(NOON))
        with pytest.raises(LostRaceError):
            store.deliveries.remove(project, late)

    assert store.deliveries.get(project, "w", delivery.id) == postponed
    assert due_of(store, project, before=NOON + KEPT) == [delivery.id]


def test_what_is_removed_is_gone_and_never_due(store: Store, project: str) -> None:
    delivery, other = a_delivery(), a_delivery()
    store.deliveries.add(project, [delivery, other])

    store.deliveries.remove(project, delivery)

    assert store.deliveries.get(project, "w", delivery.id) is None
    assert due_of(store, project) == [other.id]
    with pytest.raises(LostRaceError):
        store.deliveries.remove(project, delivery)
    with pytest.raises(LostRaceError):
        store.deliveries.replace(project, delivery, delivery.begun(NOON))


def test_what_has_waited_longest_is_first_due_in_all_projects(store: Store, project: str) -> None:
    # So long ago that nothing of another test has waited as long.
    then = NOON - timedelta(days=1_000)
    waiting = [a_delivery(next_attempt_at=then + at * SECOND) for at in range(40)]
    store.deliveries.add(project, waiting[::-1])

    first = store.deliveries.due(before=then + 9 * SECOND, limit=5)

    assert first == [DueDelivery(project, "w", each.id) for each in waiting[:5]]
    found = store.deliveries.due(before=then + 9 * SECOND, limit=100)
    assert [each.delivery_id for each in found] == [each.id for each in waiting[:10]]
    for each in waiting:
        store.deliveries.remove(project, each)


def test_a_webhooks_log_is_read_from_its_end_page_by_page(store: Store, project: str) -> None:
    ids = sorted(str(uuid4()) for _ in range(7))
    deliveries = [a_delivery(id=an_id) for an_id in ids]
    store.deliveries.add(project, [*deliveries, a_delivery("another")])

    first = store.deliveries.recent(project, "w", limit=4)
    second = store.deliveries.recent(project, "w", limit=4, after=first[-1].id)

    assert [*first, *second] == deliveries[::-1]
    assert store.deliveries.recent(project, "w", limit=4, after=ids[0]) == []
    assert store.deliveries.recent(f"{project}x", "w", limit=4) == []
