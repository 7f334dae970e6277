"""The local edition in this process: the data file, its keys, the handlers, background work."""

import contextlib
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from recollect import bootstrap
from recollect.adapters.line_files import write_lines
from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import RecollectError, UnavailableError
from recollect.domain.keys import KEY_PATTERN, hash_key
from recollect.entrypoints.functions import (
    HTTP_FUNCTIONS,
    INGEST_OBJECTS,
    MCP,
    QUEUE_FUNCTIONS,
    load_handlers,
    load_later,
    routes,
)
from recollect.entrypoints.inbox import Inbox
from recollect.entrypoints.invocation import GatewayTransport, Handler
from recollect.entrypoints.key_answers import KeyAnswer, key_answer
from recollect.entrypoints.key_bodies import KeyBody, RotateBody
from recollect.entrypoints.server import LocalGateway, serve
from recollect.entrypoints.worker import Driven, LocalWorker, feeds

DEFAULT_PROJECT: Final = "default"
FIRST_KEY_NAME: Final = "first key"
SETTLING_SECONDS: Final = 5.0
"""How long a command, or a service that was stopped, works on the jobs that wait."""


@dataclass(frozen=True)
class LocalKeys:
    """The keys of one project in the data file."""

    project: str

    def create(self, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return a new key with these fields of the protocol; raise `InvalidRequestError`."""
        body = KeyBody(**fields)
        return key_answer(*bootstrap.create_key()(self.project, body.name, body.grant))

    def all(self) -> list[KeyAnswer]:
        """Return what is known of each key, oldest first."""
        return [key_answer(key) for key in bootstrap.keys.list_keys()(self.project)]

    def revoke(self, key_id: str) -> KeyAnswer:
        """Return the revoked key; raise `NotFoundError`."""
        return key_answer(bootstrap.keys.revoke_key()(self.project, key_id))

    def rotate(self, key_id: str, fields: Mapping[str, Any]) -> KeyAnswer:
        """Return the key's successor; raise `NotFoundError` or `ConflictError`."""
        overlap = RotateBody(**fields).overlap
        return key_answer(*bootstrap.keys.rotate_key()(self.project, key_id, overlap))


@dataclass(frozen=True)
class LocalEdition:
    """One data file, opened, with everything that works on it."""

    store: LocalStore
    handlers: Mapping[str, Handler]

    @property
    def key_file(self) -> Path:
        """Where the first key is kept, beside the data."""
        return beside(self.store.path, ".key")

    def first_key(self) -> str:
        """Return the key of the project `default`, made at the first call.

        A key that the data does not know (it belonged to another data file) is replaced. Raises
        `UnavailableError` if the key was revoked or has expired, or if the file holds or can hold
        no key.
        """
        secret = read_key(self.key_file)
        known = self.store.keys.find(hash_key(secret)) if secret else None
        if secret is None or known is None:
            _, secret = bootstrap.create_key()(DEFAULT_PROJECT, FIRST_KEY_NAME)
            write_key(self.key_file, secret)
        elif not known.is_good(now()):
            state = "was revoked" if known.revoked_at else "has expired"
            message = (
                f"The key in {self.key_file} {state}: delete that file, and the next command"
                " makes another key"
            )
            raise UnavailableError(message)
        return secret

    def keys(self, project: str) -> LocalKeys:
        """Return the keys of a project, whether or not there is one of this name."""
        return LocalKeys(project)

    def transport(self) -> GatewayTransport:
        """Return what lets an HTTP client call the handlers in this process."""
        return GatewayTransport(self.handlers, routes(), now=now, new_id=new_id)

    def serve(
        self, listener: socket.socket, *, on_ready: Callable[[], None], inbox: Path | None = None
    ) -> None:
        """Answer requests and do the background work until SIGINT or SIGTERM.

        What is put into the folder `inbox` is remembered.
        """
        gateway = LocalGateway(self.handlers, routes(), now=now, new_id=new_id)
        watched = [Inbox(inbox, load_later(INGEST_OBJECTS))] if inbox else []
        with self._worker(watched):
            serve(gateway, socket=listener, on_ready=on_ready)

    def settle(self) -> None:
        """Do what was left to do for what was written here, and drive on what others left."""
        self._worker().settle(seconds=SETTLING_SECONDS)

    def _worker(self, others: Sequence[Driven] = ()) -> LocalWorker:
        driven = feeds(bootstrap.local_wake_ups(), self.handlers)
        return LocalWorker([*driven, *others], bootstrap.maintain(), now)


@contextlib.contextmanager
def opened(data: Path) -> Iterator[LocalEdition]:
    """Yield the local edition on this data file, and index what was written before closing it.

    Raises `UnavailableError` if the file cannot be used.
    """
    with bootstrap.local_edition(data) as store:
        names = [name for name in (*HTTP_FUNCTIONS, *QUEUE_FUNCTIONS) if name != MCP]
        edition = LocalEdition(store, {**load_handlers(names), MCP: load_later(MCP)})
        yield edition
        # All is in the record already: what cannot be indexed now is indexed by the next command.
        with contextlib.suppress(RecollectError):
            edition.settle()


def beside(data: Path, extension: str) -> Path:
    """Return the file beside the data file with this extension appended."""
    return data.with_name(data.name + extension)


def read_key(path: Path) -> str | None:
    """Return the key in a file, None without the file; raise `UnavailableError`."""
    try:
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"The key file {path} cannot be read: {error}"
        raise UnavailableError(message) from error
    if not KEY_PATTERN.fullmatch(secret):
        message = f"The file {path} holds no key: move it away, and the next command makes a key"
        raise UnavailableError(message)
    return secret


def write_key(path: Path, secret: str) -> None:
    """Write a file that only its owner can read, whole or not at all; raise `UnavailableError`."""
    write_lines(path, [f"{secret}\n"])


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new id."""
    return str(uuid.uuid4())
