"""How often it is tried to tell webhooks, and who is not told."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from recollect.adapters.local.webhooks import LocalDeliveries
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import HistoryEvent
from recollect.domain.subjects import Scope
from recollect.domain.webhooks import (
    LEASE,
    MAX_ATTEMPTS,
    Delivery,
    DeliveryStatus,
    Problem,
)
from recollect.usecases.manage_webhooks import WebhookChanges
from tests.service import Service
from tests.webhooks import Listening

HOUR = timedelta(hours=1)
DOWN = UnavailableError("nobody there")


@pytest.fixture
def listening(service: Service) -> Listening:
    return Listening(service)


def retried(listening: Listening) -> None:
    """Do what maintenance does until nothing is to be delivered any more."""
    for _ in range(2 * MAX_ATTEMPTS):
        listening.service.clock.forward(HOUR)
        listening.service.maintain()
        listening.deliver_news()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (503, Problem.STATUS),
        (302, Problem.STATUS),
        (404, Problem.STATUS),
        (DOWN, Problem.UNREACHABLE),
        (InvalidRequestError("not public"), Problem.ADDRESS),
    ],
)
def test_what_was_not_taken_is_tried_again_later(
    listening: Listening, scope: Scope, answer: int | Exception, problem: Problem
) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    listening.receiver.answers.append(answer)

    assert listening.deliver_news() == 0
    [failed] = listening.logged(scope.project, webhook)
    early = listening.deliver(scope.project, webhook.id, [failed.id], listening.bury)
    listening.service.clock.forward(HOUR)
    again = listening.deliver(scope.project, webhook.id, [failed.id], listening.bury)

    assert (early, again) == (0, 1)
    assert (failed.attempts, failed.problem, failed.status) == (1, problem, "PENDING")
    assert failed.status_code == (answer if isinstance(answer, int) else None)
    [done] = listening.logged(scope.project, webhook)
    assert (done.attempts, done.problem, done.status_code) == (2, None, 200)
    assert listening.receiver.asked == [done.id, done.id]


def test_maintenance_finds_what_is_due(listening: Listening, scope: Scope) -> None:
    listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    listening.service.ports.wake_ups.deliveries.take(limit=10)
    listening.receiver.answers += [500] * (MAX_ATTEMPTS - 1)

    retried(listening)

    assert len(listening.receiver.asked) == MAX_ATTEMPTS
    assert len(listening.receiver.taken) == 1
    assert listening.buried == []


def test_what_nobody_takes_is_buried_once(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    listening.receiver.answers += [500] * 2 * MAX_ATTEMPTS

    listening.deliver_news()
    retried(listening)

    [failed] = listening.logged(scope.project, webhook)
    assert len(listening.receiver.asked) == failed.attempts == MAX_ATTEMPTS
    assert failed.status is DeliveryStatus.FAILED
    assert listening.buried == [(scope.project, failed)]


def test_what_cannot_be_buried_is_not_forgotten(listening: Listening, scope: Scope) -> None:
    def no_grave(*_: object) -> None:
        raise DOWN

    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    listening.receiver.answers += [500] * MAX_ATTEMPTS
    [(project, webhook_id, an_id)] = listening.service.ports.wake_ups.deliveries.take(limit=10)
    for _ in range(MAX_ATTEMPTS - 1):
        listening.deliver(project, webhook_id, [an_id], no_grave)
        listening.service.clock.forward(HOUR)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            listening.deliver(project, webhook_id, [an_id], no_grave)
        listening.service.clock.forward(HOUR)

    listening.deliver(project, webhook_id, [an_id], listening.bury)

    [(_, buried)] = listening.buried
    assert (buried.id, buried.attempts) == (an_id, MAX_ATTEMPTS)
    assert len(listening.receiver.asked) == MAX_ATTEMPTS
    assert listening.logged(scope.project, webhook) == [buried]


def test_who_says_gone_hears_of_nothing_any_more(listening: Listening, scope: Scope) -> None:
    webhook, other = listening.make(scope.project), listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.remember(scope, "I like coffee")
    listening.service.index_all(scope)
    listening.receiver.answers.append(410)

    listening.deliver_news()
    retried(listening)

    gone, still = listening.manage.list(scope.project)
    assert (gone.id, gone.is_active, still) == (webhook.id, False, other)
    [failed] = listening.logged(scope.project, webhook)
    assert (failed.status, failed.status_code) == (DeliveryStatus.FAILED, 410)
    assert len(listening.receiver.taken) == 2
    assert listening.buried == []


@pytest.mark.parametrize("how", ["deleted", "inactive", "asks for less"])
def test_nothing_is_told_to_who_does_not_want_it_any_more(
    listening: Listening, scope: Scope, how: str
) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    if how == "deleted":
        listening.manage.delete(scope.project, webhook.id)
    else:
        less = ["memory_delete"] if how == "asks for less" else None
        changes = WebhookChanges(is_active=False if less is None else None, event_types=less)
        listening.manage.change(scope.project, webhook.id, changes)

    listening.deliver_news()
    retried(listening)

    assert listening.receiver.asked == []
    deliveries = listening.service.ports.deliveries
    assert deliveries.recent(scope.project, webhook.id, limit=10) == []


class Restored:
    """A record of the time before, or of the time after an erasure."""

    def history(self, *_: object) -> list[HistoryEvent]:
        return []

    def get(self, *_: object) -> dict[str, object]:
        return {}


def test_what_was_deleted_is_told_though_its_history_is_erased(
    listening: Listening, scope: Scope
) -> None:
    listening.make(scope.project)
    memory = listening.service.remember(scope, "I like tea")
    listening.service.delete(scope.project, memory.id)
    listening.service.index_all(scope)
    due = listening.service.ports.wake_ups.deliveries.take(limit=10)

    deliver = replace(listening.deliver, record=Restored())  # type: ignore[arg-type] # not all of it
    for project, webhook_id, an_id in due:
        deliver(project, webhook_id, [an_id], listening.bury)

    [told] = listening.receiver.taken.values()
    assert told["event_details"] == {
        "id": memory.id,
        "data": {"memory": None},
        "event": "DELETE",
    }


def test_what_the_record_does_not_know_is_not_told(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    [(_, _, an_id)] = listening.service.ports.wake_ups.deliveries.take(limit=10)

    deliver = replace(listening.deliver, record=Restored())  # type: ignore[arg-type] # not all of it
    deliver(scope.project, webhook.id, [an_id], listening.bury)

    assert listening.receiver.asked == []
    assert listening.logged(scope.project, webhook) == []


@dataclass(frozen=True)
class Overtaken(LocalDeliveries):
    """Somebody else begins each attempt a moment earlier."""

    def replace(self, project: str, before: Delivery, after: Delivery) -> None:
        super().replace(project, before, replace(after, attempts=before.attempts + 1))
        super().replace(project, before, after)


def test_an_attempt_that_somebody_else_makes_is_left_to_them(
    service: Service, scope: Scope
) -> None:
    listening = Listening(service.having(deliveries=Overtaken(service.store.database)))
    listening.make(scope.project)
    service.remember(scope, "I like tea")
    listening.service.index_all(scope)

    assert listening.deliver_news() == 0
    assert listening.receiver.asked == []


def test_what_was_delivered_or_is_unknown_is_left(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    [(_, _, an_id)] = listening.service.ports.wake_ups.deliveries.take(limit=10)
    ids = [an_id, an_id, "unknown"]

    first = listening.deliver(scope.project, webhook.id, ids, listening.bury)
    second = listening.deliver(scope.project, webhook.id, ids, listening.bury)

    assert (first, second) == (1, 0)
    assert listening.receiver.asked == [an_id]


def test_an_attempt_that_was_lost_is_made_again(listening: Listening, scope: Scope) -> None:
    webhook = listening.make(scope.project)
    listening.service.remember(scope, "I like tea")
    listening.service.index_all(scope)
    listening.service.ports.wake_ups.deliveries.take(limit=10)
    [delivery] = listening.logged(scope.project, webhook)
    store = listening.service.ports.deliveries
    store.replace(scope.project, delivery, delivery.begun(listening.service.clock()))

    before = listening.deliver(scope.project, webhook.id, [delivery.id], listening.bury)
    listening.service.clock.forward(LEASE)
    after = listening.deliver(scope.project, webhook.id, [delivery.id], listening.bury)

    assert (before, after) == (0, 1)
