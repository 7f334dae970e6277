"""The local worker: drives the projector with SQS events, and outlives what fails."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.entrypoints import worker
from recollect.entrypoints.functions import QUEUE_FUNCTIONS
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.messages import DeliveriesAreDue, JobIsWaiting, SubjectsHaveNews
from recollect.entrypoints.worker import (
    PAUSES_SECONDS,
    STALE_AFTER,
    Clock,
    JobFeed,
    LocalWorker,
    feeds,
)
from recollect.testing.builders import a_scope
from recollect.testing.webhooks import a_delivery
from tests.callers import now
from tests.service import Service, a_service

PATIENCE_SECONDS = 10
ALWAYS = Clock(now, lambda: False)


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


# --- jobs


class Hands:
    """A worker function that keeps the jobs it gets, and works until its time is up."""

    def __init__(self, *, is_busy: bool = False) -> None:
        self.jobs: list[str] = []
        self.has_begun, self.has_ended = threading.Event(), threading.Event()
        self._is_busy = is_busy

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 0
        [record] = event["Records"]
        self.jobs.append(JobIsWaiting.model_validate_json(record["body"]).job_id)
        self.has_begun.set()
        while self._is_busy and context.get_remaining_time_in_millis():
            time.sleep(0.001)
        self.has_ended.set()
        return {"batchItemFailures": []}


def accepted(service: Service, *users: str) -> list[str]:
    project = service.open_project("acme")
    requests = [
        AddRequest(scope=a_scope(project, user=user), messages=(Message("user", "I like tea"),))
        for user in users
    ]
    return [service.add.accept(request).id for request in requests]


def with_hands(service: Service, hands: Hands) -> LocalWorker:
    functions: dict[str, Handler] = dict.fromkeys(QUEUE_FUNCTIONS, Projector())
    functions["worker"] = hands
    return LocalWorker(feeds(service.ports.wake_ups, functions), service.maintain, service.clock)


def test_waiting_jobs_go_to_the_worker_one_by_one_in_order(service: Service) -> None:
    hands = Hands()
    jobs = accepted(service, "ada", "ada", "ada")

    with_hands(service, hands).settle()

    assert hands.jobs == jobs


def test_what_has_no_time_stays_for_the_next_one(service: Service) -> None:
    hands = Hands()
    accepted(service, "ada", "bob")

    with_hands(service, hands).settle(seconds=0)

    assert hands.jobs == []
    assert len(service.ports.wake_ups.jobs) == 2


class Refusing(Hands):
    """Wants each job so often before it takes it."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        answer = super().__call__(event, context)
        self._left -= 1
        wanted = event["Records"] if self._left >= 0 else []
        failures = [{"itemIdentifier": record["messageId"]} for record in wanted]
        return {**answer, "batchItemFailures": failures}


def test_what_could_not_be_carried_on_is_tried_again_before_what_is_behind_it(
    service: Service,
) -> None:
    first, second = accepted(service, "ada", "ada")
    hands, pauses = Refusing(times=2), list[float]()
    feed = JobFeed(service.ports.wake_ups.jobs, hands, pauses.append)

    assert [feed.drive(ALWAYS) for _ in range(3)] == [1, 1, 0]

    assert hands.jobs == [first, first, first, second]
    assert pauses == [1, 2]


def test_what_cannot_be_carried_on_is_let_go_for_now(service: Service) -> None:
    [job] = accepted(service, "ada")
    hands, pauses = Refusing(times=100), list[float]()
    feed = JobFeed(service.ports.wake_ups.jobs, hands, pauses.append)

    assert [feed.drive(ALWAYS) for _ in range(2)] == [1, 0]

    assert hands.jobs == [job] * (1 + len(PAUSES_SECONDS))
    assert tuple(pauses) == PAUSES_SECONDS


def test_what_is_stopped_is_not_tried_again(service: Service) -> None:
    accepted(service, "ada")
    hands, pauses = Refusing(times=100), list[float]()
    feed = JobFeed(service.ports.wake_ups.jobs, hands, pauses.append)

    feed.drive(Clock(now, lambda: bool(hands.jobs)))

    assert (len(hands.jobs), pauses) == (1, [])


def test_jobs_of_several_lanes_are_worked_on_at_once(service: Service) -> None:
    everyone = threading.Barrier(worker.WORKERS + 1, timeout=PATIENCE_SECONDS)
    accepted(service, *(f"user {number}" for number in range(40)))

    class Meeting(Hands):
        def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            if len(self.jobs) < worker.WORKERS:
                answer = super().__call__(event, context)
                everyone.wait()
                return answer
            return super().__call__(event, context)

    with with_hands(service, Meeting()):
        everyone.wait()


def test_who_works_when_all_is_stopped_has_no_time_left(service: Service) -> None:
    hands = Hands(is_busy=True)
    accepted(service, "ada", "ada")

    with with_hands(service, hands):
        assert hands.has_begun.wait(PATIENCE_SECONDS)

    assert hands.has_ended.is_set()
    assert len(hands.jobs) == 1
    assert len(service.ports.wake_ups.jobs) == 1


def test_the_end_does_not_wait_for_each_who_is_slow(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.2)
    model_answers = threading.Event()
    accepted(service, *(f"user {number}" for number in range(40)))

    class Slow(Hands):
        def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            answer = super().__call__(event, context)
            model_answers.wait(PATIENCE_SECONDS)
            return answer

    slow = Slow()
    with with_hands(service, slow):
        assert slow.has_begun.wait(PATIENCE_SECONDS)
        begin = time.monotonic()

    assert time.monotonic() - begin < 0.2 * worker.WORKERS
    model_answers.set()
