"""Telling everything that the record has of a project, or of some of its subjects."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from recollect.domain.filters import subject_is
from recollect.domain.filters.logic import all_of
from recollect.domain.graph import UNKNOWN_TYPE, Alias, Owner, Reading, Triple, entity_id
from recollect.domain.memory import Episode, Memory
from recollect.domain.subjects import Scope, Subject
from recollect.ports.archive import (
    Archive,
    DeletedMemory,
    Described,
    Item,
    KeptMemory,
    NamedAlias,
    NamedReading,
    NamedRelation,
)
from recollect.ports.graph import GraphRecord, NamedEntity, Statement
from recollect.ports.keys import Keys
from recollect.ports.record import Listing, Record
from recollect.ports.subjects import Subjects
from recollect.usecases.walking import (
    by_places,
    entity_pages,
    graph_pages,
    known_subjects,
    matching_pages,
    projects_of,
)

DELETED_PER_PAGE = 200
EPISODES_PER_PAGE = 50
"""An episode may have several hundred kilobytes."""
ALIASES_PER_PAGE = 500

Names = dict[str, NamedEntity]
"""Ids of an owner's entities -> what they are called."""


@dataclass(frozen=True)
class ExportRecords:
    """Tell what the record has of a project: all of it, or the scopes that have some subjects.

    These are what was said of subjects, graphs, memories with their histories, the histories of
    deleted memories, and episodes. Vectors are left out: they are made of the texts. Entities are
    told by name instead of by id, since their ids are of one project alone.

    A graph is its owner's whole: with subjects, it is told only of a single one, and only if that
    is the owner. What was read for a graph that is left out is left out, too, so that an import has
    it read again.

    Nothing is held still meanwhile: what is added while this goes on may be left out, and an entity
    may count a memory that is not told. What was committed a moment ago may be missing where the
    record finds whole projects a moment late.
    """

    keys: Keys
    record: Record
    listing: Listing
    archive: Archive
    subjects: Subjects
    graph: GraphRecord
    threads: Executor
    now: Callable[[], datetime]

    def __call__(self, project: str, subjects: Sequence[Subject] = ()) -> Iterator[Item]:
        """Return everything, to be read page by page; raise `NotFoundError` without the project."""
        projects_of(self.keys, project)
        return self._items(project, subjects)

    def _items(self, project: str, subjects: Sequence[Subject]) -> Iterator[Item]:
        yield from self._described(project, subjects)
        for subject in self._owners(project, subjects):
            yield from self._graph(Owner(project, subject.key))
        matching = all_of(map(subject_is, subjects))
        has_graph = len(subjects) < 2  # noqa: PLR2004 - all, or one
        for memories in matching_pages(self.listing, project, matching):
            told = self._readings(memories, subjects) if has_graph else {}
            yield from self._kept(project, memories, told)
        for subject in subjects[:1] or known_subjects(self.subjects, project):
            wanted = partial(_is_wanted, subjects, subject)
            yield from self._deleted(project, subject, wanted)
            yield from self._episodes(project, subject, wanted)

    def _described(self, project: str, subjects: Sequence[Subject]) -> Iterator[Item]:
        for subject in subjects or known_subjects(self.subjects, project):
            if metadata := self.archive.metadata(project, subject):
                yield Described(subject, metadata)

    def _owners(self, project: str, subjects: Sequence[Subject]) -> Iterable[Subject]:
        if not subjects:
            return known_subjects(self.subjects, project)
        return subjects if len(subjects) == 1 else ()

    def _graph(self, owner: Owner) -> Iterator[Item]:
        types = {UNKNOWN_TYPE}
        for entities in entity_pages(self.graph, owner):
            types |= {entity.type for entity in entities}
            yield from (replace(each, embedding=None) for each in entities)
        yield from self._aliases(owner, types)
        for _, relations in graph_pages(self.graph, owner):
            names = self._names(owner, (end for each in relations for end in each.triple.ends))
            for each in relations:
                if names.keys() >= set(each.triple.ends):
                    yield NamedRelation(each, names[each.triple.source], names[each.triple.target])

    def _aliases(self, owner: Owner, types: Iterable[str]) -> Iterator[Item]:
        after = ""
        while found := self.archive.aliases(owner, limit=ALIASES_PER_PAGE, after=after):
            names = self._names(owner, (alias.entity_id for alias in found))
            for alias in found:
                other = _as_it_was_named(owner, alias, types)
                if other and alias.entity_id in names:
                    yield NamedAlias(owner, other, names[alias.entity_id], alias.recorded_at)
            after = found[-1].id

    def _kept(
        self, project: str, memories: Sequence[Memory], readings: dict[str, NamedReading]
    ) -> Iterator[Item]:
        histories = self.threads.map(
            partial(self.record.history, project), [each.id for each in memories]
        )
        for memory, history in zip(memories, histories, strict=True):
            # What has changed since it was listed is told as it is when all else is told again.
            events = tuple(each for each in history if each.version <= memory.version)
            bare = replace(memory, embedding=None)
            yield KeptMemory(bare, events, readings.get(memory.id))

    def _readings(
        self, memories: Sequence[Memory], subjects: Sequence[Subject]
    ) -> dict[str, NamedReading]:
        """Return what graphs that are told have of these memories."""
        of_owners: dict[Owner, list[str]] = {}
        for memory in memories:
            if memory.is_graphed and (not subjects or memory.scope.owner == subjects[0]):
                of_owners.setdefault(Owner.of(memory.scope), []).append(memory.id)
        told: dict[str, NamedReading] = {}
        for owner, ids in of_owners.items():
            readings = self.graph.readings(owner.project, ids)
            names = self._names(owner, (end for each in readings.values() for end in _ends(each)))
            told |= {key: _named(each, names) for key, each in readings.items()}
        return told

    def _names(self, owner: Owner, entity_ids: Iterable[str]) -> Names:
        found = self.graph.entities(owner, sorted(set(entity_ids)))
        return {key: NamedEntity(each.name, each.type) for key, each in found.items()}

    def _deleted(
        self, project: str, subject: Subject, is_wanted: Callable[[Scope], bool]
    ) -> Iterator[Item]:
        read = partial(self.archive.deleted, project, subject, limit=DELETED_PER_PAGE)
        for found in by_places(read):
            ids = list(found.values())
            histories = self.threads.map(partial(self.record.history, project), ids)
            for history in histories:
                # Another one is about to be deleted, and was told as what it is.
                if history and history[-1].new_text is None and is_wanted(history[-1].scope):
                    yield DeletedMemory(tuple(history))

    def _episodes(
        self, project: str, subject: Subject, is_wanted: Callable[[Scope], bool]
    ) -> Iterator[Item]:
        def read(after: str) -> dict[str, Episode | None]:
            now, limit = self.now(), EPISODES_PER_PAGE
            return self.archive.episodes(project, subject, now=now, limit=limit, after=after)

        for found in by_places(read):
            yield from (each for each in found.values() if each and is_wanted(each.scope))


def _is_wanted(subjects: Sequence[Subject], found_by: Subject, scope: Scope) -> bool:
    """Tell whether a scope is to be told of: once, where all subjects are gone through."""
    if subjects:
        return all(map(scope.is_within, subjects))
    return scope.owner == found_by


def _as_it_was_named(owner: Owner, alias: Alias, types: Iterable[str]) -> NamedEntity | None:
    """Return the alias with the type that makes its id; None if that is nobody's any more."""
    for each in sorted(types):
        if entity_id(owner, alias.name, each) == alias.id:
            return NamedEntity(alias.name, each)
    return None


def _ends(reading: Reading) -> Iterator[str]:
    yield from reading.entities
    for triple in (*reading.triples, *reading.ended):
        yield from triple.ends


def _named(reading: Reading, names: Names) -> NamedReading:
    def statements(triples: Iterable[Triple]) -> tuple[Statement, ...]:
        return tuple(
            Statement(
                source=names[each.source], predicate=each.predicate, target=names[each.target]
            )
            for each in triples
            # What was erased since has no name.
            if names.keys() >= set(each.ends)
        )

    return NamedReading(
        reading.version,
        tuple(names[each] for each in reading.entities if each in names),
        statements(reading.triples),
        statements(reading.ended),
    )
