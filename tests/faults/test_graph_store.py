"""What the graph store answers when its server is killed, gone, or silent."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GOODBYE_SECONDS, GremlinConnection
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.testing.builders import a_scope
from recollect.testing.graph_store import believed, people
from tests.faults.own_gremlin import OwnGremlin, own_gremlin

pytestmark = [
    pytest.mark.engines,
    # A server outlives the object that started it.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

SECONDS = 10.0
"""More than any answer takes, even of a server that has just begun."""
SHORT_SECONDS = 2.0
"""Enough for a server that goes on after a stall."""
SLACK_SECONDS = 2.0
STALLS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnGremlin]:
    with own_gremlin(tmp_path_factory.mktemp("gremlin")) as own:
        yield own


@dataclass
class Signatures:
    """Signs, and remembers how often."""

    made: int = 0

    def __call__(self) -> Mapping[str, str]:
        self.made += 1
        return {}


@dataclass(frozen=True)
class Pairs:
    """Two pairs who know one another: what is near one of them is not near the others."""

    people: list[Entity]
    relations: list[Relation]

    @property
    def owner(self) -> Owner:
        return self.people[0].owner

    def put(self, store: GremlinGraphStore) -> None:
        store.apply(self.owner, self.people, self.relations)

    def near(self, store: GremlinGraphStore, number: int) -> list[Triple]:
        return store.near(self.owner, [self.people[number].id], hops=1, fan_out=1)


@pytest.fixture
def pairs() -> Pairs:
    ada, bob, cem, dan = people(Owner.of(a_scope()), "Ada", "Bob", "Cem", "Dan")
    return Pairs([ada, bob, cem, dan], [believed(ada, bob), believed(cem, dan)])


@pytest.fixture
def sign() -> Signatures:
    return Signatures()


@pytest.fixture
def store(server: OwnGremlin, sign: Signatures) -> Iterator[GremlinGraphStore]:
    """A store with one connection, as an execution environment has it."""
    with closing(GremlinConnection(server.url, sign, SECONDS)) as connection:
        yield GremlinGraphStore(connection.ask)


@pytest.fixture
def impatient(server: OwnGremlin) -> Iterator[GremlinGraphStore]:
    with closing(GremlinConnection(server.url, dict, SHORT_SECONDS)) as connection:
        yield GremlinGraphStore(connection.ask)


def fill(server: OwnGremlin, pairs: Pairs) -> None:
    """Do what another process does meanwhile."""
    with closing(GremlinConnection(server.url, dict, SECONDS)) as connection:
        pairs.put(GremlinGraphStore(connection.ask))


def refused(ask: Callable[[], object]) -> float:
    """Return how many seconds it took to hear that the graph is unavailable."""
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        ask()
    return time.monotonic() - began


def test_a_server_that_was_killed_and_restarted_is_not_noticed(
    server: OwnGremlin, store: GremlinGraphStore, sign: Signatures, pairs: Pairs
) -> None:
    pairs.put(store)
    before = pairs.near(store, 0)
    server.kill()
    server.start()
    fill(server, pairs)

    after = pairs.near(store, 0)

    assert before == after == [pairs.relations[0].triple]
    assert sign.made == 2


def test_while_the_server_is_gone_the_graph_is_unavailable_at_once(
    server: OwnGremlin, store: GremlinGraphStore, pairs: Pairs
) -> None:
    pairs.put(store)
    server.kill()

    took = [refused(lambda: pairs.near(store, 0)), refused(lambda: pairs.put(store))]
    server.start()
    fill(server, pairs)

    assert max(took) < SLACK_SECONDS
    assert pairs.near(store, 0) == [pairs.relations[0].triple]


def test_a_server_that_stalls_never_answers_one_question_with_anothers_answer(
    server: OwnGremlin, impatient: GremlinGraphStore, pairs: Pairs
) -> None:
    fill(server, pairs)
    one, other = ([each.triple] for each in pairs.relations)
    assert pairs.near(impatient, 0) == one

    for _ in range(STALLS):
        with server.frozen():
            took = [refused(lambda: pairs.near(impatient, 0)) for _ in range(2)]

        assert max(took) < SHORT_SECONDS + 2 * GOODBYE_SECONDS + SLACK_SECONDS
        answers = [pairs.near(impatient, number) for number in (2, 3, 0, 1)]
        assert answers == [other, other, one, one]


def test_what_was_applied_while_the_server_stalled_can_be_applied_again(
    server: OwnGremlin, impatient: GremlinGraphStore, pairs: Pairs
) -> None:
    fill(server, pairs)
    newer = [replace(each, version=each.version + 1) for each in pairs.people]

    with server.frozen():
        refused(lambda: impatient.apply(pairs.owner, newer, []))
    impatient.apply(pairs.owner, newer, [])

    held = impatient.held(pairs.owner)
    assert [held[each.id] for each in newer] == [each.version for each in newer]
    assert pairs.near(impatient, 0) == [pairs.relations[0].triple]
