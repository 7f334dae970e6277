"""What the stand-ins for model services share: a server on loopback that can also misbehave."""

import json
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server sends."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class ResetError(Exception):
    """Raised by a behaviour to have the connection reset instead of answered."""


class StandIn:
    """Serves in the background; a subclass says what it answers."""

    def __init__(self, port: int = 0) -> None:
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def respond(self, path: str, headers: Mapping[str, str], body: Body) -> Answer:
        """Return the answer to one request."""
        raise NotImplementedError

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Free whoever hangs, end the thread and close the port."""
        self.closing.set()
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
                try:
                    answer = server.respond(unquote(self.path), dict(self.headers), body)
                except ResetError:
                    self._reset()
                    return
                if server.closing.is_set():
                    self.close_connection = True
                    return
                # Whoever did not wait for the answer has gone.
                with suppress(ConnectionError):
                    self._send(answer)

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                sent = {"Content-Type": "application/json", **answer.headers}
                for name, value in sent.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def _reset(self) -> None:
                # To close a socket that lingers for no time is to reset it.
                lingering = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
                self.connection.close()
                self.close_connection = True

            def finish(self) -> None:
                with suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler
