"""Comparing the index with the record, as numbers."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.index import MemoryIndex
from recollect.ports.keys import Keys
from recollect.ports.record import Listing, Outbox, Record
from recollect.usecases.walking import PAGE, Progress, in_time, pages, projects_of

ALL_PENDING = 1_000_000
"""More changes than a subject ever has waiting."""


@dataclass(frozen=True, kw_only=True)
class IndexReport:
    """How a project's index differs from its record, in numbers of memories.

    `memories` are living in the record, `indexed` may be proposed by the index. Of the former,
    some are `missing` in the index or `outdated`: there in another version. `ghosts` are in the
    index but not living. `pending` of these three will be set right by changes that the index has
    not confirmed, or does not show yet; the rest is drift. `repaired` were written again.
    """

    project: str
    memories: int
    indexed: int
    missing: int
    outdated: int
    ghosts: int
    pending: int
    repaired: int = 0

    @property
    def drift(self) -> int:
        """How many memories are wrong in the index and will stay so; 0 means equal."""
        return self.missing + self.outdated + self.ghosts - self.pending


@dataclass(frozen=True)
class VerifyIndex:
    """Compare the ids and versions in the index with the record's, while both are in use.

    Ids and versions of one project are held in memory, texts of one page. What differs is read
    again from the record, consistently. What a list of the whole project does not show yet
    (DynamoDB's are eventual) and the index does not have either is not noticed.
    """

    keys: Keys
    listing: Listing
    record: Record
    index: MemoryIndex
    outbox: Outbox
    is_late: Callable[[], bool] = lambda: False
    """Tells whether there is no time left; what was begun then raises `OutOfTimeError`."""

    def __call__(
        self, progress: Progress, project: str | None = None, *, repair: bool = False
    ) -> list[IndexReport]:
        """Return a report for every project, by name, or for one; raise `NotFoundError`.

        With `repair`, what has drifted is written to the index as it is in the record, or removed
        from it. The index may show that late, and refuses it where it holds a later version or a
        removal: what belongs to a later state of the record only `RebuildIndex` sets right.
        """
        wanted = projects_of(self.keys, project)
        return [self.verified(progress, each, repair=repair) for each in wanted]

    def verified(self, progress: Progress, project: str, *, repair: bool = False) -> IndexReport:
        """Return the report of a project that there is."""
        found = self._compared(project)
        if found.drifted:
            # What was set right between two looks at it has not drifted.
            found = self._compared(project)
        progress("compared", found.memories)
        repaired = self._repaired(project, found) if repair else 0
        return found.report(project, repaired)

    def _compared(self, project: str) -> "_Differences":
        versions = {
            memory.id: memory.version
            for memories in in_time(pages(self.listing, project), self.is_late)
            for memory in memories
        }
        ids = sorted(versions)
        found = _Differences(memories=len(ids))
        start = 0
        for held in in_time(self._held(project), self.is_late):
            end = bisect_right(ids, max(held)) if held else len(ids)
            known = {an_id: versions[an_id] for an_id in ids[start:end]}
            self._compare(project, known, held, found)
            start = end
        return found

    def _held(self, project: str) -> Iterator[Mapping[str, int]]:
        """Yield what is in the index, in the order of ids; what comes last is empty."""
        after = None
        while held := dict(self.index.held(project, after=after, limit=PAGE)):
            yield held
            after = max(held)
        yield held

    def _compare(
        self,
        project: str,
        known: Mapping[str, int],
        held: Mapping[str, int],
        found: "_Differences",
    ) -> None:
        """Add what differs between the record and the index in a range of ids."""
        found.indexed += len(held)
        suspects = [
            an_id for an_id in known.keys() | held.keys() if known.get(an_id) != held.get(an_id)
        ]
        for part in _parts(suspects):
            living = self.record.get(project, part)
            wrong = found.add(part, living, held)
            found.pending |= self._pending(project, wrong, living)

    def _pending(
        self, project: str, wrong: Collection[str], living: Mapping[str, Memory]
    ) -> set[str]:
        """Return those of which a subject has a change that the index may not show."""
        changed: set[str] = set()
        asked: set[str] = set()
        for memory_id in wrong:
            if memory_id not in changed:
                memory = living.get(memory_id)
                scope = memory.scope if memory else self._last_scope(project, memory_id)
                new = {subject.key for subject in scope.subjects} - asked if scope else set()
                unseen = self.outbox.unseen(project, sorted(new), limit=ALL_PENDING) if new else []
                changed.update(pending.memory_id for pending in unseen)
                asked |= new
        return changed & set(wrong)

    def _last_scope(self, project: str, memory_id: str) -> Scope | None:
        history = self.record.history(project, memory_id)
        return history[-1].scope if history else None

    def _repaired(self, project: str, found: "_Differences") -> int:
        ghosts = {an_id: found.ghosts[an_id] + 1 for an_id in found.drifted & found.ghosts.keys()}
        for part in _parts(sorted(found.drifted - ghosts.keys())):
            self.index.put(project, list(self.record.get(project, part).values()))
        if ghosts:
            self.index.remove(project, ghosts)
        return len(found.drifted)


@dataclass
class _Differences:
    """Ids of memories that are not the same here and there."""

    memories: int
    indexed: int = 0
    missing: set[str] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)
    ghosts: dict[str, int] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)

    @property
    def drifted(self) -> set[str]:
        return (self.missing | self.outdated | self.ghosts.keys()) - self.pending

    def add(
        self, suspects: Sequence[str], living: Mapping[str, Memory], held: Mapping[str, int]
    ) -> set[str]:
        """Sort these by what is wrong with them; return those that are not right by now."""
        missing = {an_id for an_id in suspects if an_id in living and an_id not in held}
        ghosts = {an_id: held[an_id] for an_id in suspects if an_id in held and an_id not in living}
        outdated = {
            an_id
            for an_id in suspects
            if an_id in held and an_id in living and held[an_id] != living[an_id].version
        }
        self.missing |= missing
        self.ghosts |= ghosts
        self.outdated |= outdated
        return missing | outdated | ghosts.keys()

    def report(self, project: str, repaired: int) -> IndexReport:
        return IndexReport(
            project=project,
            memories=self.memories,
            indexed=self.indexed,
            missing=len(self.missing),
            outdated=len(self.outdated),
            ghosts=len(self.ghosts),
            pending=len(self.pending),
            repaired=repaired,
        )


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + PAGE] for at in range(0, len(ids), PAGE))
