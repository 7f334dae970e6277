"""Promise 9 for messages: however SQS delivers them, every good one is one job, every bad one kept.

The function runs over DynamoDB and SQS engines, under a poller that dies at random.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from recollect import bootstrap
from recollect.bootstrap import letters, stores
from recollect.domain.jobs import Job, JobStatus
from recollect.entrypoints.functions import load_module
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.worker import VISIBILITY
from recollect.ports.letters import Letter, QueueName
from tests.aws import dynamo_store
from tests.callers import new_id, now
from tests.contract.test_graveyard import Queue, a_queue
from tests.engines import REGION, endpoint

pytestmark = pytest.mark.engines

MESSAGES = 500
POISON = MESSAGES // 20
DUPLICATES = 100
EMPTY_ROUNDS = 3
"""Looks at a queue that is empty, each longer than a message is hidden, before all is done."""
PATIENCE_ROUNDS = 1_000


@dataclass(frozen=True)
class World:
    """The function behind a queue of its own, and a project of its own."""

    project: str
    queue: Queue
    worker: Queue
    function: Handler
    clients: tuple[BaseClient, ...]

    def send(self, bodies: list[str]) -> None:
        for first in range(0, len(bodies), 10):
            self.queue.client.send_message_batch(
                QueueUrl=self.queue.url,
                Entries=[
                    {"Id": f"{place}", "MessageBody": body, "MessageGroupId": "support"}
                    for place, body in enumerate(bodies[first : first + 10])
                ],
            )

    def receive(self) -> list[dict[str, Any]]:
        answer = self.queue.client.receive_message(
            QueueUrl=self.queue.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=2,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def invoke(self, messages: list[dict[str, Any]]) -> set[str]:
        """Return the ids of the messages that the function did not report as failed."""
        event = {"Records": [as_record(message) for message in messages]}
        context: Any = LambdaContext("ingest_messages", new_id(), now() + VISIBILITY, now)
        failed = self.function(event, context)["batchItemFailures"]
        return {each["MessageId"] for each in messages} - {e["itemIdentifier"] for e in failed}

    def drain(self, chance: random.Random) -> int:
        """Handle all there is, as a poller that dies with every fifth batch; return how many died.

        One that died has had the function work on its batch, and deletes nothing.
        """
        empty = died = rounds = 0
        while empty < EMPTY_ROUNDS:
            rounds += 1
            assert rounds < PATIENCE_ROUNDS
            messages = self.receive()
            empty = 0 if messages else empty + 1
            if not messages:
                continue
            done = self.invoke(messages)
            if chance.random() < 1 / 5:
                died += 1
                continue
            for each in messages:
                if each["MessageId"] in done:
                    self.queue.client.delete_message(
                        QueueUrl=self.queue.url, ReceiptHandle=each["ReceiptHandle"]
                    )
        return died

    @property
    def jobs(self) -> list[Job]:
        return stores.store().jobs.recent(self.project, limit=2 * MESSAGES)

    @property
    def letters(self) -> list[Letter]:
        return letters.sqs_graveyard().letters(QueueName.INGEST, limit=2 * MESSAGES)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Count the requests to DynamoDB and SQS in the block, by operation."""
        calls: Counter[str] = Counter()

        def count(model: object, **_: object) -> None:
            calls[getattr(model, "name")] += 1  # noqa: B009 - botocore has no types

        for client in self.clients:
            client.meta.events.register("before-call", count, unique_id="counting")
        try:
            yield calls
        finally:
            for client in self.clients:
                client.meta.events.unregister("before-call", unique_id="counting")


