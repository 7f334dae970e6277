"""Every EntityIndex of ours passes the published suite, and they agree; what OpenSearch is sent."""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from opensearchpy import NotFoundError, OpenSearch

from recollect.adapters.aws import entity_documents
from recollect.adapters.aws.entity_index import OpenSearchEntityIndex
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Embedding
from recollect.domain.text import TERMS_VERSION
from recollect.ports.graph import EntityIndex, EntityQuery
from recollect.testing.builders import a_scope, a_vector, an_entity
from recollect.testing.entity_index import *
from recollect.testing.entity_index import DIMENSIONS, Recorded, ids, named, near, placed, toward
from recollect.usecases.rebuild_graph import RenewGraph
from recollect.usecases.verify_graph import VerifyGraph
from tests.contract import stores
from tests.contract.indexes import a_client, drop, no_sleep, some_settings
from tests.contract.opensearch_stub import (
    Behaviour,
    OpenSearchStub,
    Reply,
    Request,
    refusing,
    reset,
    running_stub,
    saying,
    serverless,
)
from tests.engines import endpoint
from tests.service import a_service
from tests.unit.usecases.graph_world import World


@dataclass(frozen=True)
class Refreshed:
    """Shows every change at once: tests do not wait until the engine does."""

    index: EntityIndex
    refresh: Callable[[], None]

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        self.index.put(owner, entities)

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        self.refresh()
        return self.index.propose(owner, queries)

    def held(self, owner: Owner) -> dict[str, int]:
        self.refresh()
        return self.index.held(owner)

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        self.index.erase(owner, keep=keep)


def refresh(engine: OpenSearch, prefix: str) -> None:
    """Show what was written, as far as there is an index."""
    with suppress(NotFoundError):
        engine.indices.refresh(index=f"{prefix}-entities")


@contextmanager
def local(folder: Path) -> Iterator[EntityIndex]:
    with stores.local(folder) as store:
        yield Recorded(store.graph, LocalEntityIndex(store.graph))


@contextmanager
def managed(_: Path) -> Iterator[EntityIndex]:
    settings = some_settings(dimensions=DIMENSIONS)
    with a_client(endpoint("opensearch")) as engine:
        index = OpenSearchEntityIndex(engine, settings, no_sleep)
        yield Refreshed(index, partial(refresh, engine, settings.prefix))
        drop(engine, settings.prefix)


@contextmanager
def collection(_: Path) -> Iterator[EntityIndex]:
    """Yield an index on an engine that refuses what a serverless collection refuses."""
    settings = some_settings(dimensions=DIMENSIONS, versioning="none")
    with (
        running_stub(endpoint("opensearch"), serverless) as stub,
        a_client(stub.url) as client,
        a_client(endpoint("opensearch")) as engine,
    ):
        show = partial(refresh, engine, settings.prefix)
        # Whoever waits long enough sees everything.
        index = OpenSearchEntityIndex(client, settings, lambda _: show())
        yield Refreshed(index, show)
        drop(engine, settings.prefix)


Adapter: TypeAlias = Callable[[Path], AbstractContextManager[EntityIndex]]

PROJECTIONS = [pytest.param(managed, id="opensearch", marks=pytest.mark.engines)]
ADAPTERS = [
    pytest.param(local, id="local"),
    pytest.param(collection, id="serverless", marks=pytest.mark.engines),
    *PROJECTIONS,
]


@pytest.fixture(scope="module", params=ADAPTERS)
def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EntityIndex]:
    """One index for all tests: each works with owners of its own."""
    adapter: Adapter = request.param
    with adapter(tmp_path_factory.mktemp("entities")) as index:
        yield index


@pytest.fixture(scope="module", params=PROJECTIONS)
def projection(request: pytest.FixtureRequest) -> Iterator[EntityIndex]:
    adapter: Adapter = request.param
    with adapter(Path()) as index:
        yield index


@dataclass(frozen=True)
class Served:
    """An index on the real engine, behind a server that can misbehave."""

    settings: IndexSettings
    stub: OpenSearchStub
    engine: OpenSearch
    index: OpenSearchEntityIndex

    @property
    def sent(self) -> list[str]:
        return [
            f"{request.method} {request.path.rpartition('/')[2]}" for request in self.stub.requests
        ]

    def refresh(self) -> None:
        refresh(self.engine, self.settings.prefix)

    def show(self, *entities: Entity) -> None:
        self.index.put(entities[0].owner, entities)
        self.refresh()


