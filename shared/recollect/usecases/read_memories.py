"""Reading what the record knows: memories, lists, history, episodes, subjects, jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.jobs import Job
from recollect.domain.memory import Episode, HistoryEvent, Memory, Message
from recollect.domain.subjects import SubjectKind
from recollect.ports.record import (
    Episodes,
    Jobs,
    Listing,
    MemoryPage,
    Position,
    Record,
    SubjectEntry,
)
from recollect.usecases.change_memory import memory_not_found

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


@dataclass(frozen=True)
class MemoryHistory:
    """A memory's events with the messages that each of them came from."""

    memory: Memory | None
    events: tuple[tuple[HistoryEvent, tuple[Message, ...]], ...]


@dataclass(frozen=True)
class ReadMemory:
    """Read one memory, its history, and the episode it came from."""

    record: Record
    episodes: Episodes
    now: Callable[[], datetime]

    def __call__(self, project: str, memory_id: str) -> Memory:
        """Return the memory, expired or not; raise `NotFoundError`."""
        memory = self.record.get(project, [memory_id]).get(memory_id)
        if memory is None:
            raise memory_not_found()
        return memory

    def history(self, project: str, memory_id: str) -> MemoryHistory:
        """Return what happened to it, oldest first, also after its deletion.

        Of an episode that is not kept any more there are no messages. Raises `NotFoundError` if
        there never was such a memory.
        """
        events = self.record.history(project, memory_id)
        if not events:
            raise memory_not_found()
        memory = self.record.get(project, [memory_id]).get(memory_id)
        now = self.now()
        episodes = {cause: self.episodes.get(project, cause, now=now) for cause in _causes(events)}
        return MemoryHistory(
            memory,
            tuple((event, _input(event, episodes[event.cause])) for event in events),
        )

    def episode(self, project: str, memory_id: str) -> Episode:
        """Return the messages of the add it came from; raise `NotFoundError`."""
        return self.episode_of_job(project, self(project, memory_id).episode_id)

    def episode_of_job(self, project: str, job_id: str) -> Episode:
        """Return the messages of an add; raise `NotFoundError` if they are not kept any more."""
        episode = self.episodes.get(project, job_id, now=self.now())
        if episode is None:
            message = "Episode not found: there was no such add, or its messages are not kept"
            raise NotFoundError(message)
        return episode


@dataclass(frozen=True)
class SubjectPage:
    """Some of a project's subjects, and how many of each kind there are."""

    subjects: tuple[SubjectEntry, ...]
    totals: dict[SubjectKind, int]


@dataclass(frozen=True)
class ListSubjects:
    """List the users, agents, apps and runs that have memories."""

    listing: Listing

    def __call__(self, project: str, *, page: int = 1, page_size: int = 100) -> SubjectPage:
        """Return one page, first created first; raise as `ListMemories` does."""
        checked_page(page, page_size)
        found = self.listing.subjects(
            project, list(SubjectKind), limit=page_size, skip=(page - 1) * page_size
        )
        if page > 1 and not found:
            raise invalid_page()
        return SubjectPage(tuple(found), self.listing.count_subjects(project))


@dataclass(frozen=True)
class ReadJob:
    """Follow a job."""

    jobs: Jobs

    def __call__(self, project: str, job_id: str) -> Job:
        """Return the job's state; raise `NotFoundError`."""
        job = self.jobs.get(project, job_id)
        if job is None:
            message = "Event not found or you don't have permission to access it."
            raise NotFoundError(message)
        return job


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


def _causes(events: Sequence[HistoryEvent]) -> list[str]:
    return list(dict.fromkeys(event.cause for event in events))


def _input(event: HistoryEvent, episode: Episode | None) -> tuple[Message, ...]:
    """Return the message that the event took verbatim, else all that it may come from."""
    if episode is None:
        return ()
    exact = [turn for turn in episode.messages if turn.content.strip() == event.new_text]
    return tuple(exact[:1]) or episode.messages
