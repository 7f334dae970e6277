"""All wake-ups of ours pass the published suite; what is particular to a queue."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from recollect.adapters.aws.wake_ups import (
    SUBJECTS_PER_MESSAGE,
    SqsDeadLetters,
    SqsWakeUps,
)
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import LANES
from recollect.entrypoints.invocation import LambdaContext
from recollect.entrypoints.messages import JobIsWaiting, SubjectsHaveNews
from recollect.entrypoints.queues import LAST_RECEIVE, queue_handler
from recollect.entrypoints.worker import sqs_event
from recollect.testing.wake_ups import *
from recollect.testing.wake_ups import Line, News, Waiting, an_add
from tests.engines import endpoint, received

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageTypeDef

POISON = '{"project": "acme"}'
NOBODY = "http://127.0.0.1:1"
LARGEST_MESSAGE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Queue:
    """A queue of SQS that nobody else uses."""

    client: "SQSClient"
    url: str

    def receive(self) -> list["MessageTypeDef"]:
        return received(self.client, self.url)

    def bodies(self) -> Iterator[str]:
        """Yield, and delete, all messages."""
        while messages := self.receive():
            for message in messages:
                yield message["Body"]
                self.delete(message)

    def take(self) -> list[News]:
        taken = [SubjectsHaveNews.model_validate_json(body) for body in self.bodies()]
        return [(news.project, tuple(news.subject_keys)) for news in taken]

    def take_jobs(self) -> list[Waiting]:
        taken = [JobIsWaiting.model_validate_json(body) for body in self.bodies()]
        return [(news.project, news.job_id) for news in taken]

    def delete(self, message: "MessageTypeDef") -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def a_queue(
    client: "SQSClient", attributes: "Mapping[QueueAttributeNameType, str] | None" = None
) -> Iterator[Queue]:
    given = attributes or {}
    ending = ".fifo" if "FifoQueue" in given else ""
    made = client.create_queue(QueueName=f"test-{uuid4().hex}{ending}", Attributes=given)
    try:
        yield Queue(client, made["QueueUrl"])
    finally:
        client.delete_queue(QueueUrl=made["QueueUrl"])


@contextmanager
def local() -> Iterator[Line]:
    wake_ups = LocalWakeUps()

    def take_jobs() -> list[Waiting]:
        taken = []
        while len(wake_ups.jobs):
            with wake_ups.jobs.next() as job:
                taken.append(job)
        return [job for job in taken if job]

    yield Line(wake_ups, lambda: wake_ups.subjects.take(limit=10_000), take_jobs)


@contextmanager
def sqs() -> Iterator[Line]:
    with (
        a_client() as client,
        a_queue(client) as queue,
        a_queue(client, {"FifoQueue": "true"}) as jobs,
    ):
        wake_ups = replace(wake_ups_to(client, queue.url), worker_queue_url=jobs.url)
        yield Line(wake_ups, queue.take, jobs.take_jobs)


def wake_ups_to(client: "SQSClient", url: str) -> SqsWakeUps:
    """Return wake-ups of the index over this queue, of the graph over others beside it."""
    return SqsWakeUps(client=client, index_queue_url=url, new_token=lambda: uuid4().hex)


@contextmanager
def a_client() -> Iterator["SQSClient"]:
    client = boto3.client("sqs", endpoint_url=endpoint("sqs"))
    yield client
    client.close()


@pytest.fixture(
    params=[
        pytest.param(local, id="local"),
        pytest.param(sqs, id="sqs", marks=pytest.mark.engines),
    ]
)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    build: Callable[[], AbstractContextManager[Line]] = request.param
    with build() as built:
        yield built


def test_here_the_same_news_twice_is_one() -> None:
    wake_ups = LocalWakeUps()

    wake_ups.index("acme", ["ada"])
    wake_ups.index("acme", ["ada"])

    assert wake_ups.subjects.take(limit=10) == [("acme", ("ada",))]


def test_here_no_more_is_taken_than_was_asked_for() -> None:
    wake_ups = LocalWakeUps()

    wake_ups.index("acme", ["ada"])
    wake_ups.index("acme", ["ben"])

    assert wake_ups.subjects.take(limit=1) == [("acme", ("ada",))]
    assert wake_ups.subjects.take(limit=1) == [("acme", ("ben",))]


def test_waiting_ends_when_somebody_has_news() -> None:
    wake_ups = LocalWakeUps()
    assert not wake_ups.subjects.wait(0.01)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wake_ups.subjects.wait, 10)
        wake_ups.index("acme", ["ada"])

        assert waiting.result(10)


@pytest.mark.engines
def test_poison_is_buried_with_its_reason_and_stops_nobody() -> None:
    # Without a time-out, what failed is delivered again at once.
    with (
        a_client() as client,
        a_queue(client, {"VisibilityTimeout": "0"}) as queue,
        a_queue(client) as graves,
    ):
        wake_ups = wake_ups_to(client, queue.url)
        wake_ups.index("acme", ["ada"])
        client.send_message(QueueUrl=queue.url, MessageBody=POISON)
        wake_ups.index("down", ["ben"])

        rounds = [deliver(queue, graves) for _ in range(LAST_RECEIVE + 1)]

        assert rounds == [(3, 1), *[(1, 1)] * (LAST_RECEIVE - 2), (1, 0), (0, 0)]
        reasons = {
            message["Body"]: message["MessageAttributes"]["reason"]["StringValue"]
            for message in graves.receive()
        }
        assert reasons.pop(POISON).startswith("is no SubjectsHaveNews")
        assert list(reasons.values()) == [f"failed {LAST_RECEIVE} times: The index is down"]


def deliver(queue: Queue, graves: Queue) -> tuple[int, int]:
    """Hand one batch to a function as Lambda does; return how many came and how many failed."""
    messages = queue.receive()
    if not messages:
        return 0, 0
    now = datetime.now(UTC)
    event = sqs_event([message["Body"] for message in messages], now=now)
    for message, record in zip(messages, event["Records"], strict=True):
        record["attributes"] = message["Attributes"]
    context: Any = LambdaContext("projector", "test", now, lambda: datetime.now(UTC))
    dead_letters = SqsDeadLetters(queue.client, graves.url, lambda: uuid4().hex)
    answer = queue_handler(SubjectsHaveNews, fail_when_down, dead_letters)(event, context)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    for message, record in zip(messages, event["Records"], strict=True):
        if record["messageId"] not in failed:
            queue.delete(message)
    return len(messages), len(failed)


def fail_when_down(news: SubjectsHaveNews) -> None:
    if news.project == "down":
        message = "The index is down"
        raise UnavailableError(message)


@dataclass(frozen=True)
class Stubbed:
    """Wake-ups whose client answers what the test says; botocore checks every request."""

    wake_ups: SqsWakeUps
    stub: Stubber
    sent: list[dict[str, str]]


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    client = boto3.client("sqs")
    sent: list[dict[str, str]] = []
    client.meta.events.register(
        "provide-client-params.sqs.SendMessage", lambda params, **_: sent.append(params)
    )
    with Stubber(client) as stub:
        url = "https://sqs.example/queue"
        wake_ups = replace(
            wake_ups_to(client, url), webhook_queue_url=url, worker_queue_url=f"{url}.fifo"
        )
        yield Stubbed(wake_ups, stub, sent)
        stub.assert_no_pending_responses()
    client.close()


def test_the_messages_of_a_project_are_one_group_without_its_name(stubbed: Stubbed) -> None:
    for project in ("acme", "acme", "umbrella"):
        stubbed.stub.add_response("send_message", {})
        stubbed.wake_ups.index(project, ["ada"])

    groups = [request["MessageGroupId"] for request in stubbed.sent]
    assert groups[0] == groups[1] != groups[2]
    assert "acme" not in groups[0]


def test_more_than_a_message_holds_is_said_in_several(stubbed: Stubbed) -> None:
    keys = [f"{number:032}" for number in range(SUBJECTS_PER_MESSAGE + 1)]
    for _ in range(2):
        stubbed.stub.add_response("send_message", {})

    stubbed.wake_ups.index("acme", keys)

    bodies = [request["MessageBody"] for request in stubbed.sent]
    said = [SubjectsHaveNews.model_validate_json(body) for body in bodies]
    assert [key for news in said for key in news.subject_keys] == keys
    assert all(len(body) < LARGEST_MESSAGE_BYTES for body in bodies)


def test_a_refused_wake_up_fails_no_commit_and_names_nobody(
    stubbed: Stubbed, caplog: pytest.LogCaptureFixture
) -> None:
    stubbed.stub.add_client_error("send_message", "AccessDenied", "acme and ada may not")

    stubbed.wake_ups.index("acme", ["ada"])

    assert caplog.messages == ["a wake-up was lost: AccessDenied"]


def test_an_unreachable_queue_fails_no_commit(caplog: pytest.LogCaptureFixture) -> None:
    once = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sqs", endpoint_url=NOBODY, config=once)

    wake_ups_to(client, f"{NOBODY}/queue").index("acme", ["ada"])

    client.close()
    assert caplog.messages == ["a wake-up was lost: EndpointConnectionError"]


def test_the_queue_tells_how_long_the_line_is(stubbed: Stubbed) -> None:
    told = {"Attributes": {"ApproximateNumberOfMessages": "7"}}
    stubbed.stub.add_response("get_queue_attributes", told)

    assert stubbed.wake_ups.waiting() == 7


def test_a_line_that_cannot_be_looked_at_is_none(
    stubbed: Stubbed, caplog: pytest.LogCaptureFixture
) -> None:
    stubbed.stub.add_client_error("get_queue_attributes", "AccessDenied", "not for acme")

    assert stubbed.wake_ups.waiting() == 0

    assert caplog.messages == ["the worker's queue cannot be looked at: AccessDenied"]


def test_who_loses_the_wake_up_of_a_worker_is_told(
    stubbed: Stubbed, caplog: pytest.LogCaptureFixture
) -> None:
    stubbed.stub.add_client_error("send_message", "Throttling", "acme and ada must wait")
    stubbed.stub.add_response("send_message", {})

    assert not stubbed.wake_ups.work(an_add("ada"))
    assert stubbed.wake_ups.work(an_add("ada"))

    assert caplog.messages == ["a wake-up was lost: Throttling"]


def test_the_lanes_of_a_project_are_groups_without_a_name(stubbed: Stubbed) -> None:
    jobs = [an_add("ada"), an_add("ada"), an_add("ada", "umbrella")]
    jobs += [an_add(f"user {number}") for number in range(60)]
    for job in jobs:
        stubbed.stub.add_response("send_message", {})
        stubbed.wake_ups.work(job)

    groups = [request["MessageGroupId"] for request in stubbed.sent]
    assert groups[0] == groups[1] != groups[2]
    assert len(set(groups)) <= LANES + 1
    assert not any(name in group for group in groups for name in ("acme", "umbrella", "ada"))
    tokens = {request["MessageDeduplicationId"] for request in stubbed.sent}
    assert len(tokens) == len(jobs)
