"""Somebody's webhook, and the use cases that tell it of changes."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recollect.adapters.web.public_https import checked_url
from recollect.domain.webhooks import Delivery, EventType, Webhook
from recollect.testing.builders import NOON
from recollect.usecases.announce_changes import AnnounceChanges
from recollect.usecases.deliver_webhooks import DELIVERY_HEADER, SIGNATURE_HEADER, DeliverWebhooks
from recollect.usecases.manage_webhooks import ListDeliveries, ManageWebhooks
from tests.service import UseCases

URL = "https://hooks.example/recollect"
SECRET = "whsec_test"
EVERYTHING = tuple(map(str, EventType))


def signed_at(secret: str, header: str, body: bytes) -> int:
    """Return when a body was signed, having checked that it was."""
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header)
    assert match
    expected = hmac.new(secret.encode(), match[1].encode() + b"." + body, hashlib.sha256)
    assert hmac.compare_digest(match[2], expected.hexdigest())
    return int(match[1])


@dataclass
class Receiver:
    """Takes what is signed; or answers, or fails, as it is told to first."""

    answers: list[int | Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The ids of the deliveries of all requests."""
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was told by the deliveries that were taken."""

    def check(self, url: str) -> None:
        checked_url(url)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        assert url.startswith(URL)
        assert signed_at(SECRET, headers[SIGNATURE_HEADER], body) >= NOON.timestamp()
        delivery_id = headers[DELIVERY_HEADER]
        self.asked.append(delivery_id)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        if 200 <= answer < 300:
            self.taken[delivery_id] = json.loads(body)
        return answer

    @property
    def details(self) -> list[dict[str, Any]]:
        """What happened, in the order in which it was told."""
        return [told["event_details"] for told in self.taken.values()]


@dataclass(frozen=True)
class Listening:
    """A service, and a webhook that hears of it."""

    service: UseCases
    receiver: Receiver = field(default_factory=Receiver)
    buried: list[tuple[str, Delivery]] = field(default_factory=list)

    @property
    def manage(self) -> ManageWebhooks:
        ports = self.service.ports
        return ManageWebhooks(
            ports.webhooks, lambda: self.receiver, ports.now, ports.new_id, lambda: SECRET
        )

    @property
    def log(self) -> ListDeliveries:
        return ListDeliveries(self.service.ports.webhooks, self.service.ports.deliveries)

    @property
    def announce(self) -> AnnounceChanges:
        return self.service.project_changes.announce

    @property
    def deliver(self) -> DeliverWebhooks:
        ports = self.service.ports
        return DeliverWebhooks(
            ports.webhooks,
            ports.deliveries,
            ports.record,
            self.receiver,
            ports.wake_ups,
            ports.now,
        )

    def bury(self, project: str, delivery: Delivery) -> None:
        self.buried.append((project, delivery))

    def make(self, project: str, events: Sequence[str] = EVERYTHING) -> Webhook:
        """Return a new webhook of the project."""
        return self.manage.create(project, name="ours", url=URL, events=events)

    def deliver_news(self) -> int:
        """Make an attempt at what the notifier was woken for; return how many were taken."""
        taken = 0
        while due := self.service.ports.wake_ups.deliveries.take(limit=1):
            [(project, webhook_id, delivery_id)] = due
            taken += self.deliver(project, webhook_id, [delivery_id], self.bury)
        return taken

    def logged(self, project: str, webhook: Webhook) -> list[Delivery]:
        """Return what became of all deliveries, last change first."""
        return list(self.log(project, webhook.id, limit=200).deliveries)
