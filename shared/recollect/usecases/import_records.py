"""Bringing back what an export tells, or what another service had, exactly as it was."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from typing import Any, TypeAlias, TypeVar

from recollect.domain.errors import ConflictError, InvalidRequestError
from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Embedding, Episode, Memory
from recollect.domain.subjects import Scope
from recollect.ports.archive import (
    Archive,
    DeletedMemory,
    Described,
    Item,
    KeptMemory,
    NamedAlias,
    NamedRelation,
    NotTaken,
)
from recollect.ports.erasure import Erasures
from recollect.ports.keys import Keys
from recollect.ports.models import Embedder
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, Episodes, ErasedError, MemoryWrite, Record, Scopes
from recollect.ports.subjects import Subjects
from recollect.usecases.import_graph import ImportGraph
from recollect.usecases.import_report import NAMES, ImportReport
from recollect.usecases.waking import wake
from recollect.usecases.walking import Progress, by_places, projects_of

AT_ONCE = 200
"""Things of a kind that are looked up, embedded and held together."""
MARKS_PER_PAGE = 1_000
OTHER_STATE = "it is here in another state, which stays"
ERASED = "whom it belongs to was erased since"
T = TypeVar("T")
ReadAll: TypeAlias = Callable[[], Iterable[Item | NotTaken]]
"""Begins to read everything that is to be imported, from the first thing on."""


@dataclass(frozen=True)
class ImportRecords:
    """Store memories with ids, times, versions, histories and all else as they were elsewhere.

    Texts are embedded anew. What is here in the same state is left alone, so that what breaks off
    goes on when it is repeated; what is here in another state, or was deleted here, stays as it is.
    Index and graph projections follow as after every commit.

    An owner's graph is stored as it was unless some of it is here in another state; then nothing of
    it is, and what is imported of that owner is read for the graph that is here.
    """

    keys: Keys
    record: Record
    scopes: Scopes
    episodes: Episodes
    subjects: Subjects
    erasures: Erasures
    archive: Archive
    graph: ImportGraph
    embedder: Embedder
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(
        self,
        project: str,
        read: ReadAll,
        progress: Progress,
        *,
        said_by: datetime | None = None,
        looks_ahead: bool = True,
    ) -> ImportReport:
        """Store what is read for the project, and return what became of it.

        Unless it tells of no graph, it `looks_ahead`: all of it is read before anything is stored,
        so that nothing is of what cannot be read to its end. `said_by` is when all of it was there:
        of a subject that was erased since, nothing comes back. Raises `NotFoundError` if there is
        no such project, `UnavailableError`, and whatever reading raises; repeating it goes on.
        """
        projects_of(self.keys, project)
        report = ImportReport()
        erased = self._erased(project, said_by) if said_by else frozenset()
        others = self.graph.owners_of_others(read(), erased) if looks_ahead else set()
        report.owners_to_read = len(others)
        others |= {Owner(project, key) for key in erased}
        run = _Run(self, project, others, erased, said_by, report)
        for items in _batches(read()):
            run.take(items)
            progress(NAMES.get(type(items[0]), "not taken"), len(items))
        # Without what there was none of.
        report.imported, report.known = +report.imported, +report.known
        return report

    def _erased(self, project: str, said_by: datetime) -> frozenset[str]:
        """Return the keys of subjects that were erased at this time or later."""
        erased: set[str] = set()
        for marks in by_places(partial(self.erasures.marks, project, limit=MARKS_PER_PAGE)):
            erased |= {key for key, at in marks.items() if at >= said_by}
        return frozenset(erased)


@dataclass(frozen=True)
class _Run:
    """One import under way."""

    tools: ImportRecords
    project: str
    others: Collection[Owner]
    erased: Collection[str]
    said_by: datetime | None
    report: ImportReport

    def take(self, items: Sequence[Item | NotTaken]) -> None:
        """Store items of one kind."""
        takers: Mapping[type[Any], Callable[[Any], None]] = {
            NotTaken: self._not_taken,
            Described: self._described,
            KeptMemory: self._kept,
            DeletedMemory: self._deleted,
            Episode: self._episodes,
        }
        takers.get(type(items[0]), self._of_graph)(items)

    def _not_taken(self, items: Sequence[NotTaken]) -> None:
        for each in items:
            self.report.add_conflict(each.place, each.reason)

    def _described(self, items: Sequence[Described]) -> None:
        for each in items:
            if each.subject.key in self.erased:
                self.report.add_conflict(each.subject.kind, ERASED)
                continue
            here = self.tools.archive.metadata(self.project, each.subject)
            if self._is_new(each, here or None, each.metadata, each.subject.kind):
                at = self.tools.now()
                self.tools.subjects.describe(self.project, each.subject, each.metadata, at=at)
                self._count(each)

    def _of_graph(self, items: Sequence[Entity | NamedAlias | NamedRelation]) -> None:
        stored, known = self.tools.graph.store(items, self.others)
        name = NAMES[type(items[0])]
        self.report.imported[name] += stored
        self.report.known[name] += known

    def _kept(self, items: Sequence[KeptMemory]) -> None:
        here = self.tools.record.get(self.project, [each.memory.id for each in items])
        new = [each for each in items if self._is_new_memory(each, here)]
        if not new:
            return
        self._keep_turns(new)
        # Before the memories, so that nobody reads these for the graph again.
        self.tools.graph.store_readings(new, self.others)
        writes = self._embedded(new)
        at = 0
        while at < len(writes):
            room = self.tools.record.room_for([each.scope for each in writes[at:]])
            self._commit(new[at : at + room], writes[at : at + room])
            at += room

    def _is_new_memory(self, item: KeptMemory, here: Mapping[str, Memory]) -> bool:
        found = here.get(item.memory.id)
        # What another service had is recorded when it is imported, each time anew.
        recorded_at = item.memory.recorded_at
        bare = replace(found, embedding=None, recorded_at=recorded_at) if found else None
        return self._is_new(item, bare, item.memory, item.memory.id)

    def _is_new(self, item: Item, here: object, there: object, place: str) -> bool:
        if here is None:
            return True
        if here == there:
            self.report.known[NAMES[type(item)]] += 1
        else:
            self.report.add_conflict(place, OTHER_STATE)
        return False

    def _keep_turns(self, items: Sequence[KeptMemory]) -> None:
        """Have nobody get a turn again that one of these memories has."""
        for scope, turn in _highest_turns(items).items():
            [following] = self.tools.scopes.reserve_turns(scope, 1)
            if following.number < turn:
                self.tools.scopes.reserve_turns(scope, turn - following.number)

    def _embedded(self, items: Sequence[KeptMemory]) -> list[MemoryWrite]:
        embedder = self.tools.embedder
        vectors = embedder.embed([each.memory.text for each in items], "document")
        return [
            MemoryWrite(
                before=None,
                after=replace(each.memory, embedding=Embedding.of(embedder.model, vector)),
                event=each.history[-1],
                earlier=each.history[:-1],
            )
            for each, vector in zip(items, vectors, strict=True)
        ]

    def _deleted(self, items: Sequence[DeletedMemory]) -> None:
        for each in items:
            here = tuple(self.tools.record.history(self.project, each.id))
            # A part of it was stored by what broke off.
            is_begun = len(here) < len(each.history) and set(here) <= set(each.history)
            if self._is_new(each, None if is_begun else here, each.history, each.id):
                *earlier, event = each.history
                write = MemoryWrite(before=None, after=None, event=event, earlier=tuple(earlier))
                self._commit([each], [write])

    def _episodes(self, items: Sequence[Episode]) -> None:
        now = self.tools.now()
        for each in items:
            if each.expires_at and each.expires_at <= now:
                self.report.add_conflict(each.id, "it has expired")
                continue
            here = self.tools.episodes.get(self.project, [each.id], now=now).get(each.id)
            if self._is_new(each, here, each, each.id):
                self._commit([each], [], episode=each)

    def _commit(
        self,
        items: Sequence[Item],
        writes: Sequence[MemoryWrite],
        *,
        episode: Episode | None = None,
    ) -> None:
        """Store these together, or each that can be."""
        change = Change(
            at=self.tools.now(), writes=tuple(writes), episode=episode, said_by=self.said_by
        )
        try:
            self.tools.record.commit(self.project, change)
        except (ConflictError, InvalidRequestError) as error:
            if len(items) == 1:
                reason = ERASED if isinstance(error, ErasedError) else str(error)
                self.report.add_conflict(_place(items[0]), reason)
                return
            for item, write in zip(items, writes, strict=True):
                self._commit([item], [write])
        else:
            for item in items:
                self._count(item)
            wake(self.tools.wake_ups, self.project, writes)

    def _count(self, item: Item) -> None:
        self.report.imported[NAMES[type(item)]] += 1


def _highest_turns(items: Sequence[KeptMemory]) -> dict[Scope, int]:
    highest: dict[Scope, int] = {}
    for memory in (each.memory for each in items):
        if memory.turn is not None:
            highest[memory.scope] = max(memory.turn, highest.get(memory.scope, 0))
    return highest


def _place(item: Item) -> str:
    return item.memory.id if isinstance(item, KeptMemory) else getattr(item, "id", "")


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield items that follow each other and are of one kind together."""
    for _, same in groupby(items, type):
        while batch := list(islice(same, AT_ONCE)):
            yield batch
