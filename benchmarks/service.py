"""The service under measurement: the real use cases and handlers on a fresh data file."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx

from recollect import bootstrap
from recollect.domain.filters import parse_filter
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind

PROJECT = "bench"
START_SECONDS = 120


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
def http_service(data: Path) -> Iterator[httpx.Client]:
    """Run `recollect serve` on a fresh data file and yield a client of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "recollect.entrypoints.cli.main", "serve"]
    process = subprocess.Popen(  # noqa: S603 - this interpreter and our own command
        [*command, "--port", str(port), "--data", str(data)], stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        key = _key_when_ready(url, data.with_name(f"{data.name}.key"))
        headers = {"Authorization": f"Token {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until_indexed(data: Path) -> None:
    """Wait until the service on this data file has nothing pending."""
    deadline = time.monotonic() + START_SECONDS
    with closing(sqlite3.connect(data)) as connection:
        while connection.execute("SELECT 1 FROM pending LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.1)


def _key_when_ready(url: str, key_file: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError, FileNotFoundError):
            httpx.get(f"{url}/v1/ping/")
            return key_file.read_text().strip()
        time.sleep(0.1)
    raise TimeoutError
