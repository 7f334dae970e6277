"""The local edition's HTTP server: runs the deployed handlers behind a gateway of its own."""

import asyncio
import errno
import json
import logging
import re
import signal
import socket as sockets
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, TypeAlias

import h11
import httpx
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.entrypoints.gateway import (
    LOCAL_ACCOUNT,
    Event,
    RawHeaders,
    Response,
    RouteTable,
    decoded_path,
    http_event,
    http_response,
    refusal,
)

Handler: TypeAlias = Callable[[Event, Any], Event]
"""A Lambda handler: takes an event and a `LambdaContext`."""
_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]

DEADLINE_SECONDS = 30
"""What an HTTP API gives a function at most."""
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""What Lambda takes as one synchronous event, body and base64 included."""
SURE_TO_FIT_BYTES = MAX_PAYLOAD_BYTES // 8
"""A body up to here always fits: a byte grows to six at most (`\\u0000`), and the rest of an event
is smaller than what that leaves."""
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep idle connections (httpx: 5 s), so that they are never the ones to find
a connection closed under a request."""
MAX_PORT = 65535
_TOO_LARGE = f"The request is too large: at most {MAX_PAYLOAD_BYTES} bytes as a function's event"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LambdaContext:
    """What a handler may ask about its invocation; `deadline` is when its time is up."""

    function_name: str
    aws_request_id: str
    deadline: datetime
    now: Callable[[], datetime]
    memory_limit_in_mb: int = 1024

    @property
    def invoked_function_arn(self) -> str:
        """A name in the form of an ARN; nothing answers to it."""
        return f"arn:aws:lambda:local:{LOCAL_ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the deadline, 0 when it has passed."""
        return max(0, round((self.deadline - self.now()).total_seconds() * 1000))


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP request as it was sent: `path` and `query` are still percent-encoded."""

    method: str
    path: bytes
    query: bytes
    headers: RawHeaders
    body: bytes
    source_ip: str
    scheme: str = "http"


@dataclass(frozen=True)
class Functions:
    """Answers a request with the function that its route names; safe for many threads.

    Raises `InvalidRequestError` if a route names a function without a handler.
    """

    handlers: Mapping[str, Handler]
    routes: RouteTable
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __post_init__(self) -> None:
        """Find a missing handler at the start, not at the first request."""
        missing = sorted({route.function for route in self.routes.routes} - set(self.handlers))
        if missing:
            message = f"The routes name functions that have no handler: {', '.join(missing)}"
            raise InvalidRequestError(message)

    def __call__(self, request: Request) -> Response:
        """Return the function's response, or the gateway's own refusal; never raises."""
        path = _origin_path(request.path)
        if path is None:
            return refusal(400, "The request's target must be a path")
        match = self.routes.route(request.method, decoded_path(path))
        if match is None:
            return refusal(404, "Not Found")
        request_id, now = self.new_id(), self.now()
        event = http_event(
            request.method,
            path,
            request.query,
            request.headers,
            request.body,
            source_ip=request.source_ip,
            now=now,
            request_id=request_id,
            scheme=request.scheme,
            match=match,
        )
        if _is_too_large(event, request.body):
            return refusal(413, _TOO_LARGE)
        deadline = now + timedelta(seconds=DEADLINE_SECONDS)
        return self._invoke(event, LambdaContext(match.function, request_id, deadline, self.now))

    def _invoke(self, event: Event, context: LambdaContext) -> Response:
        try:
            return http_response(self.handlers[context.function_name](event, context))
        except Exception as error:  # noqa: BLE001 - one function's defect must not stop the rest
            _log_defect(context, error)
            return refusal(500, "Internal Server Error")


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
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="function")

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request, or take part in the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        try:
            response = await self._answer(scope, await _read_body(scope, receive))
        except _BodyTooLargeError:
            response = refusal(413, _TOO_LARGE)
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
        return await loop.run_in_executor(self._threads, self._functions, request)

    async def _lifespan(self, receive: _Receive, send: _Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._threads.shutdown(wait=False, cancel_futures=True)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


class GatewayTransport(httpx.BaseTransport):
    """Lets an httpx client call the handlers in this process, without a socket."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        routes: RouteTable,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._functions = Functions(handlers, routes, now, new_id)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return what the server would have answered."""
        path, _, query = request.url.raw_path.partition(b"?")
        response = self._functions(
            Request(
                method=request.method,
                path=path,
                query=query,
                headers=request.headers.raw,
                body=request.read(),
                source_ip="127.0.0.1",
                scheme=request.url.scheme,
            )
        )
        body = b"" if request.method == "HEAD" else response.body
        return httpx.Response(response.status, headers=response.headers, content=body)


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
            message = f"Port {port} is taken: another program listens on {host}; choose another"
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
        server = _Server(config, lambda: helper.submit(on_ready))
        with _stopped_by_signals(server):
            server.run(sockets=[listener])
    if server.failure is not None:
        raise server.failure


class _Server(uvicorn.Server):
    """Tells when it answers, and stops if whoever was told fails."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], "Future[None]"]) -> None:
        super().__init__(config)
        self.failure: BaseException | None = None
        self._announce = announce

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce().add_done_callback(self._stop_on_failure)

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


def _is_too_large(event: Event, body: bytes) -> bool:
    if len(body) <= SURE_TO_FIT_BYTES:
        return False
    return len(json.dumps(event, ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES


def _origin_path(target: bytes) -> bytes | None:
    """Return the path of a request target, also of an absolute one (RFC 9112 section 3.2)."""
    absolute = re.fullmatch(rb"https?://[^/]*(/.*)?", target, re.IGNORECASE)
    if absolute is not None:
        return absolute[1] or b"/"
    return target if target.startswith(b"/") else None


def _log_defect(context: LambdaContext, error: Exception) -> None:
    """Log where a function failed; an exception's own text may hold what the caller sent."""
    _LOG.error(
        "function %s failed on request %s: %s\n%s",
        context.function_name,
        context.aws_request_id,
        type(error).__qualname__,
        "".join(traceback.format_tb(error.__traceback__)),
    )
