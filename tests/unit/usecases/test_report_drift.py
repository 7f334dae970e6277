"""What telling how far indexes and graphs have drifted promises."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest

from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphStore
from recollect.usecases.rebuild_graph import RenewGraph
from recollect.usecases.report_drift import TURN, Drift, ReportDrift
from recollect.usecases.verify_graph import VerifyGraph
from recollect.usecases.verify_index import IndexReport, VerifyIndex
from recollect.usecases.walking import Progress
from tests.promises.graph_copies import CopiedStore
from tests.service import Service
from tests.unit.usecases.graph_world import World

HOUR = timedelta(hours=1)


def always() -> bool:
    return True


def never() -> bool:
    return False


@dataclass(frozen=True)
class Noting(VerifyIndex):
    """Notes which projects were compared; in a run there is time for so many."""

    room: int = 1_000
    compared: list[str] = field(default_factory=list)

    def verified(self, progress: Progress, project: str, *, repair: bool = False) -> IndexReport:
        in_hand = replace(self, is_late=always if len(self.compared) >= self.room else never)
        found = VerifyIndex.verified(in_hand, progress, project, repair=repair)
        self.compared.append(project)
        return found


def index_of(service: Service, room: int = 1_000) -> Noting:
    ports = service.ports
    return Noting(ports.keys, ports.listing, ports.record, ports.index, ports.outbox, room=room)


def graphs_of(
    service: Service, store: GraphStore, is_late: Callable[[], bool] = never
) -> VerifyGraph:
    ports = service.ports
    renew = RenewGraph(ports.graph_outbox, service.project_graph, ports.now)
    return VerifyGraph(
        ports.keys, ports.graph, ports.graph_outbox, store, ports.entities, renew, is_late
    )


def report(service: Service) -> Drift:
    graphs = graphs_of(service, service.ports.graph_store)
    return ReportDrift(service.ports.keys, index_of(service), graphs, service.ports.now)()


def drifted(service: Service, project: str) -> Scope:
    """Add two memories, and have the index lose one as no removal does."""
    scope = service.new_scope(project, user="ada")
    memory, _ = (service.remember(scope, text) for text in ("likes tea", "likes cake"))
    service.index_all(scope)
    with service.store.database.writing() as file:
        file.execute("DELETE FROM index_documents WHERE memory_id = ?", (memory.id,))
    return scope


def test_the_drift_of_all_projects_is_told_in_sum(service: Service) -> None:
    for name in ("one", "two"):
        drifted(service, name)
    service.remember(service.new_scope("three", user="ada"), "is about to be indexed")

    assert report(service) == Drift(compared=3, left=0, index=2, graphs=0)
    assert report(service) == Drift(compared=3, left=0, index=2, graphs=0)


def test_the_drift_of_graphs_is_told(service: Service, scope: Scope) -> None:
    world = World.over(service, scope)
    world.said("ada:user likes tea:drink")
    world.written()
    service.project_graph(world.owner)

    assert report(service).graphs == 0
    graphs = graphs_of(service, CopiedStore())
    found = ReportDrift(service.ports.keys, index_of(service), graphs, service.ports.now)()
    assert found.graphs == 3


def test_where_there_are_no_graphs_nothing_is_told_of_them(service: Service) -> None:
    drifted(service, "one")

    found = ReportDrift(service.ports.keys, index_of(service), None, service.ports.now)()

    assert found == Drift(compared=1, left=0, index=1, graphs=None)


def test_without_projects_nothing_has_drifted(service: Service) -> None:
    assert report(service) == Drift(compared=0, left=0, index=0, graphs=0)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_what_there_is_no_time_for_is_left_and_not_counted(service: Service, room: int) -> None:
    for name in ("one", "two", "three"):
        drifted(service, name)

    found = ReportDrift(service.ports.keys, index_of(service, room), None, service.ports.now)()

    assert found == Drift(compared=room, left=3 - room, index=room, graphs=None)


def test_a_graph_that_there_is_no_time_for_leaves_its_project(
    service: Service, scope: Scope
) -> None:
    world = World.over(service, scope)
    world.said("ada:user likes tea:drink")
    world.written()
    graphs = graphs_of(service, service.ports.graph_store, always)

    found = ReportDrift(service.ports.keys, index_of(service), graphs, service.ports.now)()

    assert found == Drift(compared=0, left=1, index=0, graphs=0)


def test_a_project_in_the_middle_of_which_time_is_up_is_left(service: Service) -> None:
    drifted(service, "one")
    looks = count()
    verify_index = VerifyIndex(
        service.ports.keys,
        service.ports.listing,
        service.ports.record,
        service.ports.index,
        service.ports.outbox,
        lambda: next(looks) > 0,
    )

    found = ReportDrift(service.ports.keys, verify_index, None, service.ports.now)()

    assert next(looks) == 2
    assert found == Drift(compared=0, left=1, index=0, graphs=None)


def runs(service: Service, number: int, room: int) -> list[list[str]]:
    """Return which projects were compared in runs from noon on, one an hour, by so many."""
    compared = []
    for _ in range(number):
        verify_index = index_of(service, room)
        ReportDrift(service.ports.keys, verify_index, None, service.ports.now)()
        compared.append(verify_index.compared)
        service.clock.forward(HOUR)
    return compared


def test_two_runs_look_at_the_same_and_the_next_two_at_others(service: Service) -> None:
    for number in range(8):
        service.open_project(f"project {number}")

    first, again, *others = runs(service, 4, room=2)

    assert first == again
    assert others[0] == others[1]
    assert not set(first) & set(others[0])
    assert 2 * HOUR == TURN


def test_every_project_has_its_turn_soon(service: Service) -> None:
    projects = {service.open_project(f"project {number:02}") for number in range(60)}
    room = 5
    least = len(projects) // room * (TURN // HOUR)

    seen = {each for compared in runs(service, 3 * least, room) for each in compared}

    assert seen == projects