def as_record(message: dict[str, Any]) -> dict[str, Any]:
    """Return a received message as Lambda hands it to a function."""
    attributes = {
        name: {"dataType": value["DataType"], "stringValue": value.get("StringValue")}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:ingest",
        "awsRegion": REGION,
    }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    client = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    with ExitStack() as stack:
        store = stack.enter_context(dynamo_store())
        queue = stack.enter_context(a_queue(client, VisibilityTimeout="1"))
        worker = stack.enter_context(a_queue(client, ".fifo"))
        for engine, url in {
            "DYNAMODB": endpoint("dynamodb"),
            "SQS": endpoint("sqs"),
            "S3": store.s3.meta.endpoint_url,
        }.items():
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{engine}", url)
        project = f"project-{new_id()}"
        choices = {
            "edition": "aws",
            "record_table": store.record_table,
            "control_table": store.control_table,
            "bucket": store.bucket,
            "opensearch_url": "http://127.0.0.1:1",
            "opensearch_auth": "none",
            "index_queue_url": queue.url,
            "worker_queue_url": worker.url,
            "ingest_queue_url": queue.url,
            "ingest_project": project,
            "dead_letters_url": queue.dead,
        }
        stack.enter_context(stack.enter_context(bootstrap.choosing(**choices)))
        bootstrap.create_key()(project, "test")
        function = load_module("ingest_messages")
        ours = vars(function)["ingest"].add
        clients = (stores.dynamo_store().dynamodb, ours.work.wake_ups.client, store.s3)
        yield World(project, queue, worker, function.lambda_handler, clients)
    client.close()


def a_body(number: int, **fields: object) -> str:
    body = {"version": 1, "messages": f"fact {number}", "user_id": f"user {number % 7}"}
    return json.dumps({**body, "infer": False, **fields})


@pytest.mark.slow
def test_every_good_message_is_one_job_and_every_bad_one_a_letter(world: World) -> None:
    chance = random.Random(20261121)
    poison = [a_body(number, version=9) for number in range(POISON)]
    named = [a_body(number, id=f"order {number}") for number in range(DUPLICATES)]
    others = [a_body(number) for number in range(DUPLICATES, MESSAGES - POISON)]
    bodies = [*poison, *named, *named, *others]
    chance.shuffle(bodies)
    before = now()
    world.send(bodies)

    died = world.drain(chance)

    assert died > 0
    jobs = world.jobs
    asked = Counter(job.request.messages[0].content for job in jobs)  # type: ignore[union-attr]
    assert asked == Counter(f"fact {number}" for number in range(MESSAGES - POISON))
    assert {job.status for job in jobs} == {JobStatus.PENDING}
    assert all(before <= moment(job.asked_at) <= job.created_at for job in jobs)
    # A poller that died had the bad ones of its batch buried, and they came again.
    reasons = {letter.message: letter.reason for letter in world.letters}
    told = "is no IngestMessage: version: Input should be 1"
    assert reasons == dict.fromkeys(poison, told)
    assert {letter.origin.group for letter in world.letters if letter.origin} == {"support"}
    assert wake_ups(world.worker) >= len(jobs)


def moment(asked_at: datetime | None) -> datetime:
    assert asked_at is not None
    # SQS counts milliseconds, cut off.
    return asked_at.replace(microsecond=asked_at.microsecond + 999)


def wake_ups(queue: Queue) -> int:
    name: Any = "ApproximateNumberOfMessages"
    asked = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=[name])
    return int(asked["Attributes"][name])


def test_a_message_is_one_write_and_one_wake_up(world: World) -> None:
    world.send([a_body(number) for number in range(20)])
    batches = [world.receive(), world.receive()]
    assert [len(batch) for batch in batches] == [10, 10]

    with world.counted() as first:
        world.invoke(batches[0])
    with world.counted() as second:
        world.invoke(batches[1])

    # Whether the project has a key is asked for each batch, what it has set once a minute.
    assert first == {"Query": 1, "GetItem": 1, "TransactWriteItems": 10, "SendMessage": 10}
    assert second == {"Query": 1, "TransactWriteItems": 10, "SendMessage": 10}


def test_a_message_that_comes_again_is_a_write_that_fails_two_reads_and_a_wake_up(
    world: World,
) -> None:
    world.send([a_body(1)])
    batch = world.receive()
    world.invoke(batch)

    with world.counted() as again:
        world.invoke(batch)

    # Whose the id is, and that job, which nobody has begun: its first wake-up may have been lost.
    assert again == {"Query": 1, "TransactWriteItems": 1, "GetItem": 2, "SendMessage": 1}


def test_poison_is_one_message_to_the_dead_letters(world: World) -> None:
    world.send([a_body(1, version=9)])
    batch = world.receive()

    with world.counted() as calls:
        world.invoke(batch)

    assert calls["TransactWriteItems"] == 0
    assert len(world.letters) == 1
