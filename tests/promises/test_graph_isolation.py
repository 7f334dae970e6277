"""Promises 10 and 13 for graphs: whoever tells of the same people, nobody sees another's graph."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TypeAlias
from uuid import UUID

import pytest

from recollect.domain.errors import NotFoundError
from recollect.domain.filters import subject_is
from recollect.domain.graph import Owner, Triple, entity_id
from recollect.domain.memory import Memory, Vector
from recollect.domain.questions import Question
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.graph import EntityQuery
from recollect.testing.builders import a_change, a_memory, a_scope, adding
from recollect.usecases.browse_graph import BrowseGraph
from recollect.usecases.search_graph import SearchGraph
from tests.promises.graph_worlds import GraphState, GraphWorld, local, servers
from tests.service import embedder

CASES = 100
CASES_ON_SERVERS = 3
STEPS = 12
PAGE = 100
NAMES = ("Mia", "Mia Bergmann", "Mia Bergman", "Tom", "Acme Holdings", "Acme Holding")
"""Some are so much alike that they become one entity's, unless both are new at once."""
TYPES = ("person", "thing")
PREDICATES = ("knows", "lives_in", "likes")
USERS = ("ada", "bob")

View: TypeAlias = tuple[GraphState, dict[str, int], dict[str, int], set[Triple]]
"""What an owner has: in the record, in the graph store, in the entity index, and what is near."""


@dataclass
class Tenants:
    """Two projects of two owners each, who tell of the same people.

    Owners and memories have the same names and ids in both projects.
    """

    world: GraphWorld
    chance: Random
    scopes: list[Scope] = field(default_factory=list)
    told: list[Memory] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, world: GraphWorld, seed: int) -> "Tenants":
        tenants = cls(world, Random(seed))
        for name in ("acme", "other"):
            project = world.use_cases.open_project(f"{name} {seed}")
            tenants.scopes += [a_scope(project, user=user) for user in USERS]
        world.owners.update(tenants.owners)
        for scope in tenants.scopes:
            tenants.tell(scope)
        for _ in range(STEPS):
            tenants.act()
        world.drive_on()
        return tenants

    @property
    def owners(self) -> list[Owner]:
        return [Owner.of(scope) for scope in self.scopes]

    def act(self) -> None:
        """Let somebody add or delete something, or have it followed."""
        steps: list[Callable[[Scope], None]] = [self.tell, self.tell, self.forget, self.follow]
        self.chance.choice(steps)(self.chance.choice(self.scopes))

    def tell(self, scope: Scope) -> None:
        pick = self.chance.choice
        self.count[scope.project] += 1
        number = self.count[scope.project]
        source, target = (f"{pick(NAMES)}:{pick(TYPES)}" for _ in range(2))
        user = f"{scope.owner.name}:user knows {source}"
        text = f"{user}; {source} {pick(PREDICATES)} {target}; Note {number}:thing"
        memory = a_memory(scope, text, id=str(UUID(int=number)), is_graphed=True)
        self.world.use_cases.ports.record.commit(scope.project, a_change(adding(memory)))
        self.told.append(memory)

    def forget(self, scope: Scope) -> None:
        own = [memory for memory in self.told if memory.scope == scope]
        # One stays, so that everybody has a graph.
        if len(own) > 1:
            gone = self.chance.choice(own)
            self.told.remove(gone)
            self.world.use_cases.delete(scope.project, gone.id)

    def follow(self, scope: Scope) -> None:
        self.world.use_cases.write_graph(Owner.of(scope))
        self.world.use_cases.project_graph(Owner.of(scope))

    def delete_project(self, project: str, *, by_name: bool) -> None:
        """Delete everything of a project: subject by subject, or of all users."""
        for user in USERS if by_name else "*":
            request = DeleteAllRequest(project=project, filters={"user_id": user})
            self.world.use_cases.delete_all(request)
        self.world.drive_on()

    def views(self) -> dict[Owner, View]:
        world = self.world
        return {owner: (world.state(owner), *world.projected(owner)) for owner in self.owners}


def assert_apart(tenants: Tenants, views: Mapping[Owner, View]) -> None:
    """Check that each has a graph, and that no id is anywhere in two."""
    of_owner = {
        owner: {*state.versions, *store, *index, *(each.id for each in near)}
        for owner, (state, store, index, near) in views.items()
    }
    everything = [an_id for ids in of_owner.values() for an_id in ids]
    assert len(everything) == len(set(everything))
    for scope in tenants.scopes:
        owner = Owner.of(scope)
        assert views[owner][3]
        others = [an_id for other in tenants.owners if other != owner for an_id in of_owner[other]]
        # Those of aliases, too.
        others += possible_ids([other for other in tenants.owners if other != owner])
        reader = Reader(tenants.world, scope, set(views[owner][0].entities))
        reader.finds_only_its_own(others)


