"""Projects, their API keys and their settings in a SQLite file."""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.adapters.stored_keys import dump_grant, load_grant
from recollect.adapters.stored_projects import dump_settings, load_settings
from recollect.domain.errors import NotFoundError
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.ports.record import LostRaceError

SECRET_BYTES = 32
_KEYS = "SELECT keys.*, body FROM keys LEFT JOIN key_grants USING (key_hash)"


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
            row = connection.execute(f"{_KEYS} WHERE key_hash = ?", (key_hash,)).fetchone()
        return _key(row) if row else None

    def create(self, project: str, key: ApiKey, key_hash: str) -> None:
        """Store a new key, and the project if it is new."""
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (project, secrets.token_bytes(SECRET_BYTES), stored.time_text(key.created_at)),
            )
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key_hash,
                    key.id,
                    project,
                    key.name,
                    stored.time_text(key.created_at),
                    stored.time_or_none(key.revoked_at),
                ),
            )
            connection.execute("INSERT INTO key_grants VALUES (?, ?)", (key_hash, _grant(key)))

    def list(self, project: str) -> "list[ApiKey]":
        """Return the project's keys, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{_KEYS} WHERE project = ? ORDER BY created_at, key_id", (project,)
            )
            return [_key(row) for row in rows]

    def replace(self, project: str, before: ApiKey, after: ApiKey) -> None:
        """Store a key's new state, unless it is not as it was before any more."""
        with self.database.writing() as connection:
            row = connection.execute(
                f"{_KEYS} WHERE project = ? AND key_id = ?", (project, before.id)
            ).fetchone()
            if row is None:
                return
            if _key(row) != before:
                message = "The key was changed by somebody else"
                raise LostRaceError(message)
            connection.execute(
                "UPDATE keys SET name = ?, revoked_at = ? WHERE key_hash = ?",
                (after.name, stored.time_or_none(after.revoked_at), row["key_hash"]),
            )
            connection.execute(
                "INSERT OR REPLACE INTO key_grants VALUES (?, ?)", (row["key_hash"], _grant(after))
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


def _grant(key: ApiKey) -> str:
    return stored.dump(dump_grant(key))


def _key(row: sqlite3.Row) -> ApiKey:
    return ApiKey(
        id=row["key_id"],
        project=row["project"],
        name=row["name"],
        created_at=stored.time_of(row["created_at"]),
        revoked_at=stored.time_in(row["revoked_at"]),
        **load_grant(stored.load(row["body"]) if row["body"] else None),
    )
