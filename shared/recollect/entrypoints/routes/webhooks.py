"""The routes of webhooks, which only keys of the whole project open."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.answers import MessageOnly
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.paging import DEFAULT_PAGE_SIZE
from recollect.entrypoints.project_settings import check_own
from recollect.entrypoints.urls import UUID_PATTERN
from recollect.entrypoints.webhook_answers import (
    DeliveryPageAnswer,
    NewWebhookAnswer,
    WebhookAnswer,
    delivery_page_answer,
    new_webhook_answer,
    webhook_answer,
)
from recollect.entrypoints.webhook_bodies import WebhookBody, WebhookChangeBody
from recollect.usecases.manage_webhooks import ListDeliveries, ManageWebhooks

OF_PROJECT = "/api/v1/webhooks/projects/<project_id>"
ONE = "/api/v1/webhooks/<webhook_id>"


@dataclass(frozen=True)
class WebhookRoutes:
    """What changes webhooks."""

    webhooks: ManageWebhooks

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer it."""
        app.post(OF_PROJECT, summary="Make a webhook", status_code=201)(self.post_webhook)
        app.put(ONE, summary="Change a webhook")(self.put_webhook)
        app.delete(ONE, summary="Delete a webhook")(self.delete_webhook)

    def post_webhook(
        self, project_id: str, body: Annotated[WebhookBody, Body()]
    ) -> NewWebhookAnswer:
        """Have an address be told of changes from now on; its secret is shown only now."""
        caller.refuse_idempotency_key()
        project = caller.project
        check_own(project, project_id)
        webhook = self.webhooks.create(
            project, name=body.name, url=body.url, events=body.event_types
        )
        return new_webhook_answer(project, webhook)

    def put_webhook(
        self, webhook_id: str, body: Annotated[WebhookChangeBody, Body()]
    ) -> MessageOnly:
        """Change what is given of a webhook."""
        caller.refuse_idempotency_key()
        self.webhooks.change(caller.project, webhook_id, body.changes())
        return {"message": "Webhook updated successfully"}

    def delete_webhook(self, webhook_id: str) -> MessageOnly:
        """Delete a webhook: it hears of nothing any more, whatever is still to be delivered."""
        caller.refuse_idempotency_key()
        self.webhooks.delete(caller.project, webhook_id)
        return {"message": "Webhook deleted successfully"}


@dataclass(frozen=True)
class WebhookReadRoutes:
    """What shows webhooks."""

    webhooks: ManageWebhooks
    deliveries: ListDeliveries

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer it."""
        app.get(OF_PROJECT, summary="List webhooks")(self.get_webhooks)
        app.get(f"{ONE}/deliveries", summary="Read a webhook's log")(self.get_deliveries)

    def get_webhooks(self, project_id: str) -> list[WebhookAnswer]:
        """Return the project's webhooks, oldest first, without their secrets."""
        project = caller.project
        check_own(project, project_id)
        return [webhook_answer(project, each) for each in self.webhooks.list(project)]

    def get_deliveries(
        self,
        webhook_id: str,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> DeliveryPageAnswer:
        """Return what became of telling a webhook, of the last 30 days, last change first."""
        size = DEFAULT_PAGE_SIZE if page_size is None else page_size
        if cursor and not UUID_PATTERN.fullmatch(cursor):
            message = "Invalid cursor."
            raise InvalidRequestError(message)
        page = self.deliveries(caller.project, webhook_id, limit=size, after=cursor or None)
        return delivery_page_answer(caller.address, size, page)