def possible_ids(owners: Sequence[Owner]) -> list[str]:
    return [entity_id(*each) for each in product(owners, NAMES, TYPES)]


@dataclass(frozen=True)
class Reader:
    """Somebody who knows all ids and names, and reads as the owner of these entities."""

    world: GraphWorld
    scope: Scope
    own: set[str]

    @property
    def owner(self) -> Owner:
        return Owner.of(self.scope)

    def finds_only_its_own(self, others: Sequence[str]) -> None:
        ports, owner = self.world.use_cases.ports, self.owner
        assert ports.graph.entities(owner, others) == {}
        assert ports.graph.around(owner, others, limit=PAGE) == []
        assert ports.graph_store.near(owner, others, hops=2, fan_out=PAGE) == []
        self.is_proposed_only_its_own()
        self.browses_only_its_own(others)
        self.searches_only_its_own()

    def is_proposed_only_its_own(self) -> None:
        query = EntityQuery(*self._question(), PAGE)
        [proposed] = self.world.use_cases.ports.entities.propose(self.owner, [query])
        assert proposed
        assert set(proposed) <= self.own

    def browses_only_its_own(self, others: Sequence[str]) -> None:
        ports = self.world.use_cases.ports
        browse = BrowseGraph(ports.graph, ports.record, ports.now)
        views = browse.relations(self.owner, limit=PAGE).relations
        shown = {each.id for view in views for each in (view.source, view.target)}
        shown |= {each.id for each in browse.entities(self.owner, limit=PAGE).entities}
        assert shown
        assert shown <= self.own
        assert {memory.scope for view in views for memory in view.memories} == {self.scope}
        for an_id in others[::9]:
            with pytest.raises(NotFoundError):
                browse.entity(self.owner, an_id)

    def searches_only_its_own(self) -> None:
        ports = self.world.use_cases.ports
        search = SearchGraph(ports.entities, ports.graph_store, ports.graph, ports.record)
        found = search(
            self.scope.project,
            subject_is(self.scope.owner),
            Question(*self._question()),
            limit=PAGE,
            now=ports.now(),
        )
        assert {each.relation.owner for each in found.relations} == {self.owner}
        assert {each.scope for each in found.memories.values()} == {self.scope}

    def _question(self) -> tuple[Vector, tuple[str, ...]]:
        asked = f"whom {' '.join(NAMES)} know"
        [vector] = embedder().embed([asked], "query")
        return vector, tuple(terms(asked))


def assert_deleted_alone(tenants: Tenants, before: Mapping[Owner, View], *, by_name: bool) -> None:
    """Delete one project; check that all of its graphs is gone, and the others are as before."""
    gone = tenants.scopes[0].project
    tenants.delete_project(gone, by_name=by_name)

    for owner, (state, store, index, near) in tenants.views().items():
        if owner.project != gone:
            assert (state, store, index, near) == before[owner]
        elif by_name:
            assert (state.versions, store, index, near) == ({}, {}, {}, set())
        else:
            assert (state.meaning, near) == (({}, {}), set())
            assert (store, index) == (state.versions, state.entity_versions)


def play(world: GraphWorld, seed: int) -> None:
    tenants = Tenants.of(world, seed)
    views = tenants.views()
    assert_apart(tenants, views)
    assert_deleted_alone(tenants, views, by_name=bool(seed % 2))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphWorld]:
    """One world for all cases: each has projects of its own."""
    with local(tmp_path_factory.mktemp("tenants")) as world:
        yield world


@pytest.fixture(scope="module")
def world_on_servers() -> Iterator[GraphWorld]:
    with servers() as deployed, deployed.world() as world:
        yield world


@pytest.mark.parametrize("seed", range(CASES))
def test_promises_10_and_13_nobody_has_a_part_of_anothers_graph(
    world: GraphWorld, seed: int
) -> None:
    play(world, seed)


@pytest.mark.engines
@pytest.mark.parametrize("seed", range(CASES_ON_SERVERS))
def test_promises_10_and_13_nobody_has_a_part_of_anothers_graph_on_servers(
    world_on_servers: GraphWorld, seed: int
) -> None:
    play(world_on_servers, seed)
