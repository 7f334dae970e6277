"""The queues of dead letters, as a person looks after them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from recollect.adapters.aws.wake_ups import REASON, kind_of, send, text_attribute
from recollect.adapters.stored_letters import ORIGIN, dump_origin, load_origin
from recollect.domain.errors import UnavailableError
from recollect.ports.letters import Letter, Origin, QueueName

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST_TOGETHER = 10
"""What SQS gives, or takes, in one request."""
WAIT_SECONDS = 1
"""A request that waits asks all of a queue's servers; one that does not may miss letters."""
HIDDEN_SECONDS = 120
"""For how long a letter is hidden if whoever looks at it dies; else it is shown again at once."""
REFUSALS = frozenset({"InvalidParameterValue", "InvalidMessageContents"})
"""What SQS answers if it takes no such message."""
MOST_LOOKED_AT = 1_000
"""Letters of one queue that are looked at together, which takes a few seconds."""


@dataclass(frozen=True)
class SqsGraveyard:
    """The letters of these queues, in the queues that their own redrive policies name.

    To look at a letter is to receive it: it is hidden from others until the look is over. Of a
    group of a queue that is first in, first out, ten are seen at once. `queue_urls` has no queue
    that there is not.
    """

    client: "SQSClient"
    queue_urls: Mapping[QueueName, str]

    @property
    def queues(self) -> Sequence[QueueName]:
        """The queues that there are."""
        return tuple(self.queue_urls)

    def letters(self, queue: QueueName, *, limit: int) -> list[Letter]:
        """Return at most `limit` of a queue's letters, oldest first."""
        with self._opened(queue) as grave:
            found = [grave.letter(each) for each in grave.dig(limit)]
        return sorted(found, key=attrgetter("at"))

    def find(self, queue: QueueName, letter_id: str) -> Letter | None:
        """Return a letter if it is among the first thousand."""
        with self._opened(queue) as grave:
            found = (each for each in grave.dig(MOST_LOOKED_AT) if each["MessageId"] == letter_id)
            message = next(found, None)
            return grave.letter(message) if message else None

    def redrive(
        self, queue: QueueName, is_wanted: Callable[[Letter], bool], *, limit: int
    ) -> list[Letter]:
        """Send the messages of letters to the queue again; return these letters, oldest first."""
        with self._opened(queue) as grave:
            there = {each["MessageId"]: each for each in grave.dig(MOST_LOOKED_AT)}
            letters = sorted(map(grave.letter, there.values()), key=attrgetter("at"))
            wanted = islice(filter(is_wanted, letters), limit)
            return [letter for letter in wanted if grave.redrive(letter, there[letter.id])]

    @contextmanager
    def _opened(self, queue: QueueName) -> Iterator["_Grave"]:
        with _sqs_errors(queue):
            grave = _Grave.of(self.client, queue, self.queue_urls[queue])
            try:
                yield grave
            finally:
                grave.close()


@dataclass(frozen=True)
class _Grave:
    """A queue of dead letters while somebody looks at it; `held` are those that only they see."""

    client: "SQSClient"
    queue: QueueName
    source_url: str
    url: str
    most_receives: int
    held: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, client: "SQSClient", queue: QueueName, source_url: str) -> "_Grave":
        """Return the one that a queue's redrive policy names; raise `UnavailableError`."""
        asked = client.get_queue_attributes(QueueUrl=source_url, AttributeNames=["RedrivePolicy"])
        policy = json.loads(asked.get("Attributes", {}).get("RedrivePolicy", "{}"))
        if not policy:
            message = f"The queue {queue} has no queue of dead letters: it has no redrive policy"
            raise UnavailableError(message)
        *_, account, name = policy["deadLetterTargetArn"].split(":")
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        return cls(client, queue, source_url, url, int(policy["maxReceiveCount"]))

    def dig(self, most: int) -> Iterator["MessageTypeDef"]:
        """Yield, and hold, the letters that there are, each once, at most so many."""
        while len(self.held) < most:
            received = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(MOST_TOGETHER, most - len(self.held)),
                WaitTimeSeconds=WAIT_SECONDS,
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            new = [each for each in received if each["MessageId"] not in self.held]
            self.held.update({each["MessageId"]: each["ReceiptHandle"] for each in received})
            if not new:
                return
            yield from new

    def letter(self, message: "MessageTypeDef") -> Letter:
        """Return what was received as the letter that it is."""
        reason = _text_at(message, REASON)
        return Letter(
            id=message["MessageId"],
            queue=self.queue,
            message=message["Body"],
            reason=reason or f"was delivered {self.most_receives} times, and no reason was told",
            at=_sent_at(message),
            origin=_origin(message, is_ours=bool(reason)),
        )

    def redrive(self, letter: Letter, message: "MessageTypeDef") -> bool:
        """Send a letter's message to the queue that it was for, then remove the letter.

        Return whether that was done; the queue may never take it, such as when it is too large now
        that its origin is told with it.
        """
        attributes = {ORIGIN: text_attribute(dump_origin(letter.origin))} if letter.origin else {}
        try:
            send(
                self.client,
                self.source_url,
                letter.message,
                group=message["Attributes"].get("MessageGroupId") or letter.id,
                # Sent twice because the removal failed, it is one message to such a queue.
                token=letter.id,
                attributes=attributes,
            )
        except ClientError as error:
            if kind_of(error) in REFUSALS:
                return False
            raise
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=self.held[letter.id])
        del self.held[letter.id]
        return True

    def close(self) -> None:
        """Show what is left again."""
        handles = list(self.held.values())
        for first in range(0, len(handles), MOST_TOGETHER):
            some = handles[first : first + MOST_TOGETHER]
            self.client.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for place, handle in enumerate(some)
                ],
            )


def _origin(message: "MessageTypeDef", *, is_ours: bool) -> Origin | None:
    """Return a letter's origin: told with it, or, if the queue itself gave it up, its own."""
    told = load_origin(_text_at(message, ORIGIN))
    if told or is_ours:
        return told
    return Origin(
        message_id=message["MessageId"],
        sent_at=_sent_at(message),
        group=message["Attributes"].get("MessageGroupId"),
        attributes={
            name: (value["DataType"], value["StringValue"])
            for name, value in message.get("MessageAttributes", {}).items()
            if "StringValue" in value
        },
    )


def _text_at(message: "MessageTypeDef", name: str) -> str:
    attribute = message.get("MessageAttributes", {}).get(name)
    return attribute.get("StringValue", "") if attribute else ""


def _sent_at(message: "MessageTypeDef") -> datetime:
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


@contextmanager
def _sqs_errors(queue: QueueName) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        message = f"The dead letters of the queue {queue} cannot be used: {kind_of(error)}"
        raise UnavailableError(message) from error
