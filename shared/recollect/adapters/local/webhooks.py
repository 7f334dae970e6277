"""Webhooks and deliveries to them in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored
from recollect.adapters.local.database import Database
from recollect.adapters.stored_webhooks import (
    dump_delivery,
    dump_webhooks,
    load_delivery,
    load_webhooks,
)
from recollect.domain.webhooks import Delivery, ProjectWebhooks
from recollect.ports.record import LostRaceError
from recollect.ports.webhooks import DueDelivery


@dataclass(frozen=True)
class LocalWebhooks:
    """Projects' webhooks in the data file."""

    database: Database

    def of(self, project: str) -> ProjectWebhooks:
        """Return the project's webhooks; none if it never had any."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT version, body FROM webhooks WHERE project = ?", (project,)
            ).fetchone()
        return load_webhooks(stored.load(row["body"]), row["version"]) if row else ProjectWebhooks()

    def replace(self, project: str, webhooks: ProjectWebhooks) -> None:
        """Store webhooks that were made from the version before theirs."""
        body = stored.dump(dump_webhooks(webhooks))
        with self.database.writing() as connection:
            if webhooks.version == 1:
                written = connection.execute(
                    "INSERT INTO webhooks VALUES (?, 1, ?) ON CONFLICT DO NOTHING", (project, body)
                )
            else:
                written = connection.execute(
                    "UPDATE webhooks SET version = ?, body = ? WHERE project = ? AND version = ?",
                    (webhooks.version, body, project, webhooks.version - 1),
                )
        if not written.rowcount:
            message = "The project's webhooks were changed by somebody else"
            raise LostRaceError(message)


@dataclass(frozen=True)
class LocalDeliveries:
    """Deliveries to webhooks in the data file."""

    database: Database

    def add(self, project: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Store those whose id is not there yet, and forget what expired; return these."""
        with self.database.writing(durable=False) as connection:
            for created_at in {delivery.created_at for delivery in deliveries}:
                connection.execute(
                    "DELETE FROM deliveries WHERE expires_at <= ?", (stored.time_text(created_at),)
                )
            return [each for each in deliveries if _is_added(connection, project, each)]

    def get(self, project: str, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Return a delivery, or None."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT body FROM deliveries"
                " WHERE project = ? AND webhook_id = ? AND delivery_id = ?",
                (project, webhook_id, delivery_id),
            ).fetchone()
        return load_delivery(stored.load(row["body"])) if row else None

    def replace(self, project: str, before: Delivery, after: Delivery) -> None:
        """Store a delivery's next state unless it has another one already."""
        with self.database.writing(durable=False) as connection:
            written = connection.execute(
                "UPDATE deliveries SET status = ?, attempts = ?, next_attempt_at = ?, body = ?"
                " WHERE project = ? AND webhook_id = ? AND delivery_id = ?"
                " AND status = ? AND attempts = ? AND next_attempt_at = ?",
                (*_state(after), stored.dump(dump_delivery(after)), *_key(project, before)),
            )
        _check_written(written)

    def remove(self, project: str, delivery: Delivery) -> None:
        """Forget a delivery unless it has another state already."""
        with self.database.writing(durable=False) as connection:
            written = connection.execute(
                "DELETE FROM deliveries WHERE project = ? AND webhook_id = ? AND delivery_id = ?"
                " AND status = ? AND attempts = ? AND next_attempt_at = ?",
                _key(project, delivery),
            )
        _check_written(written)

    def due(self, *, before: datetime, limit: int) -> list[DueDelivery]:
        """Return PENDING deliveries due since before then, longest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT project, webhook_id, delivery_id FROM deliveries"
                " WHERE status = 'PENDING' AND next_attempt_at <= ?"
                " ORDER BY next_attempt_at LIMIT ?",
                (stored.time_text(before), limit),
            )
            return [DueDelivery(*row) for row in rows]

    def recent(
        self, project: str, webhook_id: str, *, limit: int, after: str | None = None
    ) -> list[Delivery]:
        """Return a webhook's deliveries by their ids, last first, after one of these."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT body FROM deliveries WHERE project = ? AND webhook_id = ?"
                " AND (? IS NULL OR delivery_id < ?) ORDER BY delivery_id DESC LIMIT ?",
                (project, webhook_id, after, after, limit),
            )
            return [load_delivery(stored.load(row["body"])) for row in rows]


def _is_added(connection: sqlite3.Connection, project: str, delivery: Delivery) -> bool:
    written = connection.execute(
        "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            project,
            delivery.webhook_id,
            delivery.id,
            *_state(delivery),
            stored.time_text(delivery.expires_at),
            stored.dump(dump_delivery(delivery)),
        ),
    )
    return written.rowcount == 1


def _key(project: str, delivery: Delivery) -> tuple[str | int, ...]:
    return (project, delivery.webhook_id, delivery.id, *_state(delivery))


def _state(delivery: Delivery) -> tuple[str | int, ...]:
    """Return what every step of a delivery changes some of."""
    return delivery.status, delivery.attempts, stored.time_text(delivery.next_attempt_at)


def _check_written(written: sqlite3.Cursor) -> None:
    if not written.rowcount:
        message = "The delivery is gone or was changed by somebody else"
        raise LostRaceError(message)
