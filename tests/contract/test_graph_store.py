"""Every GraphStore of ours passes the published suite, and they agree; what Gremlin stores."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import TraversalStrategies
from gremlin_python.structure.graph import Graph

from recollect.adapters.aws.gremlin import MERGES_PER_TRAVERSAL, GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.adapters.local.graph import LocalGraph
from recollect.adapters.record_graph import RecordGraphStore
from recollect.domain.errors import DefectError
from recollect.domain.graph import Belief, Entity, Owner, Relation, Triple
from recollect.ports.graph import GraphStore
from recollect.testing.builders import NOON, a_scope, an_entity
from recollect.testing.graph_store import *
from recollect.testing.graph_store import ALL, NASTY, Committed, believed, people, retracted
from tests.contract import stores
from tests.engines import gremlin_server

SECONDS = 10.0


@dataclass(frozen=True)
class Tidied:
    """A store that is left as it was found."""

    store: GremlinGraphStore
    owners: set[Owner] = field(default_factory=set)

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        self.owners.add(owner)
        self.store.apply(owner, entities, relations)

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        return self.store.near(owner, entity_ids, hops=hops, fan_out=fan_out)

    def held(self, owner: Owner) -> dict[str, int]:
        return self.store.held(owner)

    def erase(self, owner: Owner) -> None:
        self.store.erase(owner)

    def tidy(self) -> None:
        for owner in self.owners:
            self.store.erase(owner)


@dataclass
class Counted:
    """Asks a server, and counts how often."""

    connection: GremlinConnection
    asked: int = 0

    def __call__(self, traversal: object) -> list[Any]:
        self.asked += 1
        return self.connection.ask(traversal)

    def during(self, call: Callable[[], object]) -> int:
        """Return how often a call asked."""
        before = self.asked
        call()
        return self.asked - before


@contextmanager
def record(build: stores.Build, folder: Path) -> Iterator[GraphStore]:
    with build(folder) as store:
        yield Committed(store.graph, RecordGraphStore(store.graph))


@contextmanager
def gremlin(_: Path) -> Iterator[GraphStore]:
    connection = GremlinConnection(gremlin_server(), dict, SECONDS)
    with closing(connection):
        store = Tidied(GremlinGraphStore(connection.ask))
        yield store
        store.tidy()


Adapter: TypeAlias = Callable[[Path], AbstractContextManager[GraphStore]]

PROJECTIONS = [pytest.param(gremlin, id="gremlin", marks=pytest.mark.engines)]
ADAPTERS = [
    pytest.param(partial(record, stores.local), id="local"),
    pytest.param(partial(record, stores.dynamodb), id="dynamodb", marks=pytest.mark.engines),
    *PROJECTIONS,
]


@pytest.fixture(scope="module", params=ADAPTERS)
def graph(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GraphStore]:
    """One store for all tests: each works with owners of its own."""
    adapter: Adapter = request.param
    with adapter(tmp_path_factory.mktemp("graph")) as store:
        yield store


@pytest.fixture(scope="module", params=PROJECTIONS)
def projection(request: pytest.FixtureRequest) -> Iterator[GraphStore]:
    adapter: Adapter = request.param
    with adapter(Path()) as store:
        yield store


@pytest.fixture
def server() -> Iterator[Counted]:
    with closing(GremlinConnection(gremlin_server(), dict, SECONDS)) as connection:
        yield Counted(connection)


@pytest.fixture
def served(server: Counted) -> Iterator[GraphStore]:
    store = Tidied(GremlinGraphStore(server))
    yield store
    store.tidy()


@pytest.mark.engines
@pytest.mark.parametrize("seed", range(6))
def test_the_record_and_the_server_agree(served: GraphStore, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    owner = Owner.of(a_scope())
    entities = people(owner, *(f"Person {number}" for number in range(30)))
    pairs = dict.fromkeys((chance.choice(entities), chance.choice(entities)) for _ in range(90))
    relations = [believed(one, other, mentions=chance.randint(1, 4)) for one, other in pairs]

    with record(stores.local, tmp_path) as recorded:
        both = (recorded, served)
        for store in both:
            store.apply(owner, entities, relations)
        for gone in chance.sample(relations, 20):
            for store in both:
                store.apply(owner, [], [retracted(gone)])

        assert recorded.held(owner) == served.held(owner)
        for _ in range(20):
            ids = [each.id for each in chance.sample(entities, chance.randint(1, 4))]
            ask = {"hops": chance.choice([1, 2]), "fan_out": chance.choice([1, 2, 3, 10, ALL])}
            assert recorded.near(owner, ids, **ask) == served.near(owner, ids, **ask)


@pytest.mark.engines
def test_a_batch_takes_two_round_trips_and_a_search_one(
    served: GraphStore, server: Counted
) -> None:
    owner = Owner.of(a_scope())
    full = people(owner, *(f"Person {number}" for number in range(MERGES_PER_TRAVERSAL)))
    relations = [believed(full[0], other) for other in full]
    one_more = an_entity(owner, "One more")

    assert server.during(lambda: served.apply(owner, full, relations)) == 2
    assert server.during(lambda: served.apply(owner, full, [])) == 1
    assert server.during(lambda: served.apply(owner, [*full, one_more], relations)) == 3
    assert server.during(lambda: served.apply(owner, [], [])) == 0
    everybody = [each.id for each in full]
    for hops, start in product((1, 2), ([full[1].id], [one_more.id], everybody)):
        near = partial(served.near, owner, start, hops=hops, fan_out=3)
        assert server.during(near) == 1
    assert server.during(lambda: served.near(owner, [], hops=2, fan_out=ALL)) == 0
    assert server.during(lambda: served.held(owner)) == 2


@dataclass(frozen=True)
class Watched(LocalGraph):
    """Remembers of how many entities it was asked for the neighbourhood, each time."""

    asked: list[int] = field(default_factory=list)

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        self.asked.append(len(entity_ids))
        return super().around(owner, entity_ids, limit=limit)


def test_the_record_is_read_in_a_round_a_hop(tmp_path: Path) -> None:
    owner = Owner.of(a_scope())
    ada, *others = people(owner, "Ada", *(f"Person {number}" for number in range(6)))
    relations = [believed(ada, other) for other in others]
    watched = Watched(stores.local_store(tmp_path / "recollect.db").database)
    store = Committed(watched, RecordGraphStore(watched))
    store.apply(owner, [ada, *others], relations)

    with closing(watched.database):
        for hops, start, fan_out in [(1, [ada], ALL), (2, [ada, ada], 4), (2, [ada, *others], 4)]:
            store.near(owner, [each.id for each in start], hops=hops, fan_out=fan_out)
        store.near(owner, [], hops=2, fan_out=ALL)

    assert watched.asked == [1, 1, 4, 7]


WRITERS = 8


@pytest.mark.engines
def test_many_connections_make_one_vertex(served: GraphStore, server: Counted) -> None:
    owner = Owner.of(a_scope())
    entities = people(owner, "Ada", "Bob", "Cem")
    relations = [believed(entities[0], other) for other in entities]
    served.apply(owner, [], [])  # so that it tidies up after this owner

    def apply(number: int) -> None:
        with closing(GremlinConnection(gremlin_server(), dict, SECONDS)) as connection:
            store = GremlinGraphStore(connection.ask)
            for version in range(number + 1, 5 * WRITERS + 1, WRITERS):
                newer = [replace(each, version=version, mentions=version) for each in entities]
                store.apply(owner, newer, [replace(each, version=version) for each in relations])

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(apply, range(WRITERS)))

    ids = [*(each.id for each in entities), *(each.triple.id for each in relations)]
    assert served.held(owner) == dict.fromkeys(ids, 5 * WRITERS)
    assert [seen(server, "key", each.id)["mentions"] for each in entities] == [5 * WRITERS] * 3


def seen(server: Counted, *path: str) -> dict[str, Any]:
    """Return the properties of what is found by a vertex's property and its value."""
    source = GraphTraversalSource(Graph(), TraversalStrategies())
    [properties] = server(source.V().has("entity", *path).value_map())
    return {name: value for name, [value] in properties.items()}


