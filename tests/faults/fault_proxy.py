"""A server between a client and an engine that passes everything on, and misbehaves on demand."""

import http.client
import math
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias
from urllib.parse import urlsplit

from tests.faults.refusals import GARBLED, REFUSALS, TAKES_EFFECT, Fault, Reply

PATIENCE_SECONDS = 10
"""How long it waits for an engine, and for a client to give up, at the very most."""
LOOKS = 200
TOGETHER_SECONDS = 0.1
"""Half of what a client waits for: what comes within it was not asked for one after the other."""

Behaviour: TypeAlias = Callable[[bytes], Reply]
"""Makes an answer of a request's body."""

HOP_BY_HOP = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding"})


@dataclass
class Injection:
    """From which request on, counted from 1, something goes wrong, and what it hit.

    A `Behaviour` answers in the engine's place. Only requests for the operation `of` count, if one
    is named.
    """

    fault: Fault | Behaviour
    at: int
    lasts: bool
    of: str | None = None
    asked: list[str] = field(default_factory=list)
    """The operations of all requests, in order."""
    hits: int = 0
    """How many requests went wrong."""
    rounds: int = 0
    """The same, but those that came together count as one."""
    _round_began: float = -math.inf
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, operation: str) -> bool:
        """Count a request, and tell whether it is to go wrong."""
        if self.of and operation != self.of:
            return False
        with self._lock:
            self.asked.append(operation)
            count = len(self.asked)
            is_hit = count == self.at or (self.lasts and count > self.at)
            if is_hit:
                self._count()
            return is_hit

    def _count(self) -> None:
        now = time.monotonic()
        self.hits += 1
        if now - self._round_began > TOGETHER_SECONDS:
            self._round_began = now
            self.rounds += 1

    @property
    def hit(self) -> str | None:
        """The operation that went wrong, the first one if it lasts; None if there was none."""
        return self.asked[self.at - 1] if len(self.asked) >= self.at else None


class FaultProxy(ThreadingHTTPServer):
    """Passes requests on to an engine; while `injecting`, some of them go wrong."""

    def __init__(self, engine: str, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.engine = engine
        self.upstream = urlsplit(url).netloc
        self.closing = threading.Event()
        self._injection: Injection | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def injecting(
        self, fault: Fault | Behaviour, *, at: int = 1, lasts: bool, of: str | None = None
    ) -> Iterator[Injection]:
        """Have the request of this number go wrong in the block, or all from it on."""
        self._injection = injection = Injection(fault, at, lasts, of)
        try:
            yield injection
        finally:
            self._injection = None

    def fault(self, operation: str) -> Fault | Behaviour | None:
        """Count a request; return what is to go wrong with it."""
        injection = self._injection
        return injection.fault if injection and injection.strikes(operation) else None


class _Passage(BaseHTTPRequestHandler):
    """One client's connection, and one of its own to the engine."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: FaultProxy

    def setup(self) -> None:
        super().setup()
        self._engine = http.client.HTTPConnection(self.server.upstream, timeout=PATIENCE_SECONDS)

    def handle(self) -> None:
        # Clients that have given up reset their connections.
        with suppress(ConnectionError):
            super().handle()

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def do_PUT(self) -> None:
        self._respond()

    def do_DELETE(self) -> None:
        self._respond()

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault(operation_of(self.command, self.path, self.headers))
        if fault is None:
            self._send(self._passed_on(body))
        elif isinstance(fault, Fault):
            self._go_wrong(fault, body)
        else:
            self._send(fault(body))

    def _go_wrong(self, fault: Fault, body: bytes) -> None:
        reply = (
            self._passed_on(body)
            if fault in TAKES_EFFECT
            else REFUSALS[self.server.engine].get(fault)
        )
        if fault is Fault.SILENT:
            self._wait_for_the_end()
        elif reply is None or fault is Fault.LOST:
            self._reset()
        else:
            garbled = replace(reply, content=GARBLED) if fault is Fault.GARBLED else reply
            self._send(garbled, is_cut=fault is Fault.CUT)

    def _passed_on(self, body: bytes) -> Reply:
        self._engine.request(self.command, self.path, body, _end_to_end(self.headers.items()))
        answer = self._engine.getresponse()
        return Reply(answer.status, answer.read(), _end_to_end(answer.getheaders()))

    def _send(self, reply: Reply, *, is_cut: bool = False) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        # Whoever did not wait for the answer has gone.
        with suppress(ConnectionError):
            self.wfile.write(reply.content[: len(reply.content) // 2 if is_cut else None])
            self.wfile.flush()
        self.close_connection = self.close_connection or is_cut

    def _wait_for_the_end(self) -> None:
        self.close_connection = True
        for _ in range(LOOKS):
            # A client that gives up closes the connection, which makes it readable.
            gone, _, _ = select.select([self.connection], [], [], PATIENCE_SECONDS / LOOKS)
            if gone or self.server.closing.is_set():
                return

    def _reset(self) -> None:
        # To close a socket that lingers for no time is to reset it.
        lingering = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        self._engine.close()
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def _end_to_end(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in HOP_BY_HOP}


def operation_of(method: str, path: str, headers: Message) -> str:
    """Return what a request asks for, as the engine's documentation calls it."""
    target = headers.get("X-Amz-Target", "")
    if target:
        return target.rpartition(".")[2]
    if model := re.search(r"/(invoke|converse)$", path):
        return {"invoke": "InvokeModel", "converse": "Converse"}[model[1]]
    if search := re.search(r"/_(\w+)$", urlsplit(path).path):
        return f"_{search[1]}"
    return f"{method.title()}Object"


@contextmanager
def fault_proxy(engine: str, url: str) -> Iterator[FaultProxy]:
    """Yield a running proxy before the engine at this URL."""
    proxy = FaultProxy(engine, url)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
