"""What taking up what could not be read promises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from recollect.domain.errors import ModelAnswerError
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.graph import Mentioned
from recollect.ports.graph_outbox import SetAside
from recollect.ports.models import Usage
from recollect.usecases import redrive_graph
from recollect.usecases.redrive_graph import RedriveGraph
from tests.service import Service, UseCases
from tests.unit.usecases.graph_world import Notation, World

TEA = "ada:user likes tea:drink"


class Babbling(Notation):
    """A model that says nothing of use."""

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        message = f"no use in {len(memories)}"
        raise ModelAnswerError(message)


def set_aside(service: Service, scope: Scope, *texts: str) -> list[Memory]:
    """Return memories that could not be read."""
    world = World.over(service, scope)
    memories = [world.said(text) for text in texts]
    write = replace(world.write, reader=Babbling())
    while service.store.graph_outbox.unread(world.owner, limit=1):
        write(world.owner)
    service.ports.wake_ups.unread.take(limit=99)
    return memories


def redrive(service: UseCases) -> RedriveGraph:
    ports = service.ports
    return RedriveGraph(ports.graph_outbox, ports.wake_ups, ports.now)


def steps(found: Sequence[SetAside]) -> list[tuple[str, str]]:
    return sorted((each.owner.project, each.unread.memory_id) for each in found)


def test_promise_9_what_could_not_be_read_is_read_again(service: Service, scope: Scope) -> None:
    [memory] = set_aside(service, scope, TEA)
    world = World.over(service, scope)
    assert world.written() == 0

    [found] = redrive(service)()

    assert (found.owner, found.unread.memory_id) == (world.owner, memory.id)
    assert found.reason == "no use in 1"
    assert service.ports.wake_ups.unread.take(limit=9) == [world.owner]
    assert service.store.graph_outbox.aside(limit=9) == []
    assert world.written() == 1
    assert world.relation(TEA).mentions == 1


def test_without_anything_set_aside_nobody_is_woken(service: Service, scope: Scope) -> None:
    World.over(service, scope).said(TEA)

    assert redrive(service)() == []
    assert len(service.ports.wake_ups.unread) == 0


@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_all_of_every_project_is_taken_up_page_by_page(
    service: Service, scope: Scope, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redrive_graph, "PAGE", size)
    other = service.new_scope("other", user="ada")
    ours = set_aside(service, scope, *(f"food {number}:food" for number in range(4)))
    theirs = set_aside(service, other, TEA)

    found = redrive(service)()

    assert steps(found) == sorted(
        [*((scope.project, each.id) for each in ours), (other.project, theirs[0].id)]
    )
    assert len(service.ports.wake_ups.unread) == 2
    assert redrive(service)() == []


@dataclass(frozen=True)
class Stubborn:
    """An outbox whose graph writer is fast, and sets everything aside once more."""

    outbox: Any

    def take_up(self, aside: SetAside, *, at: datetime) -> None:
        self.outbox.take_up(aside, at=at)
        for each in self.outbox.unread(aside.owner, limit=9):
            self.outbox.set_aside(aside.owner, each, reason="still so")

    def __getattr__(self, name: str) -> object:
        return getattr(self.outbox, name)


def test_what_fails_again_meanwhile_is_taken_up_once(service: Service, scope: Scope) -> None:
    set_aside(service, scope, TEA, "food:food")
    stubborn = service.having(graph_outbox=Stubborn(service.store.graph_outbox))

    found = redrive(stubborn)()

    assert [each.reason for each in found] == ["no use in 1"] * 2
    assert [each.reason for each in service.store.graph_outbox.aside(limit=9)] == ["still so"] * 2


def test_what_is_too_much_is_left_for_the_next_time(
    service: Service, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redrive_graph, "PAGE", 2)
    monkeypatch.setattr(redrive_graph, "MAX_PAGES", 2)
    set_aside(service, scope, *(f"food {number}:food" for number in range(7)))

    assert [len(redrive(service)()) for _ in range(3)] == [4, 3, 0]
