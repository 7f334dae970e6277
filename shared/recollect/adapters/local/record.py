"""The record in a SQLite file: one transaction a change."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recollect.adapters import stored
from recollect.adapters.local.database import Database, rows_among
from recollect.adapters.local.erasure import refuse_erased
from recollect.adapters.local.jobs import replace_job
from recollect.adapters.local.transaction import Transaction
from recollect.adapters.local.vectors import check_models
from recollect.domain.memory import Embedding, HistoryEvent, Memory
from recollect.domain.subjects import Scope
from recollect.ports.record import Change

LARGEST_COMMIT = 200
"""Writes a transaction: about 30 ms during which other writers wait."""


@dataclass(frozen=True)
class LocalRecord:
    """The record of the local edition; see the ports `Record` for what it promises."""

    database: Database

    def room_for(self, scopes: Sequence[Scope]) -> int:
        """Return how many writes to these scopes, from the first on, one change can hold."""
        return min(len(scopes), LARGEST_COMMIT)

    def commit(self, project: str, change: Change) -> None:
        """Store the change at once, or raise a `LostRaceError` and store nothing."""
        with self.database.writing() as connection:
            check_models(connection, change)
            transaction = Transaction(connection, project, change.at)
            refuse_erased(connection, project, change)
            if change.job:
                replace_job(connection, change.job, change.lease_end)
            transaction.move_clocks(change)
            for write in change.writes:
                transaction.free_text(write)
            for write in change.writes:
                transaction.write(write)
            if change.episode:
                transaction.put_episode(change.episode)

    def get(self, project: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return the living memories among these, by id."""
        query = (
            "SELECT body, model, vector FROM memories"
            " WHERE project = ? AND body IS NOT NULL AND memory_id IN"
        )
        with self.database.reading() as connection:
            rows = rows_among(connection, query, [project], memory_ids)
            memories = [memory_of(project, row) for row in rows]
        return {memory.id: memory for memory in memories}

    def expired(self, *, before: date, limit: int) -> list[tuple[str, str]]:
        """Return (project, id) of living memories whose last day lies before that day."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT project, memory_id FROM memories WHERE body IS NOT NULL"
                " AND expires_on IS NOT NULL AND expires_on < ? ORDER BY expires_on LIMIT ?",
                (before.isoformat(), limit),
            )
            return [(row["project"], row["memory_id"]) for row in rows]

    def history(self, project: str, memory_id: str) -> list[HistoryEvent]:
        """Return a memory's events, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT body FROM history WHERE project = ? AND memory_id = ? ORDER BY version",
                (project, memory_id),
            )
            return [stored.load_event(project, stored.load(row["body"])) for row in rows]


def memory_of(project: str, row: sqlite3.Row) -> Memory:
    """Return the memory in a row of `memories` with its body, model and vector."""
    return stored.load_memory(project, stored.load(row["body"]), embedding_of(row))


def embedding_of(row: sqlite3.Row) -> Embedding | None:
    """Return the embedding in a row with its model and vector; None if it has none."""
    return Embedding(row["model"], row["vector"]) if row["model"] else None
