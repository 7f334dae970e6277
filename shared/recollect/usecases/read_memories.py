"""Reading what the record knows: memories, lists, history, episodes, subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.memory import Episode, HistoryEvent, Memory, Message
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import (
    Episodes,
    Listing,
    MemoryPage,
    Position,
    Record,
    SubjectEntry,
)
from recollect.usecases.change_memory import current_memory, memory_not_found

MAX_PAGE_SIZE = 200
MAX_SKIPPED = 1_000_000


@dataclass(frozen=True)
class ListMemories:
    """List the memories that a filter lets through, last created first."""

    listing: Listing
    now: Callable[[], datetime]

    def __call__(
        self,
        project: str,
        matching: Filter,
        *,
        page: int = 1,
        page_size: int = 100,
        after: Position | None = None,
        show_expired: bool = False,
    ) -> MemoryPage:
        """Return one page; with `after`, the page behind that position at the same cost.

        Raises `InvalidRequestError` for a page below 1 or a size outside 1..200, and
        `NotFoundError` for a page behind the last one.
        """
        checked_page(page, page_size)
        if not show_expired:
            matching = both(matching, Unexpired(self.now()))
        skip = 0 if after else (page - 1) * page_size
        found = self.listing.memories(project, matching, limit=page_size, skip=skip, after=after)
        if page > 1 and not found.memories:
            raise invalid_page()
        return found

    def first(
        self, project: str, matching: Filter, *, limit: int, show_expired: bool = False
    ) -> list[Memory]:
        """Return the first memories of the list, page by page; raise `InvalidRequestError`."""
        if limit < 1:
            message = "limit must be at least 1"
            raise InvalidRequestError(message)
        found: list[Memory] = []
        position: Position | None = None
        while True:
            size = min(limit - len(found), MAX_PAGE_SIZE)
            page = self(
                project, matching, page_size=size, after=position, show_expired=show_expired
            )
            found += page.memories
            if not page.has_more or len(found) >= limit:
                return found
            position = Position(found[-1].created_at, found[-1].id)


@dataclass(frozen=True)
class MemoryHistory:
    """A memory's events with the messages that each of them came from."""

    memory: Memory | None
    events: tuple[tuple[HistoryEvent, tuple[Message, ...]], ...]


@dataclass(frozen=True)
class ReadMemory:
    """Read one memory, its history, and the episode it came from.

    What is not `within` a subject's own, if one is given, is not found.
    """

    record: Record
    episodes: Episodes
    now: Callable[[], datetime]

    def __call__(self, project: str, memory_id: str, *, within: Subject | None = None) -> Memory:
        """Return the memory, expired or not; raise `NotFoundError`."""
        return current_memory(self.record, project, memory_id, within)

    def history(
        self, project: str, memory_id: str, *, within: Subject | None = None
    ) -> MemoryHistory:
        """Return what happened to it, oldest first, also after its deletion.

        Of an episode that is not kept any more there are no messages. Raises `NotFoundError` if
        there never was such a memory.
        """
        events = self.record.history(project, memory_id)
        if not events or not events[0].scope.is_within(within):
            raise memory_not_found()
        memory = self.record.get(project, [memory_id]).get(memory_id)
        causes = {event.cause for event in events}
        episodes = self.episodes.get(project, causes, now=self.now())
        return MemoryHistory(
            memory,
            tuple((event, _input(event, episodes.get(event.cause))) for event in events),
        )

    def episode(self, project: str, memory_id: str, *, within: Subject | None = None) -> Episode:
        """Return the messages of the add it came from; raise `NotFoundError`."""
        memory = self(project, memory_id, within=within)
        return self.episode_of_job(project, memory.episode_id, within=within)

    def episode_of_job(
        self, project: str, job_id: str, *, within: Subject | None = None
    ) -> Episode:
        """Return the messages of an add; raise `NotFoundError` if they are not kept any more."""
        episode = self.episodes.get(project, [job_id], now=self.now()).get(job_id)
        if episode is None or not episode.scope.is_within(within):
            message = "Episode not found: there was no such add, or its messages are not kept"
            raise NotFoundError(message)
        return episode


@dataclass(frozen=True)
class SubjectPage:
    """Some of the subjects that were asked for, how many these are, and all of each kind."""

    subjects: tuple[SubjectEntry, ...]
    count: int
    totals: dict[SubjectKind, int]


@dataclass(frozen=True)
class ListSubjects:
    """List the users, agents, apps and runs that have memories."""

    listing: Listing

    def __call__(
        self,
        project: str,
        *,
        page: int = 1,
        page_size: int = 100,
        kinds: Sequence[SubjectKind] = tuple(SubjectKind),
        named: str = "",
        within: Subject | None = None,
    ) -> SubjectPage:
        """Return one page, first created first; raise as `ListMemories` does.

        Of these kinds, and with the text `named` in their names, whatever the case of the letters.
        `within` a subject there is none but itself.
        """
        checked_page(page, page_size)
        if within is not None:
            return self._alone(project, within, page, asked=_is_asked(within, kinds, named))
        found = self.listing.subjects(
            project, kinds, limit=page_size, skip=(page - 1) * page_size, named=named
        )
        if page > 1 and not found:
            raise invalid_page()
        totals = self.listing.count_subjects(project)
        counts = self.listing.count_subjects(project, named=named) if named else totals
        return SubjectPage(tuple(found), sum(counts[kind] for kind in kinds), totals)

    def _alone(self, project: str, subject: Subject, page: int, *, asked: bool) -> SubjectPage:
        if page > 1:
            raise invalid_page()
        entry = self.listing.subject(project, subject)
        totals = {kind: int(entry is not None and kind is subject.kind) for kind in SubjectKind}
        shown = (entry,) if entry and asked else ()
        return SubjectPage(shown, len(shown), totals)


def checked_page(page: int, page_size: int) -> None:
    """Raise `InvalidRequestError` unless the page can exist."""
    if page < 1 or page * page_size > MAX_SKIPPED:
        message = "Invalid page."
        raise InvalidRequestError(message)
    if not 1 <= page_size <= MAX_PAGE_SIZE:
        message = f"page_size must be between 1 and {MAX_PAGE_SIZE}"
        raise InvalidRequestError(message)


def invalid_page() -> NotFoundError:
    """Return the refusal for a page behind the last one."""
    return NotFoundError("Invalid page.")


def _is_asked(subject: Subject, kinds: Sequence[SubjectKind], named: str) -> bool:
    return subject.kind in kinds and subject.is_named_like(named)


def _input(event: HistoryEvent, episode: Episode | None) -> tuple[Message, ...]:
    """Return the message that the event took verbatim, else all that it may come from."""
    if episode is None:
        return ()
    exact = [turn for turn in episode.messages if turn.content.strip() == event.new_text]
    return tuple(exact[:1]) or episode.messages
