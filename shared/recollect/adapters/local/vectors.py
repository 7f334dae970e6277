"""Exchanging the vectors in a data file, which has one for each memory."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recollect.adapters.local.database import Database
from recollect.domain.errors import ConflictError, UnavailableError
from recollect.domain.memory import Embedding
from recollect.ports.record import Change

RUNNING, DONE = "running", "done"
"""How the exchange of a file's vectors stands; nothing is noted where they never were."""


@dataclass(frozen=True)
class LocalVectors:
    """Exchanges vectors in place; see the port `Vectors`.

    The file says from the beginning that its vectors are the configured embedder's, so that no
    process with another one adds to them, and until the end that they are being exchanged, so
    that nothing is served from it.
    """

    database: Database
    embedding_model: str

    def begin(self) -> None:
        """Have the file say whose its vectors are going to be."""
        with self.database.writing() as connection:
            if model_of(connection) == self.embedding_model:
                return
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [("embedding_model", self.embedding_model), ("reembedding", RUNNING)],
            )
            # A build that broke off has filled vectors of another model in.
            connection.execute("DELETE FROM index_build")

    def replace(self, project: str, vectors: Mapping[str, tuple[int, Embedding]]) -> int:
        """Store vectors of memories that are still at this version, in place of others."""
        replaced = 0
        # Not synced to disk: `finish` syncs them all.
        with self.database.writing(durable=False) as connection:
            for memory_id, (version, embedding) in vectors.items():
                replaced += connection.execute(
                    "UPDATE memories SET model = ?, vector = ?"
                    " WHERE project = ? AND memory_id = ? AND version = ? AND body IS NOT NULL",
                    (embedding.model, embedding.data, project, memory_id, version),
                ).rowcount
        return replaced

    def drop_others(self, project: str, memory_ids: Sequence[str]) -> int:  # noqa: ARG002 - the port's
        """Do nothing: a memory never has two vectors."""
        return 0

    def finish(self) -> None:
        """Let the file be served again; raise `ConflictError` if another model's vector is left."""
        with self.database.writing() as connection:
            left = connection.execute(
                "SELECT 1 FROM memories WHERE body IS NOT NULL AND model IS NOT ? LIMIT 1",
                (self.embedding_model,),
            ).fetchone()
            if left:
                message = "Another process still writes vectors of another model: stop it first"
                raise ConflictError(message)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'reembedding'", (DONE,))


def model_of(connection: sqlite3.Connection) -> str | None:
    """Return the model that the file's vectors are of, or None for a file that was never opened."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'embedding_model'").fetchone()
    return row["value"] if row else None


def is_reembedding(connection: sqlite3.Connection) -> bool:
    """Tell whether vectors of several models may be in the file."""
    return _reembedding(connection) == RUNNING


def check_models(connection: sqlite3.Connection, change: Change) -> None:
    """Raise `UnavailableError` for a vector of another model than those in the file are of.

    It is from a process that opened the file before its vectors were exchanged.
    """
    if _reembedding(connection) is None:
        return
    written = {
        write.after.embedding.model
        for write in change.writes
        if write.after and write.after.embedding
    }
    if written - {model_of(connection)}:
        message = "The vectors in the data file were exchanged for another model's: start again"
        raise UnavailableError(message)


def _reembedding(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE name = 'reembedding'").fetchone()
    return row["value"] if row else None
