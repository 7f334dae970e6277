"""A small server with an OpenAI-compatible `/v1/embeddings` endpoint, which can also misbehave."""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np

KEY = "sk-test"
MODEL = "hash"
DIMENSIONS = 8

Body = dict[str, Any]
Reply = tuple[int, bytes]
Behaviour = Callable[[Body], Reply]


def numbers(text: str, count: int = DIMENSIONS) -> list[float]:
    """Return what the server says of a text: the same each time, and not of unit length."""
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return [float(word) / 2**30 - 2 for word in words[:count]]


def items(texts: Sequence[str], count: int = DIMENSIONS) -> list[Body]:
    """Return the embeddings of the texts as the protocol writes them."""
    return [
        {"object": "embedding", "index": index, "embedding": numbers(text, count)}
        for index, text in enumerate(texts)
    ]


def answer(data: object) -> Reply:
    """Return a well-formed answer that holds this data."""
    return 200, json.dumps({"object": "list", "data": data, "model": MODEL}).encode()


def embed(body: Body) -> Reply:
    """Answer as a strict server does: a model unknown or an empty text is refused."""
    if body["model"] != MODEL:
        return 404, b'{"error": {"message": "no such model"}}'
    if not all(text.strip() for text in body["input"]):
        return 400, b'{"error": {"message": "input cannot be an empty string"}}'
    return answer(items(body["input"], body.get("dimensions", DIMENSIONS)))


def last_first(body: Body) -> Reply:
    return answer(items(body["input"])[::-1])


def without_the_last(body: Body) -> Reply:
    return answer(items(body["input"])[:-1])


def with_one_more(body: Body) -> Reply:
    return answer(items([*body["input"], "one more"]))


def with_the_first_twice(body: Body) -> Reply:
    return answer([*items(body["input"]), *items(body["input"][:1])])


def with_one_index_twice(body: Body) -> Reply:
    return answer([item | {"index": 0} for item in items(body["input"])])


def counting_from_one(body: Body) -> Reply:
    return answer([item | {"index": item["index"] + 1} for item in items(body["input"])])


class OpenAIServer:
    """Keeps the bodies it got; `next` are behaviours for the coming requests, then it embeds."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.bodies: list[Body] = []
        self.next = deque(behaviours)
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The base URL that a client is given."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def reply(self, body: Body) -> Reply:
        """Return what the next behaviour says."""
        self.bodies.append(body)
        behave = self.next.popleft() if self.next else embed
        return behave(body)

    def hang(self, _: Body) -> Reply:
        """Behave like a server that is stuck until it is stopped."""
        self._closing.wait()
        return 503, b""

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Free whoever hangs, end the thread and close the port."""
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/v1/embeddings":
                    self._send(404, b"")
                elif self.headers["Authorization"] != f"Bearer {KEY}":
                    self._send(401, b'{"error": {"message": "wrong key"}}')
                else:
                    self._send(*server.reply(body))

            def _send(self, status: int, content: bytes) -> None:
                if server._closing.is_set():
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


@contextmanager
def running_server(*behaviours: Behaviour) -> Iterator[OpenAIServer]:
    """Yield a running server that behaves like this for the first requests."""
    server = OpenAIServer(*behaviours)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def openai_client(url: str, *, key: str = KEY, seconds: float = 10) -> Iterator[httpx.Client]:
    """Yield a client made as the service makes it; no proxy is asked on the way to loopback."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=seconds, trust_env=False) as client:
        yield client
