"""A running mem0, or whatever speaks its protocol, as it is read by those who move from it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count, islice
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx

from recollect.adapters.mem0_memories import is_memory, kept_memory
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.archive import KeptMemory, NotTaken

PAGE_SIZE: Final = 100
MAX_TRIES: Final = 6
FIRST_PAUSE_SECONDS: Final = 1.0
"""Doubles with every try: half a minute in all, in which a service can restart."""
LONGEST_PAUSE_SECONDS: Final = 60.0
"""However long a service asks to be left alone."""
MISSING: Final = 404
TOO_MANY: Final = 429
BROKEN: Final = 500
"""From here on it is the service's fault."""
UNKNOWN_KEY: Final = frozenset({401, 403})
OPEN_SOURCE_LIMIT: Final = 1_000
"""The most memories that mem0's open-source server lists of an entity; it has no second page."""

Row = Mapping[str, Any]


class RefusedError(InvalidRequestError):
    """The service refused a request; `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The service answered {status}")
        self.status = status


class BusyError(UnavailableError):
    """There was no answer, or none that says anything; after `retry_after` there may be one."""

    def __init__(self, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Asking:
    """Asks a service, and again where that may help: reading changes nothing there.

    `sleep` takes seconds.
    """

    client: httpx.Client
    sleep: Callable[[float], None]

    def __call__(self, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - httpx's; JSON
        """Return the JSON of the answer.

        Raises `RefusedError`, and `UnavailableError` if the last try has no answer either.
        """
        for tried in range(MAX_TRIES - 1):
            try:
                return self._once(method, path, **parts)
            except BusyError as busy:
                self.sleep(_pause(tried, busy.retry_after))
        return self._once(method, path, **parts)

    def _once(self, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - as above
        try:
            response = self.client.request(method, path, **parts)
        except httpx.HTTPError as error:
            message = f"The service cannot be reached: {type(error).__name__}"
            raise BusyError(message) from error
        if response.status_code == TOO_MANY or response.status_code >= BROKEN:
            message = f"The service answered {response.status_code}, again and again"
            raise BusyError(message, response.headers.get("retry-after"))
        if not response.is_success:
            raise RefusedError(response.status_code)
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            message = "What answers is no mem0; is the URL right?"
            raise UnavailableError(message) from error


class Mem0(Protocol):
    """One of mem0's protocols; every method raises what `Asking` raises."""

    def entities(self) -> Iterator[Subject]:
        """Yield whom there are memories of."""
        ...

    def memories(self, subject: Subject) -> Iterator[Row]:
        """Yield the subject's memories, expired ones too."""
        ...

    def history(self, memory_id: str) -> Sequence[Row]:
        """Return what happened to a memory, oldest first."""
        ...

    def is_cut(self, listed: int) -> bool:
        """Tell whether a subject may have more memories than were listed."""
        ...


@dataclass(frozen=True)
class HostedMem0:
    """The protocol of the hosted platform."""

    ask: Asking

    def entities(self) -> Iterator[Subject]:
        """Yield all entities, page by page."""
        for row in self._pages("GET", "/v1/entities/"):
            yield Subject.of(SubjectKind(row["type"]), row["name"])

    def memories(self, subject: Subject) -> Iterator[Row]:
        """Yield an entity's memories, page by page, by version 3 of the protocol, else by 2."""
        body = {"filters": {f"{subject.kind}_id": subject.name}, "show_expired": True}
        try:
            yield from self._pages("POST", "/v3/memories/", json=body)
        except RefusedError as refused:
            if refused.status != MISSING:
                raise
            yield from self._pages("POST", "/v2/memories/", json=body)

    def history(self, memory_id: str) -> Sequence[Row]:
        """Return a memory's history; nothing if it was deleted meanwhile."""
        try:
            return _rows(self.ask("GET", f"/v1/memories/{quote(memory_id, safe='')}/history/"))
        except RefusedError as refused:
            if refused.status != MISSING:
                raise
            return ()

    def is_cut(self, listed: int) -> bool:  # noqa: ARG002 - all pages are read
        """Tell that all are listed."""
        return False

    def _pages(self, method: str, path: str, **parts: Any) -> Iterator[Row]:  # noqa: ANN401
        for page in count(1):
            query = {"page": page, "page_size": PAGE_SIZE}
            answer = self.ask(method, path, params=query, **parts)
            rows = _rows(answer)
            yield from rows
            if not (isinstance(answer, dict) and answer.get("next") and rows):
                return


