"""Jobs and idempotency keys in a SQLite file."""

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_jobs
from recollect.adapters.local.database import Database
from recollect.domain.errors import IdempotencyMismatchError
from recollect.domain.jobs import IdempotencyKey, Job
from recollect.ports.record import FencedError

LATEST = ("~", "")
"""Sorts behind every time."""


def replace_job(connection: sqlite3.Connection, job: Job, lease_end: datetime | None) -> None:
    """Store a job's new state; raise `FencedError` if a later attempt has taken it over."""
    replaced = connection.execute(
        "UPDATE jobs SET status = ?, body = ?, lease_end = coalesce(?, lease_end)"
        " WHERE project = ? AND job_id = ? AND attempt = ? AND status IN ('PENDING', 'RUNNING')",
        (
            job.status,
            stored.dump(stored_jobs.dump_job(job)),
            stored.time_text(lease_end) if lease_end else None,
            job.project,
            job.id,
            job.attempt,
        ),
    )
    if replaced.rowcount != 1:
        message = f"Job {job.id} is being worked on by somebody else"
        raise FencedError(message)


@dataclass(frozen=True)
class LocalJobs:
    """Jobs in the data file."""

    database: Database

    def accept(self, job: Job, key: IdempotencyKey | None, *, lease_end: datetime) -> Job:
        """Store the job, or return the one that this idempotency key already belongs to."""
        with self.database.writing(durable=False) as connection:
            earlier = _job_of_key(connection, job.project, key) if key else None
            if earlier:
                return earlier
            connection.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?)",
                (
                    job.project,
                    job.id,
                    job.status,
                    job.attempt,
                    stored.time_text(lease_end),
                    stored.dump(stored_jobs.dump_job(job)),
                ),
            )
            if key:
                connection.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, ?)",
                    (job.project, _hash(key.key), key.body_hash, job.id),
                )
        return job

    def get(self, project: str, job_id: str) -> Job | None:
        """Return the job, or None."""
        with self.database.reading() as connection:
            return _job(connection, project, job_id)

    def claim(self, project: str, job_id: str, *, now: datetime, lease_end: datetime) -> Job | None:
        """Take the job over with the next attempt; None if it succeeded or is being worked on."""
        with self.database.writing(durable=False) as connection:
            job = _job(connection, project, job_id)
            if job is None or job.is_closed:
                return None
            mine = job.taken(now)
            claimed = connection.execute(
                "UPDATE jobs SET attempt = ?, status = ?, lease_end = ?, body = ?"
                " WHERE project = ? AND job_id = ? AND (status <> 'RUNNING' OR lease_end <= ?)",
                (
                    mine.attempt,
                    mine.status,
                    stored.time_text(lease_end),
                    stored.dump(stored_jobs.dump_job(mine)),
                    project,
                    job_id,
                    stored.time_text(now),
                ),
            )
            return mine if claimed.rowcount == 1 else None

    def postpone(self, job: Job, *, now: datetime, until: datetime) -> bool:
        """Have a job that is abandoned wait; tell whether it was so."""
        with self.database.writing(durable=False) as connection:
            postponed = connection.execute(
                "UPDATE jobs SET status = 'PENDING', lease_end = ?,"
                " body = json_set(body, '$.status', 'PENDING')"
                " WHERE project = ? AND job_id = ? AND attempt = ? AND lease_end <= ?"
                " AND status IN ('PENDING', 'RUNNING')",
                (
                    stored.time_text(until),
                    job.project,
                    job.id,
                    job.attempt,
                    stored.time_text(now),
                ),
            )
        return postponed.rowcount == 1

    def recent(self, project: str, *, limit: int, after: Job | None = None) -> list[Job]:
        """Return the project's jobs, last created first, ties by id; those `after` one of them."""
        place = (stored.time_text(after.created_at), after.id) if after else LATEST
        with self.database.reading() as connection:
            # The time alone is what SQLite can begin at in the index.
            rows = connection.execute(
                "SELECT body FROM jobs WHERE project = ?1"
                " AND json_extract(body, '$.created_at') <= ?2"
                " AND (json_extract(body, '$.created_at'), job_id) < (?2, ?3)"
                " ORDER BY json_extract(body, '$.created_at') DESC, job_id DESC LIMIT ?4",
                (project, *place, limit),
            )
            return [stored_jobs.load_job(project, stored.load(row["body"])) for row in rows]

    def abandoned(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (project, job id) of unfinished jobs whose lease has run out."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT project, job_id FROM jobs WHERE status IN ('PENDING', 'RUNNING')"
                " AND lease_end <= ? ORDER BY lease_end LIMIT ?",
                (stored.time_text(now), limit),
            )
            return [(row["project"], row["job_id"]) for row in rows]

    def forget_ended(self, *, before: datetime, limit: int) -> int:
        """Remove the first `limit` jobs that ended before then; return how many it were."""
        with self.database.writing(durable=False) as connection:
            found = connection.execute(
                "SELECT project, job_id FROM jobs WHERE status IN ('SUCCEEDED', 'FAILED')"
                " AND json_extract(body, '$.completed_at') < ?"
                " ORDER BY json_extract(body, '$.completed_at') LIMIT ?",
                (stored.time_text(before), limit),
            )
            ended = [tuple(row) for row in found]
            connection.executemany(
                "DELETE FROM idempotency WHERE project = ? AND job_id = ?", ended
            )
            connection.executemany("DELETE FROM jobs WHERE project = ? AND job_id = ?", ended)
        return len(ended)


def _job(connection: sqlite3.Connection, project: str, job_id: str) -> Job | None:
    row = connection.execute(
        "SELECT body FROM jobs WHERE project = ? AND job_id = ?", (project, job_id)
    ).fetchone()
    return stored_jobs.load_job(project, stored.load(row["body"])) if row else None


def _job_of_key(connection: sqlite3.Connection, project: str, key: IdempotencyKey) -> Job | None:
    row = connection.execute(
        "SELECT body_hash, job_id FROM idempotency WHERE project = ? AND key_hash = ?",
        (project, _hash(key.key)),
    ).fetchone()
    if row is None:
        return None
    if row["body_hash"] != key.body_hash:
        message = "This Idempotency-Key was used with another request"
        raise IdempotencyMismatchError(message)
    return _job(connection, project, row["job_id"])


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
