"""The record: the truth about memories, episodes, history and jobs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from recollect.domain.errors import ConflictError
from recollect.domain.filters import Filter
from recollect.domain.jobs import ERASED, Job, Turn
from recollect.domain.memory import Episode, HistoryEvent, Json, Memory
from recollect.domain.subjects import Scope, Subject, SubjectKind


class LostRaceError(ConflictError):
    """Somebody else committed first; nothing of this change was stored."""


class TextTakenError(LostRaceError):
    """A memory of the scope already has this text."""


class VersionMovedError(LostRaceError):
    """A memory is not at the version that the change was made from, or is gone."""


class ClockMovedError(LostRaceError):
    """The scope changed after the candidates of the decision were searched."""


class FencedError(LostRaceError):
    """A later attempt has taken over the job."""


class ErasedError(ConflictError):
    """A subject was erased after it was asked for what would bring it back; nothing was stored."""

    @classmethod
    def of_subject(cls) -> "ErasedError":
        """Return the refusal, which does not tell whose erasure it was."""
        return cls(ERASED)


@dataclass(frozen=True, kw_only=True)
class MemoryWrite:
    """One memory's step from `before` to `after`: no before adds it, no after deletes it.

    `earlier` is the history, oldest first, of one that is added with what has happened to it
    elsewhere. With neither before nor after it is one that was deleted there: its history is kept,
    and nothing can be added by its id.
    """

    before: Memory | None
    after: Memory | None
    event: HistoryEvent
    earlier: tuple[HistoryEvent, ...] = ()

    @property
    def scope(self) -> Scope:
        """The memory's scope, which is the same before and after."""
        memory = self.after or self.before
        return memory.scope if memory else self.event.scope

    @property
    def is_graphed(self) -> bool:
        """Tell whether the memory is, or was, in the graph, which has to hear of it then."""
        return any(memory and memory.is_graphed for memory in (self.before, self.after))


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is committed at once or not at all.

    Adding a memory takes its text's uniqueness in the scope, deleting it gives it up, updating
    exchanges it; what counts is where all writes together end, not their order. An expired memory
    loses its text to the first one that takes it. A change writes a memory at most once.
    `expected_clocks` are the scope clocks (by scope key) that must not have moved; the clock of
    every scope written to moves on by one. `job`, if given, replaces the stored state of the job,
    which must be unfinished and still at the same attempt; until `lease_end`, if given, it stays
    in the hands that it is in. `said_by`, if given, is when what it adds had been said: nothing is
    added to a scope of which a subject was erased since.
    """

    at: datetime
    writes: tuple[MemoryWrite, ...] = ()
    expected_clocks: Mapping[str, int] | None = None
    episode: Episode | None = None
    job: Job | None = None
    lease_end: datetime | None = None
    said_by: datetime | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that it writes to, each once."""
        of_episode = [self.episode.scope] if self.episode else []
        return tuple(dict.fromkeys([*(write.scope for write in self.writes), *of_episode]))


class Record(Protocol):
    """Keeps memories with their history; reads see every commit that was answered."""

    def room_for(self, scopes: Sequence[Scope]) -> int:
        """Return how many writes to these scopes, from the first on, one change can hold.

        At least one, whatever the writes are.
        """
        ...

    def commit(self, project: str, change: Change) -> None:
        """Store the change with its history, uniqueness, memberships and pending items.

        Raises a `LostRaceError` (see its kinds), or `ErasedError`, and stores nothing if a
        condition fails.
        """
        ...

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return the living memories among these, by id; unknown and deleted ones are absent."""
        ...

    def expired(self, *, before: date, limit: int) -> list[tuple[str, str]]:
        """Return (project, id) of living memories whose last day lies before that day.

        It may be that one is found a moment after it was committed, or deleted. Those whose last
        day a release before this one stored may be missing.
        """
        ...

    def history(self, project: str, memory_id: str) -> list[HistoryEvent]:
        """Return a memory's events, oldest first; of deleted memories too; empty if unknown."""
        ...


