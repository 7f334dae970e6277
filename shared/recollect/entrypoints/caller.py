"""Who sent the request that a thread is answering, and what their key opens."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from recollect.domain.errors import ForbiddenError, InvalidRequestError, NotFoundError
from recollect.domain.jobs import IdempotencyKey
from recollect.domain.keys import Access, ApiKey, Role, out_of_reach
from recollect.entrypoints.requests import Event

MAX_IDEMPOTENCY_KEY_LENGTH = 256
OF_KEY = ("org_id", "project_id")
"""What clients name in queries and bodies: a project, which is an organisation of its own."""


class Caller(threading.local):
    """The request of this thread, and the key that it came with.

    A route that asks for no more than `project` is closed to keys that are bound to a subject; one
    that can keep to a subject asks for `access`.
    """

    def __init__(self) -> None:
        self._event: Event | None = None
        self._key: ApiKey | None = None

    def begin(self, event: Event) -> None:
        """Take note of a request whose key is not checked yet."""
        self._event, self._key = event, None

    def admit(self, key: ApiKey, *, writes: bool) -> None:
        """Take note of the request's key, which is good.

        Raises `ForbiddenError` if the key may only read and the function `writes`, and
        `NotFoundError` if the request names another project than the key's.
        """
        if writes and key.role is Role.READER:
            message = "This API key may only read"
            raise ForbiddenError(message)
        if any(given not in ("", key.project) for given in self._named_projects()):
            message = "Project not found"
            raise NotFoundError(message)
        self._key = key

    @property
    def event(self) -> Event:
        """The request."""
        if self._event is None:
            raise RuntimeError
        return self._event

    @property
    def key(self) -> ApiKey:
        """The key that the request came with."""
        if self._key is None:
            raise RuntimeError
        return self._key

    @property
    def access(self) -> Access:
        """What the key opens."""
        return Access(self.key.project, self.key.subject)

    @property
    def project(self) -> str:
        """The key's project, all of which it must open.

        Raises `ForbiddenError` for a key that is bound to a subject.
        """
        if self.key.subject is not None:
            raise out_of_reach()
        return self.key.project

    @property
    def idempotency_key(self) -> IdempotencyKey | None:
        """The request's `Idempotency-Key`, tied to its method, path and body.

        Those of keys that are bound to a subject are kept apart, subject by subject.
        """
        key = self.event.headers.get("idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
            message = f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters"
            raise InvalidRequestError(message)
        event, subject = self.event, self.access.subject
        parts = (event.http_method, event.path, event.raw_query_string, event.decoded_body or "")
        # Whom a key is bound to is not in the request: another's may be the same one, byte by byte.
        own = f"{subject.key}\n{key}" if subject else key
        return IdempotencyKey(own, hashlib.sha256("\n".join(parts).encode()).hexdigest())

    def refuse_idempotency_key(self) -> None:
        """Raise `InvalidRequestError` if the request has a key: its route keeps none."""
        if "idempotency-key" in self.event.headers:
            message = "Idempotency-Key is kept for what has a job only; leave it off here"
            raise InvalidRequestError(message)

    @property
    def address(self) -> str:
        """The request's own URL without its query, as the caller sees it."""
        headers, context = self.event.headers, self.event.request_context
        host = headers.get("host") or context.domain_name
        return f"{headers.get('x-forwarded-proto', 'https')}://{host}{quote(context.http.path)}"

    def _named_projects(self) -> Iterator[object]:
        for name in OF_KEY:
            yield from self.event.query.get(name, ())
        body: dict[str, Any] = {}
        # A body that cannot be read is its route's to refuse.
        with suppress(InvalidRequestError, ValueError):
            body = self.event.json_body if self.event.body else {}
        yield from (body[name] for name in OF_KEY if body.get(name) is not None)


caller = Caller()
"""Of each thread its own."""
