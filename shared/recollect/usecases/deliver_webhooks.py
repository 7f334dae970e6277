"""Telling webhooks what became of memories."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.memory import HistoryAction, HistoryEvent, Json, Memory
from recollect.domain.webhooks import (
    Answer,
    Delivery,
    DeliveryStatus,
    EventType,
    Problem,
    Webhook,
)
from recollect.ports.queue import WakeUps
from recollect.ports.record import LostRaceError, Record
from recollect.ports.webhooks import Deliveries, Webhooks, WebhookSender
from recollect.usecases.manage_webhooks import change_webhooks

SIGNATURE_HEADER = "X-Recollect-Signature"
DELIVERY_HEADER = "X-Recollect-Delivery"

Bury: TypeAlias = Callable[[str, Delivery], None]
"""Keeps a project's delivery that nobody took for a person to see; raises `UnavailableError`."""


@dataclass(frozen=True)
class DeliverWebhooks:
    """Make one attempt at each of some deliveries.

    Repeating it is safe: of a delivery only one attempt is under way, and none is made before it
    is due, after it succeeded or when it was given up.
    """

    webhooks: Webhooks
    deliveries: Deliveries
    record: Record
    sender: WebhookSender
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(
        self, project: str, webhook_id: str, delivery_ids: Sequence[str], bury: Bury
    ) -> int:
        """Return how many were taken; those that were not are due again later.

        `bury` gets those that were tried too often. Raises `UnavailableError` if the record, what
        is known of deliveries, or `bury` cannot be used, and `ConflictError` as
        `change_webhooks` does.
        """
        taken = 0
        for delivery_id in delivery_ids:
            delivery = self.deliveries.get(project, webhook_id, delivery_id)
            if delivery is None or not delivery.is_due(self.now()):
                continue
            # Somebody else has it.
            with suppress(LostRaceError):
                taken += self._attempt(project, delivery, bury)
        return taken

    def _attempt(self, project: str, delivery: Delivery, bury: Bury) -> bool:
        if delivery.is_exhausted:
            return self._end(project, delivery, Answer(problem=Problem.LOST), bury)
        webhook = self.webhooks.of(project).find(delivery.webhook_id)
        if webhook is None or not webhook.wants(delivery.event_type, delivery.occurred_at):
            self.deliveries.remove(project, delivery)
            return False
        body = self._body(project, delivery)
        if body is None:
            self.deliveries.remove(project, delivery)
            return False
        begun = delivery.begun(self.now())
        self.deliveries.replace(project, delivery, begun)
        answer = self._answer_to(webhook, begun, body)
        if answer.is_gone:
            now = self.now()
            change_webhooks(self.webhooks, project, lambda all_: all_.silenced(webhook.id, now))
        return self._end(project, begun, answer, bury)

    def _answer_to(self, webhook: Webhook, delivery: Delivery, body: bytes) -> Answer:
        headers = {
            "Content-Type": "application/json",
            DELIVERY_HEADER: delivery.id,
            SIGNATURE_HEADER: signature(webhook.secret, self.now(), body),
        }
        try:
            return Answer.of(self.sender.send(webhook.url, body, headers))
        except InvalidRequestError:
            return Answer(problem=Problem.ADDRESS)
        except UnavailableError:
            return Answer(problem=Problem.UNREACHABLE)

    def _end(self, project: str, delivery: Delivery, answer: Answer, bury: Bury) -> bool:
        now = self.now()
        ended = delivery.ended(answer, now)
        if ended.status is DeliveryStatus.FAILED and not answer.is_gone:
            bury(project, ended)
        self.deliveries.replace(project, delivery, ended)
        if ended.status is DeliveryStatus.PENDING:
            pause = ended.next_attempt_at - now
            self.wake_ups.deliver(project, ended.webhook_id, [ended.id], delay=pause)
        return ended.status is DeliveryStatus.SUCCEEDED

    def _body(self, project: str, delivery: Delivery) -> bytes | None:
        """Return what is told, from the record as it is now; None if there is nothing to tell."""
        history = self.record.history(project, delivery.memory_id)
        event = next((each for each in history if each.version == delivery.version), None)
        memory = self.record.get(project, [delivery.memory_id]).get(delivery.memory_id)
        details = _details(delivery, event, memory)
        if details is None:
            return None
        told = {
            "event_details": details,
            "event_id": delivery.id,
            "project_id": project,
            "version": delivery.version,
            "occurred_at": delivery.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }
        return json.dumps(told, ensure_ascii=False).encode()


def signature(secret: str, at: datetime, body: bytes) -> str:
    """Return what proves that a body comes from who knows the secret, and when it was sent."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), b"%d.%s" % (seconds, body), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _details(
    delivery: Delivery, event: HistoryEvent | None, memory: Memory | None
) -> Mapping[str, Json] | None:
    memory_id = delivery.memory_id
    if delivery.event_type is EventType.DELETE:
        # Also where the history is erased by now: whoever has a copy must hear of it.
        return {"id": memory_id, "data": {"memory": None}, "event": HistoryAction.DELETE}
    if event is None:
        return None
    if delivery.event_type is EventType.CATEGORIZE:
        categories = list(memory.categories) if memory else []
        told = {"event": "CATEGORIZE", "memory_id": memory_id, "categories": categories}
        return told if categories else None
    # What was deleted, also since, is not told again.
    text = event.new_text if memory else None
    return {"id": memory_id, "data": {"memory": text}, "event": event.action}
