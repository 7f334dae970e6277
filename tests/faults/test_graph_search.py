"""Searches and adds of one warm environment while the graph's server is killed, gone, or frozen."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import pytest

from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.adapters.local.wake_ups import News
from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.graph import Owner
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from recollect.usecases.rebuild_graph import RenewGraph
from recollect.usecases.search_memories import SearchResult
from tests.aws import Engines, engines
from tests.faults.own_gremlin import OwnGremlin, own_gremlin
from tests.service import Clock, UseCases

pytestmark = [
    pytest.mark.engines,
    # A server outlives the object that started it.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

TIMEOUT_SECONDS = 3.0
"""As in production: for each of two attempts, of which the second is not made after a time-out."""
IN_TIME_SECONDS = 10.0
"""With what closing takes, and the rest of a search on a busy machine."""
ADA, BEN = "Who lives in Lisbon?", "Who works at Acme?"
LISBON, ACME = ("ada", "lives_in", "Lisbon"), ("ben", "works_at", "Acme")
LATER = timedelta(minutes=10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnGremlin]:
    with own_gremlin(tmp_path_factory.mktemp("gremlin")) as own:
        yield own


@pytest.fixture(scope="module")
def deployed() -> Iterator[Engines]:
    with engines() as built:
        yield built


@dataclass(frozen=True)
class Warm:
    """One execution environment: objects, a connection, and two users with a graph each."""

    service: UseCases
    ada: Scope
    ben: Scope

    def follow(self) -> None:
        """Do what those behind the queues do; what cannot be done now is given up."""
        for news, work in (
            (self.service.ports.wake_ups.unread, self.service.write_graph),
            (self.service.ports.wake_ups.unprojected, self.service.project_graph),
        ):
            for owner in taken(news):
                try:
                    work(owner)
                except UnavailableError:
                    continue

    def tell(self, scope: Scope, text: str) -> None:
        assert self.service.say(scope, text, is_graphed=True).outcomes
        self.follow()

    def renew(self) -> None:
        """Write the graphs again, as `recollect rebuild graph` has it done: the server is empty."""
        renew = RenewGraph(
            self.service.ports.graph_outbox, self.service.project_graph, self.service.ports.now
        )
        for scope in (self.ada, self.ben):
            renew(Owner.of(scope))

    def maintain(self) -> None:
        self.service.clock.forward(LATER)
        self.service.maintain(stale_after=LATER / 2)
        self.follow()

    def search(self, scope: Scope, question: str) -> "Answer":
        began = time.monotonic()
        matching = subject_is(scope.owner)
        result = self.service.search(scope.project, question, matching, with_graph=True)
        return Answer(result, time.monotonic() - began)

    def of_ada(self) -> "Answer":
        return self.search(self.ada, ADA)

    def of_ben(self) -> "Answer":
        return self.search(self.ben, BEN)


@dataclass(frozen=True)
class Answer:
    """What a search found, and how long that took."""

    result: SearchResult
    seconds: float

    @property
    def relations(self) -> list[tuple[str, str, str]]:
        return [
            (each.source.name, each.relation.triple.predicate, each.target.name)
            for each in self.result.relations or ()
        ]

    @property
    def is_without_graph(self) -> bool:
        """Tell whether it has the memories in time, no relations, and says so."""
        is_said = self.result.degraded == ("graph",)
        has_memories = bool(self.result.found) and self.result.relations == ()
        return is_said and has_memories and self.seconds < IN_TIME_SECONDS


def taken(news: News[Owner]) -> list[Owner]:
    return news.take(limit=100)


@pytest.fixture
def warm(server: OwnGremlin, deployed: Engines) -> Iterator[Warm]:
    with closing(GremlinConnection(server.url, dict, TIMEOUT_SECONDS)) as connection:
        use_cases = deployed.use_cases(Clock())
        service = use_cases.having(graph_store=GremlinGraphStore(connection.ask))
        project = service.open_project("acme")
        built = Warm(service, a_scope(project, user="ada"), a_scope(project, user="ben"))
        built.tell(built.ada, "I live in Lisbon.")
        built.tell(built.ben, "I work at Acme.")
        assert (built.of_ada().relations, built.of_ben().relations) == ([LISBON], [ACME])
        yield built


def test_while_the_server_is_gone_memories_are_found_and_afterwards_relations_again(
    server: OwnGremlin, warm: Warm
) -> None:
    server.kill()
    meanwhile = [warm.of_ada(), warm.of_ben(), warm.of_ada()]
    server.start()
    warm.renew()
    after = warm.of_ada(), warm.of_ben()

    assert all(each.is_without_graph for each in meanwhile)
    assert [each.relations for each in after] == [[LISBON], [ACME]]
    assert [each.result.degraded for each in after] == [(), ()]


def test_a_restart_between_two_searches_is_not_noticed(server: OwnGremlin, warm: Warm) -> None:
    server.kill()
    server.start()
    with closing(GremlinConnection(server.url, dict, IN_TIME_SECONDS)) as connection:
        # Another environment's projector; the searching one's connection is the broken one.
        other = warm.service.having(graph_store=GremlinGraphStore(connection.ask))
        Warm(other, warm.ada, warm.ben).renew()

    answer = warm.of_ada()

    assert answer.result.degraded == ()
    assert answer.relations == [LISBON]


def test_a_frozen_server_delays_a_search_so_far_and_never_answers_another_one(
    server: OwnGremlin, warm: Warm
) -> None:
    with server.frozen():
        meanwhile = [warm.of_ada(), warm.of_ada()]

    after = [warm.of_ben(), warm.of_ada(), warm.of_ben()]

    assert all(each.is_without_graph for each in meanwhile)
    assert [each.relations for each in after] == [[ACME], [LISBON], [ACME]]
    assert not any(each.result.degraded for each in after)


def test_what_is_said_while_the_server_is_gone_is_in_the_graph_afterwards(
    server: OwnGremlin, warm: Warm
) -> None:
    server.kill()
    warm.tell(warm.ada, "My sister Mia works at Initech.")
    said = warm.search(warm.ada, "Where does Mia work?")
    server.start()

    warm.maintain()

    assert said.is_without_graph
    assert said.result.found[0].memory.text == "My sister Mia works at Initech."
    answer = warm.search(warm.ada, "Where does Mia work?")
    assert answer.relations[0] == ("Mia", "works_at", "Initech")
    assert answer.result.degraded == ()