@pytest.fixture
def served() -> Iterator[Served]:
    settings = some_settings(dimensions=DIMENSIONS)
    with (
        running_stub(endpoint("opensearch")) as stub,
        a_client(stub.url) as client,
        a_client(endpoint("opensearch")) as engine,
    ):
        yield Served(settings, stub, engine, OpenSearchEntityIndex(client, settings, no_sleep))
        drop(engine, settings.prefix)


@pytest.fixture
def prepared(served: Served) -> Served:
    """An index that is there already; only what comes then is counted."""
    served.index.prepare()
    served.stub.requests.clear()
    return served


@pytest.mark.engines
def test_a_put_and_a_search_are_one_request_each(prepared: Served, owner: Owner) -> None:
    entities = [placed(owner, f"Ada {number}", 1, number) for number in range(25)]
    queries = [EntityQuery(toward(1), ("ada",), 5) for _ in range(40)]

    prepared.index.put(owner, entities)
    found = prepared.index.propose(owner, queries)

    assert len(found) == len(queries)
    assert prepared.sent == ["POST _bulk", "POST _msearch"]
    assert len(prepared.stub.requests[1].lines) == 2 * 2 * len(queries)


@pytest.mark.engines
def test_nothing_to_do_asks_nothing(prepared: Served, owner: Owner) -> None:
    prepared.index.put(owner, [])

    assert prepared.index.propose(owner, []) == []
    assert prepared.index.propose(owner, [EntityQuery(toward(0), (), 5)]) == [[]]
    assert prepared.sent == []


@pytest.mark.engines
def test_an_erasure_looks_before_and_after(prepared: Served, owner: Owner) -> None:
    prepared.show(placed(owner, "Ada", 1))
    prepared.stub.requests.clear()

    prepared.index.erase(owner)

    look = ["GET _refresh", "POST _msearch"]
    assert prepared.sent == ["GET _alias", *look, "POST _bulk", *look]


@pytest.mark.engines
def test_before_it_is_made_the_index_is_empty(served: Served, owner: Owner) -> None:
    assert near(served.index, owner, 1) == named(served.index, owner, "ada") == []
    assert served.index.held(owner) == {}
    served.index.erase(owner)


@pytest.mark.engines
def test_a_put_makes_the_index_if_it_is_missing(served: Served, owner: Owner) -> None:
    ada = placed(owner, "Ada", 1)
    served.show(ada)

    assert [sent.partition(" ")[0] for sent in served.sent] == ["POST", "PUT", "POST"]
    assert near(served.index, owner, 1) == ids(ada)
    [made] = served.engine.indices.get(index=f"{served.settings.prefix}-*").values()
    assert made["mappings"]["dynamic"] == "strict"
    assert made["settings"]["index"]["gc_deletes"] == "10m"


@pytest.mark.engines
def test_many_at_once_prepare_one_index(served: Served, owner: Owner) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: served.index.prepare(), range(16)))
    served.show(placed(owner, "Ada", 1))
    served.index.prepare()

    assert len(served.engine.indices.get(index=f"{served.settings.prefix}-*")) == 1
    assert served.index.held(owner)


@pytest.mark.engines
def test_an_index_takes_over_how_late_it_may_be(served: Served) -> None:
    served.index.prepare()
    hasty = replace(served.settings, refresh_seconds=2)
    OpenSearchEntityIndex(served.engine, hasty, no_sleep).prepare()

    [made] = served.engine.indices.get(index=f"{served.settings.prefix}-*").values()
    assert made["settings"]["index"]["refresh_interval"] == "2s"


@pytest.mark.engines
def test_no_name_and_no_owner_is_sent(prepared: Served) -> None:
    owner = Owner.of(a_scope("Hypogeum", user="Klothilde"))
    prepared.show(an_entity(owner, "Zebras' Running Club", type="Hippology"))
    named(prepared.index, owner, "Zebras")
    prepared.index.erase(owner)

    bodies = b"".join(request.body for request in prepared.stub.requests).lower()
    assert b"zebra" in bodies
    for said in (b"zebras", b"running", b"hypogeum", b"klothilde", b"hippology"):
        assert said not in bodies


