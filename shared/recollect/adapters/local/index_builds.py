"""Building the search index in the SQLite file anew."""

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from recollect.adapters.local.database import Database
from recollect.adapters.local.documents import DocumentChange, put_changes, write_changes
from recollect.domain.errors import ConflictError
from recollect.domain.memory import Memory


class LocalIndexBuilds:
    """`IndexBuilds` in place: each document is written again, and what was not is removed.

    A search sees every memory throughout, as it was or as it is written again. What changes after
    `begin` is kept by its version, so that a memory that is removed while it is being filled in
    stays away. A build that broke off leaves a note in the file, and the next one goes on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Do nothing: opening the file makes the tables."""

    def is_outdated(self) -> bool:
        """Tell that it is not: `renew_terms` has seen to that when the file was opened."""
        return False

    def begin(self) -> None:
        """Doubt every document that is there now, unless a build has begun that already."""
        with self._database.writing() as file:
            file.execute(
                "INSERT INTO index_build"
                " SELECT 1, coalesce((SELECT last FROM index_sequence), 0)"
                " WHERE true ON CONFLICT DO NOTHING"
            )

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        """Write the memories again, whatever is there of doubted ones.

        Raises `ConflictError` if no build is under way.
        """
        with self._database.writing(durable=False) as file:
            doubted = _doubted(file)
            if doubted is None:
                message = "The search index is not being built (any more): begin again"
                raise ConflictError(message)
            write_changes(file, project, put_changes(memories), doubted=doubted)

    def finish(self) -> None:
        """Remove what was not written again, which the record does not hold."""
        with self._database.writing() as file:
            doubted = _doubted(file)
            if doubted is not None:
                _remove_up_to(file, doubted)
                file.execute("DELETE FROM index_build")


def _doubted(file: sqlite3.Connection) -> int | None:
    row = file.execute("SELECT begun_after FROM index_build").fetchone()
    return None if row is None else int(row[0])


def _remove_up_to(file: sqlite3.Connection, doubted: int) -> None:
    left = file.execute(
        "SELECT project, memory_id, version FROM index_documents"
        " WHERE seq <= ? AND NOT is_removed ORDER BY project",
        (doubted,),
    ).fetchall()
    for project, rows in groupby(left, key=itemgetter("project")):
        changes = [DocumentChange(row["memory_id"], row["version"], None) for row in rows]
        write_changes(file, project, changes)
