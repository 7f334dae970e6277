"""What jobs are asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeAlias

from recollect.domain.changes import MemoryChanges
from recollect.domain.guidance import Guidance
from recollect.domain.keys import Access
from recollect.domain.memory import Json, MemoryKind, Message, checked_metadata
from recollect.domain.redaction import Redaction, redacted_messages
from recollect.domain.subjects import Scope, Subject


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


@dataclass(frozen=True, kw_only=True)
class EraseRequest:
    """Remove all that is of a subject, or came of it, for good and everywhere.

    Once that is done, there is no `subject` any more: its key is all that is left of its name.
    """

    project: str
    subject_key: str
    subject: Subject | None = None

    @classmethod
    def of(cls, project: str, subject: Subject) -> "EraseRequest":
        """Return the request to erase this subject of the project."""
        return cls(project=project, subject_key=subject.key, subject=subject)

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject is None or subject.key == self.subject_key


@dataclass(frozen=True, kw_only=True)
class ErasedRequest:
    """What is left of a request that went with the subject that it was of: nothing."""

    project: str

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work: nobody knows any more."""
        return subject is None


@dataclass(frozen=True, kw_only=True)
class IngestRequest:
    """Add what a version of an object says: conversations, one after the other.

    `modified_at` is when that version was written; `size` is in bytes.
    """

    project: str
    bucket: str
    key: str
    version: str
    size: int
    modified_at: datetime

    def is_within(self, subject: Subject | None) -> bool:
        """Tell whether it is the subject's own work; None stands for any."""
        return subject is None


JobRequest: TypeAlias = (
    AddRequest
    | DeleteAllRequest
    | BatchUpdateRequest
    | BatchDeleteRequest
    | ExportRequest
    | EraseRequest
    | ErasedRequest
    | IngestRequest
)
