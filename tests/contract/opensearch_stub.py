"""A server between a test and OpenSearch, which can misbehave, or refuse what serverless does."""

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import httpx

Json: TypeAlias = dict[str, Any]

SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def lines(self) -> list[Json]:
        """The body as the lines of a bulk request or of several searches."""
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass(frozen=True)
class Reply:
    status: int
    content: bytes
    content_type: str = "application/json; charset=UTF-8"

    @classmethod
    def of(cls, status: int, body: object) -> "Reply":
        return cls(status, json.dumps(body).encode())


class ResetError(Exception):
    """Have the connection reset instead of an answer."""


Behaviour: TypeAlias = Callable[[Request], Reply | None]
"""What to answer; None leaves it to the engine."""


class OpenSearchStub:
    """Passes requests on to an engine, unless a behaviour answers.

    `always` is asked first each time. Each of `next` is for one request; then all are passed on.
    """

    def __init__(self, engine: str | None, always: Sequence[Behaviour] = ()) -> None:
        self._always = always
        self.next: deque[Behaviour] = deque()
        self.requests: list[Request] = []
        self._engine = httpx.Client(base_url=engine or "", timeout=SECONDS, trust_env=False)
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def hang(self, _: Request) -> Reply:
        """Behave like an engine that is stuck until the test is over."""
        self._closing.wait()
        return Reply(503, b"")

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        behaviours = [*self._always, *([self.next.popleft()] if self.next else [])]
        for behave in behaviours:
            reply = behave(request)
            if reply is not None:
                return reply
        return self.pass_on(request)

    def pass_on(self, request: Request) -> Reply:
        """Return what the engine answers."""
        headers = {"Content-Type": "application/json"} if request.body else {}
        answer = self._engine.request(
            request.method, request.target, content=request.body, headers=headers
        )
        return Reply(answer.status_code, answer.content, answer.headers["Content-Type"])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._engine.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                self._respond()

            def do_POST(self) -> None:
                self._respond()

            def do_PUT(self) -> None:
                self._respond()

            def do_DELETE(self) -> None:
                self._respond()

            def _respond(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = dict(self.headers.items())
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                try:
                    self._send(stub.answer(request))
                except ResetError:
                    # Closing without lingering sends a reset.
                    self.connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    self.connection.close()
                    self.close_connection = True

            def _send(self, reply: Reply) -> None:
                if stub._closing.is_set():
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


@contextmanager
def running_stub(engine: str | None, *always: Behaviour) -> Iterator[OpenSearchStub]:
    """Yield a running server in front of an engine, or of none."""
    stub = OpenSearchStub(engine, always)
    stub.start()
    try:
        yield stub
    finally:
        stub.stop()


def reset(_: Request) -> Reply:
    raise ResetError


def refusing(status: int, error_type: str = "es_rejected_execution_exception") -> Behaviour:
    """Return the behaviour that answers this error, with what an error may quote."""
    error = {"type": error_type, "reason": "Preview of field's value: 'SECRET'"}
    return lambda _: Reply.of(status, {"error": {"root_cause": [error], **error}, "status": status})


def saying(content: bytes, status: int = 200) -> Behaviour:
    """Return the behaviour that answers this."""
    return lambda _: Reply(status, content)


def serverless(request: Request) -> Reply | None:
    """Refuse what a serverless collection refuses, in the form it does.

    Unsupported operations are not found, without a word; a refresh policy and versions of the
    caller's are illegal. That it has no say in shards, copies and refreshing is taken from its
    documentation; no collection was asked.
    """
    operation = request.path.rpartition("/")[2]
    if operation in {"_refresh", "_update_by_query", "_delete_by_query", "_reindex", ""}:
        return Reply(404, b"")
    if "refresh" in request.parameters:
        return _illegal("status_exception", "true refresh policy is not supported.")
    if operation == "_bulk" and any(_is_versioned(line) for line in request.lines):
        return _illegal("illegal_argument_exception", "Document version is not supported")
    if request.method == "PUT" and json.loads(request.body)["settings"]["index"].keys() != {"knn"}:
        return _illegal("illegal_argument_exception", "Index setting is not supported")
    return None


def _is_versioned(line: Json) -> bool:
    return any("version_type" in action for action in line.values() if isinstance(action, dict))


def _illegal(error_type: str, reason: str) -> Reply:
    error = {"type": error_type, "reason": reason}
    return Reply.of(400, {"error": {"root_cause": [error], **error}, "status": 400})
