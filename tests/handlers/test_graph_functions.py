"""The graph's queue functions: what is set aside, delivered again or buried, in both editions."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest

from recollect import bootstrap
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.adapters.aws.wake_ups import SqsDeadLetters, SqsWakeUps
from recollect.bootstrap.letters import local_graveyard
from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Owner
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.functions import HTTP_FUNCTIONS, QUEUE_FUNCTIONS, load_handlers
from recollect.entrypoints.invocation import LambdaContext
from recollect.entrypoints.messages import MemoryIsUnreadable, OwnerHasNews
from recollect.entrypoints.worker import VISIBILITY, sqs_event
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from tests.aws import dynamo_store, make_queue
from tests.callers import ADD, SEARCH, Deployment, listed, new_id, now
from tests.engines import endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

POISON = "Zyx lives in a riddle"
SAID = ["Mia lives in Lisbon", POISON, "Tom lives in Porto"]
LIVES = [("Mia", "lives_in", "Lisbon"), ("Tom", "lives_in", "Porto")]


class Mind:
    """A model that knows where people live, makes no sense of riddles, and may be away."""

    model = "mind"
    is_away = False
    asked = 0

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        Mind.asked += 1
        if Mind.is_away:
            raise UnavailableError(self.model)
        lines = [json.loads(line) for line in turns[0].text.splitlines() if line.startswith("{")]
        found = [{"memory": line["memory"], **_drawn(line["text"])} for line in lines]
        return Reply(json.dumps({"memories": found}), Usage(1, 10, 1))


def _drawn(text: str) -> dict[str, Any]:
    if text == POISON:
        return {"relations": POISON}
    stated = re.fullmatch(r"(\w+) lives in (\w+)", text)
    assert stated
    lives = {"source": stated[1], "predicate": "lives_in", "target": stated[2]}
    return {"relations": [lives]}


@dataclass(frozen=True)
class Edition:
    """Functions over an edition, and the letters that they wrote: message and reason."""

    deployment: Deployment
    letters: Callable[[], list[tuple[str, str]]]

    def invoke(self, function: str, *bodies: str) -> list[str]:
        """Return the bodies of the messages that are delivered again."""
        event = sqs_event(bodies, now=now())
        context: Any = LambdaContext(function, new_id(), now() + VISIBILITY, now)
        answer = self.deployment.handlers[function](event, context)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        return [each["body"] for each in event["Records"] if each["messageId"] in failed]


@contextmanager
def local(request: pytest.FixtureRequest) -> Iterator[Edition]:
    """The local edition, whose letters are in the data file."""
    folder: Path = request.getfixturevalue("tmp_path")

    def letters() -> list[tuple[str, str]]:
        graveyard = local_graveyard(lambda _: False)
        return [
            (each.message, each.reason)
            for queue in graveyard.queues
            for each in graveyard.letters(queue, limit=10)
        ]

    with deployed(letters, edition="local", data=folder / "recollect.db") as built:
        yield built


@contextmanager
def aws(request: pytest.FixtureRequest) -> Iterator[Edition]:
    """The AWS edition on engines, whose letters are in a queue."""
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    name = f"graph-{uuid4().hex[:12]}"
    with ExitStack() as stack:
        store = stack.enter_context(dynamo_store())
        urls = {
            "DYNAMODB": endpoint("dynamodb"),
            "SQS": endpoint("sqs"),
            "S3": store.s3.meta.endpoint_url,
        }
        for engine, url in urls.items():
            patch.setenv(f"AWS_ENDPOINT_URL_{engine}", url)
        opensearch = opensearch_client(
            endpoint("opensearch"), auth="none", session=boto3.Session(), timeout_seconds=10
        )
        stack.callback(opensearch.close)
        stack.callback(opensearch.indices.delete, index=f"{name}-*")
        dead = stack.enter_context(a_queue())
        choices = {
            "graph": "record",
            "record_table": store.record_table,
            "control_table": store.control_table,
            "bucket": store.bucket,
            "opensearch_url": endpoint("opensearch"),
            "opensearch_auth": "none",
            "opensearch_engine": "lucene",
            "opensearch_index": name,
            "index_queue_url": stack.enter_context(a_queue()).url,
            "worker_queue_url": stack.enter_context(a_queue(".fifo")).url,
            "graph_queue_url": stack.enter_context(a_queue(".fifo")).url,
            "graph_projection_queue_url": stack.enter_context(a_queue()).url,
            "dead_letters_url": dead.url,
        }

        def letters() -> list[tuple[str, str]]:
            return [(each["Body"], reason_of(each)) for each in dead.receive()]

        yield stack.enter_context(deployed(letters, edition="aws", **choices))


@contextmanager
def deployed(letters: Callable[[], list[tuple[str, str]]], **choices: object) -> Iterator[Edition]:
    Mind.is_away, Mind.asked = False, 0
    with bootstrap.choosing(language_model=f"{__name__}:Mind", **choices) as closing, closing:
        if choices["edition"] == "local":
            bootstrap.local_store().open()
        bootstrap.prepare_index()()
        handlers = load_handlers((*HTTP_FUNCTIONS, *QUEUE_FUNCTIONS))
        create_key = bootstrap.create_key()
        yield Edition(
            Deployment(handlers, lambda: create_key(f"project-{new_id()}", "test")[1]), letters
        )


@dataclass(frozen=True)
class Queue:
    """A queue of SQS that nobody else uses."""

    client: "SQSClient"
    url: str

    def receive(self, most: int = 10) -> list["MessageTypeDef"]:
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return answer.get("Messages", [])


@contextmanager
def a_queue(ending: str = "") -> Iterator[Queue]:
    client = boto3.client("sqs", endpoint_url=endpoint("sqs"))
    url = make_queue(client, f"test-{uuid4().hex}{ending}")
    try:
        yield Queue(client, url)
    finally:
        client.delete_queue(QueueUrl=url)
        client.close()


def reason_of(letter: "MessageTypeDef") -> str:
    return letter["MessageAttributes"]["reason"]["StringValue"]


@pytest.fixture(
    params=[
        pytest.param(local, id="local"),
        pytest.param(aws, id="aws", marks=pytest.mark.engines),
    ]
)
def edition(request: pytest.FixtureRequest) -> Iterator[Edition]:
    build: Callable[[pytest.FixtureRequest], AbstractContextManager[Edition]] = request.param
    with build(request) as built:
        yield built


@dataclass(frozen=True)
class Told:
    """What "ada" said in a project of its own, and the message that she has news."""

    client: httpx.Client
    memory_ids: list[str]
    event_ids: list[str]
    owner: Owner

    @property
    def news(self) -> str:
        return OwnerHasNews(
            project=self.owner.project, owner_key=self.owner.key, correlation_id="request 7"
        ).model_dump_json()

    def relations(self) -> list[tuple[str, ...]]:
        page = self.client.get("/v1/graph/relations/", params={"user_id": "ada"}).json()
        triples = [
            (each["source"], each["relationship"], each["target"]) for each in page["results"]
        ]
        return sorted(triples)

    def statuses(self) -> list[str]:
        jobs = [self.client.get(f"/v1/event/{each}/").json() for each in self.event_ids]
        return [each["graph_status"] for each in jobs]


@pytest.fixture
def told(edition: Edition) -> Iterator[Told]:
    with edition.deployment.client(edition.deployment.new_key()) as client:
        adds = [_added(client, text) for text in SAID]
        project = client.get("/v1/ping/").json()["project_id"]
        ids = [each["results"][0]["id"] for each in adds]
        owner = Owner(project, Subject.of(SubjectKind.USER, "ada").key)
        yield Told(client, ids, [each["event_id"] for each in adds], owner)


def _added(client: httpx.Client, text: str) -> dict[str, Any]:
    body = {"messages": text, "user_id": "ada", "infer": False, "enable_graph": True}
    answer: dict[str, Any] = client.post(ADD, json=body).raise_for_status().json()
    return answer


def test_what_no_answer_helps_with_is_set_aside_with_a_letter_and_stops_no_other(
    edition: Edition, told: Told
) -> None:
    assert edition.invoke("graph_writer", told.news) == []
    assert edition.invoke("graph_projector", told.news) == []

    [(letter, reason)] = edition.letters()
    assert "gave two invalid answers" in reason
    assert POISON not in reason
    assert MemoryIsUnreadable.model_validate_json(letter) == MemoryIsUnreadable(
        project=told.owner.project,
        owner_key=told.owner.key,
        memory_id=told.memory_ids[1],
        version=1,
        correlation_id="request 7",
    )
    assert told.relations() == LIVES
    assert told.statuses() == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert set(listed(told.client, user_id="ada")) == set(SAID)
    body = {"query": "riddle", "filters": {"user_id": "ada"}, "enable_graph": True, "threshold": 0}
    found = told.client.post(SEARCH, json=body).json()
    assert found["results"][0]["id"] == told.memory_ids[1]
    assert found["degraded"] == []


def test_a_late_message_asks_nobody(edition: Edition, told: Told) -> None:
    edition.invoke("graph_writer", told.news)
    asked = Mind.asked

    assert edition.invoke("graph_writer", told.news, told.news) == []

    assert asked
    assert Mind.asked == asked
    assert len(edition.letters()) == 1


def test_while_the_model_is_away_the_message_is_delivered_again(
    edition: Edition, told: Told
) -> None:
    Mind.is_away = True

    failed = edition.invoke("graph_writer", told.news)

    assert failed == [told.news]
    assert edition.letters() == []
    assert told.statuses() == ["PENDING"] * 3
    Mind.is_away = False
    assert edition.invoke("graph_writer", *failed) == []
    assert told.relations() == LIVES


@pytest.mark.parametrize("function", ["graph_writer", "graph_projector"])
def test_what_is_no_message_is_buried_and_stops_nobody(
    edition: Edition, told: Told, function: str
) -> None:
    bad = ["{", json.dumps({"project": told.owner.project})]

    assert edition.invoke(function, bad[0], told.news, bad[1]) == []

    buried = [each for each in edition.letters() if each[1].startswith("is no OwnerHasNews")]
    assert sorted(letter for letter, _ in buried) == sorted(bad)
    assert told.statuses()[0] == ("SUCCEEDED" if function == "graph_writer" else "PENDING")


@pytest.mark.engines
def test_on_sqs_an_owner_has_a_group_and_no_news_is_dropped_as_known() -> None:
    ada, ben = (Owner("acme", name) for name in ("ada", "ben"))
    with a_queue(".fifo") as queue:
        wake_ups = SqsWakeUps(
            client=queue.client,
            index_queue_url=queue.url,
            graph_queue_url=queue.url,
            new_token=lambda: uuid4().hex,
        )
        wake_ups.read_graph(ada)
        wake_ups.read_graph(ada)
        first = queue.receive(most=1)
        wake_ups.read_graph(ben)
        meanwhile = queue.receive()
        queue.client.delete_message(QueueUrl=queue.url, ReceiptHandle=first[0]["ReceiptHandle"])
        then = queue.receive()

    received = [
        [OwnerHasNews.model_validate_json(each["Body"]) for each in some]
        for some in (first, meanwhile, then)
    ]
    assert [[each.owner_key for each in some] for some in received] == [["ada"], ["ben"], ["ada"]]
    groups = [each["Attributes"]["MessageGroupId"] for each in (*first, *meanwhile, *then)]
    assert groups[0] == groups[2] != groups[1]
    assert not {"acme", "ada"} & set(groups)


@pytest.mark.engines
def test_letters_may_go_to_a_queue_that_is_first_in_first_out() -> None:
    with a_queue(".fifo") as queue:
        graves = SqsDeadLetters(queue.client, queue.url, lambda: uuid4().hex)
        for reason in ("failed 5 times", "failed 5 times again"):
            graves.bury("{}", reason)

        letters = queue.receive()

    assert [each["Body"] for each in letters] == ["{}", "{}"]
    assert [reason_of(each) for each in letters] == ["failed 5 times", "failed 5 times again"]
