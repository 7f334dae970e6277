"""What a connection to a Gremlin server does when it breaks, stalls, or is told no."""

import logging
import select
import socket
import socketserver
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from gremlin_python.process.graph_traversal import (
    GraphTraversalSource,
    __,
)
from gremlin_python.process.traversal import T, TraversalStrategies
from gremlin_python.structure.graph import Graph

from recollect.adapters.aws.gremlin_connection import (
    GOODBYE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MAX_TRIES,
    GremlinConnection,
)
from recollect.domain.errors import DefectError, UnavailableError
from recollect.testing.store import at_once
from tests.engines import gremlin_server

pytestmark = pytest.mark.engines

SECONDS = 10.0
"""More than any answer takes."""
SHORT_SECONDS = 0.5
SLACK_SECONDS = 2.0
LOOK_SECONDS = 0.02
NOBODY = "ws://127.0.0.1:1/gremlin"

g = GraphTraversalSource(Graph(), TraversalStrategies())


class Proxy(socketserver.ThreadingTCPServer):
    """Stands before the server, and cuts connections or holds back answers on demand."""

    daemon_threads = False

    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.server = server
        self.closing = Event()
        self.is_stalled = Event()
        self.passages: list[_Passage] = []
        self.questions_to_cut = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server_address[1]}/gremlin"

    def cut(self) -> None:
        """Break every connection, and return when it is broken."""
        for passage in self.passages:
            passage.is_cut.set()
        for passage in self.passages:
            assert passage.is_over.wait(SECONDS)


class _Passage(socketserver.BaseRequestHandler):
    """One client's connection, and one of its own to the server."""

    server: Proxy

    def setup(self) -> None:
        self.is_cut = Event()
        self.is_over = Event()
        self.is_open = False
        self.server.passages.append(self)

    def handle(self) -> None:
        with socket.create_connection(self.server.server, SECONDS) as upstream:
            while not (self.is_cut.is_set() or self.server.closing.is_set()):
                sides = [self.request] if self.server.is_stalled.is_set() else []
                sides = sides or [self.request, upstream]
                ready, _, _ = select.select(sides, [], [], LOOK_SECONDS)
                if not all(self._pass(side, upstream) for side in ready):
                    return

    def _pass(self, side: socket.socket, upstream: socket.socket) -> bool:
        """Pass on what one side says; return whether that goes on."""
        said = side.recv(65536)
        if side is upstream:
            self.is_open = True
            self.request.sendall(said)
            return bool(said)
        if self.is_open and said and self.server.questions_to_cut:
            self.server.questions_to_cut -= 1
            return False
        upstream.sendall(said)
        return bool(said)

    def finish(self) -> None:
        self.request.close()
        self.is_over.set()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    parts = urlsplit(gremlin_server())
    assert parts.hostname
    assert parts.port
    with Proxy((parts.hostname, parts.port)) as proxy:
        thread = Thread(target=proxy.serve_forever, args=(LOOK_SECONDS,))
        thread.start()
        yield proxy
        proxy.closing.set()
        proxy.shutdown()
        thread.join()


@dataclass
class Signatures:
    """Signs, and remembers how often."""

    made: int = 0

    def __call__(self) -> Mapping[str, str]:
        self.made += 1
        return {"Authorization": f"signature {self.made}"}


@dataclass
class Pauses:
    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@contextmanager
def connected(url: str, *, seconds: float = SECONDS, **rest: Any) -> Iterator[GremlinConnection]:  # noqa: ANN401 - whatever a connection has
    with closing(GremlinConnection(url, **{"sign": dict, **rest}, timeout_seconds=seconds)) as made:
        yield made


def echo(connection: GremlinConnection, value: object) -> list[Any]:
    return connection.ask(g.inject(value))


def test_one_connection_answers_every_question(proxy: Proxy) -> None:
    sign = Signatures()
    with connected(proxy.url, sign=sign) as connection:
        before = sign.made
        answers = [echo(connection, number) for number in range(5)]

    assert before == 0
    assert answers == [[number] for number in range(5)]
    assert sign.made == len(proxy.passages) == 1


def test_equal_answers_are_all_returned(proxy: Proxy) -> None:
    with connected(proxy.url) as connection:
        answer = connection.ask(g.inject(*range(300)).constant("same").barrier())

    assert answer == ["same"] * 300


def test_the_next_question_connects_and_signs_anew(proxy: Proxy) -> None:
    sign = Signatures()
    with connected(proxy.url, sign=sign) as connection:
        for number in range(3):
            assert echo(connection, number) == [number]
            proxy.cut()

    assert sign.made == len(proxy.passages) == 3


def test_a_question_that_is_cut_off_is_asked_again_once(proxy: Proxy) -> None:
    with connected(proxy.url) as connection:
        proxy.questions_to_cut = 1
        once = echo(connection, "mine")
        proxy.questions_to_cut = 2
        with pytest.raises(UnavailableError):
            echo(connection, "mine")
        after = echo(connection, "other")

    assert once == ["mine"]
    assert after == ["other"]


@pytest.mark.parametrize("is_open", [True, False], ids=["between questions", "from the beginning"])
def test_nobody_waits_longer_than_the_time_out(proxy: Proxy, is_open: bool) -> None:  # noqa: FBT001
    with connected(proxy.url, seconds=SHORT_SECONDS) as connection:
        if is_open:
            echo(connection, "before")
        proxy.is_stalled.set()

        began = time.monotonic()
        with pytest.raises(UnavailableError, match="in time"):
            echo(connection, "mine")
        took = time.monotonic() - began

    assert took < SHORT_SECONDS + 2 * GOODBYE_SECONDS + SLACK_SECONDS


