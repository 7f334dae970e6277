"""Scope clocks, turns and unique texts in a SQLite file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.derived import text_marker, turn_id
from recollect.adapters.local.database import Database
from recollect.adapters.local.projects import project_secret
from recollect.domain.jobs import Turn
from recollect.domain.subjects import Scope


@dataclass(frozen=True)
class LocalScopes:
    """What the data file knows of one scope as a whole."""

    database: Database

    def clock(self, scope: Scope) -> int:
        """Return how many changes the scope has seen; 0 for an unknown one."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT clock FROM scopes WHERE project = ? AND scope_key = ?",
                (scope.project, scope.key),
            ).fetchone()
        return int(row["clock"]) if row else 0

    def reserve_turns(self, scope: Scope, count: int) -> tuple[Turn, ...]:
        """Return the next `count` turns, nobody else's ever."""
        with self.database.writing(durable=False) as connection:
            row = connection.execute(
                "INSERT INTO scopes (project, scope_key, turns) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET turns = turns + excluded.turns RETURNING turns",
                (scope.project, scope.key, count),
            ).fetchone()
            secret = project_secret(connection, scope.project)
        end = int(row["turns"])
        return tuple(
            Turn(number, turn_id(secret, scope, number)) for number in range(end - count, end)
        )

    def turns_at(self, scope: Scope, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the ids that memories have, or would have, at these turns of a scope, in order."""
        with self.database.reading() as connection:
            secret = project_secret(connection, scope.project)
        return tuple(turn_id(secret, scope, number) for number in numbers)

    def find_texts(self, scope: Scope, texts: Sequence[str], *, now: datetime) -> dict[str, str]:
        """Return text -> memory id for those that a living, unexpired memory of the scope has."""
        found: dict[str, str] = {}
        with self.database.reading() as connection:
            secret = project_secret(connection, scope.project)
            for text in texts:
                row = connection.execute(
                    "SELECT memory_id FROM markers WHERE project = ? AND scope_key = ?"
                    " AND marker = ? AND (expires_on IS NULL OR expires_on >= ?)",
                    (scope.project, scope.key, text_marker(secret, text), stored.day_text(now)),
                ).fetchone()
                if row:
                    found[text] = row["memory_id"]
        return found
