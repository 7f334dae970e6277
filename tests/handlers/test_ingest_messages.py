"""The queue of users' messages: each good one is one job, each bad one a letter with its reason."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from recollect import bootstrap
from recollect.adapters.stored_letters import ORIGIN, dump_origin
from recollect.bootstrap import keys, letters
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.requests import AddRequest
from recollect.entrypoints.functions import load_module
from recollect.entrypoints.ingest_message import (
    EXAMPLES,
    MAX_BODY_BYTES,
    IngestMessage,
    schema_text,
)
from recollect.entrypoints.invocation import LambdaContext
from recollect.entrypoints.messages import JobIsWaiting
from recollect.entrypoints.worker import VISIBILITY, sqs_event
from recollect.ports.jobs import Jobs
from recollect.ports.letters import Letter, Origin, QueueName
from recollect.ports.record import ErasedError
from tests.callers import new_id, now

PROJECT = "acme"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:recollect-ingest"
SENT_AT = now().replace(microsecond=0) - timedelta(minutes=5)


@dataclass(frozen=True)
class Queue:
    """The function behind the queue, over a data file of its own."""

    function: ModuleType

    def deliver(self, *records: Mapping[str, Any]) -> list[str]:
        """Return the ids of the messages that are delivered again."""
        answer = self.function.lambda_handler({"Records": list(records)}, a_context())
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    @property
    def jobs(self) -> list[Job]:
        return bootstrap.local_store().jobs.recent(PROJECT, limit=1_000)

    @property
    def texts(self) -> list[str]:
        """What is to be remembered, sorted."""
        requests = [job.request for job in self.jobs]
        assert all(isinstance(request, AddRequest) for request in requests)
        return sorted(r.messages[0].content for r in requests if isinstance(r, AddRequest))

    @property
    def letters(self) -> list[Letter]:
        return letters.local_graveyard(lambda _: False).letters(QueueName.INGEST, limit=1_000)


def a_context() -> Any:  # noqa: ANN401 - Lambda's own
    return LambdaContext("ingest_messages", new_id(), now() + VISIBILITY, now)


def a_body(text: str = "I like tea", **fields: object) -> str:
    body = {"version": 1, "messages": text, "user_id": "ada", "infer": False, **fields}
    return json.dumps(body)


def a_record(
    body: str, *, message_id: str | None = None, sent_at: datetime = SENT_AT, receives: int = 1
) -> dict[str, Any]:
    [record] = sqs_event([body], now=sent_at)["Records"]
    record["messageId"] = message_id or new_id()
    record["eventSourceARN"] = QUEUE
    record["attributes"]["ApproximateReceiveCount"] = str(receives)
    found: dict[str, Any] = record
    return found


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    choices = {"edition": "local", "data": tmp_path / "recollect.db", "ingest_project": PROJECT}
    with bootstrap.choosing(**choices) as closing, closing:
        bootstrap.local_store().open()
        bootstrap.create_key()(PROJECT, "test")
        yield Queue(load_module("ingest_messages"))


def test_a_message_becomes_a_job_that_waits_for_a_worker(queue: Queue) -> None:
    record = a_record(a_body(metadata={"source": "support"}))

    assert queue.deliver(record) == []

    [job] = queue.jobs
    assert (job.status, job.message_id, job.asked_at) == (
        JobStatus.PENDING,
        record["messageId"],
        SENT_AT,
    )
    assert job.key_id is None
    assert isinstance(job.request, AddRequest)
    assert job.request.metadata == {"source": "support"}
    with bootstrap.local_wake_ups().jobs.next() as waiting:
        assert waiting == (PROJECT, job.id)
    assert queue.letters == []


def test_what_was_accepted_is_remembered_by_the_worker(queue: Queue) -> None:
    queue.deliver(a_record(a_body("I like tea")))
    [job] = queue.jobs
    news = JobIsWaiting(project=PROJECT, job_id=job.id).model_dump_json()

    load_module("worker").lambda_handler(sqs_event([news], now=now()), a_context())

    [done] = queue.jobs
    assert (done.status, [each.text for each in done.outcomes]) == (
        JobStatus.SUCCEEDED,
        ["I like tea"],
    )


def test_duplicates_in_any_order_and_poison_among_them(queue: Queue) -> None:
    chance = random.Random(7)
    good = [a_record(a_body(f"fact {number}")) for number in range(40)]
    bad = [a_record(a_body(f"bad {number}", version=2)) for number in range(4)]
    deliveries = [*good, *good, *bad]
    chance.shuffle(deliveries)

    for first in range(0, len(deliveries), 10):
        assert queue.deliver(*deliveries[first : first + 10]) == []

    assert queue.texts == sorted(f"fact {number}" for number in range(40))
    assert sorted(letter.message for letter in queue.letters) == sorted(r["body"] for r in bad)
    assert {letter.reason for letter in queue.letters} == {
        "is no IngestMessage: version: Input should be 1"
    }


def test_messages_of_one_id_are_one(queue: Queue) -> None:
    body = a_body("I like tea", id="order 7")

    queue.deliver(a_record(body), a_record(body))
    queue.deliver(a_record(body))

    assert len(queue.jobs) == 1
    assert queue.letters == []


def test_messages_without_an_id_are_each_its_own(queue: Queue) -> None:
    queue.deliver(a_record(a_body()), a_record(a_body()))

    assert len(queue.jobs) == 2


def test_an_id_with_another_body_is_poison(queue: Queue) -> None:
    queue.deliver(a_record(a_body("I like tea", id="order 7")))
    other = a_record(a_body("I like milk", id="order 7"))

    assert queue.deliver(other) == []

    [letter] = queue.letters
    assert letter.reason == "has the id of an earlier message, and another body"
    assert queue.texts == ["I like tea"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "is no IngestMessage: body: Invalid JSON: EOF while parsing a value"),
        ('"tea"', "is no IngestMessage: body: Input should be an object"),
        ('{"version": 1, "user_id": "ada"}', "is no IngestMessage: messages: Field required"),
        ('{"messages": "tea", "user_id": "ada"}', "is no IngestMessage: version: Field required"),
        (a_body(user="ada", s3cret=1), "is no IngestMessage: user: Extra inputs are not permit"),
        (a_body(id=""), "is no IngestMessage: id: String should have at least 1 character"),
        (a_body(project_id="umbrella"), "is refused: project_id or org_id is not the project"),
        (a_body(org_id="umbrella"), "is refused: project_id or org_id is not the project"),
        (a_body(" "), "is refused: messages must contain at least one message with text"),
        (a_body(timestamp="noon"), "is refused: timestamp must be unix seconds or an ISO"),
        (a_body(user_id=None), "is refused: "),
    ],
)
def test_what_no_repetition_helps_is_buried_at_once_as_it_was(
    queue: Queue, body: str, reason: str
) -> None:
    good = a_record(a_body("I like tea"))

    assert queue.deliver(a_record(body), good) == []

    [letter] = queue.letters
    assert letter.message == body
    assert letter.reason.startswith(reason)
    assert queue.texts == ["I like tea"]


def test_a_message_may_be_as_large_as_leaves_room_for_a_letter(queue: Queue) -> None:
    body = a_body("I like t").replace("like t", "like thé")
    largest = body + " " * (MAX_BODY_BYTES - len(body.encode()))

    assert queue.deliver(a_record(largest), a_record(f"{largest} ")) == []

    assert queue.texts == ["I like thé"]
    assert [each.reason for each in queue.letters] == ["is too large: at most 1000000 bytes"]


def test_every_unknown_field_is_named(queue: Queue) -> None:
    queue.deliver(a_record(a_body(user="ada", output_format="v1.1")))

    [letter] = queue.letters
    assert "user: Extra" in letter.reason
    assert "output_format: Extra" in letter.reason


def test_the_queues_own_project_may_be_named(queue: Queue) -> None:
    queue.deliver(a_record(a_body(project_id=PROJECT, org_id=PROJECT, async_mode=True)))

    assert len(queue.jobs) == 1


def test_a_letter_keeps_what_its_sender_wrote_beside_the_body(queue: Queue) -> None:
    record = a_record("{")
    record["attributes"]["MessageGroupId"] = "tenant 7"
    record["messageAttributes"] = {
        "trace": {"dataType": "String", "stringValue": "abc"},
        "raw": {"dataType": "Binary", "binaryValue": "AAE="},
    }

    queue.deliver(record)

    [letter] = queue.letters
    assert letter.origin == Origin(
        message_id=record["messageId"],
        sent_at=SENT_AT,
        group="tenant 7",
        attributes={"trace": ("String", "abc"), "raw": ("Binary", "AAE=")},
    )


@dataclass(frozen=True)
class Erased:
    """Jobs of which the one that was asked for has been erased."""

    def accept(self, job: Job, key: IdempotencyKey | None, *, lease_end: datetime) -> Job:  # noqa: ARG002
        raise ErasedError


def test_of_what_was_erased_nothing_is_kept(queue: Queue) -> None:
    served_by(queue, Erased())

    assert queue.deliver(a_record(a_body())) == []

    assert queue.letters == []


@dataclass(frozen=True)
class Unreachable:
    """Jobs whose store does not take every third one."""

    jobs: Jobs
    turns: Iterator[int]

    def accept(self, job: Job, key: IdempotencyKey | None, *, lease_end: datetime) -> Job:
        if next(self.turns) % 3 == 0:
            message = "The record is throttled"
            raise UnavailableError(message)
        return self.jobs.accept(job, key, lease_end=lease_end)


def served_by(queue: Queue, jobs: object) -> None:
    ingest = queue.function.ingest
    work = replace(ingest.add.work, jobs=jobs)
    vars(queue.function)["ingest"] = replace(ingest, add=replace(ingest.add, work=work))


def throttled(queue: Queue) -> Queue:
    served_by(queue, Unreachable(bootstrap.local_store().jobs, count()))
    return queue


def test_what_fails_for_now_alone_is_delivered_again(queue: Queue) -> None:
    records = [a_record(a_body(f"fact {number}")) for number in range(5)]

    failed = throttled(queue).deliver(*records, a_record("{"))

    assert failed == [records[0]["messageId"], records[3]["messageId"]]
    assert [letter.message for letter in queue.letters] == ["{"]
    while failed:
        failed = queue.deliver(*(each for each in records if each["messageId"] in failed))
    assert queue.texts == [f"fact {number}" for number in range(5)]


def test_what_fails_too_often_is_kept_with_its_reason(queue: Queue) -> None:
    assert throttled(queue).deliver(a_record(a_body(), receives=5)) == []

    [letter] = queue.letters
    assert letter.reason == "failed 5 times: The record is throttled"


def test_without_a_project_no_message_is_lost(tmp_path: Path) -> None:
    choices = {"edition": "local", "data": tmp_path / "recollect.db", "ingest_project": "acmee"}
    with bootstrap.choosing(**choices) as closing, closing:
        bootstrap.create_key()(PROJECT, "test")
        queue = Queue(load_module("ingest_messages"))

        with pytest.raises(InvalidRequestError, match="RECOLLECT_INGEST_PROJECT") as refusal:
            queue.deliver(a_record(a_body()), a_record("{"))

        assert "acmee" not in str(refusal.value)
        assert queue.letters == []


def test_messages_to_a_project_whose_keys_are_revoked_stay(queue: Queue) -> None:
    for key in keys.list_keys()(PROJECT):
        keys.revoke_key()(PROJECT, key.id)

    with pytest.raises(InvalidRequestError):
        queue.deliver(a_record(a_body()))

    assert queue.jobs == []


def test_a_queue_without_a_project_does_not_start(tmp_path: Path) -> None:
    choices = {"edition": "local", "data": tmp_path / "recollect.db", "ingest_project": ""}
    with (
        bootstrap.choosing(**choices) as closing,
        closing,
        pytest.raises(InvalidRequestError, match="RECOLLECT_INGEST_PROJECT is not set"),
    ):
        load_module("ingest_messages")


# Sent again


def sent_again(record: dict[str, Any], origin: str) -> dict[str, Any]:
    again = a_record(record["body"], sent_at=now())
    again["messageAttributes"] = {ORIGIN: {"dataType": "String", "stringValue": origin}}
    return again


def test_a_message_that_is_sent_again_is_the_one_that_it_was(queue: Queue) -> None:
    record = a_record(a_body())
    origin = Origin(message_id=record["messageId"], sent_at=SENT_AT, group="tenant 7")

    queue.deliver(sent_again(record, dump_origin(origin)))
    queue.deliver(record, sent_again(record, dump_origin(origin)))

    [job] = queue.jobs
    assert (job.message_id, job.asked_at) == (record["messageId"], SENT_AT)


def test_what_is_buried_again_keeps_its_origin(queue: Queue) -> None:
    origin = Origin(message_id=new_id(), sent_at=SENT_AT, group="tenant 7")

    queue.deliver(sent_again(a_record("{"), dump_origin(origin)))

    [letter] = queue.letters
    assert letter.origin == origin


def test_no_message_makes_itself_younger(queue: Queue) -> None:
    future = Origin(message_id="m", sent_at=now() + timedelta(days=365))
    record = sent_again(a_record(a_body()), dump_origin(future))

    queue.deliver(record)

    [job] = queue.jobs
    assert job.asked_at is not None
    assert job.asked_at < now()


@pytest.mark.parametrize("origin", ["", "{", '{"message_id": "m", "sent_at": "2026-01-01T00:00"}'])
def test_what_others_wrote_in_its_place_is_no_origin(queue: Queue, origin: str) -> None:
    record = sent_again(a_record(a_body()), origin)

    queue.deliver(record)

    [job] = queue.jobs
    assert job.message_id == record["messageId"]


# The message's form


def test_the_published_schema_is_that_of_the_model(pytestconfig: pytest.Config) -> None:
    committed = pytestconfig.rootpath / "docs" / "ingest-message.schema.json"

    assert committed.read_text(encoding="utf-8") == schema_text(), "run 'make openapi'"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_published_examples_are_messages(example: object) -> None:
    message = IngestMessage.model_validate_json(json.dumps(example))

    assert message.request_of(PROJECT).messages


def test_the_message_in_the_guide_is_one(pytestconfig: pytest.Config) -> None:
    guide = (pytestconfig.rootpath / "docs" / "ingestion.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```json\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    [block] = [each for each in blocks if '"version": 1' in each and '"content"' in each]

    message = IngestMessage.model_validate_json(block)

    assert message.request_of(PROJECT).messages[0].content == "I am allergic to walnuts."
