"""The webhook queue: tell webhooks what became of memories."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, webhooks
from recollect.domain.webhooks import MAX_ATTEMPTS, Delivery
from recollect.entrypoints.messages import DeliveriesAreDue, DeliveryHasFailed
from recollect.entrypoints.queues import queue_handler
from recollect.ports.letters import QueueName

logger = Logger()
deliver_webhooks = webhooks.deliver_webhooks()
graves = bootstrap.dead_letters(QueueName.WEBHOOKS)


def bury(project: str, delivery: Delivery) -> None:
    """Have a person look at what a webhook does not take."""
    letter = DeliveryHasFailed(
        project=project,
        webhook_id=delivery.webhook_id,
        delivery_id=delivery.id,
        correlation_id=current.correlation_id(),
    )
    graves.bury(letter.model_dump_json(), f"failed {MAX_ATTEMPTS} times: {delivery.problem}")


def deliver(news: DeliveriesAreDue) -> None:
    """Make an attempt at each; raise to have SQS deliver this message alone again."""
    taken = deliver_webhooks(news.project, news.webhook_id, news.delivery_ids, bury)
    logger.info("Told a webhook", deliveries=len(news.delivery_ids), taken=taken)


handle = queue_handler(DeliveriesAreDue, deliver, graves)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle one batch; what failed is delivered again."""
    return handle(event, context)
