"""A data file whose transactions break off wherever a test says."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from recollect.adapters.local.database import Database

NEVER = 1_000_000
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"

Rows = list[tuple[Any, ...]]


class CrashError(BaseException):
    """The end of a process, as far as one process can have it more than once."""


class BreakingDatabase(Database):
    """Dies once it has run so many statements of writing transactions, a row at a time.

    A commit counts as one, too; `statements` says how many there were.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, ())
        self.die_after(NEVER)

    def die_after(self, statements: int) -> None:
        """Run so many statements from now on."""
        self._last = statements
        self.statements = 0

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        with super().writing(durable=durable) as connection:
            yield cast("sqlite3.Connection", _Breaking(self, connection))
            self.count()

    def count(self) -> None:
        """Let one statement through, or die."""
        if self.statements >= self._last:
            raise CrashError
        self.statements += 1


class _Breaking:
    """A connection whose every statement is counted."""

    def __init__(self, database: BreakingDatabase, connection: sqlite3.Connection) -> None:
        self._database = database
        self._connection = connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._database.count()
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.execute(statement, row)


def contents(database: Database) -> dict[str, Rows]:
    """Return every row of every table."""
    with database.reading() as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        return {
            name: sorted(map(tuple, connection.execute(f"SELECT * FROM {name}")), key=repr)  # noqa: S608 - a name of the schema
            for name in names
        }
