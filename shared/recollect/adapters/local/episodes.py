"""The messages of adds in a SQLite file."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.local.database import Database, rows_among
from recollect.domain.memory import Episode
from recollect.domain.subjects import Scope, Subject

REMOVED_AT_ONCE = 500
"""Episodes a transaction: so many of average length take less than 10 ms."""
SCOPES_AT_ONCE = 100
"""Scopes whose episodes are removed together."""


@dataclass(frozen=True)
class LocalEpisodes:
    """The episodes of the local edition; see the port `Episodes` for what it promises."""

    database: Database

    def get(
        self, project: str, episode_ids: Collection[str], *, now: datetime
    ) -> dict[str, Episode]:
        """Return the messages of adds that are there, by their ids."""
        query = (
            "SELECT body FROM episodes WHERE project = ?"
            " AND (expires_at IS NULL OR expires_at > ?) AND episode_id IN"
        )
        with self.database.reading() as connection:
            rows = rows_among(connection, query, [project, stored.time_text(now)], episode_ids)
            episodes = [stored.load_episode(project, stored.load(row["body"])) for row in rows]
        return {episode.id: episode for episode in episodes}

    def recent(self, scope: Scope, *, limit: int, now: datetime) -> list[Episode]:
        """Return the last episodes of the scope, newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT body FROM episodes WHERE project = ? AND scope_key = ?"
                " AND (expires_at IS NULL OR expires_at > ?)"
                " ORDER BY recorded_at DESC, episode_id DESC LIMIT ?",
                (scope.project, scope.key, stored.time_text(now), limit),
            ).fetchall()
        return [stored.load_episode(scope.project, stored.load(row["body"])) for row in rows]

    def remove(
        self, project: str, subjects: Sequence[Subject], *, before: datetime, after: str = ""
    ) -> str | None:
        """Remove what was recorded before then of the next scopes with all of these subjects."""
        scope_keys = self._scopes_of(project, subjects, after)
        if not scope_keys:
            return None
        with self.database.writing() as connection:
            removed = connection.execute(
                "DELETE FROM episodes WHERE rowid IN (SELECT rowid FROM episodes WHERE project = ?"
                " AND scope_key IN (SELECT value FROM json_each(?)) AND recorded_at < ? LIMIT ?)",
                (project, json.dumps(scope_keys), stored.time_text(before), REMOVED_AT_ONCE),
            )
        if removed.rowcount == REMOVED_AT_ONCE:
            return after
        return scope_keys[-1] if len(scope_keys) == SCOPES_AT_ONCE else None

    def remove_expired(self, *, now: datetime, limit: int) -> int:
        """Remove the first `limit` expired episodes of all projects; return how many it were."""
        with self.database.writing() as connection:
            removed = connection.execute(
                "DELETE FROM episodes WHERE rowid IN (SELECT rowid FROM episodes"
                " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
                (stored.time_text(now), limit),
            )
        return removed.rowcount

    def _scopes_of(self, project: str, subjects: Sequence[Subject], after: str) -> list[str]:
        """Return the keys of the first scopes behind that one with all of these subjects."""
        if not subjects:
            return []
        of_one = (
            "SELECT scope_key FROM scopes_of_subjects"
            " WHERE project = ? AND kind = ? AND name = ? AND scope_key > ?"
        )
        of_all = " INTERSECT ".join([of_one] * len(subjects))
        values = [value for each in subjects for value in (project, each.kind, each.name, after)]
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{of_all} ORDER BY scope_key LIMIT ?", [*values, SCOPES_AT_ONCE]
            )
            return [row["scope_key"] for row in rows]
