"""The shell of a queue function: partial failures, correlation, and what happens to poison."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from recollect.bootstrap import current
from recollect.domain.errors import RecollectError
from recollect.entrypoints.messages import Message
from recollect.ports.queue import DeadLetters

LAST_RECEIVE = 5
"""A message that fails so often is poison: it is buried with its reason, and stops nobody. The
queue's own redrive, which knows no reason, comes later and is for functions that die."""

logger = Logger()
News = TypeVar("News", bound=Message)
Handler: TypeAlias = Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse]


def queue_handler(shape: type[News], work: Callable[[News], None], graves: DeadLetters) -> Handler:
    """Return the handler of a function behind a queue; what fails alone is delivered again.

    `work` must be safe to repeat: SQS delivers at least once.
    """

    def handle(record: SQSRecord) -> None:
        try:
            news = shape.model_validate_json(record.body)
        except ValidationError as error:
            graves.bury(record.body, f"is no {shape.__name__}: {error.error_count()} problems")
            return
        current.correlate(news.correlation_id)
        logger.set_correlation_id(news.correlation_id)
        try:
            work(news)
        except RecollectError as error:
            logger.warning("A message failed", error_type=type(error).__qualname__)
            if int(record.attributes.approximate_receive_count) < LAST_RECEIVE:
                raise
            graves.bury(record.body, f"failed {LAST_RECEIVE} times: {error}")

    def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, handle, processor, context)

    return handler
