"""Wake-ups and dead letters over SQS."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from recollect.domain.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

SUBJECTS_PER_MESSAGE = 5_000
"""A key is 32 characters, so this is about 180 of the 256 KiB that every SQS queue takes."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqsWakeUps:
    """Sends the projector one message per call.

    The messages of one project form a group of a fair queue, so that a project with much news
    does not delay the others. What cannot be sent is logged and given up, because the commit
    before it stands: maintenance wakes the projector again from the pending changes.
    """

    client: "SQSClient"
    queue_url: str
    correlation_id: Callable[[], str | None] = lambda: None
    """Returns the request that is being answered; told in messages for those who read logs."""

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        for first in range(0, len(subject_keys), SUBJECTS_PER_MESSAGE):
            self._send(project, subject_keys[first : first + SUBJECTS_PER_MESSAGE])

    def _send(self, project: str, subject_keys: Sequence[str]) -> None:
        try:
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=self._subjects_have_news(project, subject_keys),
                MessageGroupId=hashlib.sha256(project.encode()).hexdigest(),
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("a wake-up of the index was lost: %s", _kind(error))

    def _subjects_have_news(self, project: str, subject_keys: Sequence[str]) -> str:
        news = {"project": project, "subject_keys": list(subject_keys)}
        return json.dumps({**news, "correlation_id": self.correlation_id()})


@dataclass(frozen=True)
class SqsDeadLetters:
    """Buries messages in a queue, each with its reason as an attribute."""

    client: "SQSClient"
    queue_url: str

    def bury(self, message: str, reason: str) -> None:
        """Keep a message and why it cannot be handled; raise `UnavailableError`."""
        attribute: MessageAttributeValueTypeDef = {"DataType": "String", "StringValue": reason}
        try:
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=message,
                MessageAttributes={"reason": attribute},
            )
        except (BotoCoreError, ClientError) as error:
            told = f"The queue of dead letters cannot be used: {_kind(error)}"
            raise UnavailableError(told) from error


def _kind(error: BotoCoreError | ClientError) -> str:
    """Return what kind of failure it is; the error's text may name the queue's owner."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
