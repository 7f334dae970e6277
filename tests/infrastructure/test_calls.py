"""What the functions ask of AWS while they work is what the template lets each of them ask."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest

from recollect.bootstrap.configuration import choosing, choosing_for_all
from recollect.entrypoints.functions import HTTP_FUNCTIONS, load_handlers, routes
from recollect.entrypoints.invocation import GatewayTransport, Handler
from recollect.entrypoints.messages import JobIsWaiting
from recollect.entrypoints.worker import sqs_event
from tests.aws_edition import QUEUES, configured, invoke
from tests.callers import ADD, ADDRESS, LIST, SEARCH, credentials, new_id, now, ok, remembered
from tests.infrastructure.calls import Witness
from tests.infrastructure.templates import ROOT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OTHERS = ("admin", "ingest_messages", "ingest_objects", "maintenance", "worker")
ROUNDS = 20
"""Of work on what is left to do: more than erasures and objects need."""
LONG = "I like walking in the hills. " * 1_000
"""What a job keeps as an object."""
LONGEST = LONG * 5
"""What an episode keeps as one, too."""


@dataclass(frozen=True)
class Service:
    """The deployed functions before the engines, each of them watched."""

    handlers: Mapping[str, Handler]
    sqs: "SQSClient"
    client: httpx.Client

    def settle(self) -> None:
        """Have the functions behind queues do what is left to do."""
        for _ in range(ROUNDS):
            handed = sum(self._hand_on(*each) for each in QUEUES.items())
            if not handed and not self._carry_on():
                return

    def _hand_on(self, function: str, variable: str) -> int:
        url = os.environ[variable]
        received = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        messages = received.get("Messages", [])
        if messages:
            event = sqs_event([each["Body"] for each in messages], now=now())
            invoke(self.handlers[function], event)
        for each in messages:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return len(messages)

    def _carry_on(self) -> bool:
        """Work on what waits for its time; tell whether there was any."""
        jobs = ok(self.client.get("/v1/events/"))["results"]
        waiting = [job["id"] for job in jobs if job["status"] in {"PENDING", "RUNNING"}]
        for job_id in waiting:
            news = JobIsWaiting(project="default", job_id=job_id).model_dump_json()
            invoke(self.handlers["worker"], sqs_event([news], now=now()))
        return bool(waiting)


@pytest.fixture
def witness() -> Iterator[Witness]:
    before = dict(os.environ)
    with configured():
        boto3.setup_default_session()
        assert boto3.DEFAULT_SESSION is not None
        seen = Witness()
        boto3.DEFAULT_SESSION.events.register("before-parameter-build", seen.note)
        yield seen
    boto3.setup_default_session()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def service(witness: Witness) -> Iterator[Service]:
    # Made by a session that nobody watches.
    sqs = boto3.Session().client("sqs")
    os.environ["RECOLLECT_INGEST_PROJECT"] = "default"
    with choosing_for_all(edition="aws"), ExitStack() as closing:
        handlers = {
            name: witness.watching(name, _alone(name, closing))
            for name in {*HTTP_FUNCTIONS, *QUEUES, *OTHERS}
        }
        invoke(handlers["admin"], _event("admin_prepare_index"))
        key = str(invoke(handlers["admin"], _event("admin_create_key"))["key"])
        transport = GatewayTransport(handlers, routes(), now=now, new_id=new_id)
        with httpx.Client(
            transport=transport, base_url=ADDRESS, headers=credentials(key), timeout=60
        ) as client:
            yield Service(handlers, sqs, client)


def _alone(name: str, closing: ExitStack) -> Handler:
    """Return a function that knows nothing of what the others have read, as on Lambda."""
    with choosing(edition="aws") as opened:
        closing.enter_context(opened)
        return load_handlers([name])[name]


def _event(name: str) -> Any:  # noqa: ANN401 - an event
    return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))


def add_and_change(service: Service) -> None:
    client, said = service.client, {"user_id": "maya", "agent_id": "tutor"}
    for text in ("I live in Lisbon.", LONGEST):
        ok(client.post(ADD, json={"messages": text, **said, "enable_graph": True}))
    ok(client.post(ADD, json={"messages": LONG, **said, "infer": False, "async_mode": True}))
    first, second, third = (
        remembered(client, f"I like number {each}.", **said) for each in range(3)
    )
    service.settle()
    filters = {"filters": {"user_id": "maya"}}
    ok(client.post(SEARCH, json={"query": "Where do I live?", **filters, "enable_graph": True}))
    ok(client.post(LIST, json=filters))
    ok(client.get(f"/v1/memories/{first}/history/"))
    ok(client.put(f"/v1/memories/{first}/", json={"text": "I like number nine."}))
    ok(client.put("/v1/batch/", json={"memories": [{"memory_id": second, "text": "I like 8."}]}))
    ok(client.request("DELETE", "/v1/batch/", json={"memories": [{"memory_id": third}]}))
    ok(client.delete(f"/v1/memories/{first}/"))
    service.settle()


def erase(service: Service) -> None:
    ok(service.client.delete("/v2/entities/user/maya/"))
    service.settle()
    ok(service.client.post(ADD, json={"messages": "Back again.", "user_id": "maya"}))
    ok(service.client.delete("/v1/memories/", params={"user_id": "maya"}))
    service.settle()


def ingest(service: Service) -> None:
    bucket, key = os.environ["RECOLLECT_BUCKET"], "projects/default/users/theo/notes.md"
    s3 = boto3.Session().client("s3")
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"I am allergic to peanuts.")
    event = _event("ingest_objects")
    told = json.loads(event["Records"][0]["body"])
    told["Records"][0]["s3"]["bucket"]["name"] = bucket
    told["Records"][0]["s3"]["object"] = {"key": key, "size": 25, "eTag": put["ETag"].strip('"')}
    event["Records"][0]["body"] = json.dumps(told)

    invoke(service.handlers["ingest_objects"], event)
    invoke(service.handlers["ingest_messages"], _event("ingest_messages"))
    service.settle()
    assert s3.list_objects_v2(Bucket=bucket, Prefix="reports/")["KeyCount"] == 1


def look_after(service: Service) -> None:
    for name in ("maintenance", "maintenance_drift"):
        invoke(service.handlers["maintenance"], _event(name))


def ask_by_protocol(service: Service) -> None:
    for tool, arguments in (
        ("add_memory", {"text": "I like tea.", "user_id": "ada"}),
        ("search_memories", {"query": "tea", "filters": {"user_id": "ada"}}),
        ("delete_entities", {"user_id": "ada"}),
    ):
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        }
        answer = ok(service.client.post("/mcp", json=body, headers=PROTOCOL))
        assert not answer["result"].get("isError"), answer
    service.settle()


PROTOCOL = {"Accept": "application/json, text/event-stream"}
STORIES: Sequence[Callable[[Service], None]] = (
    add_and_change,
    ingest,
    ask_by_protocol,
    erase,
    look_after,
)


@pytest.mark.slow
@pytest.mark.engines
def test_whatever_the_functions_ask_for_they_may(witness: Witness, service: Service) -> None:
    for story in STORIES:
        story(service)

    refused = [str(call) for call in witness.calls if not call.is_allowed()]
    assert not refused, "\n".join(refused)
    asked = {(call.function, call.action) for call in witness.calls}
    assert {function for function, _ in asked} >= {*HTTP_FUNCTIONS, *QUEUES, *OTHERS} - {"notifier"}
    for expected in (
        ("worker", "s3:GetObject"),
        ("worker", "dynamodb:UpdateItem"),
        ("ingest_objects", "sqs:SendMessage"),
        ("ingest_messages", "dynamodb:PutItem"),
        ("maintenance", "dynamodb:Query"),
    ):
        assert expected in asked
