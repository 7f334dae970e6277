"""One SQLite file: connections, transactions, and SQLite's errors in our words."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from recollect.adapters.local.schema import APPLICATION_ID, FORMAT, UPGRADES
from recollect.domain.errors import UnavailableError

LOCK_WAIT_SECONDS = 10.0
"""How long one process waits for another one's write before it gives up."""
LOG_WAIT_MILLISECONDS = 1_000
"""How long others' reads and writes are waited for before the write-ahead log is left as it is."""
CACHE_KIBIBYTES = 4 * 1024
NAMES_PER_QUERY = 500

_PRIMARY_CODE = 0xFF
"""The bits of an SQLite error code that are not its details."""
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked by another process",
    sqlite3.SQLITE_PROTOCOL: "is locked by another process",
    sqlite3.SQLITE_PERM: "cannot be opened",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_FULL: "does not fit on its disk any more",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is damaged or is not a Recollect file",
}
"""Error codes (https://www.sqlite.org/rescode.html) that are the file's fault, not a defect."""


class Database:
    """Hands out one connection a thread and runs one writer at a time.

    Reads never wait for writes (WAL). When the file is first opened, it is brought to the current
    format, once and for all, and `schema` is run; files of other programs and of newer formats are
    refused before anything is written to them.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.path = path
        self._schema = schema
        self._local = threading.local()
        self._writer = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._is_ready = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose reads all see one state of the file."""
        with sqlite_errors(self.path):
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside a transaction that commits unless the block raises.

        `durable` waits for the disk, so that what was answered survives a power cut; without it
        a commit survives the end of the process only.
        """
        with sqlite_errors(self.path), self._writer:
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with _transaction(connection):
                yield connection

    def empty_log(self) -> bool:
        """Bring all commits into the file and empty the log of them; False while others use it."""
        with sqlite_errors(self.path), self._writer:
            connection = self._connection()
            connection.execute(f"PRAGMA busy_timeout = {LOG_WAIT_MILLISECONDS}")
            try:
                row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1_000:.0f}")
            return not row[0]

    def close(self) -> None:
        """Close every connection; the object can be used again afterwards."""
        with self._opening:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    def _open(self) -> sqlite3.Connection:
        with self._opening:
            connection = sqlite3.connect(
                self.path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.row_factory = sqlite3.Row
                self._prepare(connection)
                connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
                # Not every build overwrites what is deleted unless it is told to.
                connection.execute("PRAGMA secure_delete = ON")
            except BaseException:
                connection.close()
                raise
            self._connections.append(connection)
            return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._is_ready:
            return
        with _transaction(connection):
            file_format = checked_format(self.path, connection)
            if file_format is None:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            upgrades = (UPGRADES[older] for older in range(file_format or FORMAT, FORMAT))
            for statement in chain(*upgrades, self._schema):
                connection.execute(statement)
            if file_format != FORMAT:
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("PRAGMA journal_mode = WAL")
        self._is_ready = True


def rows_among(
    connection: sqlite3.Connection, query: str, before: Sequence[str], names: Iterable[str]
) -> Iterator[sqlite3.Row]:
    """Yield the rows of a query that ends with `IN`, for each of the names once."""
    wanted = list(dict.fromkeys(names))
    for start in range(0, len(wanted), NAMES_PER_QUERY):
        part = wanted[start : start + NAMES_PER_QUERY]
        marks = ",".join("?" * len(part))
        yield from connection.execute(f"{query} ({marks})", (*before, *part))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Not a ROLLBACK statement: after some errors SQLite has rolled back already.
        connection.rollback()
        raise


def checked_format(path: Path, connection: sqlite3.Connection) -> int | None:
    """Return the file's format, None if it is empty; raise `UnavailableError` if it is not ours."""
    application, file_format, tables = (
        connection.execute(query).fetchone()[0]
        for query in (
            "PRAGMA application_id",
            "PRAGMA user_version",
            "SELECT count(*) FROM sqlite_master",
        )
    )
    is_new = not application and not tables
    if application != APPLICATION_ID and not is_new:
        message = f"The data file {path} belongs to another program: choose another data file"
        raise UnavailableError(message)
    if file_format > FORMAT:
        message = (
            f"The data file {path} was written by a newer release (format {file_format}, this one"
            f" knows {FORMAT}): install that release"
        )
        raise UnavailableError(message)
    return None if is_new else int(file_format)


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise `UnavailableError` in one sentence for what is the file's fault."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        problem = _PROBLEMS.get(primary_code(error))
        if problem is None:
            raise
        message = f"The data file {path} {problem} ({error})"
        raise UnavailableError(message) from error


def primary_code(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's code of an error without details; 0 for the module's own, which have none."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
