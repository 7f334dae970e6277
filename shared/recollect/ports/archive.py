"""What exports tell of a project and imports bring back, and what only exports have to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from recollect.domain.graph import Alias, Entity, Owner, Relation
from recollect.domain.memory import Episode, HistoryEvent, Json, Memory
from recollect.domain.subjects import Scope, Subject
from recollect.ports.graph import NamedEntity, Statement


@dataclass(frozen=True)
class Described:
    """What was said of a subject."""

    subject: Subject
    metadata: Mapping[str, Json]


@dataclass(frozen=True)
class NamedAlias:
    """Another name of an owner's entity, and the type that went with it."""

    owner: Owner
    other: NamedEntity
    entity: NamedEntity
    recorded_at: datetime


@dataclass(frozen=True)
class NamedRelation:
    """A relation with the names of its ends, whose ids mean nothing in another project."""

    relation: Relation
    source: NamedEntity
    target: NamedEntity


@dataclass(frozen=True)
class NamedReading:
    """What the graph has of a memory as it was at `version`, by name as in a `NamedRelation`."""

    version: int
    entities: tuple[NamedEntity, ...] = ()
    statements: tuple[Statement, ...] = ()
    ended: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class KeptMemory:
    """A memory, without its vector, with its history from the first event on."""

    memory: Memory
    history: tuple[HistoryEvent, ...]
    reading: NamedReading | None = None


@dataclass(frozen=True)
class DeletedMemory:
    """The history of a memory that was deleted, from the first event to its deletion."""

    history: tuple[HistoryEvent, ...]

    @property
    def id(self) -> str:
        """The id that the memory had."""
        return self.history[-1].memory_id

    @property
    def scope(self) -> Scope:
        """Whose it was."""
        return self.history[-1].scope


Item: TypeAlias = (
    Described | Entity | NamedAlias | NamedRelation | KeptMemory | DeletedMemory | Episode
)
"""One thing that an export tells, in this order: an owner's relations come behind its entities,
memories behind the graphs that they were read for."""


@dataclass(frozen=True)
class NotTaken:
    """One thing that cannot be imported, where it is, and why; without a word of any memory."""

    place: str
    reason: str


class Archive(Protocol):
    """Reads what no other port leads to; reads see every commit that was answered."""

    def metadata(self, project: str, subject: Subject) -> Mapping[str, Json]:
        """Return what was said of the subject, whether it has memories or not."""
        ...

    def deleted(
        self, project: str, subject: Subject, *, limit: int, after: str = ""
    ) -> dict[str, str]:
        """Return place -> id for memories of the subject that were deleted, behind this place.

        In an order of its own. One that lives may be among them: it is about to be deleted, or
        came with a history.
        """
        ...

    def episodes(
        self, project: str, subject: Subject, *, now: datetime, limit: int, after: str = ""
    ) -> dict[str, Episode | None]:
        """Return place -> episode for all scopes that the subject is in, behind this place.

        In an order of its own; None for one that is gone or has expired. Those that a release
        before this one stored may be missing.
        """
        ...

    def aliases(self, owner: Owner, *, limit: int, after: str = "") -> list[Alias]:
        """Return the aliases of the owner's entities behind this id, in the order of ids."""
        ...
