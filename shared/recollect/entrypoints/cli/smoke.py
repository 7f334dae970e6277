"""`recollect smoke`."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import click

from recollect.domain.errors import RecollectError
from recollect.entrypoints.answers import (
    AddAnswer,
    HistoryAnswer,
    MemoryAnswer,
    MemoryPageAnswer,
    MessageOnly,
    PingAnswer,
    SearchAnswer,
)
from recollect.entrypoints.cli.client import Api, RefusedError
from recollect.entrypoints.cli.memories import delete_all
from recollect.entrypoints.cli.options import connected
from recollect.entrypoints.cli.output import examples, say

NOT_FOUND: Final = 404
READ: Final = "the log of the function read, and the alarms of the record's tables"
ADD: Final = "the log of the function add: the embedding model, the record's tables, the queue"
SEARCH: Final = "the log of the function search: the embedding model, and OpenSearch"
MUTATE: Final = "the log of the function mutate: the embedding model, and the record's tables"


class UnexpectedAnswerError(click.ClickException):
    """The service answered, and not what it should have."""


class SmokeError(click.ClickException):
    """A step failed; the text says which, why, and what to look at."""


@dataclass
class Smoke:
    """One memory's life, in the protocol that every client speaks."""

    api: Api
    user: str
    memory_id: str = ""
    first: str = field(init=False)
    second: str = field(init=False)

    def __post_init__(self) -> None:
        """Make up what to remember: the user's name in it makes it the only one of its kind."""
        self.first = f"The lighthouse of {self.user} is red."
        self.second = f"The lighthouse of {self.user} is white."

    def steps(self) -> Iterator[tuple[str, Callable[[], None], str]]:
        """Yield each step's name, what it does, and what to look at when it fails."""
        yield "add", self.add, ADD
        yield "get", self.get, READ
        yield "list", self.list_all, READ
        yield "search", self.search, SEARCH
        yield "update", self.update, MUTATE
        yield "history", self.history, READ
        yield "search after the update", self.search_again, SEARCH
        yield "delete", self.delete, MUTATE
        yield "get after the delete", self.get_nothing, READ
        yield "list after the delete", self.list_nothing, READ
        yield "search after the delete", self.search_nothing, SEARCH

    def ping(self) -> None:
        """Check the key."""
        self.api.call(PingAnswer, "GET", "/v1/ping/")

    def add(self) -> None:
        """Remember a text word for word."""
        body = {"messages": self.first, "user_id": self.user, "infer": False}
        answer = self.api.call(AddAnswer, "POST", "/v3/memories/add/", body=body)
        _expect("the results", [item["event"] for item in answer["results"]], ["ADD"])
        self.memory_id = answer["results"][0]["id"]

    def get(self) -> None:
        """Read it by its id."""
        memory = self.api.call(MemoryAnswer, "GET", self._path)
        _expect("the memory's text", memory.get("memory"), self.first)

    def list_all(self) -> None:
        """Find it in the user's list."""
        _expect("the list", self._listed(), [self.first])

    def search(self) -> None:
        """Find it although the index may not have it yet."""
        _expect("what was found", self._found(self.first), [self.first])

    def update(self) -> None:
        """Give it another text."""
        memory = self.api.call(MemoryAnswer, "PUT", self._path, body={"text": self.second})
        _expect("the memory's text", memory.get("memory"), self.second)

    def history(self) -> None:
        """Read what happened to it."""
        events = self.api.call(list[HistoryAnswer], "GET", f"{self._path}history/")
        texts = [(event["event"], event["new_memory"]) for event in events]
        _expect("the history", texts, [("ADD", self.first), ("UPDATE", self.second)])

    def search_again(self) -> None:
        """Find the new text and not the old."""
        _expect("what was found", self._found(self.first), [self.second])

    def delete(self) -> None:
        """Delete it."""
        self.api.call(MessageOnly, "DELETE", self._path)

    def get_nothing(self) -> None:
        """Do not find it by its id."""
        try:
            self.api.call(MemoryAnswer, "GET", self._path)
        except RefusedError as refusal:
            if refusal.status == NOT_FOUND:
                return
            raise
        message = "the memory is still there"
        raise UnexpectedAnswerError(message)

    def list_nothing(self) -> None:
        """Do not find it in the list."""
        _expect("the list", self._listed(), [])

    def search_nothing(self) -> None:
        """Do not find it by search."""
        _expect("what was found", self._found(self.second), [])

    @property
    def _path(self) -> str:
        return f"/v1/memories/{self.memory_id}/"

    def _listed(self) -> list[str | None]:
        body = {"filters": {"user_id": self.user}}
        answer = self.api.call(MemoryPageAnswer, "POST", "/v3/memories/", body=body)
        return [memory.get("memory") for memory in answer["results"]]

    def _found(self, query: str) -> list[str | None]:
        body = {"query": query, "filters": {"user_id": self.user}, "threshold": 0.0}
        answer = self.api.call(SearchAnswer, "POST", "/v3/memories/search/", body=body)
        _expect("what could not help", answer["degraded"], [])
        return [memory.get("memory") for memory in answer["results"]]


@click.command(
    epilog=examples("recollect smoke --host https://abc.execute-api.eu-west-1.amazonaws.com")
)
@connected
def smoke(api: Api) -> None:
    """Prove that a service works.

    Adds, reads, lists, finds, changes and deletes one memory of a user that nobody else has, and
    deletes that user's memories at the end, whatever happens. Prints each step with the time it
    took; the first that fails ends it with status 1 and says what to look at.
    """
    run = Smoke(api, f"smoke-{uuid.uuid4().hex}")
    _timed("ping", run.ping, f"the URL and the key; then {READ}")
    with _cleaned_up(run):
        for name, step, look_at in run.steps():
            _timed(name, step, look_at)
    click.echo(f"{api.name} works.")


@contextmanager
def _cleaned_up(run: Smoke) -> Iterator[None]:
    """Delete what the block left behind; if it fails, its own error is the one that is told."""
    try:
        yield
    except BaseException:
        try:
            delete_all(run.api, {"user_id": run.user})
        except (RecollectError, click.ClickException):
            say(f"Nothing could be cleaned up. Later: recollect delete --user {run.user} --yes")
        raise
    _timed("clean up", lambda: _delete_nothing(run), MUTATE)


def _delete_nothing(run: Smoke) -> None:
    _expect("the number of memories left", delete_all(run.api, {"user_id": run.user}), 0)


def _timed(name: str, step: Callable[[], None], look_at: str) -> None:
    start = time.perf_counter()
    try:
        step()
    except (RecollectError, click.ClickException) as error:
        message = f"{name} failed: {error}. Look at {look_at}."
        raise SmokeError(message) from error
    click.echo(f"{name:24} {(time.perf_counter() - start) * 1000:6.0f} ms")


def _expect(what: str, found: Any, expected: Any) -> None:  # noqa: ANN401 - compared only
    if found != expected:
        message = f"{what} should be {expected!r} but is {found!r}"
        raise UnexpectedAnswerError(message)
