"""Projects, their API keys and their settings in a SQLite file."""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.adapters.stored_projects import dump_settings, load_settings
from recollect.domain.errors import NotFoundError
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError

SECRET_BYTES = 32


def project_secret(connection: sqlite3.Connection, project: str) -> bytes:
    """Return what texts and turns of the project are hashed with.

    Raises `NotFoundError` for a project that has never had a key.
    """
    row = connection.execute("SELECT secret FROM projects WHERE project = ?", (project,)).fetchone()
    if row is None:
        message = "There is no such project"
        raise NotFoundError(message)
    secret: bytes = row["secret"]
    return secret


@dataclass(frozen=True)
class LocalKeys:
    """API keys in the data file."""

    database: Database

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, revoked or not, or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM keys WHERE key_hash = ?", (key_hash,)
            ).fetchone()
        return _key(row) if row else None

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (project, secrets.token_bytes(SECRET_BYTES), stored.time_text(key.created_at)),
            )
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, NULL)",
                (key_hash, key.id, project, key.name, stored.time_text(key.created_at)),
            )

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM keys WHERE project = ? ORDER BY created_at, key_id", (project,)
            )
            return [_key(row) for row in rows]

    def replace(self, project: str, key: ApiKey) -> None:
        """Store a key's new state."""
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE keys SET name = ?, revoked_at = ? WHERE project = ? AND key_id = ?",
                (
                    key.name,
                    stored.time_text(key.revoked_at) if key.revoked_at else None,
                    project,
                    key.id,
                ),
            )

    def projects(self) -> Sequence[str]:
        """Return every project that has, or had, a key, by name."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT project FROM projects ORDER BY project")
            return [row["project"] for row in rows]


@dataclass(frozen=True)
class LocalSettings:
    """Projects' settings in the data file."""

    database: Database

    def get(self, project: str) -> ProjectSettings:
        """Return the project's settings; the defaults if it never changed any."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT version, body FROM settings WHERE project = ?", (project,)
            ).fetchone()
        return load_settings(stored.load(row["body"]), row["version"]) if row else ProjectSettings()

    def replace(self, project: str, settings: ProjectSettings) -> None:
        """Store settings that were made from the version before theirs."""
        body = stored.dump(dump_settings(settings))
        with self.database.writing() as connection:
            if settings.version == 1:
                written = connection.execute(
                    "INSERT INTO settings VALUES (?, 1, ?) ON CONFLICT DO NOTHING", (project, body)
                )
            else:
                written = connection.execute(
                    "UPDATE settings SET version = ?, body = ? WHERE project = ? AND version = ?",
                    (settings.version, body, project, settings.version - 1),
                )
        if not written.rowcount:
            message = "The project's settings were changed by somebody else"
            raise LostRaceError(message)


def _key(row: sqlite3.Row) -> ApiKey:
    revoked_at = row["revoked_at"]
    return ApiKey(
        id=row["key_id"],
        project=row["project"],
        name=row["name"],
        created_at=stored.time_of(row["created_at"]),
        revoked_at=stored.time_of(revoked_at) if revoked_at else None,
    )
