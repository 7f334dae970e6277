"""Taking the index's texts apart anew when their terms were computed by another release."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from recollect.adapters.local.database import Database
from recollect.adapters.local.documents import Content, DocumentChange, write_changes
from recollect.adapters.stored import load, load_memory
from recollect.domain.text import TERMS_VERSION

PAGE = 500
"""Documents that are written in one transaction, between which others can write."""


def renew_terms(database: Database) -> int:
    """Bring all documents' terms, and what else is read off their texts, to this release's.

    Returns how many were written. Nothing is embedded, and a file that is up to date is only read.
    Several processes share the work, and one that ends in between leaves the rest to the next.
    While the whole index is being built anew, which renews them, too, nothing is done.
    """
    with database.reading() as file:
        if not _is_behind(file):
            return 0
    renewed = 0
    while True:
        with database.writing(durable=False) as file:
            if not _is_behind(file):
                return renewed
            renewed += _renew_page(file)


def _is_behind(file: sqlite3.Connection) -> bool:
    up_to_date = file.execute(
        "SELECT 1 FROM index_terms WHERE version = ? AND renewed_up_to IS NULL", (TERMS_VERSION,)
    ).fetchone()
    is_built_anew = file.execute("SELECT 1 FROM index_build").fetchone()
    return up_to_date is None and is_built_anew is None


def _renew_page(file: sqlite3.Connection) -> int:
    """Write the next documents again, or note that there are none; return how many were written."""
    begun_after, renewed_up_to = _progress(file)
    rows = file.execute(
        "SELECT number, project, memory_id, version, body, vector"
        " FROM index_documents WHERE number > ? AND seq <= ? AND NOT is_removed"
        " ORDER BY number LIMIT ?",
        (renewed_up_to, begun_after, PAGE),
    ).fetchall()
    for project, changes in _changes(rows):
        write_changes(file, project, changes, doubted=begun_after)
    reached = rows[-1]["number"] if rows else None
    file.execute("UPDATE index_terms SET renewed_up_to = ?", (reached,))
    return len(rows)


def _progress(file: sqlite3.Connection) -> tuple[int, int]:
    """Return the last change before it began and the last document that is done; or begin."""
    row = file.execute(
        "SELECT begun_after, renewed_up_to FROM index_terms WHERE version = ?", (TERMS_VERSION,)
    ).fetchone()
    if row is not None:
        return row["begun_after"], row["renewed_up_to"]
    file.execute(
        "INSERT OR REPLACE INTO index_terms"
        " SELECT 1, ?, coalesce((SELECT last FROM index_sequence), 0), 0",
        (TERMS_VERSION,),
    )
    return _progress(file)


def _changes(rows: Sequence[sqlite3.Row]) -> Iterator[tuple[str, list[DocumentChange]]]:
    for project, group in groupby(sorted(rows, key=itemgetter("project")), itemgetter("project")):
        yield project, [_change(project, row) for row in group]


def _change(project: str, row: sqlite3.Row) -> DocumentChange:
    content = Content.of(load_memory(project, load(row["body"]), None))
    return DocumentChange(row["memory_id"], row["version"], replace(content, vector=row["vector"]))
