"""Pages of lists: what was asked for, and the links to the pages around."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from recollect.entrypoints.answers import EntityPageAnswer, MemoryPageAnswer
from recollect.entrypoints.presenters import cursor_of, entities_answer, memory_answer, position_of
from recollect.ports.record import MemoryPage, Position
from recollect.usecases.read_memories import SubjectPage

DEFAULT_PAGE_SIZE = 100


@dataclass(frozen=True)
class Page:
    """The page that a caller asked for."""

    number: int
    size: int
    after: Position | None

    @classmethod
    def asked(cls, number: int | None, size: int | None, cursor: str | None) -> "Page":
        """Return the page with the defaults filled in; raise `InvalidRequestError`."""
        return cls(
            1 if number is None else number,
            DEFAULT_PAGE_SIZE if size is None else size,
            position_of(cursor) if cursor else None,
        )

    def answer(
        self, address: str, found: MemoryPage, fields: Sequence[str] | None
    ) -> MemoryPageAnswer:
        """Return a page of memories; following `next` costs the same on every page."""
        last = found.memories[-1] if found.has_more else None
        cursor = cursor_of(Position(last.created_at, last.id)) if last else None
        return {
            "count": found.count,
            "count_exact": found.is_count_exact,
            "next": self._link(address, self.number + 1, cursor) if cursor else None,
            "previous": self._previous(address),
            "results": [memory_answer(memory, fields) for memory in found.memories],
        }

    def entities(self, address: str, found: SubjectPage, project: str) -> EntityPageAnswer:
        """Return a page of entities."""
        has_more = self.number * self.size < sum(found.totals.values())
        following = self._link(address, self.number + 1) if has_more else None
        return entities_answer(found, project, following, self._previous(address))

    def _previous(self, address: str) -> str | None:
        return self._link(address, self.number - 1) if self.number > 1 else None

    def _link(self, address: str, number: int, cursor: str | None = None) -> str:
        query: dict[str, int | str] = {"page": number, "page_size": self.size}
        if cursor:
            query["cursor"] = cursor
        return f"{address}?{urlencode(query)}"
