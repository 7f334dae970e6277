"""Runs the deployed handlers in this process, as Lambda does behind the gateway."""

import json
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import httpx

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.gateway import (
    LOCAL_ACCOUNT,
    Event,
    RawHeaders,
    Response,
    decoded_path,
    http_event,
    http_response,
    refusal,
)
from recollect.entrypoints.route_table import RouteTable

Handler: TypeAlias = Callable[[Event, Any], Event]
"""A Lambda handler: takes an event and a `LambdaContext`."""

DEADLINE_SECONDS = 30
"""What an HTTP API gives a function at most."""
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""What Lambda takes as one synchronous event, body and base64 included."""
SURE_TO_FIT_BYTES = MAX_PAYLOAD_BYTES // 8
"""A body up to here always fits: a byte grows to six at most (`\\u0000`), and the rest of an event
is smaller than what that leaves."""
TOO_LARGE = f"The request is too large: at most {MAX_PAYLOAD_BYTES} bytes as a function's event"
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

    `is_up` tells whether the time for all answers is up. Raises `InvalidRequestError` if a route
    names a function without a handler.
    """

    handlers: Mapping[str, Handler]
    routes: RouteTable
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    is_up: Callable[[], bool] = lambda: False

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
            return refusal(413, TOO_LARGE)
        deadline = now + timedelta(seconds=DEADLINE_SECONDS)

        def clock() -> datetime:
            return deadline if self.is_up() else self.now()

        return self._invoke(event, LambdaContext(match.function, request_id, deadline, clock))

    def _invoke(self, event: Event, context: LambdaContext) -> Response:
        try:
            return http_response(self.handlers[context.function_name](event, context))
        except Exception as error:  # noqa: BLE001 - one function's defect must not stop the rest
            _log_defect(context, error)
            return refusal(500, "Internal Server Error")


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