class Episodes(Protocol):
    """The messages of adds, as a `Change` stored them; reads see every commit that was answered.

    From its `expires_at` on an episode is not read any more, but it is there until removed.
    """

    def get(
        self, project: str, episode_ids: Collection[str], *, now: datetime
    ) -> dict[str, Episode]:
        """Return the messages of adds by their ids, but for unknown, removed and expired ones."""
        ...

    def recent(self, scope: Scope, *, limit: int, now: datetime) -> list[Episode]:
        """Return the last episodes of exactly this scope by `recorded_at`, newest first.

        Those that a release before this one stored may be missing.
        """
        ...

    def remove(
        self, project: str, subjects: Sequence[Subject], *, before: datetime, after: str = ""
    ) -> str | None:
        """Remove episodes recorded before then of the scopes that have all of these subjects.

        As many as take a moment: returns the place to go on `after`, None at the end. Of no
        subjects none are removed. Repeating it is safe, and finishes what broke off.
        """
        ...

    def remove_expired(self, *, now: datetime, limit: int) -> int:
        """Remove the first `limit` expired episodes of all projects; return how many it were.

        It may be that some are found a moment after they expired.
        """
        ...


class Scopes(Protocol):
    """What is known of one scope as a whole."""

    def clock(self, scope: Scope) -> int:
        """Return how many changes the scope has seen; 0 for an unknown one."""
        ...

    def reserve_turns(self, scope: Scope, count: int) -> tuple[Turn, ...]:
        """Return the next `count` turns, nobody else's ever; unused ones leave harmless gaps."""
        ...

    def turns_at(self, scope: Scope, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the ids that memories have, or would have, at these turns of a scope, in order.

        Nothing is read for it but, once, the project's secret.
        """
        ...

    def find_texts(self, scope: Scope, texts: Sequence[str], *, now: datetime) -> dict[str, str]:
        """Return text -> memory id for those that a living, unexpired memory of the scope has."""
        ...


@dataclass(frozen=True)
class Position:
    """A place in a listing: just behind the memory with this time and id."""

    created_at: datetime
    memory_id: str


@dataclass(frozen=True)
class MemoryPage:
    """Some memories of a listing; `count` of all that match is exact while `is_count_exact`.

    Behind a position nothing is counted: `count` is 0 and not exact.
    """

    memories: tuple[Memory, ...]
    count: int
    is_count_exact: bool
    has_more: bool


@dataclass(frozen=True)
class SubjectEntry:
    """A subject that has, or had, memories, and what was said of it (see the port `Subjects`)."""

    subject: Subject
    created_at: datetime
    updated_at: datetime
    memories: int
    metadata: Mapping[str, Json] = field(default_factory=dict)


class Listing(Protocol):
    """Reads many memories or subjects in a stable order."""

    def memories(
        self,
        project: str,
        matching: Filter,
        *,
        limit: int,
        skip: int = 0,
        after: Position | None = None,
    ) -> MemoryPage:
        """Return matching memories, last created first, ties by id, after `skip` or a position."""
        ...

    def subjects(
        self,
        project: str,
        kinds: Sequence[SubjectKind],
        *,
        limit: int,
        skip: int = 0,
        named: str = "",
    ) -> list[SubjectEntry]:
        """Return the project's subjects of these kinds that have memories, first created first.

        Only those whose names have the text `named` in them, whatever the case of the letters.
        """
        ...

    def subject(self, project: str, subject: Subject) -> SubjectEntry | None:
        """Return what is known of a subject, or None if it has no memories."""
        ...

    def count_subjects(self, project: str, *, named: str = "") -> dict[SubjectKind, int]:
        """Return how many subjects of each kind have memories, as `subjects` has them."""
        ...


@dataclass(frozen=True)
class Pending:
    """A committed change of one memory that the index has not confirmed for one subject."""

    id: str
    subject_key: str
    memory_id: str
    version: int


class Outbox(Protocol):
    """The committed changes that the index has not confirmed yet."""

    def pending(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the pending changes of these subjects, oldest first.

        A change is returned with all its memories, so there may be a few more than `limit`.
        """
        ...

    def unseen(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return what a search of the index may miss of these subjects, last first.

        That is what is pending, and what was confirmed so shortly ago that the index may not show
        it yet. As with `pending`, there may be a few more than `limit`.
        """
        ...

    def confirm(self, project: str, done: Sequence[Pending]) -> None:
        """Take note that the index has these: they are pending no more."""
        ...

    def stale(self, *, before: datetime, limit: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return (project, subject keys) with changes pending since before then."""
        ...
