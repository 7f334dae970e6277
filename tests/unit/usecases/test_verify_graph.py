"""What comparing the projections of graphs with the record promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphStore
from recollect.testing.builders import a_scope, an_entity
from recollect.usecases import walking
from recollect.usecases.rebuild_graph import RenewGraph
from recollect.usecases.verify_graph import GraphReport, VerifyGraph
from tests.promises.graph_copies import CopiedIndex, CopiedStore
from tests.service import Service, UseCases
from tests.unit.usecases.graph_world import World

LISBON = "ada:user lives_in Lisbon:place"
TEA = "ada:user likes tea:drink"


def ignore(_: str, __: int) -> None:
    """Nobody watches."""


def verify(service: UseCases) -> VerifyGraph:
    ports = service.ports
    renew = RenewGraph(ports.graph_outbox, service.project_graph, ports.now)
    return VerifyGraph(
        ports.keys, ports.graph, ports.graph_outbox, ports.graph_store, ports.entities, renew
    )


@dataclass(frozen=True)
class Stage:
    """The graph of one owner, and projections of it with copies of their own."""

    world: World
    service: UseCases
    store: CopiedStore
    index: CopiedIndex

    @classmethod
    def over(cls, service: Service, scope: Scope) -> "Stage":
        store, index = CopiedStore(), CopiedIndex()
        copying = service.having(graph_store=store, entities=index)
        return cls(World.over(service, scope), copying, store, index)

    @property
    def owner(self) -> Owner:
        return self.world.owner

    def having(self, **ports: Any) -> "Stage":  # noqa: ANN401 - any port
        return replace(self, service=self.service.having(**ports))

    def said(self, *texts: str) -> None:
        """Have memories read into the graph, but not projected."""
        for text in texts:
            self.world.said(text)
        self.world.written()

    def projected(self, *texts: str) -> None:
        self.said(*texts)
        self.service.project_graph(self.owner)

    def lose(self, stated: str) -> None:
        """Have the graph store forget a relation."""
        del self.store.copy.kept_relations[self.owner][self.world.relation(stated).triple.id]

    def entity(self, name: str) -> Entity:
        [found] = [each for each in self.world.all_entities() if each.name == name]
        return found

    def report(self, *, repair: bool = False) -> GraphReport:
        [found] = verify(self.service)(ignore, self.owner.project, repair=repair)
        return found


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "ENTITIES_PER_PAGE", 2)


@pytest.fixture
def stage(service: Service, scope: Scope) -> Stage:
    return Stage.over(service, scope)


def numbers(report: GraphReport) -> dict[str, int]:
    """Return the numbers that are not 0, but for how much is in the record."""
    names = ("missing", "outdated", "ghosts", "pending", "repaired", "left", "drift")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_projections_that_are_up_to_date_have_not_drifted(stage: Stage) -> None:
    stage.projected(LISBON, TEA)
    stage.projected("ada:user likes coffee:drink")

    found = stage.report()

    assert (found.entities, found.relations, found.drift) == (4, 3, 0)
    assert numbers(found) == {}


def test_what_answers_from_the_record_cannot_drift(service: Service, scope: Scope) -> None:
    world = World.over(service, scope)
    world.said(LISBON)
    world.written()

    [found] = verify(service)(ignore)

    assert (found.entities, found.relations, numbers(found)) == (2, 1, {})


def test_nothing_at_all_has_not_drifted(stage: Stage) -> None:
    assert stage.report() == GraphReport(project=stage.owner.project)


def test_what_is_about_to_be_projected_is_pending(stage: Stage) -> None:
    stage.projected(LISBON)
    stage.said(TEA)

    # "tea" and that ada likes it are in no projection; ada was mentioned once more.
    assert numbers(stage.report()) == {"missing": 3, "outdated": 2, "pending": 5}


def test_what_nothing_will_set_right_is_drift(stage: Stage) -> None:
    stage.projected(LISBON, TEA)
    stage.lose(TEA)
    tea, ghost = stage.entity("tea"), an_entity(stage.owner, "nobody")
    stage.index.copy.entities[stage.owner][tea.id] = replace(tea, version=1)
    stage.store.apply(stage.owner, [ghost], [])
    stage.index.put(stage.owner, [ghost])

    found = stage.report()

    assert (found.entities, found.relations) == (3, 2)
    assert numbers(found) == {"missing": 1, "outdated": 1, "ghosts": 2, "drift": 4}


def test_an_entity_that_only_the_index_has_lost_is_missing(stage: Stage) -> None:
    stage.projected(LISBON)
    del stage.index.copy.entities[stage.owner][stage.entity("Lisbon").id]

    assert numbers(stage.report()) == {"missing": 1, "drift": 1}


def test_a_projection_of_a_later_state_has_drifted(stage: Stage) -> None:
    stage.projected(LISBON)
    lisbon = stage.entity("Lisbon")
    stage.store.apply(stage.owner, [replace(lisbon, version=lisbon.version + 1)], [])

    assert numbers(stage.report()) == {"outdated": 1, "drift": 1}


@dataclass(frozen=True)
class Settling:
    """An outbox of which the index shows late what was confirmed."""

    outbox: Any
    ids: list[str]

    def fresh(self, owner: Owner, *, limit: int) -> list[str]:
        return [*self.outbox.fresh(owner, limit=limit), *self.ids][:limit]

    def __getattr__(self, name: str) -> object:
        return getattr(self.outbox, name)


def test_what_the_index_has_but_does_not_show_yet_is_pending(stage: Stage) -> None:
    stage.projected(LISBON)
    lisbon = stage.entity("Lisbon").id
    del stage.index.copy.entities[stage.owner][lisbon]

    settling = stage.having(graph_outbox=Settling(stage.service.ports.graph_outbox, [lisbon]))

    assert numbers(settling.report()) == {"missing": 1, "pending": 1}


def test_a_store_shows_at_once_what_it_has(stage: Stage) -> None:
    stage.projected("Lisbon:place")
    lisbon = stage.entity("Lisbon").id
    del stage.store.copy.entities[stage.owner][lisbon]

    settling = stage.having(graph_outbox=Settling(stage.service.ports.graph_outbox, [lisbon]))

    assert numbers(settling.report()) == {"missing": 1, "drift": 1}


@dataclass(frozen=True)
class Busy:
    """A graph store that others write to while it is looked at."""

    store: GraphStore
    others: list[Callable[[], None]]

    def held(self, owner: Owner) -> dict[str, int]:
        if self.others:
            self.others.pop(0)()
        return self.store.held(owner)

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def test_what_changes_while_it_is_compared_has_not_drifted(stage: Stage) -> None:
    stage.projected(LISBON)
    busy = stage.having(graph_store=Busy(stage.store, [lambda: stage.projected(TEA)]))

    assert numbers(busy.report()) == {}


def test_what_is_wrong_otherwise_at_every_look_has_not_drifted(stage: Stage) -> None:
    stage.projected(LISBON)
    others = [lambda: stage.projected(TEA), lambda: stage.projected("Porto:place; ada:user")]
    busy = stage.having(graph_store=Busy(stage.store, others))

    # The store and the index have Porto already, and that ada was mentioned again.
    assert numbers(busy.report()) == {"outdated": 2, "ghosts": 2, "pending": 4}


def test_drift_is_found_while_others_write(stage: Stage) -> None:
    stage.projected(LISBON, TEA)
    stage.lose(TEA)
    others = [lambda: stage.projected("Porto:place"), lambda: stage.projected("Faro:place")]
    busy = stage.having(graph_store=Busy(stage.store, others))

    assert numbers(busy.report()) == {"missing": 1, "ghosts": 2, "pending": 2, "drift": 1}


def test_every_project_has_its_own_report(service: Service, stage: Stage) -> None:
    other = World.over(service, service.new_scope("other", user="ada"))
    other.said(TEA)
    other.written()
    stage.service.project_graph(other.owner)
    stage.projected(LISBON, TEA)
    stage.store.erase(other.owner)

    reports = verify(stage.service)(ignore)

    assert [(each.project, each.relations, each.drift) for each in reports] == [
        ("acme", 2, 0),
        ("other", 1, 3),
    ]
    assert [each.project for each in verify(stage.service)(ignore, "other")] == ["other"]


def test_an_unknown_project_is_refused(stage: Stage) -> None:
    with pytest.raises(NotFoundError):
        verify(stage.service)(ignore, "nobody's")


def test_all_owners_of_a_project_are_compared(
    service: Service, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "OWNERS_PER_PAGE", 2)
    for number in range(5):
        world = World.over(service, a_scope(stage.owner.project, user=f"user {number}"))
        world.said(LISBON)
        world.written()
        stage.service.project_graph(world.owner)
        stage.store.erase(world.owner)

    found = stage.report()

    assert (found.entities, found.relations) == (10, 5)
    assert numbers(found) == {"missing": 15, "drift": 15}


@dataclass(frozen=True)
class Watched(CopiedStore):
    """Says whose graphs it was given."""

    @property
    def owners(self) -> set[Owner]:
        return {owner for owner, kept in self.copy.entities.items() if kept}


def test_a_repair_writes_what_has_drifted_and_nothing_else(service: Service, scope: Scope) -> None:
    index = LocalEntityIndex(service.store.graph)
    store = Watched()
    copying = service.having(graph_store=store, entities=index)
    drifted, pending = (
        World.over(service, each) for each in (scope, a_scope(scope.project, user="bob"))
    )
    for world in (drifted, pending):
        world.said(LISBON)
        world.written()
    copying.project_graph(drifted.owner)
    ghost = an_entity(drifted.owner, "nobody")
    store.erase(drifted.owner)
    store.apply(drifted.owner, [ghost], [])

    [repaired] = verify(copying)(ignore, scope.project, repair=True)
    [after] = verify(copying)(ignore, scope.project)

    assert numbers(repaired) == {
        "missing": 6, "ghosts": 1, "pending": 3, "repaired": 1, "drift": 4
    }  # fmt: skip
    assert numbers(after) == {"missing": 3, "pending": 3}
    assert store.owners == {drifted.owner}


def test_a_repair_gives_the_index_what_it_has_lost(stage: Stage) -> None:
    stage.projected(LISBON, TEA)
    del stage.index.copy.entities[stage.owner][stage.entity("Lisbon").id]

    stage.report(repair=True)

    assert numbers(stage.report()) == {}


def test_without_a_repair_nothing_is_written(stage: Stage) -> None:
    stage.projected(LISBON)
    stage.lose(LISBON)

    for _ in range(2):
        assert numbers(stage.report()) == {"missing": 1, "drift": 1}
    assert stage.service.ports.graph_outbox.unprojected(stage.owner, limit=9) == []


@dataclass(frozen=True)
class Refusing(CopiedStore):
    """A graph store that can be read, but not written to."""

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        raise UnavailableError(owner.project, entities, relations)


def test_what_cannot_be_repaired_here_is_left_to_others(stage: Stage) -> None:
    stage.projected(LISBON)
    stage.lose(LISBON)
    refusing = stage.having(graph_store=Refusing(stage.store.copy))

    assert numbers(refusing.report(repair=True)) == {"missing": 1, "left": 1, "drift": 1}

    [waiting] = stage.service.ports.graph_outbox.unprojected(stage.owner, limit=9)
    assert waiting.is_whole
    assert stage.report().drift == 0


def test_it_tells_how_far_it_is(stage: Stage) -> None:
    stage.projected(LISBON)
    told: list[tuple[str, int]] = []

    verify(stage.service)(lambda *done: told.append(done))

    assert told == [("entities and relations compared", 3)]