@dataclass(frozen=True)
class OpenSourceMem0:
    """The protocol of mem0's own server, which is open source."""

    ask: Asking

    def entities(self) -> Iterator[Subject]:
        """Yield all entities."""
        for row in _rows(self.ask("GET", "/entities")):
            yield Subject.of(SubjectKind(row["type"]), row["id"])

    def memories(self, subject: Subject) -> Iterator[Row]:
        """Yield as many of an entity's memories as the server lists."""
        query = {
            f"{subject.kind}_id": subject.name,
            "top_k": OPEN_SOURCE_LIMIT,
            "show_expired": True,
        }
        yield from _rows(self.ask("GET", "/memories", params=query))

    def history(self, memory_id: str) -> Sequence[Row]:
        """Return a memory's history."""
        return _rows(self.ask("GET", f"/memories/{quote(memory_id, safe='')}/history"))

    def is_cut(self, listed: int) -> bool:
        """Tell whether the list is as long as it can be."""
        return listed >= OPEN_SOURCE_LIMIT


@dataclass(frozen=True)
class ReadMem0:
    """Reads the memories of some entities, or of all, with their histories, as our project's.

    Histories are asked for in threads.
    """

    mem0: Mem0
    threads: Executor
    now: Callable[[], datetime]

    def __call__(
        self, project: str, subjects: Sequence[Subject] = ()
    ) -> Iterator[KeptMemory | NotTaken]:
        """Yield each memory once, and what could not be read, and why.

        Raises `UnavailableError`, and `InvalidRequestError` if the key is refused.
        """
        seen: set[str] = set()
        try:
            for subject in subjects or self.mem0.entities():
                yield from self._of(project, subject, seen)
        except RefusedError as refused:
            if refused.status in UNKNOWN_KEY:
                message = "The service does not know this API key, or it may not read memories"
                raise InvalidRequestError(message) from refused
            raise
        except (KeyError, TypeError, ValueError) as error:
            message = "What answers is no mem0; is the URL right?"
            raise UnavailableError(message) from error

    def _of(
        self, project: str, subject: Subject, seen: set[str]
    ) -> Iterator[KeptMemory | NotTaken]:
        listed, rows = 0, self.mem0.memories(subject)
        while page := list(islice(rows, PAGE_SIZE)):
            listed += len(page)
            new = [row for row in page if is_memory(row) and row["id"] not in seen]
            seen.update(row["id"] for row in new)
            histories = self.threads.map(self.mem0.history, [row["id"] for row in new])
            for row, history in zip(new, histories, strict=True):
                yield self._taken(project, row, history)
        if self.mem0.is_cut(listed):
            yield NotTaken(
                f"{subject.kind}", f"the service lists {listed} memories of one entity and no more"
            )

    def _taken(self, project: str, row: Row, history: Sequence[Row]) -> KeptMemory | NotTaken:
        try:
            return kept_memory(project, row, history, learned_at=self.now())
        except InvalidRequestError as error:
            return NotTaken(row["id"], str(error))


def _rows(answer: object) -> Sequence[Row]:
    """Return the rows of a list, or of a page with its results."""
    rows = answer["results"] if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "rows are objects in a list"
        raise TypeError(message)
    return rows


def _pause(tried: int, retry_after: str | None) -> float:
    """Return how many seconds to wait: what is asked for, else longer with every try."""
    wanted = _seconds(retry_after) if retry_after else None
    pause = FIRST_PAUSE_SECONDS * 2**tried if wanted is None else wanted
    return min(max(pause, 0.0), LONGEST_PAUSE_SECONDS)


def _seconds(retry_after: str) -> float | None:
    """Return what the header means: seconds, or a time; None for anything else."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