@pytest.mark.engines
def test_a_vector_of_another_model_is_left_out(prepared: Served, owner: Owner) -> None:
    vector = toward(1)
    other = an_entity(owner, "Ada", embedding=Embedding.of("other", vector))
    wider = an_entity(owner, "Bob", embedding=Embedding.of("test", a_vector(*[1.0] * 9)))
    ours = an_entity(owner, "Cem", embedding=Embedding.of("test", vector))
    prepared.show(other, wider, ours)

    assert near(prepared.index, owner, 1) == ids(ours)
    assert named(prepared.index, owner, "Ada") == ids(other)
    assert named(prepared.index, owner, "Bob") == ids(wider)


@pytest.mark.engines
def test_the_id_of_somebody_elses_overwrites_nothing(prepared: Served, owner: Owner) -> None:
    ada = placed(owner, "Ada", 1)
    strangers = [replace(owner, key="other"), replace(owner, project="other")]
    prepared.show(ada)
    for stranger in strangers:
        prepared.index.put(stranger, [replace(ada, version=10)])
        prepared.index.erase(stranger)

    assert prepared.index.held(owner) == {ada.id: 1}


@pytest.mark.engines
def test_another_model_begins_anew_and_an_erasure_reaches_both(
    served: Served, owner: Owner
) -> None:
    newer = OpenSearchEntityIndex(served.engine, replace(served.settings, model="newer"), no_sleep)
    newer.prepare()
    ada, bob = placed(owner, "Ada", 1), placed(owner, "Bob", 1)
    served.show(ada)
    newer.put(owner, [bob])
    served.refresh()
    before = (served.index.held(owner), newer.held(owner))

    newer.erase(owner)

    assert before == ({ada.id: 1}, {bob.id: 1})
    assert served.index.held(owner) == newer.held(owner) == {}


