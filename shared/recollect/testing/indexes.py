"""What tests ask of a search index, whichever engine is behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexBuilds, IndexQuery, MemoryIndex, Proposal
from recollect.testing.builders import a_vector


@dataclass(frozen=True)
class Indexed:
    """An index and the way to build it anew."""

    index: MemoryIndex
    builds: IndexBuilds


class Build(Protocol):
    """Makes indices that nobody else uses."""

    def __call__(self, dimensions: int) -> Indexed:
        """Return the index for vectors of these dimensions, the same each time."""
        ...


@dataclass(frozen=True)
class Refreshed:
    """Shows every change at once: tests do not wait until the engine does."""

    index: MemoryIndex
    refresh: Callable[[], None]

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        self.index.put(project, memories)

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        self.index.remove(project, removals)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        self.refresh()
        return self.index.propose(project, queries)

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        self.refresh()
        return self.index.held(project, after=after, limit=limit)


@dataclass(frozen=True)
class Projected:
    """An index that cannot tell versions apart, used as the service uses any.

    What is written is what the record has now, and what is proposed is read from it.
    """

    index: MemoryIndex
    states: dict[tuple[str, str], Memory | None] = field(default_factory=dict)

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        for memory in memories:
            known = self.states.setdefault((project, memory.id), memory)
            if known and known.version < memory.version:
                self.states[project, memory.id] = memory
        current = [self.states[project, memory.id] for memory in memories]
        self.index.put(project, [memory for memory in current if memory])

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        self.states.update(dict.fromkeys((project, memory_id) for memory_id in removals))
        self.index.remove(project, removals)

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        found = self.index.propose(project, queries)
        return [
            self._kept(project, query, each) for query, each in zip(queries, found, strict=True)
        ]

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        return self.index.held(project, after=after, limit=limit)

    def _kept(self, project: str, query: IndexQuery, found: Proposal) -> Proposal:
        current = {each: self.states.get((project, each)) for each in found.memory_ids}
        kept = (each for each, now in current.items() if now and query.matching.matches(now))
        return Proposal(tuple(kept), found.statistics)


def found(index: MemoryIndex, scope: Scope, words: str = "tea") -> set[str]:
    query = IndexQuery(EVERYTHING, a_vector(0, 0), tuple(terms(words)), 100)
    [proposal] = index.propose(scope.project, [query])
    return set(proposal.memory_ids)


def near(index: MemoryIndex, scope: Scope, *numbers: float) -> set[str]:
    query = IndexQuery(EVERYTHING, a_vector(*numbers), (), 100)
    [proposal] = index.propose(scope.project, [query])
    return set(proposal.memory_ids)


def held(index: MemoryIndex, scope: Scope, *, limit: int = 100) -> list[tuple[str, int]]:
    """Return what the index says it holds, page by page."""
    entries: list[tuple[str, int]] = []
    while page := index.held(scope.project, after=entries[-1][0] if entries else None, limit=limit):
        assert len(page) <= limit
        entries += page
    return entries


def rebuild(indexed: Indexed, memories: Sequence[Memory]) -> None:
    indexed.builds.begin()
    for memory in memories:
        indexed.builds.put(memory.scope.project, [memory])
    indexed.builds.finish()
