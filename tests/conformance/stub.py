"""A server that refuses with the status that a memory's id names, in the body of our refusals."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

WHY: Final = "Not this time, for a reason that is told here"
BODY: Final = json.dumps({"detail": WHY, "error": WHY, "message": WHY})
PING: Final = json.dumps(
    {"status": "ok", "org_id": "p", "project_id": "p", "user_email": "p@example.com"}
)
RETRY_AFTER_SECONDS: Final = 7
LIMITS: Final = {
    "Retry-After": str(RETRY_AFTER_SECONDS),
    "X-RateLimit-Limit": "60",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "1900000000",
}


@contextmanager
def refusing_server() -> Iterator[str]:
    """Yield the address of a server that answers pings, and refuses to show any memory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer a ping, or `/v1/memories/STATUS/`."""
        asked = self.path.partition("?")[0].strip("/").rpartition("/")[2]
        status, body = (200, PING) if asked == "ping" else (int(asked), BODY)
        self.send_response(status)
        limits = LIMITS if status == 429 else {}
        for name, value in {"Content-Type": "application/json", **limits}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
