"""When searches showed memories, in a SQLite file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.local.database import Database, rows_among


@dataclass(frozen=True)
class LocalTouches:
    """Touches in the data file."""

    database: Database

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, tuple[datetime, ...]]:
        """Return the touches of those memories that have any, oldest first, by id."""
        with self.database.reading() as connection:
            rows = rows_among(
                connection,
                "SELECT memory_id, times FROM touches WHERE project = ? AND memory_id IN",
                (project,),
                memory_ids,
            )
            return {
                row["memory_id"]: tuple(map(stored.time_of, json.loads(row["times"])))
                for row in rows
            }

    def put(self, project: str, touches: Mapping[str, Sequence[datetime]]) -> None:
        """Keep these touches of memories instead of those before."""
        with self.database.writing(durable=False) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO touches VALUES (?, ?, ?)",
                [
                    (project, memory_id, json.dumps(list(map(stored.time_text, times))))
                    for memory_id, times in touches.items()
                ],
            )
