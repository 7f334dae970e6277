"""Changes that the index has not confirmed, in a SQLite file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.ports.record import Pending


@dataclass(frozen=True)
class LocalOutbox:
    """The pending changes in the data file."""

    database: Database

    def pending(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the pending changes of these subjects, oldest first."""
        return self._read(project, subject_keys, "place", limit)

    def unseen(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the pending changes, last first: this index shows at once what it has."""
        return self._read(project, subject_keys, "place DESC", limit)

    def confirm(self, project: str, done: Sequence[Pending]) -> None:
        """Forget these."""
        with self.database.writing(durable=False) as connection:
            connection.executemany(
                "DELETE FROM pending WHERE place = ? AND project = ?",
                [(int(item.id), project) for item in done],
            )

    def stale(self, *, before: datetime, limit: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return (project, subject keys) with changes pending since before then."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT project, subject_key FROM pending WHERE since <= ? LIMIT ?",
                (stored.time_text(before), limit),
            )
            return [(row["project"], (row["subject_key"],)) for row in rows]

    def _read(
        self, project: str, subject_keys: Sequence[str], order: str, limit: int
    ) -> list[Pending]:
        marks = ",".join("?" * len(subject_keys))
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT CAST(place AS TEXT), subject_key, memory_id, version FROM pending"  # noqa: S608
                f" WHERE project = ? AND subject_key IN ({marks}) ORDER BY {order} LIMIT ?",
                (project, *subject_keys, limit),
            )
            return [Pending(*row) for row in rows]
