"""Work that a caller can follow, and what it did."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from recollect.domain.changes import MemoryChanges
from recollect.domain.guidance import Guidance
from recollect.domain.keys import Access
from recollect.domain.memory import Json, MemoryKind, Message, checked_metadata
from recollect.domain.redaction import Redaction, redacted_messages
from recollect.domain.subjects import Scope, Subject


class JobStatus(StrEnum):
    """How far a job is; the last two are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


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
class AddRequest:
    """Messages to remember in a scope, and how.

    Without `infer` each message that is not the system's is kept verbatim. `said_at` backdates
    what is stored; `reference_at` only tells what "yesterday" was counted from. Metadata, expiry
    and immutability go to every memory. A `kind` is that of all memories; a procedural one is a
    summary of all messages, `infer` or not. `is_graphed` has all memories read for the graph; None
    as the project has set.
    """

    scope: Scope
    messages: tuple[Message, ...]
    infer: bool = True
    metadata: Mapping[str, Json] = field(default_factory=dict)
    said_at: datetime | None = None
    reference_at: datetime | None = None
    expires_on: date | None = None
    is_immutable: bool = False
    kind: MemoryKind | None = None
    is_graphed: bool | None = None
    guidance: Guidance = field(default_factory=Guidance)

    @property
    def project(self) -> str:
        """The project whose work it is."""
        return self.scope.project

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return self.scope.is_within(subject)

    def redacted(self, redaction: Redaction | None) -> "AddRequest":
        """Return it as a project lets it be kept.

        Raises `InvalidRequestError` if its metadata is too large with marks in it.
        """
        if redaction is None:
            return self
        return replace(
            self,
            messages=redacted_messages(redaction, self.messages),
            metadata=checked_metadata(redaction.redact_members(self.metadata)),
        )

    def said_from(self, accepted_at: datetime) -> datetime:
        """Return when what has no time of its own was said: when it was accepted if unknown."""
        return self.said_at or accepted_at


@dataclass(frozen=True, kw_only=True)
class DeleteAllRequest:
    """Delete the memories that these filters (in the caller's language) let through."""

    project: str
    filters: Mapping[str, Json]
    subject: Subject | None = None
    """Whose memories alone they let through, if whoever asks sees no others."""
    ends_subject: bool = False
    """Whether what is said of the one subject that they name goes, too."""
    ends_project: bool = False
    """Whether the project itself goes, once all its memories have."""

    @classmethod
    def by(cls, access: Access, filters: Mapping[str, Json]) -> "DeleteAllRequest":
        """Return the request of a key, of whatever these filters let through within its reach."""
        narrowed = access.narrowed(filters)
        return cls(project=access.project, filters=narrowed, subject=access.subject)

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject in {None, self.subject}


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Say what the memories that these filters let through know, in an object of this schema.

    The filters are in the caller's language; `instructions` are the caller's own words on what
    the object is to say, empty for none.
    """

    project: str
    filters: Mapping[str, Json]
    schema: Mapping[str, Json]
    instructions: str = ""

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject is None


@dataclass(frozen=True, kw_only=True)
class BatchUpdateRequest:
    """Change these memories (id -> how), each as it is at that moment, in this order."""

    project: str
    changes: Mapping[str, MemoryChanges]
    subject: Subject | None = None
    """To whom all of them must belong, if whoever asks sees no others."""

    @property
    def memory_ids(self) -> tuple[str, ...]:
        """The memories, in order."""
        return tuple(self.changes)

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject in {None, self.subject}


@dataclass(frozen=True, kw_only=True)
class BatchDeleteRequest:
    """Delete these memories, whatever their versions, in this order."""

    project: str
    memory_ids: tuple[str, ...]
    subject: Subject | None = None
    """As of a `BatchUpdateRequest`."""

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject in {None, self.subject}


JobRequest: TypeAlias = (
    AddRequest | DeleteAllRequest | BatchUpdateRequest | BatchDeleteRequest | ExportRequest
)


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


@dataclass(frozen=True)
class IdempotencyKey:
    """The caller's key for one request, and a hash of the request's body."""

    key: str
    body_hash: str
