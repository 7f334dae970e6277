"""Erased subjects in a SQLite file, and removing what is left of them."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_jobs
from recollect.adapters.local.database import Database
from recollect.domain.jobs import Job
from recollect.domain.memory import HistoryAction
from recollect.domain.subjects import Subject
from recollect.ports.record import Change, ErasedError

OF_SCOPES = (
    "SELECT scope_key FROM scopes_of_subjects WHERE project = :project AND kind = :kind"
    " AND name = :name"
)
FORGET = (
    (
        "DELETE FROM subject_metadata WHERE (project, subject_key) IN ("
        " SELECT project, subject_key FROM subjects"
        " WHERE project = :project AND subject_key = :key AND created_at <= :at)"
    ),
    (
        "DELETE FROM subjects WHERE project = :project AND subject_key = :key"
        " AND created_at <= :at AND memories = 0"
    ),
    (
        "UPDATE subjects SET created_at = :now, updated_at = :now"
        " WHERE project = :project AND subject_key = :key AND created_at <= :at"
    ),
    (
        "DELETE FROM scopes_of_subjects AS pair WHERE project = :project AND kind = :kind"
        " AND name = :name AND NOT EXISTS (SELECT 1 FROM episodes"
        " WHERE project = pair.project AND scope_key = pair.scope_key)"
    ),
)
"""What is done to forget the name of a subject, one after another."""


def refuse_erased(connection: sqlite3.Connection, project: str, change: Change) -> None:
    """Raise `ErasedError` if a subject of the change was erased since it was said."""
    if change.said_by is None:
        return
    keys = {subject.key for scope in change.scopes for subject in scope.subjects}
    marked = connection.execute(
        "SELECT 1 FROM erasures WHERE project = ? AND at >= ?"
        " AND subject_key IN (SELECT value FROM json_each(?))",
        (project, stored.time_text(change.said_by), json.dumps(sorted(keys))),
    ).fetchone()
    if marked:
        raise ErasedError.of_subject()


@dataclass(frozen=True)
class LocalErasures:
    """When subjects were erased, in the data file; every commit looks it up."""

    database: Database

    def mark(self, project: str, subject: Subject, *, at: datetime) -> None:
        """Note that the subject was erased at that time, unless it was erased later, too."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO erasures VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
                (project, subject.key, stored.time_text(at)),
            )

    def refuse(
        self,
        project: str,  # noqa: ARG002 - of the port
        subject: Subject,  # noqa: ARG002
        *,
        at: datetime,  # noqa: ARG002
        after: str = "",  # noqa: ARG002
    ) -> str | None:
        """Return None: the mark is enough."""
        return None

    def marks(self, project: str, *, limit: int, after: str = "") -> dict[str, datetime]:
        """Return subject key -> when it was erased, in the order of keys, behind this key."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT subject_key, at FROM erasures WHERE project = ? AND subject_key > ?"
                " ORDER BY subject_key LIMIT ?",
                (project, after, limit),
            )
            return {row["subject_key"]: stored.time_of(row["at"]) for row in rows}


@dataclass(frozen=True)
class LocalRemains:
    """What is left of what was deleted, in the data file."""

    database: Database

    def strip(self, project: str, memory_ids: Sequence[str]) -> None:
        """Leave of what happened to deleted memories only that they were deleted."""
        with self.database.writing() as connection:
            for memory_id in memory_ids:
                _strip(connection, project, memory_id)

    def remove(self, project: str, subject: Subject, places: Mapping[str, str]) -> None:  # noqa: ARG002 - of the port
        """Remove the history and the tombstones of deleted memories."""
        values = (project, json.dumps(list(places.values())))
        with self.database.writing() as connection:
            for table in ("history", "graph_readings"):
                connection.execute(
                    f"DELETE FROM {table} WHERE (project, memory_id) IN ("  # noqa: S608 - ours
                    " SELECT project, memory_id FROM memories WHERE project = ? AND body IS NULL"
                    " AND memory_id IN (SELECT value FROM json_each(?)))",
                    values,
                )
            connection.execute(
                "DELETE FROM memories WHERE project = ? AND body IS NULL"
                " AND memory_id IN (SELECT value FROM json_each(?))",
                values,
            )

    def count_episodes(
        self,
        project: str,
        subject: Subject,
        *,
        before: datetime,
        after: str = "",  # noqa: ARG002 - of the port
    ) -> tuple[int, str | None]:
        """Return how many episodes from before then all scopes of the subject have, and None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM episodes WHERE project = :project"  # noqa: S608 - ours
                f" AND recorded_at < :before AND scope_key IN ({OF_SCOPES})",
                {**_named(project, subject), "before": stored.time_text(before)},
            ).fetchone()
        return row[0], None

    def empty(self, job: Job) -> None:
        """Store a job that was emptied, whatever it has become since; its episode goes."""
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET status = ?, attempt = ?, body = ?"
                " WHERE project = ? AND job_id = ?",
                (
                    job.status,
                    job.attempt,
                    stored.dump(stored_jobs.dump_job(job)),
                    job.project,
                    job.id,
                ),
            )
            connection.execute(
                "DELETE FROM episodes WHERE project = ? AND episode_id = ?", (job.project, job.id)
            )

    def overwrite(self) -> bool:
        """Empty the write-ahead log; in the file itself, SQLite overwrites what it deletes."""
        return self.database.empty_log()

    def forget(
        self,
        project: str,
        subject: Subject,
        *,
        at: datetime,
        now: datetime,
        after: str = "",  # noqa: ARG002 - of the port
    ) -> str | None:
        """Forget the name of a subject that was known at that time; all at once."""
        values = {
            **_named(project, subject),
            "key": subject.key,
            "at": stored.time_text(at),
            "now": stored.time_text(now),
        }
        with self.database.writing() as connection:
            for statement in FORGET:
                connection.execute(statement, values)
        return None


def _named(project: str, subject: Subject) -> dict[str, str]:
    return {"project": project, "kind": subject.kind, "name": subject.name}


def _strip(connection: sqlite3.Connection, project: str, memory_id: str) -> None:
    row = connection.execute(
        "SELECT version, body FROM history WHERE project = ? AND memory_id = ?"
        " ORDER BY version DESC LIMIT 1",
        (project, memory_id),
    ).fetchone()
    event = stored.load_event(project, stored.load(row["body"])) if row else None
    if event is None or event.action is not HistoryAction.DELETE:
        return
    key = (project, memory_id, row["version"])
    connection.execute(
        "UPDATE history SET body = ? WHERE project = ? AND memory_id = ? AND version = ?",
        (stored.dump(stored.dump_event(event.stripped())), *key),
    )
    connection.execute(
        "DELETE FROM history WHERE project = ? AND memory_id = ? AND version < ?", key
    )
    connection.execute(
        "DELETE FROM touches WHERE project = ? AND memory_id = ?", (project, memory_id)
    )
