"""Whole copies of a data file: taken while it is in use, put in its place when it is not."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from recollect.adapters.local.database import Database, checked_format, primary_code, sqlite_errors
from recollect.domain.errors import ConflictError, InvalidRequestError, UnavailableError

PAGES_AT_ONCE = 1_024
"""Of 4 KB each; after so many, other threads of this process have a turn."""
OWNER_ONLY = 0o600
BESIDE = ("", "-journal", "-wal", "-shm")
"""What the names of SQLite's files end with."""
DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
CARRIED: Mapping[str, tuple[str, str]] = {
    "projects": (
        "SELECT project, secret, created_at FROM projects",
        "INSERT OR IGNORE INTO projects VALUES (?, ?, ?)",
    ),
    "keys": (
        "SELECT key_hash, key_id, project, name, created_at, revoked_at FROM keys",
        "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
    ),
    "key_grants": (
        "SELECT key_hash, body FROM key_grants",
        "INSERT OR REPLACE INTO key_grants VALUES (?, ?)",
    ),
    "erasures": (
        "SELECT project, subject_key, at FROM erasures",
        "INSERT INTO erasures VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
    ),
}
"""What is never put back to an earlier time, by its table: how it is read, and written elsewhere.

A key that was revoked would open its project again, and who was erased would be back."""
Rows: TypeAlias = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by the names of their tables."""


@dataclass(frozen=True)
class Contents:
    """How much there is in a data file; `size` is in bytes."""

    size: int
    projects: int
    memories: int
    episodes: int


def back_up(data: Path, target: Path, *, draft_name: str) -> Contents:
    """Write a copy of a data file to a new file, whole or not at all; return what is in it.

    It is the file as it is at one moment; others go on writing meanwhile, without waiting. The copy
    has been checked, and only its owner can read it.

    Raises `InvalidRequestError` if there is a file of this name, and `UnavailableError` if there is
    no data file, it cannot be used by this release, is damaged, or the copy cannot be written.
    """
    if target.exists():
        message = f"There is a file {target} already: choose another name"
        raise InvalidRequestError(message)
    with drafted(target, draft_name) as draft:
        contents = copy_to(draft, data)
        draft.replace(target)
    return contents


@contextmanager
def drafted(target: Path, name: str) -> Iterator[Path]:
    """Yield a new file beside this one that only its owner can read; it is gone at the end.

    Raises `UnavailableError` where the operating system refuses something, here or in the block.
    """
    draft = target.with_name(f"{target.name}.{name}")
    with refusals(target):
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        try:
            yield draft
        finally:
            for ending in BESIDE:
                _with_ending(draft, ending).unlink(missing_ok=True)


@contextmanager
def refusals(target: Path) -> Iterator[None]:
    """Raise `UnavailableError` where the operating system refuses to make or write this file."""
    try:
        yield
    except OSError as error:
        message = f"The file {target} cannot be written: {error.strerror or error}"
        raise UnavailableError(message) from error


def copy_to(draft: Path, source: Path) -> Contents:
    """Make an empty file a copy of a data file, on disk, and check it; raise as `back_up`."""
    if not source.is_file():
        message = f"There is no data file {source}"
        raise UnavailableError(message)
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        sqlite_errors(source),
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as original,
    ):
        # While a transaction reads, all that it reads is of one moment.
        original.execute("BEGIN")
        require_ours(source, original)
        _copy(original, draft)
        contents = _checked(source, draft)
    _sync(draft)
    return contents


def require_ours(path: Path, connection: sqlite3.Connection) -> None:
    """Raise `UnavailableError` unless it is a data file that this release can use."""
    if checked_format(path, connection) is None:
        message = f"The file {path} is empty: it is no Recollect data file"
        raise UnavailableError(message)


@contextmanager
def held(data: Path) -> Iterator[sqlite3.Connection | None]:
    """Yield a data file that nobody else has open, and nobody else can use inside the block.

    None if there is none, or it is so damaged that SQLite cannot open it. Raises `ConflictError` if
    somebody has it open, and `UnavailableError` if it is not ours.
    """
    if not data.exists():
        yield None
        return
    with (
        sqlite_errors(data),
        closing(sqlite3.connect(data, timeout=0, isolation_level=None)) as connection,
    ):
        if _is_locked(data, connection):
            yield connection
            return
    yield None


def carried(old: sqlite3.Connection) -> Rows | None:
    """Return what a copy that takes this file's place has to take over; None if it is damaged."""
    try:
        there = {name for (name,) in old.execute("SELECT name FROM sqlite_master")}
        return {
            table: old.execute(reading).fetchall()
            for table, (reading, _) in CARRIED.items()
            # A file that an earlier release wrote last may not have it.
            if table in there
        }
    except sqlite3.DatabaseError as error:
        if primary_code(error) not in DAMAGED:
            raise
        return None


def take_over(database: Database, rows: Rows) -> None:
    """Write what was `carried` to a copy."""
    with database.writing() as connection:
        for table, (_, writing) in CARRIED.items():
            connection.executemany(writing, rows.get(table, ()))


def exchange(data: Path, old: sqlite3.Connection | None, draft: Path, kept: Path) -> bool:
    """Put a copy in the place of a data file, which is kept; tell whether there was one.

    `old` is the file as it is `held`: it is overwritten in one transaction, so that whoever waits
    for it finds either all of the one or all of the other, and nobody is left with a file that has
    another name by now. Raises `UnavailableError`.
    """
    if old is None:
        is_there = data.exists()
        for ending in reversed(BESIDE):
            if _with_ending(data, ending).exists():
                _with_ending(data, ending).rename(_with_ending(kept, ending))
        draft.replace(data)
        return is_there
    with drafted(kept, "draft") as whole:
        _copy(old, whole)
        _sync(whole)
        whole.replace(kept)
    with sqlite_errors(data), closing(sqlite3.connect(draft)) as copy:
        copy.backup(old)
    return True


def _is_locked(data: Path, connection: sqlite3.Connection) -> bool:
    """Take the file for this connection alone until it is closed; False if it is too damaged.

    After that there is no write-ahead log, and no other connection that knew of one.
    """
    try:
        for statement in (
            "PRAGMA locking_mode = EXCLUSIVE",
            "PRAGMA journal_mode = DELETE",
            "BEGIN EXCLUSIVE",
            "COMMIT",
        ):
            connection.execute(statement)
        checked_format(data, connection)
    except sqlite3.DatabaseError as error:
        if primary_code(error) == sqlite3.SQLITE_BUSY:
            message = f"The data file {data} is in use: stop the service and all commands on it"
            raise ConflictError(message) from error
        if primary_code(error) not in DAMAGED:
            raise
        return False
    return True


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with sqlite_errors(target), closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=PAGES_AT_ONCE)


def _checked(source: Path, draft: Path) -> Contents:
    """Return what is in a copy; raise `UnavailableError` if it, and so its source, is damaged."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        # One file without a log beside it, which can be moved, and read where nothing is written.
        copy.execute("PRAGMA journal_mode = DELETE")
        [(verdict,)] = copy.execute("PRAGMA integrity_check(1)")
        if verdict != "ok":
            message = f"The data file {source} is damaged ({verdict.splitlines()[-1]})"
            raise UnavailableError(message)
        counts = (
            copy.execute(query).fetchone()[0]
            for query in (
                "SELECT count(*) FROM projects",
                "SELECT count(*) FROM memories WHERE body IS NOT NULL",
                "SELECT count(*) FROM episodes",
            )
        )
        return Contents(draft.stat().st_size, *counts)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _with_ending(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
