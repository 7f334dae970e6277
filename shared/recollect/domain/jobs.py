"""Work that a caller can follow, and what it did."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from recollect.domain.memory import Json, MemoryKind
from recollect.domain.requests import AddRequest, ErasedRequest, JobRequest

LANES = 16
"""How many adds of one project may be worked on at once, one scope's in order. The 64 workers of a
deployment by default bear three projects that have a long queue."""
OTHER_LANES = 4
"""The same for everything else, which may take long."""
KEPT = timedelta(days=30)
"""A job that has ended is forgotten after this; longer than any queue keeps a message (14 days)."""

ERASED = "What it was asked for was erased, on behalf of a user, agent, app or run that it named"
"""Why a job has failed that was asked for before the erasure and not done by then."""


class JobStatus(StrEnum):
    """How far a job is; the last two are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


UNFINISHED = frozenset({JobStatus.PENDING, JobStatus.RUNNING})


class Decision(StrEnum):
    """What became of one fact or message of an add."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    NONE = "NONE"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A statement worth remembering, self-contained, and who said it.

    With a `quote` it is none, but what a user asks to forget, in these very words. `prompt_version`
    is of the prompt that found it. The other fields mean what they mean of a `Memory`.
    """

    text: str
    role: str
    actor: str | None = None
    attributed_to: str | None = None
    kind: MemoryKind = MemoryKind.SEMANTIC
    categories: tuple[str, ...] = ()
    message: int | None = None
    said_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    salience: float | None = None
    quote: str | None = None
    prompt_version: str | None = None


@dataclass(frozen=True)
class Turn:
    """A reserved place among a scope's verbatim memories, and the id that goes with it."""

    number: int
    memory_id: str


@dataclass(frozen=True)
class Draft:
    """One step of an add's plan: a fact to be decided on, or a turn to be kept verbatim."""

    fact: Fact
    turn: Turn | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One line of a job's results; `message` is the place of the one it came from."""

    decision: Decision
    memory_id: str
    text: str
    previous_text: str | None = None
    role: str | None = None
    actor: str | None = None
    attributed_to: str | None = None
    categories: tuple[str, ...] = ()
    reason: str | None = None
    message: int | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work of a project.

    `request` is the work itself. An add is read in parts: `read` messages have been read, and
    `plan` is what the last part came to, of which `done` steps are committed, so that the job can
    be resumed from there. `attempt` counts who works on it; a commit of an older one is refused.
    """

    id: str
    project: str
    request: JobRequest
    status: JobStatus
    created_at: datetime
    read: int = 0
    plan: tuple[Draft, ...] | None = None
    done: int = 0
    attempt: int = 1
    started_at: datetime | None = None
    completed_at: datetime | None = None
    outcomes: tuple[Outcome, ...] = ()
    error: str | None = None
    notes: Mapping[str, Json] = field(default_factory=dict)
    """What the caller may want to know: the extractor's name, counts, token usage."""
    result: Json = None
    """What came of it, where that is neither outcomes nor a note: an export's object."""
    key_id: str | None = None
    """The key that it was asked for with, whose tokens it uses; None for what no key asked for."""
    asked_at: datetime | None = None
    """When it was asked for, if that was before it was accepted: a message may have waited."""
    message_id: str | None = None
    """The queue's message that asked for it, if one did."""
    tries: int = 1
    """How many have worked on it since it last got on."""
    got_to: int = 0
    """Its `progress` when the last of them took it."""

    @property
    def progress(self) -> int:
        """How far it has come, in steps of its own kind; it grows with what is done for good."""
        return self.read + self.done + len(self.outcomes)

    def taken(self, now: datetime) -> "Job":
        """Return it in the hands of the next one who works on it.

        One that has failed is begun anew: somebody asked for it again.
        """
        gets_on = self.status is JobStatus.FAILED or self.progress > self.got_to
        return replace(
            self,
            attempt=self.attempt + 1,
            tries=1 if gets_on else self.tries + 1,
            got_to=self.progress,
            status=JobStatus.RUNNING,
            started_at=self.started_at or now,
            completed_at=None,
            error=None,
        )

    def emptied(self, now: datetime) -> "Job":
        """Return it without anything that was said, or came of it, out of all hands.

        It has failed unless it had succeeded, and is never to be tried again.
        """
        is_done = self.status is JobStatus.SUCCEEDED
        return replace(
            self,
            request=ErasedRequest(project=self.project),
            status=JobStatus.SUCCEEDED if is_done else JobStatus.FAILED,
            attempt=self.attempt + 1,
            completed_at=self.completed_at or now,
            plan=None,
            outcomes=(),
            error=None if is_done else ERASED,
            notes={},
            result=None,
        )

    @property
    def is_closed(self) -> bool:
        """Tell whether nobody is to work on it any more, whoever asks for it."""
        return self.status is JobStatus.SUCCEEDED or isinstance(self.request, ErasedRequest)

    @property
    def said_by(self) -> datetime:
        """Until when what it says was said: what is erased later is not to come back by it."""
        return self.asked_at or self.created_at

    @property
    def lane(self) -> str:
        """The name, within the project, of the line in which it waits for its turn."""
        request = self.request
        if isinstance(request, AddRequest):
            return f"add-{_share(request.scope.key, LANES)}"
        return f"other-{_share(self.id, OTHER_LANES)}"


@dataclass(frozen=True)
class IdempotencyKey:
    """The caller's key for one request, and a hash of the request's body."""

    key: str
    body_hash: str


def _share(name: str, count: int) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % count
