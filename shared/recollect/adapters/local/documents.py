"""The tables of the search index, and how changes of memories are written to them."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from recollect.adapters.stored import dump, dump_memory
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.domain.text import terms
from recollect.domain.traits import speaker_of, traits_of

INDEX_SCHEMA: tuple[str, ...] = (
    """
    CREATE TABLE IF NOT EXISTS index_documents (
        number INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        memory_id TEXT NOT NULL,
        version INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        is_removed INTEGER NOT NULL,
        scope TEXT,
        last_day INTEGER,
        body TEXT,
        terms TEXT,
        vector BLOB,
        traits TEXT,
        UNIQUE (project, memory_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS index_members (
        project TEXT NOT NULL,
        subject TEXT NOT NULL,
        seq INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (project, subject, seq)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS index_sequence (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        last INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS index_build (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        begun_after INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS index_terms (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        version INTEGER NOT NULL,
        begun_after INTEGER NOT NULL,
        renewed_up_to INTEGER
    )
    """,
)
"""`seq` numbers changes in the order they are committed (the file has one writer at a time); a
document's `number` is that of its first. Each change moves the document's memberships to the new
`seq`, so that a reader finds all that is new to it behind the last one it has seen. A removed
document is a tombstone, which stays. `scope`, `last_day` (proleptic ordinal), `terms` (parted
by spaces) and `traits` (see `StoredTraits`) are what the arrays in memory hold; `body` is the
memory, for filters on anything else.
While the index is built anew, `begun_after` is the last change before: what is older is doubted.
`index_terms` tells the version of the terms (`TERMS_VERSION`); until the documents of an older one
are all renewed, the number of the last that is and, again, the last change before.
"""

WHOLE_PROJECT = "*"
"""Stands for a subject that every memory of the project belongs to; subjects' keys are longer."""


class StoredTraits(NamedTuple):
    """What a memory is ranked by besides its words: a JSON array; `said_at` is in seconds."""

    turn: int | None
    said_at: float
    speaker: str | None
    asks: bool
    tells_time: bool

    @classmethod
    def of(cls, memory: Memory) -> "StoredTraits":
        """Return the traits of a memory."""
        traits = traits_of(memory.text)
        return cls(
            memory.turn,
            memory.said_at.timestamp(),
            speaker_of(memory),
            traits.asks,
            traits.tells_time,
        )


@dataclass(frozen=True)
class Content:
    """A memory in the form that is stored."""

    subject_keys: tuple[str, ...]
    scope: str
    last_day: int | None
    body: str
    terms: str
    vector: bytes | None
    traits: str

    @classmethod
    def of(cls, memory: Memory) -> "Content":
        """Return what is stored of a memory."""
        return cls(
            subject_keys=_subject_keys(memory.scope),
            scope=json.dumps(memory.scope.pairs),
            last_day=memory.expires_on.toordinal() if memory.expires_on else None,
            body=dump(dump_memory(memory)),
            terms=" ".join(terms(memory.text)),
            vector=memory.embedding.data if memory.embedding else None,
            traits=json.dumps(StoredTraits.of(memory)),
        )


@dataclass(frozen=True)
class DocumentChange:
    """The next state of one memory; without content it is removed."""

    memory_id: str
    version: int
    content: Content | None


def put_changes(memories: Iterable[Memory]) -> list[DocumentChange]:
    """Return the changes that put the newest version of each memory."""
    newest = {memory.id: memory for memory in sorted(memories, key=attrgetter("version"))}
    return [
        DocumentChange(memory.id, memory.version, Content.of(memory)) for memory in newest.values()
    ]


@dataclass(frozen=True)
class _Stored:
    number: int
    version: int
    seq: int
    is_removed: bool
    subject_keys: tuple[str, ...]

    def yields_to(self, change: DocumentChange, doubted: int) -> bool:
        if self.seq <= doubted:
            return True
        if self.is_removed:
            return False
        return change.content is None or change.version > self.version


def write_changes(
    file: sqlite3.Connection,
    project: str,
    changes: Sequence[DocumentChange],
    *,
    doubted: int = 0,
) -> None:
    """Store the changes that are news, in a transaction of the caller; one a memory.

    Documents that were last changed by the change `doubted` or before yield to any.
    """
    known = _stored(file, project, [change.memory_id for change in changes])
    news = [
        change
        for change in changes
        if change.memory_id not in known or known[change.memory_id].yields_to(change, doubted)
    ]
    outdated = [known[change.memory_id] for change in news if change.memory_id in known]
    file.executemany(
        "DELETE FROM index_members WHERE project = ? AND subject = ? AND seq = ?",
        [(project, key, stored.seq) for stored in outdated for key in stored.subject_keys],
    )
    documents, members = [], []
    for seq, change in enumerate(news, start=_reserve(file, len(news))):
        stored = known.get(change.memory_id, _Stored(seq, 0, 0, is_removed=False, subject_keys=()))
        keys = change.content.subject_keys if change.content else stored.subject_keys
        documents.append(_document(project, stored.number, seq, change))
        members += [(project, key, seq, stored.number) for key in keys]
    file.executemany(
        "INSERT OR REPLACE INTO index_documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        documents,
    )
    file.executemany("INSERT INTO index_members VALUES (?, ?, ?, ?)", members)


def load_scope(project: str, text: str) -> Scope:
    """Return the scope of a document, from its column of that name."""
    subjects = (Subject(SubjectKind(kind), name) for kind, name in json.loads(text))
    return Scope(project, tuple(subjects))


def _subject_keys(scope: Scope) -> tuple[str, ...]:
    return (WHOLE_PROJECT, *(subject.key for subject in scope.subjects))


def _stored(
    file: sqlite3.Connection, project: str, memory_ids: Sequence[str]
) -> dict[str, _Stored]:
    rows = file.execute(
        "SELECT memory_id, number, version, seq, is_removed, scope FROM index_documents"
        " WHERE project = ? AND memory_id IN (SELECT value FROM json_each(?))",
        (project, json.dumps(memory_ids)),
    )
    return {
        memory_id: _Stored(
            number,
            version,
            seq,
            is_removed=bool(is_removed),
            subject_keys=_subject_keys(load_scope(project, scope)) if scope else (),
        )
        for memory_id, number, version, seq, is_removed, scope in rows
    }


def _reserve(file: sqlite3.Connection, count: int) -> int:
    """Return the first of the next `count` change numbers."""
    file.execute(
        "INSERT INTO index_sequence (one, last) VALUES (1, ?)"
        " ON CONFLICT (one) DO UPDATE SET last = last + excluded.last",
        (count,),
    )
    (last,) = file.execute("SELECT last FROM index_sequence").fetchone()
    return int(last) - count + 1


def _document(
    project: str, number: int, seq: int, change: DocumentChange
) -> tuple[str | int | bytes | None, ...]:
    head = (number, project, change.memory_id, change.version, seq)
    content = change.content
    if content is None:
        return (*head, True, None, None, None, None, None, None)
    return (
        *head,
        False,
        content.scope,
        content.last_day,
        content.body,
        content.terms,
        content.vector,
        content.traits,
    )
