"""What callers get of webhooks, as the mem0 clients read it."""

from urllib.parse import urlencode

from typing_extensions import TypedDict

from recollect.domain.webhooks import Delivery, DeliveryStatus, Webhook
from recollect.entrypoints.times import time_text, time_text_or_none
from recollect.usecases.manage_webhooks import DeliveryPage


class WebhookAnswer(TypedDict):
    """One webhook; `owner` and `project` are the project's name."""

    webhook_id: str
    name: str
    url: str
    event_types: list[str]
    owner: str
    is_active: bool
    project: str
    created_at: str
    updated_at: str


class NewWebhookAnswer(WebhookAnswer):
    """The same with the secret that requests are signed with, which is shown only now."""

    secret: str


class DeliveryAnswer(TypedDict):
    """What became of telling one change: never its text.

    `next_attempt_at` only while there is one to come. `error` is `address_refused`, `unreachable`,
    `status` (an answer that is not 2xx) or `lost` (an attempt that nobody saw the end of).
    """

    id: str
    event_type: str
    memory_id: str
    version: int
    occurred_at: str
    status: str
    attempts: int
    created_at: str
    last_attempt_at: str | None
    next_attempt_at: str | None
    status_code: int | None
    error: str | None


class DeliveryPageAnswer(TypedDict):
    """One page of a webhook's deliveries, last change first; `next` is its URL, if there is one."""

    next: str | None
    results: list[DeliveryAnswer]


def webhook_answer(project: str, webhook: Webhook) -> WebhookAnswer:
    """Return a webhook as the clients read it."""
    return {
        "webhook_id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "event_types": list(webhook.event_types),
        "owner": project,
        "is_active": webhook.is_active,
        "project": project,
        "created_at": time_text(webhook.created_at),
        "updated_at": time_text(webhook.updated_at),
    }


def new_webhook_answer(project: str, webhook: Webhook) -> NewWebhookAnswer:
    """Return a webhook that was made just now."""
    return {**webhook_answer(project, webhook), "secret": webhook.secret}


def delivery_page_answer(address: str, size: int, page: DeliveryPage) -> DeliveryPageAnswer:
    """Return a page of a webhook's log."""
    following = None
    if page.after:
        following = f"{address}?{urlencode({'page_size': size, 'cursor': page.after})}"
    return {"next": following, "results": [_delivery_answer(each) for each in page.deliveries]}


def _delivery_answer(delivery: Delivery) -> DeliveryAnswer:
    is_to_come = delivery.status is DeliveryStatus.PENDING
    return {
        "id": delivery.id,
        "event_type": delivery.event_type,
        "memory_id": delivery.memory_id,
        "version": delivery.version,
        "occurred_at": time_text(delivery.occurred_at),
        "status": delivery.status,
        "attempts": delivery.attempts,
        "created_at": time_text(delivery.created_at),
        "last_attempt_at": time_text_or_none(delivery.last_attempt_at),
        "next_attempt_at": time_text(delivery.next_attempt_at) if is_to_come else None,
        "status_code": delivery.status_code,
        "error": delivery.problem,
    }
