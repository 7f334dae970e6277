"""Both editions with graph projections that can be behind, and what their graphs have to be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from opensearchpy import NotFoundError, OpenSearch

from recollect.adapters.aws.entity_index import OpenSearchEntityIndex
from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.adapters.local.store import LocalStore
from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.domain.memory import Memory
from recollect.ports.graph import GraphRecord
from recollect.testing.builders import a_change, adding
from recollect.usecases.walking import graph_pages, pages
from tests.aws import Engines, engines
from tests.contract.indexes import a_client, drop, no_sleep, some_settings
from tests.engines import endpoint, gremlin_server
from tests.promises.graph_copies import CopiedIndex, CopiedStore
from tests.promises.test_isolation import HastyDatabase
from tests.service import RESIDENT_BYTES, Clock, Ids, Ports, UseCases, a_service, embedder
from tests.unit.usecases.graph_world import Notation

LATER = timedelta(hours=1)
"""When every lease has run out."""
ROUNDS = 20
"""Of maintenance, after which nothing may be left to do; two are enough as a rule."""
GREMLIN_SECONDS = 10.0
EVERYTHING = 1_000


class CrashError(BaseException):
    """The end of a process, as far as one process can have it more than once."""


@dataclass
class Fate:
    """Something happens to a process before it makes the call of this number, and only then."""

    calls_left: int
    happens: Callable[[], object]

    def pass_by(self) -> None:
        self.calls_left -= 1
        if self.calls_left == -1:
            self.happens()


@dataclass(frozen=True)
class Fated:
    """A port whose every call may be the one before which something happens."""

    port: Any
    fate: Fate

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        method = getattr(self.port, name)

        def call(*args: object, **options: object) -> object:
            self.fate.pass_by()
            return method(*args, **options)

        return call


@dataclass(frozen=True)
class GraphWorld:
    """Somebody's edition; `show` has its entity index show what was put."""

    use_cases: UseCases
    show: Callable[[], object]
    owners: set[Owner] = field(default_factory=set)
    """Whose graphs are removed in the end."""

    def fated(self, fate: Fate) -> UseCases:
        """Return the same service as a process to which something happens in between."""
        ports = self.use_cases.ports
        names = ("record", "graph", "graph_outbox", "graph_store", "entities", "wake_ups")
        return self.use_cases.having(**{each: Fated(getattr(ports, each), fate) for each in names})

    def drive_on(self) -> None:
        """Let time pass, and have maintenance and everybody behind queues do all there is to do."""
        use_cases, wake_ups = self.use_cases, self.use_cases.ports.wake_ups
        for _ in range(ROUNDS):
            use_cases.clock.forward(LATER)
            left = use_cases.drive_on(stale_after=timedelta(0))
            for project, keys in wake_ups.subjects.take(limit=EVERYTHING):
                use_cases.project_changes(project, keys)
            for owner in wake_ups.unread.take(limit=EVERYTHING):
                use_cases.write_graph(owner)
            for owner in wake_ups.unprojected.take(limit=EVERYTHING):
                use_cases.project_graph(owner)
            if not left:
                return
        message = "there is always something left to do"
        raise AssertionError(message)

    def state(self, owner: Owner) -> "GraphState":
        """Return what the record has of an owner's graph."""
        return GraphState.of(self.use_cases.ports.graph, owner)

    def projected(self, owner: Owner) -> tuple[dict[str, int], dict[str, int], set[Triple]]:
        """Return the versions in the graph store and in the entity index, and what is near."""
        ports = self.use_cases.ports
        self.show()
        store = ports.graph_store
        ids = list(self.state(owner).entities)
        near = store.near(owner, ids, hops=1, fan_out=EVERYTHING) if ids else []
        assert len(near) == len(set(near))
        return store.held(owner), ports.entities.held(owner), set(near)

    def living(self, owner: Owner) -> dict[str, Memory]:
        """Return the owner's memories that are in the graph."""
        everything = pages(self.use_cases.ports.listing, owner.project)
        return {
            memory.id: memory
            for page in everything
            for memory in page
            if memory.is_graphed and Owner.of(memory.scope) == owner
        }


@dataclass(frozen=True)
class GraphState:
    """Everything of one owner's graph in the record."""

    entities: Mapping[str, Entity]
    relations: Mapping[Triple, Relation]

    @classmethod
    def of(cls, graph: GraphRecord, owner: Owner) -> "GraphState":
        entities: dict[str, Entity] = {}
        relations: dict[Triple, Relation] = {}
        for some, beginning in graph_pages(graph, owner):
            entities.update((each.id, each) for each in some)
            relations.update((each.triple, each) for each in beginning)
        return cls(entities, relations)

    @property
    def versions(self) -> dict[str, int]:
        """By the ids of entities and relations, as a graph store tells them."""
        return self.entity_versions | {
            each.triple.id: each.version for each in self.relations.values()
        }

    @property
    def entity_versions(self) -> dict[str, int]:
        return {each.id: each.version for each in self.entities.values()}

    @property
    def believed(self) -> set[Triple]:
        return {triple for triple, relation in self.relations.items() if relation.belief}

    @property
    def meaning(self) -> tuple[dict[str, int], dict[Triple, object]]:
        """What is mentioned how often and what is believed why, however that came to be."""
        mentions = {key: each.mentions for key, each in self.entities.items() if each.mentions}
        believed: dict[Triple, object] = {
            triple: (
                sorted(each.support, key=lambda support: support.memory_id),
                (belief.valid_from, belief.valid_to),
                each.is_exclusive,
            )
            for triple, each in self.relations.items()
            if (belief := each.belief)
        }
        return mentions, believed


