"""Webhooks hear of every change, whatever is killed between any two writes on the way to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.subjects import Scope
from recollect.domain.webhooks import DeliveryStatus, Webhook
from recollect.testing.builders import a_scope
from tests.promises.breaking import NEVER, CrashError
from tests.promises.dying import Build, World, aws, local
from tests.promises.test_drift import LATER, LEAST_DEATHS, MOST_DEATHS
from tests.webhooks import Listening, Receiver


@pytest.fixture(
    params=[
        pytest.param(local, id="local"),
        pytest.param(aws, id="aws", marks=pytest.mark.engines),
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    build: Build = request.param
    with build(tmp_path) as world:
        yield world


def live_through_everything(listening: Listening, scope: Scope) -> None:
    """Make changes of every kind, and tell of them."""
    service = listening.service
    listening.receiver.answers = [500]
    service.remember(scope, "I like tea")
    doomed = service.remember(scope, "I like cake")
    service.index_all(scope)
    listening.deliver_news()
    service.update(scope.project, doomed.id, MemoryChanges(text="I like pie"))
    service.delete(scope.project, doomed.id)
    service.index_all(scope)
    listening.deliver_news()


def repair(listening: Listening) -> None:
    """Let time pass, and maintenance, the projector and the notifier run until all is done."""
    service = listening.service
    listening.receiver.answers = []
    for _ in range(3):
        service.clock.forward(LATER)
        service.maintain()
        while news := service.ports.wake_ups.subjects.take(limit=10):
            for project, keys in news:
                service.project_changes(project, keys)
        listening.deliver_news()


def assert_everything_was_told(
    listening: Listening, scope: Scope, webhook: Webhook, ids: set[str]
) -> None:
    record = listening.service.ports.record
    happened = {
        (an_id, event.version, f"memory_{event.action.lower()}")
        for an_id in ids
        for event in record.history(scope.project, an_id)
    }
    logged = listening.logged(scope.project, webhook)

    told = [(each.memory_id, each.version, str(each.event_type)) for each in logged]
    assert sorted(told) == sorted(happened)
    assert {each.status for each in logged} <= {DeliveryStatus.SUCCEEDED}
    assert listening.receiver.taken.keys() == {each.id for each in logged}


def test_every_change_is_told_at_least_once_and_taken_once(world: World) -> None:
    deaths = 0
    for writes in range(MOST_DEATHS):
        receiver = Receiver()
        first = Listening(world.process(NEVER).service, receiver)
        scope = a_scope(first.service.open_project(f"acme-{writes}"), user="ada")
        webhook = first.make(scope.project)
        world.ids.clear()

        try:
            live_through_everything(Listening(world.process(writes).service, receiver), scope)
        except CrashError:
            deaths += 1
        has_died = deaths == writes + 1
        last = Listening(world.process(NEVER).service, receiver)
        repair(last)

        assert_everything_was_told(last, scope, webhook, set(world.ids))
        # Who dies between an answer and its note has the same delivery taken once more.
        assert len(receiver.asked) <= len(receiver.taken) + 2
        if not has_died:
            break
    assert LEAST_DEATHS < deaths < MOST_DEATHS
    assert len(receiver.taken) == 4


def test_a_wake_up_that_is_lost_delays_and_loses_nothing(world: World) -> None:
    listening = Listening(world.process(NEVER).service)
    scope = a_scope(listening.service.open_project("acme"), user="ada")
    webhook = listening.make(scope.project)
    world.ids.clear()
    listening.service.remember(scope, "I like tea")
    listening.service.ports.wake_ups.subjects.take(limit=10)
    listening.service.index_all(scope)
    listening.service.ports.wake_ups.deliveries.take(limit=10)

    repair(listening)

    assert_everything_was_told(listening, scope, webhook, set(world.ids))
    assert len(listening.receiver.taken) == 1
