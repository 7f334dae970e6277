"""The search index: a projection of the record that proposes candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from recollect.domain.filters import Filter
from recollect.domain.memory import Memory, Vector
from recollect.domain.ranking import TermStatistics


@dataclass(frozen=True)
class IndexQuery:
    """What to look for: only memories that match the filter; near the vector or with the terms."""

    matching: Filter
    vector: Vector
    terms: tuple[str, ...]
    limit: int
    """How many candidates each way of searching may propose."""


@dataclass(frozen=True)
class Proposal:
    """Candidates, in no promised order and without duplicates, and the statistics to score them."""

    memory_ids: tuple[str, ...]
    statistics: TermStatistics


class MemoryIndex(Protocol):
    """Finds memories by meaning and by words, never across projects; eventually up to date."""

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store or replace each unless the same or a newer version, or its removal, is there."""
        ...

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Remove memories (id -> version of the deletion); they never come back."""
        ...

    def propose(self, project: str, query: IndexQuery) -> Proposal:
        """Return the nearest and the best-worded memories that match the query's filter.

        The statistics cover the memories of the narrowest subjects that the filter names, or of
        the whole project if it names none.
        """
        ...
