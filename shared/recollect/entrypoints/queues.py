"""The shell of a queue function: partial failures, correlation, and what happens to poison."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    ExceptionInfo,
    FailureResponse,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from recollect.adapters.stored_letters import ORIGIN, load_origin
from recollect.bootstrap import current
from recollect.domain.errors import (
    IdempotencyMismatchError,
    InvalidRequestError,
    RecollectError,
)
from recollect.entrypoints.messages import Message
from recollect.ports.letters import Origin
from recollect.ports.queue import DeadLetters

LAST_RECEIVE = 5
"""A message that fails so often is poison: it is buried with its reason, and stops nobody. The
queue's own redrive, which knows no reason, comes later and is for functions that die."""
MOST_TOLD = 5
LONGEST_NAME = 64
"""Of what is wrong with a message, and of a field's name, which is its sender's choice."""

logger = Logger()
Body = TypeVar("Body", bound=BaseModel)
News = TypeVar("News", bound=Message)
Handler: TypeAlias = Callable[[dict[str, Any], LambdaContext], PartialItemFailureResponse]


class PoisonError(Exception):
    """A message that no repetition helps; the text says why, and quotes nothing of it."""


def queue_handler(shape: type[News], work: Callable[[News], None], graves: DeadLetters) -> Handler:
    """Return the handler of a function behind a queue of ours; what fails alone comes again.

    `work` must be safe to repeat: SQS delivers at least once.
    """

    def take(record: SQSRecord) -> None:
        news = read_body(shape, record)
        correlate(news.correlation_id)
        work(news)

    return batch_handler(take, graves)


def batch_handler(take: Callable[[SQSRecord], None], graves: DeadLetters) -> Handler:
    """Return the handler of a function behind a queue; what fails alone is delivered again.

    `take` must be safe to repeat. What it raises `PoisonError` for is buried at once; what it
    refuses otherwise, after `LAST_RECEIVE` attempts.
    """

    def handle(record: SQSRecord) -> None:
        try:
            take(record)
        except PoisonError as error:
            graves.bury(record.body, str(error), origin_of(record))
        except RecollectError as error:
            logger.warning("A message failed", error_type=type(error).__qualname__)
            if int(record.attributes.approximate_receive_count) < LAST_RECEIVE:
                raise
            graves.bury(record.body, f"failed {LAST_RECEIVE} times: {error}", origin_of(record))

    def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
        processor = _Processor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, handle, processor, context)

    return handler


def read_body(shape: type[Body], record: SQSRecord) -> Body:
    """Return what a message says; raise `PoisonError` if it has not this shape."""
    try:
        return shape.model_validate_json(record.body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in problems[:MOST_TOLD])
        message = f"is no {shape.__name__}: {told}"
        raise PoisonError(message) from error


@contextmanager
def poison() -> Iterator[None]:
    """Raise `PoisonError` for the refusals of a message that no repetition of it changes."""
    try:
        yield
    except IdempotencyMismatchError as error:
        message = "has the id of an earlier message, and another body"
        raise PoisonError(message) from error
    except InvalidRequestError as error:
        message = f"is refused: {error}"
        raise PoisonError(message) from error


def correlate(request_id: str | None) -> None:
    """Note on whose behalf the message in hand is worked on, here and in logs."""
    current.correlate(request_id)
    logger.set_correlation_id(request_id)


def origin_of(record: SQSRecord) -> Origin:
    """Return where a message came from: if it was sent again, where it did at first.

    What it says of that itself may make it older, never younger.
    """
    attributes = record.get("messageAttributes") or {}
    sent_at = datetime.fromtimestamp(int(record.attributes.sent_timestamp) / 1000, UTC)
    told = load_origin((attributes.get(ORIGIN) or {}).get("stringValue") or "")
    if told:
        return replace(told, sent_at=min(told.sent_at, sent_at))
    return Origin(
        message_id=record.message_id,
        sent_at=sent_at,
        group=record["attributes"].get("MessageGroupId"),
        attributes={
            name: (value["dataType"], value.get("stringValue") or value.get("binaryValue") or "")
            for name, value in attributes.items()
        },
    )


class _Processor(BatchProcessor):
    """Tells of defects, which Powertools itself keeps to itself; not with what they say."""

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:  # noqa: ANN401 - Powertools' signature
        """Note where the work on a message ended."""
        kind, error, trace = exception
        if kind and not isinstance(error, RecollectError):
            logger.error(
                "A message failed for a reason that is ours",
                error_type=kind.__qualname__,
                frames=traceback.format_tb(trace),
            )
        return super().failure_handler(record, exception)


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(str(part)[:LONGEST_NAME] for part in loc) or "body"