def test_after_a_stall_every_question_gets_its_own_answer(proxy: Proxy) -> None:
    with connected(proxy.url, seconds=SHORT_SECONDS) as connection:
        echo(connection, "before")
        for number in range(3):
            proxy.is_stalled.set()
            with pytest.raises(UnavailableError):
                echo(connection, f"late {number}")
            proxy.is_stalled.clear()

            assert [echo(connection, f"own {each}") for each in range(4)] == [
                [f"own {each}"] for each in range(4)
            ]


def test_a_question_that_takes_too_long_leaves_the_next_ones_alone() -> None:
    endless = g.inject(1).repeat(__.identity()).until(__.is_(2))
    with connected(gremlin_server(), seconds=SHORT_SECONDS) as connection:
        echo(connection, "before")
        with pytest.raises(UnavailableError):
            connection.ask(endless)

        assert [echo(connection, number) for number in range(4)] == [[0], [1], [2], [3]]


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with (
        connected(NOBODY) as connection,
        pytest.raises(UnavailableError, match="cannot be reached"),
    ):
        echo(connection, "mine")


class _Refusal(socketserver.StreamRequestHandler):
    """Remembers the head of a request, and forbids it."""

    server: "Forbidding"

    def handle(self) -> None:
        self.server.heads.append(b"".join(iter(self.rfile.readline, b"\r\n")).decode())
        self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


class Forbidding(socketserver.TCPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.heads: list[str] = []


def test_a_forbidden_handshake_is_unavailable_and_each_one_is_signed() -> None:
    with Forbidding() as server:
        thread = Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
        thread.start()
        url = f"ws://127.0.0.1:{server.server_address[1]}/gremlin"
        with (
            connected(url, sign=Signatures()) as connection,
            pytest.raises(UnavailableError) as refused,
        ):
            echo(connection, "mine")
        server.shutdown()
        thread.join()

    assert "signature" not in str(refused.value)
    assert len(server.heads) == 2
    for number, head in enumerate(server.heads, 1):
        assert f"Authorization: signature {number}\r\n" in head


def test_conflicts_are_tried_again_with_jitter_and_a_bound(proxy: Proxy) -> None:
    pauses, chances, name = Pauses(), count(1), uuid4().hex
    add = g.add_v("entity").property(T.id, name).id_()
    with connected(proxy.url, sleep=pauses, chance=lambda: next(chances) / MAX_TRIES) as connection:
        connection.ask(add)
        with pytest.raises(UnavailableError, match="conflict"):
            connection.ask(add)
        connection.ask(g.V(name).side_effect(__.drop()).count())

    bounds = [min(LONGEST_PAUSE_SECONDS, 0.01 * 2**each) for each in range(MAX_TRIES - 1)]
    shares = [each / MAX_TRIES for each in range(1, MAX_TRIES)]
    assert pauses.taken == [
        pytest.approx(bound * share) for bound, share in zip(bounds, shares, strict=True)
    ]
    assert len(proxy.passages) == 1


def test_a_conflict_that_passes_is_not_noticed(proxy: Proxy) -> None:
    name = uuid4().hex
    with connected(proxy.url) as other:
        other.ask(g.add_v("entity").property(T.id, name).id_())

        def clear(_: float) -> None:
            other.ask(g.V(name).side_effect(__.drop()).count())

        with connected(proxy.url, sleep=clear) as connection:
            made = connection.ask(g.add_v("entity").property(T.id, name).id_())
        clear(0)

    assert made == [name]


@pytest.mark.parametrize(
    ("traversal", "error"),
    [
        (g.inject("a secret").math("_ + 1"), UnavailableError),
        (g.merge_e({T.id: "a secret", T.label: "relation"}), DefectError),
    ],
)
def test_a_refusal_keeps_the_connection_and_quotes_nothing(
    proxy: Proxy,
    caplog: pytest.LogCaptureFixture,
    traversal: Any,  # noqa: ANN401 - the driver has no types
    error: type[Exception],
) -> None:
    with connected(proxy.url) as connection, caplog.at_level(logging.INFO):
        with pytest.raises(error) as refused:
            connection.ask(traversal)
        assert echo(connection, "next") == ["next"]

    assert "secret" not in str(refused.value)
    assert "secret" not in caplog.text
    assert len(proxy.passages) == 1


def test_threads_share_a_connection_and_get_their_own_answers(proxy: Proxy) -> None:
    def sign() -> Mapping[str, str]:
        # Long enough for all to find that there is no connection, if they are let.
        Event().wait(LOOK_SECONDS)
        return {}

    with connected(proxy.url, sign=sign) as connection:
        answers = at_once(
            lambda number: [echo(connection, f"{number} {each}") for each in range(10)]
        )

    assert answers == [
        [[f"{number} {each}"] for each in range(10)] for number in range(len(answers))
    ]
    assert len(proxy.passages) == 1


def test_a_connection_that_was_closed_connects_again(proxy: Proxy) -> None:
    with connected(proxy.url) as connection:
        echo(connection, 1)
        connection.close()
        connection.close()

        assert echo(connection, 2) == [2]
    assert len(proxy.passages) == 2
