"""How often the graph asks models, indexes, stores and the record: exact numbers."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from opensearchpy import Transport

from recollect.adapters.aws.entity_index import OpenSearchEntityIndex
from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.adapters.aws.wake_ups import SqsWakeUps
from recollect.domain.filters import subject_is
from recollect.domain.filters.logic import any_of
from recollect.domain.graph import Owner
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from recollect.usecases.search_memories import SearchMemories, SearchResult
from recollect.usecases.write_graph import BATCH
from tests.aws import Engines, make_queue
from tests.engines import endpoint, gremlin_server
from tests.service import Clock, Service, UseCases, embedder
from tests.unit.usecases.graph_world import Notation
from tests.unit.usecases.test_round_trips import Counted

WATCHED = (
    *("record", "episodes", "scopes", "listing", "outbox", "jobs", "index"),
    *("graph", "graph_outbox", "graph_store", "entities"),
    *("graph_reader", "embedder", "extractor", "decider", "describer"),
    "wake_ups",
)
MODELS = ("graph_reader", "extractor", "decider", "describer")
HOME = "ada:user lives_in Lisbon:city"
GREMLIN_SECONDS = 10.0


def watched(service: UseCases, **ports: object) -> tuple[UseCases, Counter[str]]:
    """Return the same service, and the calls that it makes from now on."""
    calls: Counter[str] = Counter()
    given = {name: ports.get(name, getattr(service.ports, name)) for name in WATCHED}
    counted = {name: Counted(name, port, calls) for name, port in given.items()}
    return service.having(**counted), calls


def told(service: UseCases, scope: Scope, *texts: str) -> None:
    service.say(scope, *texts, is_graphed=True)


def written(service: UseCases, scope: Scope, reader: Notation | None = None) -> Counter[str]:
    """Return what the graph writer asks when it hears of the scope's owner."""
    writer, calls = watched(service, graph_reader=reader or Notation())
    writer.write_graph(Owner.of(scope))
    return calls


def asked(search: SearchMemories, *users: Scope, with_graph: bool | None) -> SearchResult:
    matching = any_of(subject_is(each.owner) for each in users)
    return search(users[0].project, "Who lives in Lisbon?", matching, with_graph=with_graph)


# The graph writer.


@pytest.mark.parametrize("memories", [1, 10])
def test_a_batch_is_one_question_one_embedding_and_one_search(
    edition: UseCases, memories: int
) -> None:
    scope = edition.new_scope(user="ada")
    for number in range(memories):
        told(edition, scope, f"ada:user likes Thing {number}:thing")

    calls = written(edition, scope)

    assert calls == {
        "graph_outbox.unread": 1 + 1,  # the batch, and that there is no other
        "record.get": 1,
        "graph.readings": 1,
        "graph_reader.read": 1,
        "graph.entities": 2,  # by the names, and what the index proposes
        "embedder.embed": 1,
        "entities.propose": 1,
        "graph_outbox.fresh": 1,
        "graph.room": 1,
        "graph.commit": 1,
        "wake_ups.project_graph": 1,
    }


def test_a_full_batch_is_one_question_however_many_commits_it_takes(edition: UseCases) -> None:
    scope = edition.new_scope(user="ada")
    told(edition, scope, *(f"ada:user likes Thing {number}:thing" for number in range(BATCH)))

    calls = written(edition, scope)

    # A transaction of DynamoDB holds what half of them say.
    commits = 1 if isinstance(edition, Service) else 2
    assert calls["graph_reader.read"] == 1
    assert calls["graph.commit"] == commits
    assert (
        calls["embedder.embed"] == calls["entities.propose"] == (1 if commits == 1 else 1 + commits)
    )


def test_what_is_known_by_name_is_neither_embedded_nor_searched(edition: UseCases) -> None:
    scope = edition.new_scope(user="ada")
    told(edition, scope, HOME, "ada:user likes Porto:city")
    written(edition, scope)
    told(edition, scope, "ada:user visited Porto:city")

    calls = written(edition, scope)

    assert calls["graph_reader.read"] == 1
    assert not calls["embedder.embed"] + calls["entities.propose"] + calls["graph_reader.exclude"]