def seen_edge(server: Counted, triple: Triple) -> dict[str, Any]:
    source = GraphTraversalSource(Graph(), TraversalStrategies())
    starts = source.V().has("entity", "key", triple.source)
    [properties] = server(starts.out_e("relation").has("key", triple.id).value_map())
    return dict(properties)


@pytest.mark.engines
@pytest.mark.parametrize("text", NASTY)
def test_a_person_sees_every_name_as_it_was_written(
    served: GraphStore, server: Counted, text: str
) -> None:
    entity = an_entity(Owner.of(a_scope()), text, mentions=3)
    served.apply(entity.owner, [entity], [])

    vertex = seen(server, "key", entity.id)

    assert vertex.pop("owner")
    assert vertex == {
        "key": entity.id,
        "name": text,
        "type": "person",
        "mentions": 3,
        "recorded_at": "2026-03-01T12:00:00+00:00",
        "version": 1,
    }


@pytest.mark.engines
def test_a_newer_version_replaces_every_property(served: GraphStore, server: Counted) -> None:
    owner = Owner.of(a_scope())
    ada, bob = people(owner, "Ada", "Bob")
    relation = believed(ada, bob, mentions=2)
    ending = replace(relation, version=2, beliefs=(Belief(None, NOON, NOON),))
    served.apply(owner, [ada, bob], [relation])
    first = seen_edge(server, relation.triple)
    served.apply(owner, [replace(ada, version=2, mentions=9)], [ending])
    second = seen_edge(server, relation.triple)
    served.apply(owner, [], [replace(retracted(ending), version=3)])
    third = seen_edge(server, relation.triple)

    noon = NOON.isoformat()
    assert seen(server, "key", ada.id)["mentions"] == 9
    changing = ("mentions", "is_retracted", "valid_from", "valid_to", "recorded_at", "version")
    assert [[edge.get(name) for name in changing] for edge in (first, second, third)] == [
        [2, False, noon, None, noon, 1],
        [2, False, None, noon, noon, 2],
        [0, True, None, noon, noon, 3],
    ]


@pytest.mark.engines
def test_a_relation_without_its_ends_is_a_defect(served: GraphStore) -> None:
    owner = Owner.of(a_scope())
    ada, nobody = people(owner, "Ada", "Nobody")
    served.apply(owner, [ada], [])

    with pytest.raises(DefectError):
        served.apply(owner, [], [believed(ada, nobody)])
    assert served.held(owner) == {ada.id: 1}