def assert_right(world: GraphWorld, owner: Owner) -> None:
    """Check that nothing is left to do for a graph, and that it is what the memories say.

    That is so in the record, in the graph store and in the entity index.
    """
    outbox = world.use_cases.ports.graph_outbox
    assert outbox.unread(owner, limit=EVERYTHING) == []
    assert outbox.unprojected(owner, limit=EVERYTHING) == []
    assert outbox.aside(limit=EVERYTHING) == []
    state, memories = world.state(owner), world.living(owner)
    store, index, near = world.projected(owner)
    assert (store, index) == (state.versions, state.entity_versions)
    assert near == state.believed
    _assert_supported(state, owner, memories)
    assert state.meaning == recomputed(owner, memories).meaning


def _assert_supported(state: GraphState, owner: Owner, memories: Mapping[str, Memory]) -> None:
    """Check that what is believed is said by living memories of the owner, and that by nobody."""
    for relation in state.relations.values():
        assert relation.owner == owner
        assert {each.memory_id for each in relation.support} <= memories.keys()
        assert bool(relation.belief) == bool(relation.support)
        assert set(relation.triple.ends) <= state.entities.keys()
    assert {each.owner for each in state.entities.values()} <= {owner}


def recomputed(owner: Owner, memories: Mapping[str, Memory]) -> GraphState:
    """Return the graph that is made of these memories alone, by a writer who knows nothing else."""
    with TemporaryDirectory() as folder, hasty_service(Path(folder)) as service:
        service.open_project(owner.project)
        for memory in memories.values():
            first = replace(memory, version=1)
            service.ports.record.commit(owner.project, a_change(adding(first)))
        service.having(graph_reader=Notation()).write_graph(owner)
        return GraphState.of(service.ports.graph, owner)


class HastyStore(LocalStore):
    """A store that never waits for the disk: these tests are not about power cuts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, embedding_model=embedder().model, resident_bytes=RESIDENT_BYTES)
        self.database = HastyDatabase(path, ())
        ports = {name: port for name, port in vars(self).items() if hasattr(port, "database")}
        vars(self).update({name: replace(ports[name], database=self.database) for name in ports})


@cache
def _empty_file() -> bytes:
    """Return a data file that has just been made, which takes some waiting for the disk."""
    with TemporaryDirectory() as folder:
        service = a_service(Path(folder) / "recollect.db")
        service.store.database.close()
        return service.store.path.read_bytes()


@contextmanager
def hasty_service(folder: Path) -> Iterator[UseCases]:
    """Yield the local edition over a new data file."""
    path = folder / "recollect.db"
    path.write_bytes(_empty_file())
    store, clock = HastyStore(path), Clock()
    with closing(store.database):
        yield UseCases(ports=Ports.over(store, store.index, clock, Ids()), clock=clock)


Build: TypeAlias = Callable[[], AbstractContextManager[GraphWorld]]


@contextmanager
def local(folder: Path) -> Iterator[GraphWorld]:
    """Yield the local edition in a new file, with projections in memory."""
    with hasty_service(folder) as service:
        yield GraphWorld(
            service.having(
                graph_reader=Notation(), graph_store=CopiedStore(), entities=CopiedIndex()
            ),
            _nothing,
        )


@contextmanager
def local_alone(folder: Path) -> Iterator[GraphWorld]:
    """Yield the local edition as it is: its record is its graph store and its entity index."""
    with hasty_service(folder) as service:
        yield GraphWorld(service.having(graph_reader=Notation()), _nothing)


@dataclass(frozen=True)
class Servers:
    """What worlds on engines stand on."""

    deployed: Engines
    entities: OpenSearchEntityIndex
    show: Callable[[], object]
    gremlin: GremlinConnection

    @contextmanager
    def world(self, reader: Any = None) -> Iterator[GraphWorld]:  # noqa: ANN401
        """Yield the AWS edition; what its owners have in the graph server is removed then."""
        use_cases = self.deployed.use_cases(Clock())
        world = GraphWorld(
            use_cases.having(
                graph_reader=reader or Notation(),
                graph_store=GremlinGraphStore(self.gremlin.ask),
                entities=self.entities,
            ),
            self.show,
        )
        yield world
        for owner in world.owners:
            world.use_cases.ports.graph_store.erase(owner)


@contextmanager
def servers() -> Iterator[Servers]:
    """Yield DynamoDB, a Gremlin server and OpenSearch, with tables and indices of their own."""
    settings = some_settings(model=embedder().model, dimensions=embedder().dimensions)
    with (
        engines() as deployed,
        closing(GremlinConnection(gremlin_server(), dict, GREMLIN_SECONDS)) as connection,
        a_client(endpoint("opensearch")) as client,
    ):
        entities = OpenSearchEntityIndex(client, settings, no_sleep)
        entities.prepare()
        yield Servers(deployed, entities, partial(_refresh, client, settings.prefix), connection)
        drop(client, settings.prefix)


def _refresh(client: OpenSearch, prefix: str) -> None:
    with suppress(NotFoundError):
        client.indices.refresh(index=f"{prefix}-entities")


def _nothing() -> None:
    """Do nothing: what is in memory shows at once."""