@pytest.mark.parametrize(
    ("predicate", "questions"), [("likes", 0), ("lives_in", 0), ("drives_to", 1)]
)
def test_a_rival_is_asked_about_only_where_the_predicate_does_not_tell(
    edition: UseCases, predicate: str, questions: int
) -> None:
    scope = edition.new_scope(user="ada")
    told(edition, scope, f"ada:user {predicate} Lisbon:city")
    first = written(edition, scope)
    told(edition, scope, f"ada:user {predicate} Porto:city", f"ada:user {predicate} Faro:city")

    then = written(edition, scope)

    assert first["graph_reader.exclude"] == 0
    assert (then["graph_reader.read"], then["graph_reader.exclude"]) == (1, questions)


def test_a_late_message_looks_once_and_does_nothing_else(edition: UseCases) -> None:
    scope = edition.new_scope(user="ada")
    told(edition, scope, HOME)
    written(edition, scope)

    assert written(edition, scope) == {"graph_outbox.unread": 1}


# Searches.


@pytest.fixture
def homes(edition: UseCases) -> list[Scope]:
    """Two users of a project, in the graph."""
    project = edition.open_project("acme")
    scopes = [a_scope(project, user=name) for name in ("ada", "ben")]
    writing = edition.having(graph_reader=Notation())
    for scope in scopes:
        told(edition, scope, f"{scope.owner.name}:user lives_in Lisbon:city")
        writing.write_graph(Owner.of(scope))
        edition.project_graph(Owner.of(scope))
    return scopes


@pytest.mark.parametrize("owners", [1, 2])
def test_a_search_in_graphs_asks_index_and_store_once_for_each_owner_and_no_model(
    edition: UseCases, homes: list[Scope], owners: int
) -> None:
    without, plain = watched(edition)
    assert asked(without.search, *homes[:owners], with_graph=False).relations is None
    service, calls = watched(edition)

    result = asked(service.search, *homes[:owners], with_graph=True)

    assert len(result.relations or ()) == owners
    calls.subtract(plain)
    assert {name: count for name, count in calls.items() if count} == {
        "entities.propose": owners,
        "graph_store.near": owners,
        "graph.relations": owners,
        "graph.entities": owners,
        "record.get": 1,
        "graph.readings": 1,  # whether what memories say has been read
    }
    assert not any(name.startswith(MODELS) for name in calls)


@pytest.mark.parametrize("with_graph", [None, False])
def test_a_search_without_the_graph_costs_what_it_costs_where_there_is_none(
    edition: UseCases, homes: list[Scope], *, with_graph: bool | None
) -> None:
    service, calls = watched(edition)
    nowhere, plain = watched(edition)

    found = asked(service.search, homes[0], with_graph=with_graph)
    nothing = asked(replace(nowhere.search, search_graph=None), homes[0], with_graph=True)

    assert found.relations is nothing.relations is None
    assert calls == plain
    assert not {name for name in calls if name.startswith(("graph", "entities"))}


# The same as requests to AWS.