@contextmanager
def another_release(terms: int) -> Iterator[None]:
    """Have names taken apart by other rules, those of this version, inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entity_documents, "TERMS_VERSION", terms)
        patch.setattr(entity_documents, "terms", str.split)
        yield


@pytest.mark.engines
def test_names_that_an_older_release_took_apart_are_told_and_put_again(
    prepared: Served, owner: Owner
) -> None:
    ada, bob = an_entity(owner, "Ada", version=7), an_entity(owner, "Bob")
    with another_release(TERMS_VERSION - 1):
        prepared.show(ada)
    prepared.show(bob)
    before = prepared.index.held(owner), named(prepared.index, owner, "Ada")

    prepared.show(ada)

    assert before == ({ada.id: 0, bob.id: 1}, [])
    assert prepared.index.held(owner) == {ada.id: 7, bob.id: 1}
    assert named(prepared.index, owner, "Ada") == ids(ada)


@pytest.mark.engines
def test_whoever_compares_is_told_of_such_names_and_sets_them_right(
    prepared: Served, tmp_path: Path
) -> None:
    service = a_service(tmp_path / "recollect.db").having(entities=prepared.index)
    world = World.over(service, service.new_scope(user="ada"))
    world.said("ada:user lives_in Lisbon:place")
    world.written()
    renew = RenewGraph(service.ports.graph_outbox, service.project_graph, service.ports.now)
    ports = service.ports
    verify = VerifyGraph(
        ports.keys, ports.graph, ports.graph_outbox, ports.graph_store, ports.entities, renew
    )

    def compared(*, repair: bool = False) -> tuple[int, int, int]:
        prepared.refresh()
        [report] = verify(lambda *_: None, world.owner.project, repair=repair)
        return report.outdated, report.drift, report.repaired

    with another_release(TERMS_VERSION - 1):
        service.project_graph(world.owner)
        assert compared() == (0, 0, 0)

    assert compared(repair=True) == (2, 2, 1)
    assert compared() == (0, 0, 0)
    service.store.database.close()


@pytest.mark.engines
def test_what_was_erased_comes_back_at_a_later_version_only_whatever_its_terms(
    prepared: Served, owner: Owner
) -> None:
    ada = placed(owner, "Ada", 1)
    prepared.show(ada)
    prepared.index.erase(owner)

    with another_release(TERMS_VERSION + 1):
        prepared.show(ada)
    assert prepared.index.held(owner) == {}

    prepared.show(replace(ada, version=2))
    assert prepared.index.held(owner) == {ada.id: 2}


@pytest.mark.engines
def test_what_is_put_while_it_is_erased_is_erased(prepared: Served, owner: Owner) -> None:
    ada, late = placed(owner, "Ada", 1), replace(placed(owner, "Ada", 1), version=2)
    writer = OpenSearchEntityIndex(prepared.engine, prepared.settings, no_sleep)
    prepared.show(ada)

    def interrupt(_: Request) -> None:
        writer.put(owner, [late, an_entity(owner, "Bob")])

    # After the first look, before the removal.
    prepared.stub.next.extend([_pass_on, _pass_on, interrupt])
    prepared.index.erase(owner)

    assert not prepared.stub.next
    prepared.refresh()
    assert prepared.index.held(owner) == {}


@pytest.mark.engines
def test_an_erasure_that_never_catches_up_is_given_up(prepared: Served, owner: Owner) -> None:
    writer = OpenSearchEntityIndex(prepared.engine, prepared.settings, no_sleep)
    prepared.show(placed(owner, "Ada", 1))

    def interrupt(request: Request) -> None:
        if request.path.endswith("_refresh"):
            writer.put(owner, [an_entity(owner, f"Ada {len(prepared.stub.requests)}")])

    prepared.stub.next.extend([interrupt] * 20)
    with pytest.raises(UnavailableError, match="while they are erased"):
        prepared.index.erase(owner)


def _pass_on(_: Request) -> None:
    """Leave it to the engine."""


@pytest.mark.engines
@pytest.mark.parametrize("seed", range(3))
def test_both_editions_agree(served: Served, tmp_path: Path, owner: Owner, seed: int) -> None:
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(15)]
    entities = [
        replace(
            placed(
                owner,
                " ".join(chance.choices(words, k=chance.randint(1, 4))) + f" {number}",
                *(chance.gauss(0, 1) for _ in range(DIMENSIONS)),
            ),
            mentions=chance.choice([0, 1, 2]),
        )
        for number in range(90)
    ]
    served.show(*entities)

    with local(tmp_path) as exact:
        exact.put(owner, entities)
        assert exact.held(owner) == served.index.held(owner)
        for _ in range(30):
            vector = a_vector(*(chance.gauss(0, 1) for _ in range(DIMENSIONS)))
            # Of the names even among equals: the last number makes each unlike the others.
            asked = tuple(chance.sample(words, 3))
            query = [EntityQuery(vector, asked, 10)]
            by_name = [EntityQuery(toward(0), asked, 10)]
            assert exact.propose(owner, by_name) == served.index.propose(owner, by_name)
            assert exact.propose(owner, query) == served.index.propose(owner, query)


OPERATIONS: dict[str, Callable[[OpenSearchEntityIndex, Owner], object]] = {
    "put": lambda index, owner: index.put(owner, [placed(owner, "Ada", 1)]),
    "propose": lambda index, owner: near(index, owner, 1),
    "held": lambda index, owner: index.held(owner),
    "erase": lambda index, owner: index.erase(owner),
    "prepare": lambda index, _: index.prepare(),
}
FAULTS: dict[str, Behaviour] = {
    "403": saying(b'{"Message": "SECRET"}', 403),
    "429": refusing(429),
    "500": refusing(500),
    "reset": reset,
    "not json": saying(b"<html>SECRET</html>"),
    "an error in a list": saying(b'["SECRET"]', 500),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_is_said_without_what_the_engine_quotes(
    operation: str, fault: str, owner: Owner
) -> None:
    settings = some_settings(dimensions=DIMENSIONS)
    with running_stub(None, FAULTS[fault]) as stub, a_client(stub.url) as client:
        index = OpenSearchEntityIndex(client, settings, no_sleep)
        with pytest.raises(UnavailableError) as caught:
            OPERATIONS[operation](index, owner)

    assert str(caught.value).startswith("The search index ")
    assert "SECRET" not in str(caught.value)


def test_an_index_that_cannot_be_made_is_given_up(owner: Owner) -> None:
    gone = {"status": 400, "error": {"type": "invalid_index_name_exception"}}
    answers: list[Behaviour] = [
        lambda request: (
            Reply.of(200, {"items": [{"index": gone}]}) if request.path == "/_bulk" else None
        ),
        saying(b"{}"),
    ]
    with running_stub(None, *answers) as stub, a_client(stub.url) as client:
        index = OpenSearchEntityIndex(client, some_settings(dimensions=DIMENSIONS), no_sleep)
        with pytest.raises(UnavailableError, match="gone"):
            index.put(owner, [placed(owner, "Ada", 1)])
