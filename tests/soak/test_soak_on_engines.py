"""Everything that arrives as an event is remembered once, or buried with its reason: on engines."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest

from recollect import bootstrap
from recollect.bootstrap import stores
from recollect.domain.object_keys import ObjectKey
from recollect.entrypoints.worker import MESSAGES_AT_ONCE
from recollect.ports.letters import Letter, QueueName
from recollect.ports.objects import etag_version
from tests.aws import make_bucket, make_queue
from tests.aws_edition import configured
from tests.callers import now
from tests.engines import endpoint
from tests.handlers.commands import invoke, printed
from tests.soak import on_engines
from tests.soak.ending import Ending, read_report
from tests.soak.events import created, told
from tests.soak.killing import Program, survive
from tests.soak.load import PROJECT, Load, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

pytestmark = pytest.mark.engines

SEQUENCER = "0055AED6DCD90281E5"
FORGETTING_SHARE = "0.03"
LOOKS_AT_NOTHING = 3
"""Empty answers after which a queue counts as empty."""


@pytest.mark.slow
def test_everything_is_remembered_once_whatever_is_killed() -> None:
    soak(Load.of(3, messages=400, objects=12), kills=3, seconds=300)


@pytest.mark.soak
def test_ten_thousand_messages_and_two_hundred_objects() -> None:
    soak(Load.of(4, messages=10_000, objects=200), kills=12, seconds=3_600)


def soak(load: Load, *, kills: int, seconds: float) -> None:
    """Have the AWS edition remember it all, and see that it did."""
    with an_environment() as bucket:
        s3, sqs = boto3.client("s3"), boto3.client("sqs")
        tags = {each.key: put(s3, bucket, each) for each in load.objects}
        events = [created_event(bucket, each, tags[each.key]) for each in load.objects]
        bodies = [json.dumps(event) for event in told(events, load.chance)]
        send(sqs, os.environ[on_engines.OBJECT_QUEUE], bodies)
        send(sqs, os.environ[on_engines.INGEST_QUEUE], messages(load))
        program = Program(on_engines.__name__, (str(load.seed), FORGETTING_SHARE))

        survive(program, load, kills=kills, seconds=seconds)

        with bootstrap.aws_edition():
            an_ending(s3, sqs, bucket, tags).check(load)
        compared = printed(invoke("verify", "--edition", "aws", "--json"))["projects"]
        assert {each["project"]: each["drift"] for each in compared} == {PROJECT: 0}


@contextmanager
def an_environment() -> Iterator[str]:
    """Configure the AWS edition for this process and its children; yield the users' bucket."""
    kept = dict(os.environ)
    try:
        with configured():
            prefix = f"soak-{uuid4().hex[:8]}"
            sqs = boto3.client("sqs")
            os.environ.update(
                {
                    "RECOLLECT_EMBEDDER": "bundled",
                    "RECOLLECT_LANGUAGE_MODEL": "rules",
                    "RECOLLECT_GRAPH": "none",
                    "RECOLLECT_INGEST_PROJECT": PROJECT,
                    on_engines.INGEST_QUEUE: make_queue(sqs, f"{prefix}-ingest"),
                    on_engines.OBJECT_QUEUE: make_queue(sqs, f"{prefix}-objects"),
                }
            )
            for url in on_engines.QUEUES:
                visibility = str(on_engines.VISIBILITY_SECONDS)
                sqs.set_queue_attributes(
                    QueueUrl=os.environ[url], Attributes={"VisibilityTimeout": visibility}
                )
            try:
                yield make_bucket(boto3.client("s3"), f"{prefix}-users")
            finally:
                clear_up()
    finally:
        os.environ.clear()
        os.environ.update(kept)


def clear_up() -> None:
    """Delete the tables, queues and indexes that the environment names."""
    sqs, dynamodb = boto3.client("sqs"), boto3.client("dynamodb")
    for name in ("RECOLLECT_RECORD_TABLE", "RECOLLECT_CONTROL_TABLE"):
        dynamodb.delete_table(TableName=os.environ[name])
    for name in [name for name in os.environ if name.endswith(("_QUEUE_URL", "_LETTERS_URL"))]:
        sqs.delete_queue(QueueUrl=os.environ[name])
    prefix = os.environ["RECOLLECT_OPENSEARCH_INDEX"]
    httpx.delete(f"{endpoint('opensearch')}/{prefix}-*", timeout=30).raise_for_status()


def put(s3: "S3Client", bucket: str, stored: Stored) -> str:
    """Write an object; return its tag."""
    tag = s3.put_object(Bucket=bucket, Key=stored.key, Body=stored.data)["ETag"].strip('"')
    if not stored.is_there:
        s3.delete_object(Bucket=bucket, Key=stored.key)
    return tag


def created_event(bucket: str, stored: Stored, tag: str) -> dict[str, Any]:
    """Return what is told of an object."""
    size = len(stored.data)
    return created(bucket, stored.key, size=size, eTag=tag, sequencer=SEQUENCER)


def messages(load: Load) -> list[str]:
    """Return the bodies to send, again only those that say which message they are."""
    bodies = [each.body for each in load.deliveries()]
    once = dict.fromkeys(bodies)
    return [*once, *(body for body in bodies if '"id"' in body)]


def send(sqs: "SQSClient", url: str, bodies: list[str]) -> None:
    """Send messages."""
    for start in range(0, len(bodies), MESSAGES_AT_ONCE):
        some = bodies[start : start + MESSAGES_AT_ONCE]
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(place), "MessageBody": body} for place, body in enumerate(some)
        ]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def an_ending(s3: "S3Client", sqs: "SQSClient", bucket: str, tags: Mapping[str, str]) -> Ending:
    """Return what the tables and queues have in the end."""

    def report_on(stored: Stored) -> Mapping[str, Any]:
        version = etag_version(tags[stored.key], SEQUENCER)
        key = ObjectKey.of(stored.key).report(version)
        return read_report(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    store = stores.dynamo_store()
    return Ending(store.listing, store.jobs, store.record, letters(sqs), report_on)


def letters(sqs: "SQSClient") -> Mapping[QueueName, Collection[Letter]]:
    """Return the dead letters, which are all in one queue here, by what they look like."""
    found: dict[QueueName, list[Letter]] = {
        queue: [] for queue in (QueueName.INGEST, QueueName.OBJECTS, QueueName.WORKER)
    }
    url, misses = os.environ["RECOLLECT_DEAD_LETTERS_URL"], 0
    while misses < LOOKS_AT_NOTHING:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=MESSAGES_AT_ONCE, MessageAttributeNames=["All"]
        )
        some = answer.get("Messages", [])
        misses = 0 if some else misses + 1
        for each in some:
            body, reason = each["Body"], each["MessageAttributes"]["reason"]["StringValue"]
            queue = queue_of(body)
            letter = Letter(
                id=each["MessageId"], queue=queue, message=body, reason=reason, at=now()
            )
            found[queue].append(letter)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


def queue_of(body: str) -> QueueName:
    """Return the queue that such a message was in."""
    if '"job_id"' in body:
        return QueueName.WORKER
    return QueueName.OBJECTS if '"Records"' in body else QueueName.INGEST
