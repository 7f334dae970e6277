"""Webhooks of projects, what is delivered to them, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recollect.domain.webhooks import Delivery, ProjectWebhooks


class Webhooks(Protocol):
    """Keeps the webhooks of each project."""

    def of(self, project: str) -> ProjectWebhooks:
        """Return the project's webhooks; none if it never had any."""
        ...

    def replace(self, project: str, webhooks: ProjectWebhooks) -> None:
        """Store webhooks that were made from the version before theirs.

        Raises `LostRaceError` and stores nothing if others were stored since.
        """
        ...


@dataclass(frozen=True, order=True)
class DueDelivery:
    """Names a delivery that is waiting for an attempt."""

    project: str
    webhook_id: str
    delivery_id: str


class Deliveries(Protocol):
    """Keeps deliveries from their announcement on, for 30 days; reads see every write.

    They may still be there a while after that.
    """

    def add(self, project: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Store those whose id is not there yet, each for itself; return these."""
        ...

    def get(self, project: str, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Return a delivery, or None."""
        ...

    def replace(self, project: str, before: Delivery, after: Delivery) -> None:
        """Store a delivery's next state.

        Raises `LostRaceError` and stores nothing if it is gone, or its status, its number of
        attempts or its next one is not that of `before`.
        """
        ...

    def remove(self, project: str, delivery: Delivery) -> None:
        """Forget a delivery; raise `LostRaceError` as `replace` does."""
        ...

    def due(self, *, before: datetime, limit: int) -> list[DueDelivery]:
        """Return PENDING deliveries of all projects due since before then, longest first."""
        ...

    def recent(
        self, project: str, webhook_id: str, *, limit: int, after: str | None = None
    ) -> list[Delivery]:
        """Return a webhook's deliveries by their ids, last first, after one of these."""
        ...


class WebhookSender(Protocol):
    """Sends requests to the addresses of webhooks."""

    def check(self, url: str) -> None:
        """Raise `InvalidRequestError` for an address that can never be sent to."""
        ...

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a body; return the status of the answer, whose content is not read.

        Raises `InvalidRequestError` if the address is not public, unknown or without a valid
        certificate, and `UnavailableError` if nobody answers in time. Redirects are answers.
        """
        ...
