"""The service under measurement: the real use cases and handlers on a fresh data file."""

import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from recollect import bootstrap
from recollect.domain.filters import parse_filter
from recollect.domain.jobs import AddRequest
from recollect.domain.memory import Message
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.entrypoints.functions import HTTP_FUNCTIONS, PROJECTOR, load_handlers, routes
from recollect.entrypoints.server import LocalGateway, bind, serve
from recollect.entrypoints.worker import LocalWorker

PROJECT = "bench"


def configure(folder: Path) -> None:
    """Choose the data file; must come before anything of the service is built."""
    os.environ["RECOLLECT_EDITION"] = "local"
    os.environ["RECOLLECT_DATA"] = str(folder / "bench.db")

    bootstrap.local_store().open()
    new_key()


def new_key() -> str:
    """Return a key of the project under measurement."""
    _, secret = bootstrap.create_key()(PROJECT, "bench")
    return secret


def add_verbatim(user: str, texts: Sequence[str]) -> list[str]:
    """Add messages verbatim in process; return the ids of their memories, in order."""
    scope = Scope.of(PROJECT, {SubjectKind.USER: user})
    messages = tuple(Message("user", text) for text in texts)
    job = bootstrap.add_memories()(AddRequest(scope=scope, messages=messages, infer=False))
    return [outcome.memory_id for outcome in job.outcomes]


def index_all(user: str) -> int:
    """Bring the index up to date for a user; return how many changes it was."""
    return bootstrap.project_changes()(PROJECT, [Subject.of(SubjectKind.USER, user).key])


def search(user: str, question: str, limit: int = 10) -> list[str]:
    """Search in process without a threshold; return the ids found, best first."""
    result = bootstrap.search_memories()(
        PROJECT, question, parse_filter({"user_id": user}), limit=limit, threshold=0.0
    )
    return [found.memory.id for found in result.found]


@contextmanager
def http_service() -> Iterator[httpx.Client]:
    """Serve on loopback in a thread and yield a client with a key of the project."""

    def now() -> datetime:
        return datetime.now(UTC)

    handlers = load_handlers((*HTTP_FUNCTIONS, PROJECTOR))
    projector = handlers.pop(PROJECTOR)
    gateway = LocalGateway(handlers, routes(), now=now, new_id=lambda: str(uuid.uuid4()))
    listener = bind("127.0.0.1", 0)
    host, port = listener.getsockname()[:2]
    ready = threading.Event()
    thread = threading.Thread(
        target=serve,
        args=(gateway,),
        kwargs={"socket": listener, "on_ready": ready.set},
        daemon=True,
    )
    worker = LocalWorker(bootstrap.local_wake_ups(), projector, bootstrap.maintain(), now)
    with (
        worker,
        httpx.Client(
            base_url=f"http://{host}:{port}",
            headers={"Authorization": f"Token {new_key()}"},
            timeout=60,
        ) as client,
    ):
        thread.start()
        ready.wait(30)
        yield client
