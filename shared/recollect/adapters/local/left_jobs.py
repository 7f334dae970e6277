"""The unfinished jobs of processes that died."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from recollect.adapters.local.database import checked_format, sqlite_errors
from recollect.adapters.local.schema import FORMAT
from recollect.domain.errors import UnavailableError


def free_left_jobs(path: Path) -> None:
    """Have jobs that nobody alive works on be abandoned at once, in the order of their acceptance.

    That is so if nobody has the data file open; otherwise nothing happens, and their leases run
    out. Nothing happens either if the file cannot be used: whoever opens it is told why.
    """
    with (
        suppress(UnavailableError),
        sqlite_errors(path),
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection,
    ):
        # With a write-ahead log every open connection holds a lock on the file, which excludes
        # this one's until it is closed: https://www.sqlite.org/wal.html, 8.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        # A file of an earlier release is not touched before it is brought to this one's format.
        if checked_format(path, connection) == FORMAT:
            connection.execute(
                "UPDATE jobs SET lease_end = json_extract(body, '$.created_at')"
                " WHERE status IN ('PENDING', 'RUNNING')"
            )
        connection.execute("COMMIT")
