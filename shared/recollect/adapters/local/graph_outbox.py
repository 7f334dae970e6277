"""What awaits the graph writer and the graph's projections, in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_graph
from recollect.adapters.local.database import Database
from recollect.adapters.stored_graph import WHOLE
from recollect.domain.graph import Owner
from recollect.ports.graph import Unread
from recollect.ports.graph_outbox import SetAside, Unprojected


@dataclass(frozen=True)
class LocalGraphOutbox:
    """What is left to do for graphs in the data file; see the port `GraphOutbox`."""

    database: Database

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        """Return the owner's changes that await the graph writer, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT CAST(place AS TEXT), memory_id, version FROM graph_unread"
                " WHERE project = ? AND owner_key = ? ORDER BY place LIMIT ?",
                (owner.project, owner.key, limit),
            )
            return [Unread(*row) for row in rows]

    def unread_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with changes unread since before then."""
        return self._owners("graph_unread", before, limit)

    def set_aside(self, owner: Owner, unread: Unread, *, reason: str) -> None:
        """Take a change out of what is unread; nothing happens if it is not there."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO graph_aside (place, project, owner_key, memory_id, version, reason)"
                " SELECT place, project, owner_key, memory_id, version, ? FROM graph_unread"
                " WHERE place = ? AND project = ? AND owner_key = ?",
                (reason, int(unread.id), owner.project, owner.key),
            )
            connection.execute(
                "DELETE FROM graph_unread WHERE place = ? AND project = ? AND owner_key = ?",
                (int(unread.id), owner.project, owner.key),
            )

    def aside(self, *, limit: int) -> list[SetAside]:
        """Return what was set aside, of all projects."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT project, owner_key, CAST(place AS TEXT), memory_id, version, reason"
                " FROM graph_aside ORDER BY place LIMIT ?",
                (limit,),
            )
            return [SetAside(Owner(*row[:2]), Unread(*row[2:5]), row["reason"]) for row in rows]

    def take_up(self, aside: SetAside, *, at: datetime) -> None:
        """Have a change that was set aside be unread again."""
        owner, unread = aside.owner, aside.unread
        with self.database.writing() as connection:
            found = connection.execute(
                "DELETE FROM graph_aside WHERE place = ? AND project = ? AND owner_key = ?",
                (int(unread.id), owner.project, owner.key),
            )
            if found.rowcount:
                leave_unread(connection, owner, unread.memory_id, unread.version, at)

    def unprojected(self, owner: Owner, *, limit: int) -> list[Unprojected]:
        """Return the owner's commits that its projections have not confirmed, oldest first."""
        return self._unprojected(owner, "place", limit)

    def confirm(self, owner: Owner, done: Sequence[Unprojected]) -> None:
        """Forget these."""
        with self.database.writing(durable=False) as connection:
            connection.executemany(
                "DELETE FROM graph_unprojected WHERE place = ? AND project = ? AND owner_key = ?",
                [(int(each.id), owner.project, owner.key) for each in done],
            )

    def unprojected_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with commits unprojected since before then."""
        return self._owners("graph_unprojected", before, limit)

    def fresh(self, owner: Owner, *, limit: int) -> list[str]:
        """Return ids of entities of commits that are not confirmed, the last ones first."""
        found = self._unprojected(owner, "place DESC", limit)
        return list(dict.fromkeys(an_id for each in found for an_id in each.entity_ids))

    def project_again(self, owner: Owner, *, at: datetime) -> None:
        """Have the owner's whole graph be unprojected."""
        with self.database.writing() as connection:
            leave_unprojected(connection, owner, WHOLE, at)

    def _unprojected(self, owner: Owner, order: str, limit: int) -> list[Unprojected]:
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT CAST(place AS TEXT) AS id, body FROM graph_unprojected"  # noqa: S608 - ours
                f" WHERE project = ? AND owner_key = ? ORDER BY {order} LIMIT ?",
                (owner.project, owner.key, limit),
            )
            return [
                stored_graph.load_unprojected(row["id"], stored.load(row["body"])) for row in rows
            ]

    def _owners(self, table: str, before: datetime, limit: int) -> list[Owner]:
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT project, owner_key FROM {table} WHERE since <= ? LIMIT ?",  # noqa: S608 - ours
                (stored.time_text(before), limit),
            )
            return [Owner(*row) for row in rows]


def leave_unread(
    connection: sqlite3.Connection, owner: Owner, memory_id: str, version: int, at: datetime
) -> None:
    """Note, in an open transaction, that the graph writer has to read a memory."""
    connection.execute(
        "INSERT INTO graph_unread (project, owner_key, memory_id, version, since)"
        " VALUES (?, ?, ?, ?, ?)",
        (owner.project, owner.key, memory_id, version, stored.time_text(at)),
    )


def leave_unprojected(
    connection: sqlite3.Connection, owner: Owner, document: stored.Document, at: datetime
) -> None:
    """Note, in an open transaction, what the projections of a graph have to look at."""
    connection.execute(
        "INSERT INTO graph_unprojected (project, owner_key, since, body) VALUES (?, ?, ?, ?)",
        (owner.project, owner.key, stored.time_text(at), stored.dump(document)),
    )
