"""The local worker: drives the projector with SQS events, and outlives what fails."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.entrypoints import worker
from recollect.entrypoints.functions import QUEUE_FUNCTIONS
from recollect.entrypoints.messages import DeliveriesAreDue, SubjectsHaveNews
from recollect.entrypoints.worker import STALE_AFTER, LocalWorker, feeds
from recollect.testing.webhooks import a_delivery
from tests.service import Service, a_service

PATIENCE_SECONDS = 10


class Projector:
    """Keeps the events it gets; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.bodies: list[str] = []
        self.is_done = threading.Event()
        self._failures = failures

    def __call__(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        if self._failures:
            self._failures -= 1
            raise OSError
        self.bodies += [record["body"] for record in event["Records"]]
        self.is_done.set()
        return {"batchItemFailures": []}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    built = a_service(tmp_path / "recollect.db")
    yield built
    built.store.database.close()


def a_worker(service: Service, projector: Projector) -> LocalWorker:
    assert isinstance(service.ports.wake_ups, LocalWakeUps)
    driven = feeds(service.ports.wake_ups, dict.fromkeys(QUEUE_FUNCTIONS, projector))
    return LocalWorker(driven, service.maintain, service.clock)


def test_news_becomes_one_sqs_event(service: Service) -> None:
    projector = Projector()
    scope = service.new_scope(user="ada")
    service.say(scope, "I like tea")

    a_worker(service, projector).settle()

    [news] = map(SubjectsHaveNews.model_validate_json, projector.bodies)
    assert news.project == scope.project
    assert news.subject_keys == [scope.owner.key]


def test_deliveries_go_to_the_notifier_and_what_is_due_again_is_found(service: Service) -> None:
    notifier, others = Projector(), Projector()
    wake_ups, deliveries = service.ports.wake_ups, service.ports.deliveries
    due = a_delivery("w", next_attempt_at=service.clock())
    deliveries.add("acme", [due])
    service.clock.forward(STALE_AFTER)
    functions = {**dict.fromkeys(QUEUE_FUNCTIONS, others), "notifier": notifier}

    wake_ups.deliver("acme", "w", ["of an announcement"])
    LocalWorker(feeds(wake_ups, functions), service.maintain, service.clock).settle()

    news = [DeliveriesAreDue.model_validate_json(body) for body in notifier.bodies]
    assert {(each.project, each.webhook_id) for each in news} == {("acme", "w")}
    assert [each.delivery_ids for each in news] == [["of an announcement"], [due.id]]
    assert others.bodies == []


def test_no_news_calls_nobody(service: Service) -> None:
    projector = Projector()

    a_worker(service, projector).settle()

    assert projector.bodies == []


def test_the_thread_handles_news_and_stops(service: Service) -> None:
    projector = Projector()
    scope = service.new_scope(user="ada")

    with a_worker(service, projector):
        service.say(scope, "I like tea")
        assert projector.is_done.wait(PATIENCE_SECONDS)


def test_news_does_not_wait_for_a_job_that_waits_for_a_model(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.1)
    projector, model_answers = Projector(), threading.Event()
    scope = service.new_scope(user="ada")
    slow = a_worker(service, projector)
    slow.maintain = lambda **_: model_answers.wait(PATIENCE_SECONDS)  # type: ignore[assignment]

    with slow:
        service.say(scope, "I like tea")
        assert projector.is_done.wait(PATIENCE_SECONDS)

    assert not model_answers.is_set()
    model_answers.set()


def test_what_a_failed_batch_left_behind_is_driven_again(service: Service) -> None:
    projector = Projector(failures=1)
    scope = service.new_scope(user="ada")
    service.say(scope, "I like tea")
    service.clock.forward(timedelta(minutes=5))

    with a_worker(service, projector):
        assert projector.is_done.wait(PATIENCE_SECONDS)
