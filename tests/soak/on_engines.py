"""The AWS edition's queue functions as a process, before engines; made to be killed.

`python -m tests.soak.on_engines SEED SHARE`: it tells SQS what it has done, all but a share of it,
which is delivered again. The environment says where everything is. It prints `ready`, and `done`
when it has nothing left to do; it ends when its input does. What AWS takes minutes for, such as
giving a message to the next one after a worker died, takes seconds here.
"""

import os
import random
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3

from recollect import bootstrap
from recollect.bootstrap import stores
from recollect.entrypoints.functions import load_handlers
from recollect.entrypoints.invocation import Handler
from recollect.usecases import work_on_jobs
from tests.aws_edition import as_record, invoke
from tests.soak.load import PROJECT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

INGEST_QUEUE, OBJECT_QUEUE = "RECOLLECT_INGEST_QUEUE_URL", "RECOLLECT_OBJECT_QUEUE_URL"
QUEUES = {
    INGEST_QUEUE: ("ingest_messages", 10, 2),
    OBJECT_QUEUE: ("ingest_objects", 10, 1),
    "RECOLLECT_WORKER_QUEUE_URL": ("worker", 1, 6),
    "RECOLLECT_INDEX_QUEUE_URL": ("projector", 10, 1),
}
"""The functions behind the queues, the sizes of their batches, and how many work at once."""
VISIBILITY_SECONDS = 10
WAIT_SECONDS = 1
MAINTENANCE_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.5
SHORT = {
    **dict.fromkeys(("LEASE", "RESUMED_LEASE"), timedelta(seconds=10)),
    # A worker that is woken again and again for what waits in a queue has nothing but that to do.
    **dict.fromkeys(("UNHEARD", "WOKEN_EVERY"), timedelta(seconds=60)),
}
"""What the times after which jobs count as abandoned are here."""
STALE_AFTER = timedelta(seconds=5)
MUCH_LATER = timedelta(days=30)


@dataclass(frozen=True)
class Poller:
    """Hands a queue's messages to its function, as Lambda does."""

    sqs: "SQSClient"
    url: str
    function: Handler
    at_once: int

    def __call__(self, stopping: threading.Event) -> None:
        """Do so until it is stopped; delete what is not to come again."""
        while not stopping.is_set():
            answer = self.sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=self.at_once,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if messages := answer.get("Messages"):
                self._hand(messages)

    def _hand(self, messages: Sequence["MessageTypeDef"]) -> None:
        records = [as_record(message, "soak") for message in messages]
        result = invoke(self.function, {"Records": records})
        failed = {item["itemIdentifier"] for item in result["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                # Whoever took too long has it no more.
                with suppress(self.sqs.exceptions.ReceiptHandleIsInvalid):
                    self.sqs.delete_message(
                        QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                    )


def forgetful(function: Handler, chance: random.Random, share: float) -> Handler:
    """Return the function that now and then fails to say what it has done: that comes again."""

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda's
        answer = function(event, context)
        forgotten = [
            {"itemIdentifier": record["messageId"]}
            for record in event["Records"]
            if chance.random() < share
        ]
        return {"batchItemFailures": [*answer["batchItemFailures"], *forgotten]}

    return handle


def is_idle(sqs: "SQSClient") -> bool:
    """Tell whether nothing waits: no message, no job, nothing that the index has not seen."""
    store, later = stores.dynamo_store(), datetime.now(UTC) + MUCH_LATER
    return (
        not any(waiting(sqs, os.environ[url]) for url in QUEUES)
        and not store.jobs.abandoned(now=later, limit=1)
        and not store.outbox.stale(before=later, limit=1)
    )


def waiting(sqs: "SQSClient", url: str) -> int:
    """Return how many messages a queue has."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes: Mapping[Any, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)[
        "Attributes"
    ]
    return sum(map(int, attributes.values()))


def run() -> None:
    """Work until standard input ends."""
    stopping, sqs = threading.Event(), boto3.client("sqs")
    names = [name for name, *_ in QUEUES.values()]
    handlers = load_handlers([*names, "admin"])
    invoke(handlers["admin"], {"command": "prepare_index"})
    if not stores.dynamo_store().keys.list(PROJECT):
        bootstrap.create_key()(PROJECT, "soak")
    chance, share = random.Random(sys.argv[1]), float(sys.argv[2])
    handlers = {name: forgetful(handlers[name], chance, share) for name in names}
    threads = [
        spawned(Poller(sqs, os.environ[url], handlers[name], size), stopping)
        for url, (name, size, count) in QUEUES.items()
        for _ in range(count)
    ]
    threads += [spawned(maintain, stopping), spawned(tell, sqs, stopping)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join()


def maintain(stopping: threading.Event) -> None:
    """Maintain as the schedule does, only more often."""
    while not stopping.wait(MAINTENANCE_SECONDS):
        bootstrap.maintain()(stale_after=STALE_AFTER)


def tell(sqs: "SQSClient", stopping: threading.Event) -> None:
    """Say once that all is done."""
    while not stopping.wait(LOOK_EVERY_SECONDS):
        if is_idle(sqs):
            sys.stdout.write("done\n")
            sys.stdout.flush()
            return


def spawned(step: Callable[..., object], *arguments: object) -> threading.Thread:
    """Run this in a thread."""
    thread = threading.Thread(target=step, args=arguments)
    thread.start()
    return thread


if __name__ == "__main__":
    for name, time in SHORT.items():
        setattr(work_on_jobs, name, time)
    run()
