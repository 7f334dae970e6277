"""What keys use, in a SQLite file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.domain.usage import KEPT_DAYS, Counts, KeyDay

KEPT_MINUTES = timedelta(hours=1)
WHOLE_PROJECT = ""
"""Stands where a minute of a key has the key's id."""


@dataclass(frozen=True)
class LocalUsage:
    """Counts in the data file; a power cut may cost the last ones.

    The first count of a key on a day, or in a minute, removes what is too old.
    """

    database: Database

    def add(self, project: str, key_id: str, day: date, counts: Counts) -> Counts:
        """Count what a key used on a day; return all that it has used on it."""
        with self.database.writing(durable=False) as connection:
            [row] = connection.execute(
                "INSERT INTO usage_days VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " requests = requests + excluded.requests, tokens = tokens + excluded.tokens"
                " RETURNING requests, tokens",
                (project, day.isoformat(), key_id, counts.requests, counts.tokens),
            ).fetchall()
            total = Counts(requests=row["requests"], tokens=row["tokens"])
            if total == counts:
                connection.execute(
                    "DELETE FROM usage_days WHERE project = ? AND day < ?",
                    (project, (day - timedelta(days=KEPT_DAYS)).isoformat()),
                )
        return total

    def add_to_minute(self, project: str, minute: datetime, key_id: str | None = None) -> int:
        """Count a request of a key, or of the whole project; return how many the minute has."""
        with self.database.writing(durable=False) as connection:
            [row] = connection.execute(
                "INSERT INTO usage_minutes VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET"
                " requests = requests + 1 RETURNING requests",
                (project, stored.time_text(minute), key_id or WHOLE_PROJECT),
            ).fetchall()
            requests: int = row["requests"]
            if requests == 1:
                connection.execute(
                    "DELETE FROM usage_minutes WHERE project = ? AND minute < ?",
                    (project, stored.time_text(minute - KEPT_MINUTES)),
                )
        return requests

    def total(self, project: str, day: date) -> Counts:
        """Return what all keys of the project together have used on a day."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(tokens), 0) AS tokens"
                " FROM usage_days WHERE project = ? AND day = ?",
                (project, day.isoformat()),
            ).fetchone()
        return Counts(requests=row["requests"], tokens=row["tokens"])

    def days(self, project: str, first: date, last: date, *, limit: int) -> Sequence[KeyDay]:
        """Return what keys used on these days, both included, by day and then by key."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM usage_days WHERE project = ? AND day BETWEEN ? AND ?"
                " ORDER BY day, key_id LIMIT ?",
                (project, first.isoformat(), last.isoformat(), limit),
            ).fetchall()
        return [
            KeyDay(
                date.fromisoformat(row["day"]),
                row["key_id"],
                Counts(requests=row["requests"], tokens=row["tokens"]),
            )
            for row in rows
        ]
