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

from recollect.adapters.stored_letters import ORIGIN, dump_origin
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Owner
from recollect.domain.jobs import Job
from recollect.ports.letters import Origin

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

SUBJECTS_PER_MESSAGE = 5_000
"""A key is 32 characters, so this is about 180 of the 256 KiB that every SQS queue takes."""
DELIVERIES_PER_MESSAGE = 10
"""At 10 s each they take less than the notifier's time-out."""
REASON = "reason"
"""The attribute that says why a message is a letter."""
LONGEST_REASON = 1_000
"""Characters; what a message is called in it is its sender's choice."""
FIFO = ".fifo"
"""The end of every FIFO queue's name."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SqsWakeUps:
    """Sends one message per call to whom it is for; without a graph queue nobody reads graphs.

    Messages about the index, and to graphs' projections, form a group for each project of a fair
    queue, so that a project with much news does not delay the others. The graph queue is first in,
    first out, a group for each owner: nobody reads for one owner twice at once. The worker's is so,
    too, with a group for each lane of a project. Deliveries form a group for each webhook: one that
    is slow delays no other.

    What cannot be sent is logged and given up, because the commit before it stands: maintenance
    wakes whom it was for again from what is left to do.
    """

    client: "SQSClient"
    index_queue_url: str
    worker_queue_url: str = ""
    graph_queue_url: str = ""
    graph_projection_queue_url: str = ""
    webhook_queue_url: str = ""
    new_token: Callable[[], str]
    correlation_id: Callable[[], str | None] = lambda: None
    """Returns the request that is being answered; told in messages for those who read logs."""

    def work(self, job: Job) -> bool:
        """Say that a job waits for a worker; tell whether that arrived."""
        news = {"project": job.project, "job_id": job.id}
        return self._send(self.worker_queue_url, news, job.project, job.lane)

    def waiting(self) -> int:
        """Return about how many jobs wait for a worker."""
        name: QueueAttributeNameType = "ApproximateNumberOfMessages"
        try:
            told = self.client.get_queue_attributes(
                QueueUrl=self.worker_queue_url, AttributeNames=[name]
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("the worker's queue cannot be looked at: %s", kind_of(error))
            return 0
        return int(told["Attributes"][name])

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
    ) -> bool:
        message = json.dumps({**news, "correlation_id": self.correlation_id()})
        try:
            send(
                self.client,
                queue_url,
                message,
                group=_digest(*group),
                token=self.new_token(),
                seconds=seconds,
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("a wake-up was lost: %s", kind_of(error))
            return False
        return True


@dataclass(frozen=True)
class SqsDeadLetters:
    """Buries messages in a queue, each with its reason and its origin as attributes.

    A letter is in the group that its message was in, so that a tenant's stay together.
    """

    client: "SQSClient"
    queue_url: str
    new_token: Callable[[], str]

    def bury(self, message: str, reason: str, origin: Origin | None = None) -> None:
        """Keep a message and why it cannot be handled; raise `UnavailableError`."""
        attributes = {REASON: text_attribute(_sendable(reason[:LONGEST_REASON]))}
        if origin:
            attributes[ORIGIN] = text_attribute(dump_origin(origin))
        group = origin.group if origin else None
        try:
            send(
                self.client,
                self.queue_url,
                message,
                group=group or _digest(message),
                token=self.new_token(),
                attributes=attributes,
            )
        except (BotoCoreError, ClientError) as error:
            told = f"The queue of dead letters cannot be used: {kind_of(error)}"
            raise UnavailableError(told) from error


def send(
    client: "SQSClient",
    queue_url: str,
    message: str,
    *,
    group: str,
    token: str,
    seconds: int = 0,
    attributes: "Mapping[str, MessageAttributeValueTypeDef] | None" = None,
) -> None:
    """Send a message; one with the token of another in the last minutes is dropped by a FIFO queue.

    Raises what the client raises.
    """
    # A FIFO queue drops what has a known token for five minutes, even after it was received.
    once: dict[str, Any] = {"MessageDeduplicationId": token} if queue_url.endswith(FIFO) else {}
    later: dict[str, Any] = {"DelaySeconds": seconds} if seconds else {}
    client.send_message(
        QueueUrl=queue_url,
        MessageBody=message,
        MessageGroupId=group,
        MessageAttributes=attributes or {},
        **once,
        **later,
    )


def text_attribute(text: str) -> "MessageAttributeValueTypeDef":
    """Return a text as an attribute of a message."""
    return {"DataType": "String", "StringValue": text}


def _sendable(text: str) -> str:
    """Return a text without what SQS takes in no message, such as control characters."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _of(owner: Owner) -> Mapping[str, str]:
    return {"project": owner.project, "owner_key": owner.key}


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def kind_of(error: BotoCoreError | ClientError) -> str:
    """Return what kind of failure it is; the error's text may name the queue's owner."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