@dataclass(frozen=True)
class Remote:
    """The AWS edition with a graph on OpenSearch and Gremlin, and a scope that was written to."""

    service: UseCases
    known: Scope
    clients: tuple[Any, ...]
    traversals: list[object]

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Count the requests that are made in the block: by operation, or by their engine."""
        calls: Counter[str] = Counter()
        before = len(self.traversals)
        perform = Transport.perform_request

        def count(model: object, **_: object) -> None:
            calls[getattr(model, "name")] += 1  # noqa: B009 - botocore has no types

        def search(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - as the transport
            calls["OpenSearch"] += 1
            return perform(*given, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "perform_request", search)
            for client in self.clients:
                client.meta.events.register("before-call", count, unique_id="counting")
            yield calls
            for client in self.clients:
                client.meta.events.unregister("before-call", unique_id="counting")
        if made := len(self.traversals) - before:
            calls["Gremlin"] = made

    def add(self, text: str, *, is_graphed: bool | None) -> Counter[str]:
        with self.counted() as calls:
            self.service.say(self.known, text, is_graphed=is_graphed)
        return calls

    def search(self, search: SearchMemories, *, with_graph: bool | None) -> Counter[str]:
        with self.counted() as calls:
            result = asked(search, self.known, with_graph=with_graph)
        assert result.degraded == ()
        assert bool(result.relations) is bool(with_graph and search.search_graph)
        return calls


@pytest.fixture
def remote(deployed: Engines) -> Iterator[Remote]:
    name = f"calls-{uuid4().hex[:12]}"
    traversals: list[object] = []
    sqs = boto3.client("sqs", endpoint_url=endpoint("sqs"))
    queues = [make_queue(sqs, f"{name}{ending}") for ending in ("", ".fifo", "-projections")]
    opensearch = opensearch_client(
        endpoint("opensearch"), auth="none", session=boto3.Session(), timeout_seconds=10
    )
    settings = IndexSettings(
        prefix=name,
        model=embedder().model,
        dimensions=embedder().dimensions,
        engine="lucene",
        refresh_seconds=1,
    )
    entities = OpenSearchEntityIndex(opensearch, settings, time.sleep)
    entities.prepare()
    connection = GremlinConnection(gremlin_server(), dict, GREMLIN_SECONDS)

    def ask(traversal: object) -> list[Any]:
        traversals.append(traversal)
        return connection.ask(traversal)

    service = deployed.use_cases(Clock()).having(
        graph_store=GremlinGraphStore(ask),
        graph_reader=Notation(),
        entities=entities,
        wake_ups=SqsWakeUps(
            client=sqs,
            index_queue_url=queues[0],
            graph_queue_url=queues[1],
            graph_projection_queue_url=queues[2],
            new_token=lambda: uuid4().hex,
        ),
    )
    known = service.new_scope(user="ada")
    owner = Owner.of(known)
    told(service, known, HOME)
    service.write_graph(owner)
    service.project_graph(owner)
    with closing(connection), closing(opensearch), closing(sqs):
        yield Remote(service, known, (deployed.store.dynamodb, deployed.store.s3, sqs), traversals)
        service.ports.graph_store.erase(owner)
        opensearch.indices.delete(index=f"{name}-*")
        for url in queues:
            sqs.delete_queue(QueueUrl=url)


@pytest.mark.engines
def test_an_add_for_the_graph_is_one_message_more_and_nothing_else(remote: Remote) -> None:
    nowhere = replace(remote.service.add, has_graph=False)
    said = AddRequest(
        scope=remote.known,
        messages=(Message("user", "I own 7 pens"),),
        infer=False,
        is_graphed=True,
    )
    without = [
        remote.add("I own a pen", is_graphed=None),
        remote.add("I own 2 pens", is_graphed=False),
    ]
    with remote.counted() as plain:
        nowhere(said, None)
    graphed = remote.add("I own 8 pens", is_graphed=True)

    assert without == [plain, plain]
    assert plain["SendMessage"] == 1
    assert graphed - plain == {"SendMessage": 1}
    assert plain - graphed == {}


@pytest.mark.engines
def test_a_late_message_is_one_query(remote: Remote) -> None:
    with remote.counted() as calls:
        remote.service.write_graph(Owner.of(remote.known))

    assert calls == {"Query": 1}


@pytest.mark.engines
def test_a_search_in_a_graph_is_one_request_more_to_each_engine(remote: Remote) -> None:
    search = remote.service.search
    nowhere = replace(search, search_graph=None)

    plain = remote.search(nowhere, with_graph=True)
    without = [remote.search(search, with_graph=each) for each in (None, False)]
    graphed = remote.search(search, with_graph=True)

    assert without == [plain, plain]
    assert plain["OpenSearch"] == 1
    # In the record: the relations, their ends, the memories that say so, and what was read in them.
    assert graphed - plain == {"OpenSearch": 1, "Gremlin": 1, "BatchGetItem": 4}
