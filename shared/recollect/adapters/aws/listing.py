"""Lists of memories and subjects from the record table."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Any, TypeAlias

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Table, text
from recollect.adapters.aws.items import (
    WIDE_INDEX,
    WIDE_SHARDS,
    member_partitions,
    subject_partition,
    wide_memories,
    wide_subjects,
)
from recollect.adapters.aws.record import DynamoRecord
from recollect.domain.filters import EVERYTHING, Filter, of_one_subject
from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import MemoryPage, Position, SubjectEntry

EXACT_COUNT = 10_000
"""Matches up to which a count is exact."""
MEMORIES_AT_ONCE = 800
"""States that a filter is evaluated on per round trip: eight batch gets in parallel."""
EXACT_SUBJECTS = 1_000
"""Subjects up to which those without memories are left out of the totals: a query each."""
LATEST = "~"
"""Sorts behind every place."""
OF_PARTITION = "pk = :pk AND sk < :before"
OF_WIDE = "gpk = :pk AND gsk < :before"
NO_DAY = ""
"""Sorts before every day, so that nothing has expired by it."""

Place: TypeAlias = str
"""Time and id of a memory, in the order of lists."""


@dataclass(frozen=True)
class DynamoListing:
    """Reads many memories of the record table in order; see the port `Listing`."""

    table: Table
    record: DynamoRecord

    def memories(
        self,
        project: str,
        matching: Filter,
        *,
        limit: int,
        skip: int = 0,
        after: Position | None = None,
    ) -> MemoryPage:
        """Return matching memories, last created first, ties by id, after `skip` or a position."""
        before = f"{stored.time_text(after.created_at)}#{after.memory_id}" if after else LATEST
        end = skip + limit
        # Without a count only the page is read, and one more to tell whether there is another.
        enough = end + 1 if after else None
        places = self._places(project, matching, before, enough)
        if matching == EVERYTHING or of_one_subject(matching):
            # Each place is a match, so that only what is shown is read.
            found, memories = self._page(project, places, skip, end)
            rest: Iterator[object] = places
        else:
            matches = self._matches(project, matching, places)
            first = list(islice(matches, end + 1))
            found, memories = [memory.id for memory in first], first[skip:end]
            rest = matches
        has_more = len(found) > end
        if after:
            return MemoryPage(tuple(memories), 0, is_count_exact=False, has_more=has_more)
        unseen = islice(rest, max(EXACT_COUNT + 1 - len(found), 0))
        count = len(found) + sum(1 for _ in unseen)
        return MemoryPage(tuple(memories), min(count, EXACT_COUNT), count <= EXACT_COUNT, has_more)

    def subjects(
        self,
        project: str,
        kinds: Sequence[SubjectKind],
        *,
        limit: int,
        skip: int = 0,
        named: str = "",
    ) -> list[SubjectEntry]:
        """Return the project's subjects of these kinds that have memories, first created first."""
        known = (item for item in self._subjects(project, named) if _kind(item) in kinds)
        keys: list[str] = []
        while len(keys) < skip + limit and (part := list(islice(known, MEMORIES_AT_ONCE))):
            keys += self._with_memories(project, part)
        places = [(subject_partition(project, key), "A") for key in keys[skip : skip + limit]]
        items = self.table.get_all(places)
        return self.table.together(
            lambda item: self.entry(project, item),
            # One that was forgotten a moment ago may still be in the index.
            [items[place] for place in places if place in items],
        )

    def subject(self, project: str, subject: Subject) -> SubjectEntry | None:
        """Return what is known of a subject, or None if it has no memories."""
        item = self.table.get((subject_partition(project, subject.key), "A"))
        entry = self.entry(project, item) if item else None
        return entry if entry and entry.memories else None

    def count_subjects(self, project: str, *, named: str = "") -> dict[SubjectKind, int]:
        """Return how many subjects of each kind have memories.

        Beyond `EXACT_SUBJECTS` those whose memories were all deleted are counted too, and none
        beyond `EXACT_COUNT`.
        """
        known = list(islice(self._subjects(project, named), EXACT_COUNT))
        if len(known) <= EXACT_SUBJECTS:
            living = set(self._with_memories(project, known))
            known = [item for item in known if _subject_key(item) in living]
        totals = dict.fromkeys(SubjectKind, 0)
        for item in known:
            totals[_kind(item)] += 1
        return totals

    def _places(
        self, project: str, matching: Filter, before: str, enough: int | None
    ) -> Iterator[Place]:
        """Yield where to find what may match, last created first, without duplicates."""
        named = matching.named_subjects()
        if named is None:
            shards = [wide_memories(project, at) for at in range(WIDE_SHARDS)]
            return self._walk(OF_WIDE, shards, before, "", enough)
        plain = of_one_subject(matching)
        day = stored.day_text(plain[1].now) if plain and plain[1] else NO_DAY
        partitions = [
            partition
            for subject in named
            for partition in member_partitions(project, subject.kind, subject.key)
        ]
        return self._walk(OF_PARTITION, partitions, before, day, enough)

    def _walk(
        self, condition: str, partitions: Sequence[str], before: str, day: str, enough: int | None
    ) -> Iterator[Place]:
        wide: Item = {"IndexName": WIDE_INDEX} if condition == OF_WIDE else {}
        bound: Item = {"Limit": enough} if enough else {}
        pages = [
            self.table.query_pages(
                condition,
                {":pk": text(partition), ":before": text(before)},
                forward=False,
                **wide,
                **bound,
            )
            for partition in partitions
        ]
        firsts = self.table.together(next, pages)
        walks = [
            _places_of(chain([first], rest), "gsk" if wide else "sk", day)
            for first, rest in zip(firsts, pages, strict=True)
        ]
        return (place for place, _ in groupby(heapq.merge(*walks, reverse=True)))

    def _page(
        self, project: str, places: Iterator[Place], skip: int, end: int
    ) -> tuple[list[Place], list[Memory]]:
        """Return places up to one behind the page, and the page's memories.

        There are some unless it is the last page, though its first ones are deleted meanwhile.
        """
        found = list(islice(places, end + 1))
        memories = self._states(project, found[skip:end])
        while not memories and len(found) > end:
            found = [*found[:skip], *found[end:], *islice(places, end - skip)]
            memories = self._states(project, found[skip:end])
        return found, memories

    def _matches(self, project: str, matching: Filter, places: Iterator[Place]) -> Iterator[Memory]:
        while part := list(islice(places, MEMORIES_AT_ONCE)):
            yield from filter(matching.matches, self._states(project, part))

    def _states(self, project: str, places: Sequence[Place]) -> list[Memory]:
        ids = [place.partition("#")[2] for place in places]
        memories = self.record.get(project, ids)
        return [memories[an_id] for an_id in ids if an_id in memories]

    def _subjects(self, project: str, named: str) -> Iterator[Item]:
        values = {":pk": text(wide_subjects(project))}
        known = self.table.query("gpk = :pk", values, IndexName=WIDE_INDEX)
        return self._named(project, known, named) if named else iter(known)

    def _named(self, project: str, known: Iterable[Item], named: str) -> Iterator[Item]:
        """Yield those with the text in their names, which the index does not have."""
        rest = iter(known)
        while part := list(islice(rest, MEMORIES_AT_ONCE)):
            keys = {
                _subject_key(item): (subject_partition(project, _subject_key(item)), "A")
                for item in part
            }
            items = self.table.get_all(keys.values())
            for item in part:
                found = items.get(keys[_subject_key(item)])
                if found and _subject(found).is_named_like(named):
                    yield item

    def _with_memories(self, project: str, items: Sequence[Item]) -> list[str]:
        """Return the keys of those subjects that have a memory, in order."""
        partitions = [
            (_subject_key(item), partition)
            for item in items
            for partition in member_partitions(project, _kind(item), _subject_key(item))
        ]
        has_some = self.table.together(lambda pair: self._has_items(pair[1]), partitions)
        living = {key for (key, _), is_used in zip(partitions, has_some, strict=True) if is_used}
        return [_subject_key(item) for item in items if _subject_key(item) in living]

    def _has_items(self, partition: str) -> bool:
        pages = self.table.query_pages("pk = :pk", {":pk": text(partition)}, Limit=1)
        return bool(next(pages)["Items"])

    def entry(self, project: str, item: Item) -> SubjectEntry:
        """Return what a subject's item tells, and how many memories it has."""
        subject = _subject(item)
        pages = (
            page
            for partition in member_partitions(project, subject.kind, subject.key)
            for page in self.table.query_pages("pk = :pk", {":pk": text(partition)}, Select="COUNT")
        )
        return SubjectEntry(
            subject,
            stored.time_of(item["created_at"]["S"]),
            stored.time_of(item["updated_at"]["S"]),
            sum(page["Count"] for page in pages),
            stored.load(item["metadata"]["S"])["metadata"] if "metadata" in item else {},
        )


def _places_of(pages: Iterable[Mapping[str, Any]], name: str, day: str) -> Iterator[Place]:
    for page in pages:
        for item in page["Items"]:
            if "expires_on" not in item or item["expires_on"]["S"] >= day:
                yield item[name]["S"]


def _subject(item: Item) -> Subject:
    return Subject(SubjectKind(item["kind"]["S"]), item["name"]["S"])


def _kind(item: Item) -> SubjectKind:
    return SubjectKind(item["gsk"]["S"].split("#")[1])


def _subject_key(item: Item) -> str:
    key: str = item["gsk"]["S"].split("#")[2]
    return key
