"""The local edition's HTTP server: runs the deployed handlers behind a gateway of its own."""

import asyncio
import errno
import re
import signal
import socket as sockets
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any, TypeAlias

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from recollect.domain.errors import UnavailableError
from recollect.entrypoints.gateway import Response, refusal
from recollect.entrypoints.invocation import (
    DEADLINE_SECONDS,
    MAX_PAYLOAD_BYTES,
    TOO_LARGE,
    Functions,
    Handler,
    Request,
)
from recollect.entrypoints.route_table import RouteTable

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]

KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep idle connections (httpx: 5 s), so that they are never the ones to find
a connection closed under a request."""
MAX_PORT = 65535
WAITS = re.compile(rb"(?:^|&)wait=")
"""The queries of requests that do little but wait."""
WAITING_THREADS = 64
"""For them alone: however many wait, the others are answered."""


class LocalGateway:
    """An ASGI application that runs handlers in threads, so that requests are concurrent.

    Handlers must be safe for that: on Lambda each has its process to itself, here they share one.
    Serve it once: when the server has stopped, its threads are gone.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        routes: RouteTable,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        threads: int = 16,
    ) -> None:
        self._functions = Functions(handlers, routes, now, new_id)
        self._is_stopping = threading.Event()
        self._patient = Functions(handlers, routes, now, new_id, self._is_stopping.is_set)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._waiting = ThreadPoolExecutor(WAITING_THREADS, thread_name_prefix="waiting")

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request, or take part in the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        try:
            response = await self._answer(scope, await _read_body(scope, receive))
        except _BodyTooLargeError:
            response = refusal(413, TOO_LARGE)
        except _ClientGoneError:
            return
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: _Message, body: bytes) -> Response:
        request = Request(
            method=scope["method"],
            path=scope["raw_path"],
            query=scope["query_string"],
            headers=scope["headers"],
            body=body,
            source_ip=scope["client"][0] if scope["client"] else "",
            scheme=scope["scheme"],
        )
        loop = asyncio.get_running_loop()
        if WAITS.search(request.query):
            return await loop.run_in_executor(self._waiting, self._patient, request)
        return await loop.run_in_executor(self._threads, self._functions, request)

    def stop_waiting(self) -> None:
        """Have the requests that do little but wait be answered as things are."""
        self._is_stopping.set()

    async def _lifespan(self, receive: _Receive, send: _Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                for threads in (self._threads, self._waiting):
                    threads.shutdown(wait=False, cancel_futures=True)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def bind(host: str, port: int) -> sockets.socket:
    """Return a socket that listens on an address; port 0 takes any free port.

    Raises `UnavailableError`, in one line, if the address cannot be had.
    """
    if not 0 <= port <= MAX_PORT:
        message = f"Cannot listen on port {port}: ports are numbers from 0 to {MAX_PORT}"
        raise UnavailableError(message)
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    try:
        listener = sockets.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"Cannot listen on {host} port {port}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} is taken: give {host} another one (--port, or make PORT=...)"
        raise UnavailableError(message) from error
    # Connections inherit it. asyncio sets it only where the protocol number says TCP, which a
    # socket made this way does not; without it every answer waits 40 ms for a delayed ACK.
    listener.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    return listener


def serve(
    app: LocalGateway,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    on_ready: Callable[[], None] = lambda: None,
    socket: sockets.socket | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, finish the requests that run, and return.

    Listens on `socket`, or else on `host` and `port` (see `bind`). `on_ready` is called once, in
    a thread of its own, when requests are answered; what it raises stops the server and is
    raised here, unless the server was being stopped anyway.
    """
    listener = socket or bind(host, port)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DEADLINE_SECONDS,
    )
    with listener, ThreadPoolExecutor(1, thread_name_prefix="ready") as helper:
        server = _Server(config, lambda: helper.submit(on_ready), app.stop_waiting)
        with _stopped_by_signals(server):
            server.run(sockets=[listener])
    if server.failure is not None:
        raise server.failure


class _Server(uvicorn.Server):
    """Tells when it answers, and stops if whoever was told fails."""

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], "Future[None]"],
        stop_waiting: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._stop_waiting = stop_waiting
        self.failure: BaseException | None = None
        self._announce = announce

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce().add_done_callback(self._stop_on_failure)

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        self._stop_waiting()
        await super().shutdown(sockets)

    def _stop_on_failure(self, ready: "Future[None]") -> None:
        # A failure after the stop was asked for is a consequence of it.
        if not self.should_exit and (failure := ready.exception()):
            self.failure = failure
            self.should_exit = True


class _Protocol(H11Protocol):
    """Answers what is not HTTP in JSON, like every other error."""

    def send_400_response(self, msg: str) -> None:
        response = refusal(400, msg)
        headers = [*response.headers, ("connection", "close")]
        events = (
            h11.Response(status_code=response.status, headers=headers, reason=b"Bad Request"),
            h11.Data(data=response.body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Stop on signals also while uvicorn does not listen to them.

    uvicorn raises the signal again once it has stopped, for the handler that was there before:
    with this one in place the caller still gets to clean up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _BodyTooLargeError(Exception):
    """The body cannot become an event."""


class _ClientGoneError(Exception):
    """The client left before it had sent its request."""


async def _read_body(scope: _Message, receive: _Receive) -> bytes:
    """Return the body; what is too large is neither waited for nor kept."""
    announced = int(dict(scope["headers"]).get(b"content-length", 0))
    body, is_complete = bytearray(), False
    while not is_complete:
        if max(announced, len(body)) > MAX_PAYLOAD_BYTES:
            raise _BodyTooLargeError
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    return bytes(body)
