"""The way to the memories: one HTTP client, for a service or for the local data file."""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
import httpx
from pydantic import TypeAdapter, ValidationError

from recollect.domain.errors import UnavailableError

T = TypeVar("T")

TIMEOUT: Final = httpx.Timeout(35.0, connect=5.0)
"""Longer than the 30 s that a service has for an answer."""
LOCAL_URL: Final = "http://recollect.local"
"""Stands for the handlers in this process; no name is looked up."""
UNAUTHORISED: Final = 401


class RefusedError(click.ClickException):
    """The service refused a request; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Place:
    """Where the memories are: a service with its key, or a data file (and a key of its own)."""

    host: str | None
    api_key: str | None
    data: Path


@dataclass(frozen=True)
class Api:
    """The HTTP protocol with one key."""

    client: httpx.Client
    place: Place

    def call(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Return the answer, which has the form of `kind` and possibly more members.

        Raises `RefusedError` if the service refuses, and `UnavailableError` if it cannot be
        reached or what answers is no such service.
        """
        response = self._answered(method, path, json=body, params=query, headers=headers)
        return self._checked(kind, response)

    def clock_ahead(self) -> timedelta:
        """Return how far the service's clock is ahead, rounded down to the second.

        Raises as `call` does, so it also tells whether the key is good.
        """
        response = self._answered("GET", "/v1/ping/")
        date = response.headers.get("date")
        try:
            return parsedate_to_datetime(date) - datetime.now(UTC) if date else timedelta(0)
        except (ValueError, TypeError):
            return timedelta(0)

    @property
    def name(self) -> str:
        """The service's URL or the data file, for messages."""
        return self.place.host or str(self.place.data)

    def _answered(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        try:
            response = self.client.request(method, path, **parts)
        except httpx.ConnectError as error:
            message = f"Cannot reach {self.name}: {error}"
            raise UnavailableError(message) from error
        except httpx.TimeoutException as error:
            message = f"{self.name} did not answer in time"
            raise UnavailableError(message) from error
        except httpx.HTTPError as error:
            message = f"The connection to {self.name} broke: {error}"
            raise UnavailableError(message) from error
        if not response.is_success:
            raise self._refusal(response)
        return response

    def _checked(self, kind: type[T], response: httpx.Response) -> T:
        try:
            answer: T = response.json()
            _adapter(kind).validate_python(answer)  # type: ignore[arg-type] # types are hashable
        except (ValueError, ValidationError, RecursionError) as error:
            message = f"{self.name} does not answer as Recollect does; is the URL right?"
            raise UnavailableError(message) from error
        return answer

    def _refusal(self, response: httpx.Response) -> RefusedError:
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        detail = body.get("detail") if isinstance(body, dict) else None
        if not isinstance(detail, str):
            reason = f"{response.status_code} {response.reason_phrase}".strip()
            detail = f"{self.name} answered {reason}"
        elif response.status_code == UNAUTHORISED:
            detail = f"{self.name} does not know this API key, or it was revoked"
        return RefusedError(response.status_code, detail)


@contextmanager
def opened(place: Place) -> Iterator[Api]:
    """Yield the way to the memories; what was written locally is indexed before the block ends.

    Raises `UnavailableError` if the local data cannot be used, and `click.UsageError` for a URL
    or a key that cannot be one.
    """
    if place.host:
        with httpx_client(place.host, checked_key(place.api_key or "")) as client:
            yield Api(client, place)
        return
    # Half a second of imports that a command for a service has no use for.
    from recollect.entrypoints.cli import local  # noqa: PLC0415

    with local.opened(place.data) as edition:
        key = checked_key(place.api_key) if place.api_key else edition.first_key()
        with httpx_client(LOCAL_URL, key, edition.transport()) as client:
            yield Api(client, place)


def httpx_client(
    host: str, api_key: str, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """Return a client of a service; raise `click.UsageError` if `host` is no http(s) URL."""
    try:
        url = urlsplit(host)
        is_url = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
        base = httpx.URL(host.rstrip("/")) if is_url and not url.query else None
    except (ValueError, httpx.InvalidURL):
        base = None
    if base is None:
        message = f"--host must be a URL such as http://127.0.0.1:8080, not {host}"
        raise click.UsageError(message)
    return httpx.Client(
        base_url=base,
        headers={"Authorization": f"Token {api_key}"},
        timeout=TIMEOUT,
        transport=transport,
        trust_env=not _is_loopback(base.host),
    )


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def checked_key(key: str) -> str:
    """Return a key that can be sent; raise `click.UsageError`."""
    if not key.isascii() or not key.isprintable() or " " in key or not key:
        message = "--api-key must be a key such as m0-..."
        raise click.UsageError(message)
    return key


def _is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, which no proxy of the environment can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
