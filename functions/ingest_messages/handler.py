"""The queue of users' messages: accept what is to be remembered."""

from contextlib import suppress
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import current, letters
from recollect.entrypoints.ingest_message import IngestMessage
from recollect.entrypoints.queues import (
    batch_handler,
    correlate,
    origin_of,
    poison,
)
from recollect.ports.letters import QueueName
from recollect.ports.record import ErasedError

logger = Logger()
ingest = letters.ingest_messages()


def accept(record: SQSRecord) -> None:
    """Accept one message; raise to have SQS deliver it alone again, or have it buried."""
    origin = origin_of(record)
    correlate(origin.message_id)
    message = IngestMessage.read(record)
    queue = record.event_source_arn.rpartition(":")[2]
    # What comes again after it was erased is let go: nothing of it is kept, not even a letter.
    with suppress(ErasedError), poison():
        job = ingest(
            message.request_of(ingest.project),
            f"{queue}:{message.id or origin.message_id}",
            record.body,
            sent_at=origin.sent_at,
            message_id=origin.message_id,
        )
        logger.info("Accepted a message", job_id=job.id)


handle = batch_handler(accept, bootstrap.dead_letters(QueueName.INGEST))


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Accept one batch; what failed is delivered again, and all of it without a project."""
    with current.within(context.get_remaining_time_in_millis):
        ingest.check()
        return handle(event, context)
