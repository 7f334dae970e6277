"""What writing graphs to their projections anew promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope, an_entity
from recollect.usecases import walking
from recollect.usecases.rebuild_graph import RebuildGraph, Rebuilt, RenewGraph
from tests.promises.graph_copies import CopiedIndex, CopiedStore
from tests.service import Service, UseCases
from tests.unit.usecases.graph_world import World

TEXTS = ("ada:user lives_in Lisbon:place", "ada:user likes tea:drink; Tom:person")
OTHERS = "ada:user likes coffee:drink"


def ignore(_: str, __: int) -> None:
    """Nobody watches."""


def rebuild(service: UseCases) -> RebuildGraph:
    ports = service.ports
    renew = RenewGraph(ports.graph_outbox, service.project_graph, ports.now)
    return RebuildGraph(ports.keys, ports.graph, renew)


def held(service: UseCases, owner: Owner) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the graph store and the entity index have of an owner."""
    return service.ports.graph_store.held(owner), service.ports.entities.held(owner)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "ENTITIES_PER_PAGE", 2)
    monkeypatch.setattr(walking, "OWNERS_PER_PAGE", 1)


@pytest.fixture
def owners(service: Service, scope: Scope) -> list[Owner]:
    """Return three owners of two projects, whose graphs are in the record alone."""
    scopes = [scope, a_scope(scope.project, user="bob"), service.new_scope("other", user="ada")]
    for each, texts in zip(scopes, (TEXTS, [OTHERS], [OTHERS]), strict=True):
        world = World.over(service, each)
        for text in texts:
            world.said(text)
        world.written()
        [commit] = service.store.graph_outbox.unprojected(world.owner, limit=9)
        service.store.graph_outbox.confirm(world.owner, [commit])
    return [Owner.of(each) for each in scopes]


def test_the_graphs_of_all_owners_of_every_project_are_written(
    service: Service, owners: list[Owner]
) -> None:
    copying = service.having(graph_store=CopiedStore(), entities=CopiedIndex())

    done = rebuild(copying)(ignore)

    assert done == Rebuilt(entities=8, relations=4, left=0)
    for owner in owners:
        assert held(copying, owner) == held(service, owner)
        assert service.store.graph_outbox.unprojected(owner, limit=9) == []


def test_what_is_not_in_the_record_is_gone(service: Service, owners: list[Owner]) -> None:
    store = CopiedStore()
    store.apply(owners[0], [an_entity(owners[0], "nobody")], [])

    rebuild(service.having(graph_store=store))(ignore)

    assert store.held(owners[0]) == service.ports.graph_store.held(owners[0])


def test_without_projects_there_is_nothing_to_write(service: Service) -> None:
    assert rebuild(service)(ignore) == Rebuilt(0, 0, 0)


def test_repeating_it_changes_nothing(service: Service, owners: list[Owner]) -> None:
    store = CopiedStore()
    copying = service.having(graph_store=store)

    assert len({rebuild(copying)(ignore) for _ in range(3)}) == 1

    assert store.held(owners[0]) == service.ports.graph_store.held(owners[0])


@dataclass(frozen=True)
class Unreachable(CopiedStore):
    """A graph store that refuses all writes but the first ones."""

    writes: int = 0
    tried: list[Owner] = field(default_factory=list)

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        self.tried.append(owner)
        if len(self.tried) > self.writes:
            raise UnavailableError(owner.project)
        super().apply(owner, entities, relations)


def test_what_cannot_be_written_from_here_is_left_to_the_service(
    service: Service, owners: list[Owner]
) -> None:
    store = Unreachable()

    done = rebuild(service.having(graph_store=store))(ignore)

    assert done == Rebuilt(entities=0, relations=0, left=3)
    assert len(store.tried) == 1
    reachable = service.having(graph_store=CopiedStore())
    for owner in owners:
        assert reachable.project_graph(owner) == 1
        assert held(reachable, owner) == held(service, owner)


def test_what_was_written_before_is_told(service: Service, owners: list[Owner]) -> None:
    first = min(owners)
    pages = -(-len(service.ports.entities.held(first)) // 2)

    done = rebuild(service.having(graph_store=Unreachable(writes=pages)))(ignore)

    assert (done.left, done.entities) == (2, len(service.ports.entities.held(first)))


def test_it_tells_how_far_it_is(service: Service, owners: list[Owner]) -> None:
    told: list[tuple[str, int]] = []

    done = rebuild(service)(lambda *each: told.append(each))

    assert len(told) > len(owners)
    assert {what for what, _ in told} == {"entities and relations written"}
    assert sum(count for _, count in told) == done.entities + done.relations
