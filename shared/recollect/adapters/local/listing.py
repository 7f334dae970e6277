"""Lists of memories and subjects from a SQLite file."""

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.adapters.local.record import memory_of
from recollect.domain.filters import Filter, Unexpired, of_one_subject
from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import MemoryPage, Position, SubjectEntry

EXACT_COUNT = 10_000
"""Matches up to which a count is exact."""
ROWS_AT_ONCE = 256
NO_DAY = ""
"""Sorts before every day, so that nothing has expired by it."""
ENTRIES = (
    "SELECT *, (SELECT body FROM subject_metadata AS said WHERE said.project = subjects.project"
    " AND said.subject_key = subjects.subject_key) AS said FROM subjects"
)
"""What is known of subjects; which ones is to be added."""
LATEST = ("~", "")
"""Sorts behind every time."""


@dataclass(frozen=True)
class LocalListing:
    """Reads many memories of the data file in order."""

    database: Database

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
        with self.database.reading() as connection:
            window = _Window(limit, skip, after)
            plain = of_one_subject(matching)
            if plain is not None:
                return _page_of_subject(connection, project, *plain, window)
            return _page_of_filter(connection, project, matching, window)

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
        marks = ",".join("?" * len(kinds))
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{ENTRIES} WHERE project = ? AND kind IN ({marks})"
                " AND memories > 0 ORDER BY created_at, subject_key",
                (project, *kinds),
            )
            known = (row for row in rows if not named or _subject(row).is_named_like(named))
            return [subject_entry(row) for row in itertools.islice(known, skip, skip + limit)]

    def subject(self, project: str, subject: Subject) -> SubjectEntry | None:
        """Return what is known of a subject, or None if it has no memories."""
        with self.database.reading() as connection:
            row = connection.execute(
                f"{ENTRIES} WHERE project = ? AND subject_key = ? AND memories > 0",
                (project, subject.key),
            ).fetchone()
        return subject_entry(row) if row else None

    def count_subjects(self, project: str, *, named: str = "") -> dict[SubjectKind, int]:
        """Return how many subjects of each kind have memories."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT kind, name FROM subjects WHERE project = ? AND memories > 0", (project,)
            )
            known = (row for row in rows if not named or _subject(row).is_named_like(named))
            counts = Counter(row["kind"] for row in known)
        return {kind: counts[kind] for kind in SubjectKind}


@dataclass(frozen=True)
class _Window:
    """Which part of a listing is asked for."""

    limit: int
    skip: int
    after: Position | None

    @property
    def end(self) -> int:
        """How many matches it takes to fill the page."""
        return self.skip + self.limit

    @property
    def place(self) -> tuple[str, str]:
        """Time and id behind which it starts."""
        if self.after is None:
            return LATEST
        return stored.time_text(self.after.created_at), self.after.memory_id


def _page_of_subject(
    connection: sqlite3.Connection,
    project: str,
    subject: Subject,
    unexpired: Unexpired | None,
    window: _Window,
) -> MemoryPage:
    day = stored.day_text(unexpired.now) if unexpired else NO_DAY
    count = None if window.after else _count(connection, project, subject, day)
    rows = connection.execute(
        "SELECT body, model, vector FROM (SELECT created_at, memory_id FROM members"
        " WHERE project = ?1 AND subject_key = ?2 AND (expires_on IS NULL OR expires_on >= ?3)"
        " AND (created_at, memory_id) < (?4, ?5)"
        " ORDER BY created_at DESC, memory_id DESC LIMIT ?6 OFFSET ?7) AS page"
        " JOIN memories ON project = ?1 AND memories.memory_id = page.memory_id"
        " ORDER BY page.created_at DESC, page.memory_id DESC",
        (project, subject.key, day, *window.place, window.limit + 1, window.skip),
    ).fetchall()
    memories = tuple(memory_of(project, row) for row in rows[: window.limit])
    return _page(memories, count, has_more=len(rows) > window.limit)


def _count(connection: sqlite3.Connection, project: str, subject: Subject, day: str) -> int:
    [count] = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM members WHERE project = ? AND subject_key = ?"
        " AND (expires_on IS NULL OR expires_on >= ?) LIMIT ?)",
        (project, subject.key, day, EXACT_COUNT + 1),
    ).fetchone()
    return int(count)


def _page_of_filter(
    connection: sqlite3.Connection, project: str, matching: Filter, window: _Window
) -> MemoryPage:
    walk = _walk(connection, project, matching, window.place)
    matches = (memory for memory in walk if matching.matches(memory))
    found = list(itertools.islice(matches, window.end + 1))
    count = None
    if window.after is None:
        rest = itertools.islice(matches, max(EXACT_COUNT + 1 - len(found), 0))
        count = len(found) + sum(1 for _ in rest)
    page = tuple(found[window.skip : window.end])
    return _page(page, count, has_more=len(found) > window.end)


def _page(memories: tuple[Memory, ...], count: int | None, *, has_more: bool) -> MemoryPage:
    if count is None:
        return MemoryPage(memories, 0, is_count_exact=False, has_more=has_more)
    return MemoryPage(memories, min(count, EXACT_COUNT), count <= EXACT_COUNT, has_more)


def _walk(
    connection: sqlite3.Connection, project: str, matching: Filter, place: tuple[str, str]
) -> Iterator[Memory]:
    """Yield what may match behind a place, last created first, without duplicates."""
    named = matching.named_subjects()
    if named is None:
        rows = connection.execute(
            "SELECT body, model, vector FROM memories WHERE project = ? AND body IS NOT NULL"
            " AND (created_at, memory_id) < (?, ?) ORDER BY created_at DESC, memory_id DESC",
            (project, *place),
        )
    else:
        marks = ",".join("?" * len(named))
        rows = connection.execute(
            "SELECT body, model, vector FROM (SELECT DISTINCT created_at, memory_id FROM members"  # noqa: S608
            f" WHERE project = ? AND subject_key IN ({marks})"
            " AND (created_at, memory_id) < (?, ?)) AS page"
            " JOIN memories ON project = ? AND memories.memory_id = page.memory_id"
            " ORDER BY page.created_at DESC, page.memory_id DESC",
            (project, *(subject.key for subject in named), *place, project),
        )
    while part := list(itertools.islice(rows, ROWS_AT_ONCE)):
        for row in part:
            yield memory_of(project, row)


def subject_entry(row: sqlite3.Row) -> SubjectEntry:
    """Return what a row of `ENTRIES` tells."""
    return SubjectEntry(
        _subject(row),
        stored.time_of(row["created_at"]),
        stored.time_of(row["updated_at"]),
        row["memories"],
        stored.load(row["said"])["metadata"] if row["said"] else {},
    )


def _subject(row: sqlite3.Row) -> Subject:
    return Subject(SubjectKind(row["kind"]), row["name"])
