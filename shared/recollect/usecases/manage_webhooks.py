"""Webhooks of a project: making, listing, changing and deleting them, and their log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.webhooks import Delivery, ProjectWebhooks, Webhook, event_types
from recollect.ports.webhooks import Deliveries, Webhooks, WebhookSender
from recollect.usecases.racing import until_first

MAX_PAGE_SIZE = 200


@dataclass(frozen=True, kw_only=True)
class WebhookChanges:
    """What is to become different of a webhook; None stays as it is."""

    name: str | None = None
    url: str | None = None
    event_types: Sequence[str] | None = None
    is_active: bool | None = None

    def applied_to(self, webhook: Webhook, now: datetime) -> Webhook:
        """Return the changed webhook; raise `InvalidRequestError`."""
        given: dict[str, Any] = {
            "name": self.name,
            "url": self.url,
            "event_types": None if self.event_types is None else event_types(self.event_types),
            "is_active": self.is_active,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(webhook, **changes, updated_at=now)


@dataclass(frozen=True)
class ManageWebhooks:
    """Make, list, change and delete a project's webhooks.

    `sender` makes what sends to them, which listing does without. All but `list` raise
    `ConflictError` if others keep changing them at the same time.
    """

    webhooks: Webhooks
    sender: Callable[[], WebhookSender]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    new_secret: Callable[[], str]

    def list(self, project: str) -> tuple[Webhook, ...]:
        """Return the project's webhooks, oldest first."""
        return self.webhooks.of(project).webhooks

    def create(self, project: str, *, name: str, url: str, events: Sequence[str]) -> Webhook:
        """Return a new webhook, with the secret that is never shown again.

        Raises `InvalidRequestError` for an address that can never be sent to, a name or event
        types that cannot be, or if the project has too many.
        """
        self.sender().check(url)
        now = self.now()
        webhook = Webhook(
            id=self.new_id(),
            name=name,
            url=url,
            event_types=event_types(events),
            secret=self.new_secret(),
            created_at=now,
            updated_at=now,
        )
        change_webhooks(self.webhooks, project, lambda all_: all_.having(webhook))
        return webhook

    def change(self, project: str, webhook_id: str, changes: WebhookChanges) -> None:
        """Change a webhook; raise `NotFoundError`, and `InvalidRequestError` as `create` does."""
        if changes.url is not None:
            self.sender().check(changes.url)
        now = self.now()

        def changed(all_: ProjectWebhooks) -> ProjectWebhooks:
            return all_.with_changed(changes.applied_to(_found(all_, webhook_id), now))

        change_webhooks(self.webhooks, project, changed)

    def delete(self, project: str, webhook_id: str) -> None:
        """Delete a webhook, which hears of nothing any more; raise `NotFoundError`."""
        change_webhooks(
            self.webhooks, project, lambda all_: all_.without(_found(all_, webhook_id).id)
        )


def change_webhooks(
    webhooks: Webhooks, project: str, change: Callable[[ProjectWebhooks], ProjectWebhooks]
) -> None:
    """Change a project's webhooks without undoing what others change; raise `ConflictError`."""
    until_first(
        lambda: webhooks.replace(project, change(webhooks.of(project))),
        what="The project's webhooks are",
    )


@dataclass(frozen=True)
class DeliveryPage:
    """Some deliveries of a log; the next page begins `after` one of them, if there is one."""

    deliveries: Sequence[Delivery]
    after: str | None


@dataclass(frozen=True)
class ListDeliveries:
    """Tell what became of the deliveries to a webhook."""

    webhooks: Webhooks
    deliveries: Deliveries

    def __call__(
        self, project: str, webhook_id: str, *, limit: int, after: str | None = None
    ) -> DeliveryPage:
        """Return a page, last change first; raise `NotFoundError` or `InvalidRequestError`."""
        if not 1 <= limit <= MAX_PAGE_SIZE:
            message = f"page_size must be between 1 and {MAX_PAGE_SIZE}"
            raise InvalidRequestError(message)
        webhook = _found(self.webhooks.of(project), webhook_id)
        found = self.deliveries.recent(project, webhook.id, limit=limit + 1, after=after)
        page = found[:limit]
        return DeliveryPage(page, page[-1].id if len(found) > limit else None)


def _found(webhooks: ProjectWebhooks, webhook_id: str) -> Webhook:
    webhook = webhooks.find(webhook_id)
    if webhook is None:
        message = "Webhook not found"
        raise NotFoundError(message)
    return webhook
