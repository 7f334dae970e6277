"""The stored form of webhooks and of deliveries to them, the same in every record."""

from recollect.adapters.stored import Document, time_in, time_of, time_or_none, time_text
from recollect.domain.webhooks import (
    Delivery,
    DeliveryStatus,
    EventType,
    Problem,
    ProjectWebhooks,
    Webhook,
)


def dump_webhooks(webhooks: ProjectWebhooks) -> Document:
    """Return a project's webhooks as a document; their version is stored beside it."""
    return {"webhooks": [_dump_webhook(webhook) for webhook in webhooks.webhooks]}


def load_webhooks(document: Document, version: int) -> ProjectWebhooks:
    """Return the webhooks that `dump_webhooks` wrote."""
    return ProjectWebhooks(tuple(map(_load_webhook, document["webhooks"])), version)


def dump_delivery(delivery: Delivery) -> Document:
    """Return a delivery as a document."""
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_type": delivery.event_type,
        "memory_id": delivery.memory_id,
        "version": delivery.version,
        "occurred_at": time_text(delivery.occurred_at),
        "created_at": time_text(delivery.created_at),
        "next_attempt_at": time_text(delivery.next_attempt_at),
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_attempt_at": time_or_none(delivery.last_attempt_at),
        "status_code": delivery.status_code,
        "problem": delivery.problem,
    }


def load_delivery(document: Document) -> Delivery:
    """Return the delivery that `dump_delivery` wrote."""
    return Delivery(
        id=document["id"],
        webhook_id=document["webhook_id"],
        event_type=EventType(document["event_type"]),
        memory_id=document["memory_id"],
        version=document["version"],
        occurred_at=time_of(document["occurred_at"]),
        created_at=time_of(document["created_at"]),
        next_attempt_at=time_of(document["next_attempt_at"]),
        status=DeliveryStatus(document["status"]),
        attempts=document["attempts"],
        last_attempt_at=time_in(document["last_attempt_at"]),
        status_code=document["status_code"],
        problem=Problem(document["problem"]) if document["problem"] else None,
    )


def _dump_webhook(webhook: Webhook) -> Document:
    return {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "event_types": webhook.event_types,
        "secret": webhook.secret,
        "created_at": time_text(webhook.created_at),
        "updated_at": time_text(webhook.updated_at),
        "is_active": webhook.is_active,
    }


def _load_webhook(document: Document) -> Webhook:
    return Webhook(
        id=document["id"],
        name=document["name"],
        url=document["url"],
        event_types=tuple(map(EventType, document["event_types"])),
        secret=document["secret"],
        created_at=time_of(document["created_at"]),
        updated_at=time_of(document["updated_at"]),
        is_active=document["is_active"],
    )
