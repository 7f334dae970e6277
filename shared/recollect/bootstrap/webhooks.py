"""The webhooks of the configured edition: their use cases, and what they are made of."""

from typing import TYPE_CHECKING

from recollect.bootstrap import stores
from recollect.bootstrap.chance import new_id, new_signing_secret, now
from recollect.bootstrap.configuration import later, once, part, settings
from recollect.ports.webhooks import Webhooks, WebhookSender
from recollect.usecases.announce_changes import AnnounceChanges

if TYPE_CHECKING:
    from recollect.usecases.deliver_webhooks import DeliverWebhooks
    from recollect.usecases.manage_webhooks import ListDeliveries, ManageWebhooks


@once
def trusted_webhooks() -> Webhooks:
    """Return the webhooks as changes are announced to them."""
    if settings().edition == "local":
        return stores.store().webhooks
    with part("aws"):
        from recollect.adapters.aws.trusted import TrustedWebhooks

    return TrustedWebhooks(stores.store().webhooks, now)


@once
def webhook_sender() -> WebhookSender:
    """Return what sends requests to webhooks."""
    from recollect.adapters.web.public_https import PublicHttps
    from recollect.adapters.web.webhooks import PublicWebhookSender

    return PublicWebhookSender(PublicHttps())


@once
def announce_changes() -> AnnounceChanges:
    """Return the use case that has webhooks hear of changes."""
    store = stores.store()
    return AnnounceChanges(
        trusted_webhooks(), store.deliveries, store.record, stores.wake_ups(), now
    )


@once
def deliver_webhooks() -> "DeliverWebhooks":
    """Return the use case that tells webhooks of changes."""
    from recollect.usecases.deliver_webhooks import DeliverWebhooks

    store = stores.store()
    return DeliverWebhooks(
        store.webhooks,
        store.deliveries,
        store.record,
        webhook_sender(),
        stores.wake_ups(),
        now,
    )


@once
def manage_webhooks() -> "ManageWebhooks":
    """Return the use case that makes, lists, changes and deletes webhooks."""
    from recollect.usecases.manage_webhooks import ManageWebhooks

    return ManageWebhooks(
        stores.store().webhooks, later(webhook_sender), now, new_id, new_signing_secret
    )


@once
def list_deliveries() -> "ListDeliveries":
    """Return the use case that tells what became of deliveries."""
    from recollect.usecases.manage_webhooks import ListDeliveries

    store = stores.store()
    return ListDeliveries(store.webhooks, store.deliveries)
