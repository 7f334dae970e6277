"""Dead letters in the data file."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from recollect.adapters.local.database import Database
from recollect.adapters.stored import time_of, time_text
from recollect.adapters.stored_letters import dump_origin, load_origin
from recollect.ports.letters import Letter, Origin, QueueName

KEPT = timedelta(days=14)
"""As long as a queue of SQS keeps a letter at most."""

MOST_LOOKED_AT = 1_000
"""Letters of one queue that are looked at together, as on AWS."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalDeadLetters:
    """Buries a queue's messages in the data file, for as long as SQS would keep them."""

    database: Database
    queue: QueueName
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def bury(self, message: str, reason: str, origin: Origin | None = None) -> None:
        """Keep a message and why it cannot be handled; raise `UnavailableError`."""
        now = self.now()
        letter = (
            self.new_id(),
            self.queue,
            time_text(now),
            message,
            reason,
            dump_origin(origin) if origin else "",
        )
        with self.database.writing() as connection:
            connection.execute(
                "DELETE FROM dead_letters WHERE buried_at < ?", (time_text(now - KEPT),)
            )
            connection.execute("INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?)", letter)
        _LOG.warning("a message could not be handled: 'recollect dlq list' tells why")


@dataclass(frozen=True)
class LocalGraveyard:
    """The letters in the data file; `send` gives a queue's function a message.

    It returns whether the function has taken the message.
    """

    database: Database
    send: Callable[[Letter], bool]

    @property
    def queues(self) -> tuple[QueueName, ...]:
        """All queues."""
        return tuple(QueueName)

    def letters(self, queue: QueueName, *, limit: int) -> list[Letter]:
        """Return at most `limit` of a queue's letters, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM dead_letters WHERE queue = ? ORDER BY buried_at, letter_id LIMIT ?",
                (queue, limit),
            )
            return list(map(_letter, rows))

    def find(self, queue: QueueName, letter_id: str) -> Letter | None:
        """Return a letter, or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM dead_letters WHERE queue = ? AND letter_id = ?", (queue, letter_id)
            ).fetchone()
        return _letter(row) if row else None

    def redrive(
        self, queue: QueueName, is_wanted: Callable[[Letter], bool], *, limit: int
    ) -> list[Letter]:
        """Give the messages of letters to the queue's function; return these letters."""
        there = self.letters(queue, limit=MOST_LOOKED_AT)
        wanted = islice(filter(is_wanted, there), limit)
        taken = []
        for letter in filter(self.send, wanted):
            with self.database.writing() as connection:
                connection.execute("DELETE FROM dead_letters WHERE letter_id = ?", (letter.id,))
            taken.append(letter)
        return taken


def _letter(row: sqlite3.Row) -> Letter:
    return Letter(
        id=row["letter_id"],
        queue=QueueName(row["queue"]),
        message=row["message"],
        reason=row["reason"],
        at=time_of(row["buried_at"]),
        origin=load_origin(row["origin"]),
    )
