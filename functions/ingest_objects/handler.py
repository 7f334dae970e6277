"""The queue of S3's notifications: accept what objects say."""

from contextlib import suppress
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, objects
from recollect.entrypoints.object_events import ObjectNotification
from recollect.entrypoints.queues import (
    batch_handler,
    correlate,
    origin_of,
    poison,
    read_body,
)
from recollect.ports.letters import QueueName
from recollect.ports.record import ErasedError

logger = Logger()
ingest = objects.ingest_object()


def accept(record: SQSRecord) -> None:
    """Accept what one message tells of; raise to have it delivered alone again, or buried."""
    origin = origin_of(record)
    correlate(origin.message_id)
    with poison():
        for request in read_body(ObjectNotification, record).requests():
            # An event that comes again after the erasure of whom its key names is let go.
            with suppress(ErasedError):
                job = ingest.accept(request, message_id=origin.message_id)
                logger.info("Accepted an object", job_id=job.id, size=request.size)


handle = batch_handler(accept, bootstrap.dead_letters(QueueName.OBJECTS))


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Accept one batch; what failed is delivered again."""
    with current.within(context.get_remaining_time_in_millis):
        return handle(event, context)
