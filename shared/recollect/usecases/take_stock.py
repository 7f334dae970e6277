"""Looking over all that a project has: how much there is, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import EVERYTHING, Filter, subject_is
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import Listing, Record
from recollect.usecases.read_memories import MemoryHistory, checked_page, invalid_page

MAX_HISTORIES = 100
"""Of a page: each is a read of its own."""


@dataclass(frozen=True)
class Stock:
    """How many memories and subjects there are; of memories at least so many if not exact."""

    memories: int
    is_exact: bool
    subjects: Mapping[SubjectKind, int]


@dataclass(frozen=True)
class CountMemories:
    """Count what there is, expired memories included."""

    listing: Listing

    def __call__(self, project: str, *, within: Subject | None = None) -> Stock:
        """Return the numbers of a project, or of one subject."""
        matching = subject_is(within) if within else EVERYTHING
        page = self.listing.memories(project, matching, limit=1)
        if within is None:
            subjects = self.listing.count_subjects(project)
        else:
            subjects = {kind: int(kind is within.kind and page.count > 0) for kind in SubjectKind}
        return Stock(page.count, page.is_count_exact, subjects)


@dataclass(frozen=True)
class HistoryPage:
    """The histories of some memories; `count` memories match, at least so many if not exact."""

    histories: tuple[MemoryHistory, ...]
    count: int
    is_count_exact: bool
    has_more: bool


@dataclass(frozen=True)
class ListHistories:
    """List what happened to living memories, without the messages that it came from."""

    listing: Listing
    record: Record

    def __call__(
        self, project: str, matching: Filter, *, page: int = 1, page_size: int = MAX_HISTORIES
    ) -> HistoryPage:
        """Return the histories of one page of memories, last created first.

        Raises `InvalidRequestError` for a page that cannot exist, and `NotFoundError` for one
        behind the last.
        """
        checked_page(page, page_size)
        if page_size > MAX_HISTORIES:
            message = f"page_size must be between 1 and {MAX_HISTORIES}"
            raise InvalidRequestError(message)
        skip = (page - 1) * page_size
        found = self.listing.memories(project, matching, limit=page_size, skip=skip)
        if page > 1 and not found.memories:
            raise invalid_page()
        histories = []
        for memory in found.memories:
            events = self.record.history(project, memory.id)
            histories.append(MemoryHistory(memory, tuple((event, ()) for event in events)))
        return HistoryPage(tuple(histories), found.count, found.is_count_exact, found.has_more)
