"""The search index: a projection of the record that proposes candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from recollect.domain.evidence import Evidence
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
    wants_evidence: bool = False
    """An index that has all of it at hand is to tell what the candidates are ranked by."""


@dataclass(frozen=True)
class Proposal:
    """Candidates, in no promised order and without duplicates, and the statistics to score them.

    `evidence`, of an index that was asked for it and has it, is of all candidates and of the turns
    around them, as many as `NEIGHBOURS` before and after, as far as the index knows them.
    """

    memory_ids: tuple[str, ...]
    statistics: TermStatistics
    evidence: Evidence | None = None


class MemoryIndex(Protocol):
    """Finds memories by meaning and by words, never across projects; eventually up to date."""

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Store or replace each unless the same or a newer version, or its removal, is there."""
        ...

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        """Remove memories (id -> version of the deletion); they never come back."""
        ...

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        """Return, for each query in order, the nearest and the best-worded matching memories.

        The index is asked once, however many queries there are, and each is answered as if it were
        the only one; without queries there are no proposals.

        Where an index can decide a filter only roughly, it proposes more, and some of them may not
        match. The statistics cover the memories of the narrowest subjects that the filter names,
        or of the whole project if it names none.
        """
        ...

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        """Return (id, version) of the project's memories that may be proposed, in id order.

        Those behind the id `after`, at most `limit` (up to 10,000); empty when none are left.
        """
        ...


class IndexBuilds(Protocol):
    """Builds the whole index anew from the record while the old one goes on answering.

    `begin`, then `put` every living memory of every project, then `finish`. Changes that are made
    meanwhile are in the new index, too. What breaks off is begun again: the build goes on.
    """

    def prepare(self) -> None:
        """Make an empty index unless there is one; harmless to repeat and for several at once."""
        ...

    def is_outdated(self) -> bool:
        """Tell whether what is searched has terms of another release: it is to be built anew.

        Until then it answers; only words that were taken apart differently are not found.
        """
        ...

    def begin(self) -> None:
        """Have every change from now on written to the new index, too; go on if it was begun."""
        ...

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Fill in memories, read from the record after `begin`.

        What is newer in the new index stays. Raises `ConflictError` if no build is under way.
        """
        ...

    def finish(self) -> None:
        """Answer from the new index and forget the old one; nothing happens without a build."""
        ...
