"""Wake-ups and dead letters over SQS."""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Owner

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

SUBJECTS_PER_MESSAGE = 5_000
"""A key is 32 characters, so this is about 180 of the 256 KiB that every SQS queue takes."""
DELIVERIES_PER_MESSAGE = 10
"""At 10 s each they take less than the notifier's time-out."""
FIFO = ".fifo"
"""The end of every FIFO queue's name."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SqsWakeUps:
    """Sends one message per call to whom it is for; without a graph queue nobody reads graphs.

    Messages about the index, and to graphs' projections, form a group for each project of a fair
    queue, so that a project with much news does not delay the others. The graph queue is first in,
    first out, a group for each owner: nobody reads for one owner twice at once. Deliveries form a
    group for each webhook: one that is slow delays no other.

    What cannot be sent is logged and given up, because the commit before it stands: maintenance
    wakes whom it was for again from what is left to do.
    """

    client: "SQSClient"
    index_queue_url: str
    graph_queue_url: str = ""
    graph_projection_queue_url: str = ""
    webhook_queue_url: str = ""
    new_token: Callable[[], str]
    correlation_id: Callable[[], str | None] = lambda: None
    """Returns the request that is being answered; told in messages for those who read logs."""

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        for first in range(0, len(subject_keys), SUBJECTS_PER_MESSAGE):
            keys = list(subject_keys[first : first + SUBJECTS_PER_MESSAGE])
            news = {"project": project, "subject_keys": keys}
            self._send(self.index_queue_url, news, project)

    def read_graph(self, owner: Owner) -> None:
        """Say that this owner has changes that the graph writer has not read."""
        if self.graph_queue_url:
            self._send(self.graph_queue_url, _of(owner), owner.project, owner.key)

    def project_graph(self, owner: Owner) -> None:
        """Say that this owner's graph has commits that its projections have not confirmed."""
        if self.graph_projection_queue_url:
            self._send(self.graph_projection_queue_url, _of(owner), owner.project)

    def deliver(
        self,
        project: str,
        webhook_id: str,
        delivery_ids: Sequence[str],
        *,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Say that deliveries to a webhook are due, or will be after a delay."""
        seconds = math.ceil(delay.total_seconds())
        for first in range(0, len(delivery_ids), DELIVERIES_PER_MESSAGE):
            ids = list(delivery_ids[first : first + DELIVERIES_PER_MESSAGE])
            news = {"project": project, "webhook_id": webhook_id, "delivery_ids": ids}
            self._send(self.webhook_queue_url, news, project, webhook_id, seconds=seconds)

    def _send(
        self, queue_url: str, news: Mapping[str, object], *group: str, seconds: int = 0
    ) -> None:
        message = json.dumps({**news, "correlation_id": self.correlation_id()})
        try:
            _send(
                self.client,
                queue_url,
                message,
                group=_digest(*group),
                token=self.new_token(),
                seconds=seconds,
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("a wake-up was lost: %s", _kind(error))


@dataclass(frozen=True)
class SqsDeadLetters:
    """Buries messages in a queue, each with its reason as an attribute."""

    client: "SQSClient"
    queue_url: str
    new_token: Callable[[], str]

    def bury(self, message: str, reason: str) -> None:
        """Keep a message and why it cannot be handled; raise `UnavailableError`."""
        attribute: MessageAttributeValueTypeDef = {"DataType": "String", "StringValue": reason}
        try:
            _send(
                self.client,
                self.queue_url,
                message,
                group=_digest(message),
                token=self.new_token(),
                reason=attribute,
            )
        except (BotoCoreError, ClientError) as error:
            told = f"The queue of dead letters cannot be used: {_kind(error)}"
            raise UnavailableError(told) from error


def _send(
    client: "SQSClient",
    queue_url: str,
    message: str,
    *,
    group: str,
    token: str,
    seconds: int = 0,
    **attributes: "MessageAttributeValueTypeDef",
) -> None:
    # A FIFO queue drops what has a known token for five minutes, even after it was received.
    once: dict[str, Any] = {"MessageDeduplicationId": token} if queue_url.endswith(FIFO) else {}
    later: dict[str, Any] = {"DelaySeconds": seconds} if seconds else {}
    client.send_message(
        QueueUrl=queue_url,
        MessageBody=message,
        MessageGroupId=group,
        MessageAttributes=attributes,
        **once,
        **later,
    )


def _of(owner: Owner) -> Mapping[str, str]:
    return {"project": owner.project, "owner_key": owner.key}


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _kind(error: BotoCoreError | ClientError) -> str:
    """Return what kind of failure it is; the error's text may name the queue's owner."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
