"""Promise 14: however many write or project one owner's graph at once, it is the same graph."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest

from recollect.domain.graph import Entity, Owner, entity_id
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.graph import Unread
from recollect.ports.graph_outbox import GraphOutbox
from recollect.testing.builders import a_change, a_memory, a_scope, adding
from tests.promises.graph_worlds import (
    EVERYTHING,
    Fate,
    GraphWorld,
    Servers,
    assert_right,
    local,
    servers,
)
from tests.service import UseCases

MANY = 8
PATIENCE_SECONDS = 30
KNOWN, ALIKE = "Riverside Bakery", "The Riverside Bakery"
"""Two names of one place."""


@dataclass(frozen=True)
class Share:
    """What awaits one of several writers: the changes of its own memories."""

    outbox: GraphOutbox
    memory_ids: frozenset[str]

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        waiting = self.outbox.unread(owner, limit=EVERYTHING)
        return [each for each in waiting if each.memory_id in self.memory_ids][:limit]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        return getattr(self.outbox, name)


@dataclass(frozen=True)
class Meeting:
    """A port whose first call of one name waits until everybody makes theirs."""

    port: Any
    name: str
    first: Fate

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        if name == self.name:
            self.first.pass_by()
        return getattr(self.port, name)


def at_once(
    world: GraphWorld,
    work: Callable[[UseCases], object],
    ports: Sequence[dict[str, Any]],
    *,
    meet: tuple[str, str],
) -> None:
    """Do the work in a thread for each of these ports, which all come to a method together."""
    port, name = meet
    everybody = Barrier(len(ports), timeout=PATIENCE_SECONDS)

    def run(own: dict[str, Any]) -> None:
        meeting = Meeting(getattr(world.use_cases.ports, port), name, Fate(0, everybody.wait))
        work(world.use_cases.having(**{port: meeting, **own}))

    with ThreadPoolExecutor(len(ports)) as threads:
        list(threads.map(run, ports))


def a_story(world: GraphWorld) -> tuple[Scope, Owner]:
    """Return an owner of whom it is known by now that Mia works at the bakery."""
    scope = a_scope(world.use_cases.open_project("writers"), user="ada")
    owner = Owner.of(scope)
    world.owners.add(owner)
    tell(world, scope, f"Mia:person works_at {KNOWN}:organization")
    world.use_cases.write_graph(owner)
    world.use_cases.project_graph(owner)
    world.show()
    return scope, owner


def tell(world: GraphWorld, scope: Scope, text: str) -> Memory:
    memory = a_memory(scope, text, is_graphed=True)
    world.use_cases.ports.record.commit(scope.project, a_change(adding(memory)))
    return memory


def named(world: GraphWorld, owner: Owner, name: str, kind: str) -> Entity:
    """Return the entity that a name stands for."""
    an_id = entity_id(owner, name, kind)
    return world.use_cases.ports.graph.entities(owner, [an_id])[an_id]


@pytest.fixture(scope="module")
def deployed() -> Iterator[Servers]:
    with servers() as built:
        yield built


@pytest.fixture(params=["local", pytest.param("servers", marks=pytest.mark.engines)])
def world(request: pytest.FixtureRequest) -> Iterator[GraphWorld]:
    if request.param == "local":
        with local(request.getfixturevalue("tmp_path")) as built:
            yield built
    else:
        deployed: Servers = request.getfixturevalue("deployed")
        with deployed.world() as built:
            yield built


def test_promise_14_eight_writers_make_one_entity_of_disjoint_memories(world: GraphWorld) -> None:
    scope, owner = a_story(world)
    texts = [
        f"Tom:person likes {ALIKE}:organization; Tom:person knows Friend {number}:person"
        for number in range(MANY)
    ]
    told = [tell(world, scope, text) for text in texts]
    outbox = world.use_cases.ports.graph_outbox
    shares = [{"graph_outbox": Share(outbox, frozenset({memory.id}))} for memory in told]

    at_once(world, lambda each: each.write_graph(owner), shares, meet=("graph", "commit"))

    bakery, tom = named(world, owner, KNOWN, "organization"), named(world, owner, "Tom", "person")
    assert (bakery.mentions, tom.mentions) == (MANY + 1, MANY)
    assert named(world, owner, ALIKE, "organization") == bakery
    state = world.state(owner)
    names = sorted(each.name for each in state.entities.values())
    assert names == sorted(["Mia", "Tom", KNOWN, *(f"Friend {n}" for n in range(MANY))])
    [liked] = [each for each in state.relations.values() if each.triple.predicate == "likes"]
    assert {each.memory_id for each in liked.support} == {memory.id for memory in told}
    assert outbox.unread(owner, limit=EVERYTHING) == []


def test_promise_14_eight_writers_of_the_same_memories_count_them_once(world: GraphWorld) -> None:
    scope, owner = a_story(world)
    for number in range(MANY):
        tell(world, scope, f"Tom:person knows Mia:person; Note {number}:thing")

    at_once(world, lambda each: each.write_graph(owner), [{}] * MANY, meet=("graph", "commit"))

    assert named(world, owner, "Mia", "person").mentions == MANY + 1
    world.drive_on()
    assert_right(world, owner)


def test_eight_projectors_at_once_write_one_graph(world: GraphWorld) -> None:
    scope, owner = a_story(world)
    for number in range(3 * MANY):
        tell(world, scope, f"Tom:person knows Friend {number}:person")
        world.use_cases.write_graph(owner)

    at_once(
        world,
        lambda each: each.project_graph(owner),
        [{}] * MANY,
        meet=("entities", "put"),
    )

    assert_right(world, owner)
