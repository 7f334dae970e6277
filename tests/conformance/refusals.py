"""What each client makes of a refusal: the exception it raises, and the message in it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from tests.conformance.clients import Client, Driver, RaisedError
from tests.conformance.stub import BODY, LIMITS, RETRY_AFTER_SECONDS

KINDS: Final[Mapping[int, str]] = {
    400: "ValidationError",
    401: "AuthenticationError",
    403: "AuthenticationError",
    404: "MemoryNotFoundError",
    408: "NetworkError",
    409: "ValidationError",
    413: "MemoryQuotaExceededError",
    422: "ValidationError",
    429: "RateLimitError",
    500: "MemoryError",
    502: "NetworkError",
    503: "NetworkError",
    504: "NetworkError",
}
"""What the protocol says that clients raise, by the status of an answer."""
RATE_LIMIT: Final = {
    "retry_after": RETRY_AFTER_SECONDS,
    **{name.lower().replace("-", "_"): value for name, value in LIMITS.items() if "RateL" in name},
}


@dataclass(frozen=True)
class Manner:
    """How a client tells of a refusal."""

    kind: Callable[[int], str]
    message: Callable[[int, str], str]
    """Of a status and the body of the answer."""
    words: str
    """The same for a person who reads of it."""


def _said_by_httpx(status: int, _: str) -> str:
    phrase = "Server error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Client error"
    return f"{phrase} '{status} {HTTPStatus(status).phrase}' for url"


def _said_by_command(status: int, body: str) -> str:
    if status == HTTPStatus.BAD_REQUEST:
        return f"Bad request to /v1/memories/{status}/: {_detail(status, body)}"
    if status == HTTPStatus.UNAUTHORIZED:
        return "Authentication failed. Your API key may be invalid or expired."
    if status == HTTPStatus.NOT_FOUND:
        return f"Resource not found: /v1/memories/{status}/"
    return _said_by_httpx(status, body)


def _detail(_: int, body: str) -> str:
    return str(json.loads(body)["detail"])


EXCEPTIONS: Final = Manner(KINDS.__getitem__, _detail, "our text")
BARE: Final = Manner(lambda _: "HTTPStatusError", _said_by_httpx, "what httpx says of the status")
WHOLE: Final = Manner(KINDS.__getitem__, lambda _, body: body, "our whole answer, which has it")
PRINTED: Final = Manner(
    lambda _: "exit status 1",
    _said_by_command,
    "our text for 400, a text of the client's for 401 and 404, else what httpx says of the status",
)


def manner_of(client: Client) -> Manner:
    """Return how a client tells of refusals."""
    if client.flavour == "Node":
        return WHOLE
    if client.flavour == "command line":
        return PRINTED
    return BARE if client.is_legacy and client.flavour == "async" else EXCEPTIONS


def refusal(driver: Driver, status: int) -> RaisedError | None:
    """Return what a client raises when the stub refuses with this status."""
    try:
        driver.call("get", str(status))
    except RaisedError as error:
        return error
    return None


def surprise(client: Client, status: int, error: RaisedError | None) -> str:
    """Return what is not as the client is known to tell; nothing if all is."""
    manner = manner_of(client)
    if error is None:
        return "nothing was raised"
    if error.kind != manner.kind(status) or manner.message(status, BODY) not in error.message:
        return str(error)
    tells_limits = manner is EXCEPTIONS and status == HTTPStatus.TOO_MANY_REQUESTS
    limits: dict[str, Any] = {name: error.debug.get(name) for name in RATE_LIMIT}
    return f"limits: {limits}" if tells_limits and limits != RATE_LIMIT else ""
