"""All graveyards of ours pass the published suite; what is particular to each."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from recollect.adapters.aws.graveyard import MOST_TOGETHER, SqsGraveyard
from recollect.adapters.aws.wake_ups import LONGEST_REASON, SqsDeadLetters
from recollect.adapters.local.letters import KEPT, LocalDeadLetters, LocalGraveyard
from recollect.adapters.stored_letters import ORIGIN as ORIGIN_NAME
from recollect.adapters.stored_letters import load_origin
from recollect.domain.errors import UnavailableError
from recollect.ports.letters import Letter, Origin, QueueName
from recollect.testing.builders import NOON
from recollect.testing.graveyard import *
from recollect.testing.graveyard import HERE, THERE, Plot, everything
from tests.contract.stores import local_store
from tests.engines import REGION, endpoint, received
from tests.service import Clock, Ids

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUE_URL = "https://sqs.example/queue"
MOST_RECEIVES = 8
SHOWN: dict[str, Any] = {"Successful": [], "Failed": []}


@dataclass
class Functions:
    """Take what they are given, unless they are not to be reached."""

    taken: dict[QueueName, list[tuple[str, Origin | None]]] = field(default_factory=dict)
    are_away: bool = False

    def __call__(self, letter: Letter) -> bool:
        if not self.are_away:
            self.taken.setdefault(letter.queue, []).append((letter.message, letter.origin))
        return not self.are_away


@dataclass(frozen=True)
class Here:
    """A data file with letters, and the functions that they go to."""

    plot: Plot
    functions: Functions
    clock: Clock


@contextmanager
def here(folder: Path) -> Iterator[Here]:
    store, functions, clock, ids = local_store(folder / "recollect.db"), Functions(), Clock(), Ids()

    def bury(queue: QueueName) -> LocalDeadLetters:
        return LocalDeadLetters(store.database, queue, clock, ids)

    graveyard = LocalGraveyard(store.database, functions)
    plot = Plot(bury, graveyard, lambda queue: functions.taken.get(queue, []))
    yield Here(plot, functions, clock)
    store.database.close()


@contextmanager
def local(folder: Path) -> Iterator[Plot]:
    with here(folder) as built:
        yield built.plot


@dataclass(frozen=True)
class Queue:
    """A queue of SQS with its dead letters, which nobody else uses."""

    client: "SQSClient"
    url: str
    dead: str

    @property
    def letters(self) -> SqsDeadLetters:
        return SqsDeadLetters(self.client, self.dead, lambda: uuid4().hex)

    def receive(self) -> list["MessageTypeDef"]:
        return received(self.client, self.url)

    def take(self) -> list[tuple[str, Origin | None]]:
        return [(each["Body"], origin_in(each)) for each in self.receive()]


def origin_in(message: "MessageTypeDef") -> Origin | None:
    attribute = message.get("MessageAttributes", {}).get(ORIGIN_NAME)
    return load_origin(attribute["StringValue"]) if attribute else None


@contextmanager
def a_queue(client: "SQSClient", ending: str = "", **attributes: str) -> Iterator[Queue]:
    more: dict[Any, str] = {**attributes, **({"FifoQueue": "true"} if ending else {})}
    name = f"test-{uuid4().hex}"
    fifo: dict[Any, str] = {"FifoQueue": "true"} if ending else {}
    dead = client.create_queue(QueueName=f"{name}-dead{ending}", Attributes=fifo)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    policy = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": MOST_RECEIVES}
    more["RedrivePolicy"] = json.dumps(policy)
    url = client.create_queue(QueueName=f"{name}{ending}", Attributes=more)["QueueUrl"]
    try:
        yield Queue(client, url, dead)
    finally:
        for each in (url, dead):
            client.delete_queue(QueueUrl=each)


@contextmanager
def a_client() -> Iterator["SQSClient"]:
    client = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    yield client
    client.close()


@contextmanager
def sqs(ending: str, _folder: Path) -> Iterator[Plot]:
    with ExitStack() as stack:
        client = stack.enter_context(a_client())
        queues = {name: stack.enter_context(a_queue(client, ending)) for name in (HERE, THERE)}
        graveyard = SqsGraveyard(client, {name: queue.url for name, queue in queues.items()})
        yield Plot(
            lambda queue: queues[queue].letters, graveyard, lambda queue: queues[queue].take()
        )


@pytest.fixture(
    params=[
        pytest.param(local, id="local"),
        pytest.param(partial(sqs, ""), id="sqs", marks=pytest.mark.engines),
        pytest.param(partial(sqs, ".fifo"), id="fifo", marks=pytest.mark.engines),
    ]
)
def plot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plot]:
    build: Callable[[Path], AbstractContextManager[Plot]] = request.param
    with build(tmp_path) as built:
        yield built


# In the data file


def test_here_letters_are_forgotten_when_sqs_would_forget_them(tmp_path: Path) -> None:
    with here(tmp_path) as built:
        built.plot.bury(HERE).bury("old", "failed")
        built.clock.forward(KEPT - timedelta(seconds=1))
        built.plot.bury(HERE).bury("new", "failed")
        assert len(built.plot.graveyard.letters(HERE, limit=10)) == 2

        built.clock.forward(timedelta(seconds=2))
        built.plot.bury(THERE).bury("newest", "failed")

        letters = built.plot.graveyard.letters(HERE, limit=10)
        assert [letter.message for letter in letters] == ["new"]


def test_here_letters_are_told_without_what_is_in_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with here(tmp_path) as built:
        built.plot.bury(HERE).bury("a secret", "names a secret")

    assert caplog.messages == ["a message could not be handled: 'recollect dlq list' tells why"]


def test_here_what_no_function_takes_stays(tmp_path: Path) -> None:
    with here(tmp_path) as built:
        built.plot.bury(HERE).bury("{}", "failed")
        built.functions.are_away = True

        assert built.plot.graveyard.redrive(HERE, everything, limit=10) == []

        assert len(built.plot.graveyard.letters(HERE, limit=10)) == 1


# In queues of SQS


@pytest.mark.engines
def test_what_the_queue_itself_gave_up_is_told_so_and_is_as_old_as_it_was() -> None:
    with a_client() as client, a_queue(client, VisibilityTimeout="0") as queue:
        attribute: Any = {"trace": {"DataType": "String", "StringValue": "7"}}
        sent = client.send_message(
            QueueUrl=queue.url, MessageBody="{}", MessageGroupId="t", MessageAttributes=attribute
        )
        for _ in range(MOST_RECEIVES):
            assert queue.receive()
        assert queue.receive() == []
        graveyard = SqsGraveyard(client, {HERE: queue.url})

        [letter] = graveyard.letters(HERE, limit=10)
        graveyard.redrive(HERE, everything, limit=10)

        assert letter.reason == "was delivered 8 times, and no reason was told"
        assert letter.origin is not None
        assert (letter.origin.message_id, letter.origin.sent_at) == (sent["MessageId"], letter.at)
        assert letter.origin.attributes == {"trace": ("String", "7")}
        assert queue.take() == [("{}", letter.origin)]


@pytest.mark.engines
def test_a_reason_of_any_characters_and_length_can_be_sent() -> None:
    with a_client() as client, a_queue(client) as queue:
        queue.letters.bury("{}", "is \x00 \ud800 \uffff" + "ä" * LONGEST_REASON)

        [letter] = SqsGraveyard(client, {HERE: queue.url}).letters(HERE, limit=10)

    assert letter.reason.startswith("is ? ? ?ä")
    assert len(letter.reason) == LONGEST_REASON


@contextmanager
def stubbed() -> Iterator[tuple[SqsGraveyard, Stubber]]:
    client = boto3.client("sqs")
    with Stubber(client) as stub:
        yield SqsGraveyard(client, {HERE: QUEUE_URL}), stub
        stub.assert_no_pending_responses()
    client.close()


def a_grave(stub: Stubber) -> None:
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:1:dead", "maxReceiveCount": "8"}
    stub.add_response("get_queue_attributes", {"Attributes": {"RedrivePolicy": json.dumps(policy)}})
    stub.add_response(
        "get_queue_url",
        {"QueueUrl": f"{QUEUE_URL}-dead"},
        {"QueueName": "dead", "QueueOwnerAWSAccountId": "1"},
    )


def told_messages(*numbers: int) -> dict[str, Any]:
    sent = str(int(NOON.timestamp() * 1000))
    return {
        "Messages": [
            {
                "MessageId": f"{number}",
                "ReceiptHandle": f"handle {number}",
                "Body": "{}",
                "Attributes": {"SentTimestamp": sent},
            }
            for number in numbers
        ]
    }


def shown_again(*numbers: int) -> dict[str, Any]:
    return {
        "QueueUrl": f"{QUEUE_URL}-dead",
        "Entries": [
            {"Id": f"{place}", "ReceiptHandle": f"handle {number}", "VisibilityTimeout": 0}
            for place, number in enumerate(numbers)
        ],
    }


def test_whatever_was_looked_at_is_shown_again_at_once() -> None:
    with stubbed() as (graveyard, stub):
        a_grave(stub)
        stub.add_response("receive_message", told_messages(*range(MOST_TOGETHER)))
        stub.add_response("receive_message", told_messages(10, 11))
        for some in (range(MOST_TOGETHER), (10, 11)):
            stub.add_response("change_message_visibility_batch", SHOWN, shown_again(*some))

        assert len(graveyard.letters(HERE, limit=12)) == 12


def test_a_letter_that_was_sent_and_cannot_be_removed_is_shown_again() -> None:
    with stubbed() as (graveyard, stub):
        a_grave(stub)
        stub.add_response("receive_message", told_messages(1, 2))
        stub.add_response("receive_message", {})
        stub.add_response("send_message", {"MessageId": "3"})
        stub.add_client_error("delete_message", "ServiceUnavailable")
        stub.add_response("change_message_visibility_batch", SHOWN, shown_again(1, 2))

        with pytest.raises(UnavailableError, match="worker cannot be used: ServiceUnavailable"):
            graveyard.redrive(HERE, everything, limit=10)


@pytest.mark.parametrize("code", ["InvalidParameterValue", "InvalidMessageContents"])
def test_a_message_that_the_queue_never_takes_stays_and_holds_up_no_other(code: str) -> None:
    with stubbed() as (graveyard, stub):
        a_grave(stub)
        stub.add_response("receive_message", told_messages(1, 2))
        stub.add_response("receive_message", {})
        stub.add_client_error("send_message", code, "One or more parameters are too long")
        stub.add_response("send_message", {"MessageId": "3"})
        stub.add_response("delete_message", {})
        stub.add_response("change_message_visibility_batch", SHOWN, shown_again(1))

        redriven = graveyard.redrive(HERE, everything, limit=10)

    assert [letter.id for letter in redriven] == ["2"]


def test_a_queue_without_dead_letters_is_told_so() -> None:
    with stubbed() as (graveyard, stub):
        stub.add_response("get_queue_attributes", {"Attributes": {}})

        with pytest.raises(UnavailableError, match="it has no redrive policy"):
            graveyard.letters(HERE, limit=1)


def test_a_queue_that_is_not_there_is_told_without_its_owner() -> None:
    with stubbed() as (graveyard, stub):
        stub.add_client_error("get_queue_attributes", "QueueDoesNotExist", "of account 7")

        with pytest.raises(UnavailableError) as refusal:
            graveyard.letters(HERE, limit=1)

    assert isinstance(refusal.value.__cause__, ClientError)
    assert "account" not in str(refusal.value)
