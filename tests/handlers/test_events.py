"""Every handler, driven by events/*.json, which `make invoke` and `sam local invoke` take too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recollect import bootstrap
from recollect.bootstrap import letters
from recollect.domain.graph import Owner
from recollect.domain.jobs import JobStatus
from recollect.domain.requests import IngestRequest
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints import functions
from recollect.entrypoints.gateway import http_event
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.route_table import DEFAULT_ROUTE
from recollect.entrypoints.worker import sqs_event
from recollect.ports.letters import QueueName
from recollect.testing.builders import a_scope
from scripts.invoke import EVENT_KEY
from tests.callers import AN_ID, Deployment, new_id, now
from tests.handlers.graphs import Graph

FOLDER = Path(__file__).parents[2] / "events"
HANDLER_FILES = sorted(FOLDER.parent.glob("functions/*/handler.py"))
EVENTS = sorted(path.stem for path in FOLDER.glob("*.json"))
TEXT, CHANGED = "I am allergic to walnuts.", "I am allergic to pollen."
NEW = "I am allergic to peanuts."
LIVES = "I live in Lisbon."
AN_EVENT_ID, A_KEY_ID = (
    "7d3c9f52-1f04-4b9b-8a3e-2f6f0f5b8c11",
    "c2a5e7a0-6f0b-4c55-9d0f-51b3a8d9e210",
)
A_WEBHOOK_ID, A_DELIVERY_ID = (
    "5f1d7c1e-93b1-4a55-8d7c-0a6f3c2be9d4",
    "019a5f0e-6c00-8f3b-9d52-7be1c0a4d6e3",
)
A_MESSAGE_ID = "059f36b4-87a3-44ab-83d2-661970000001"
PROJECT = "default"
"""Of the queue for users' messages."""
QUEUES = {"graph_writer": "graph", "graph_projector": "graph_projection"}
NO_OBJECT_OF_OURS = "The key is not projects/<project>/..., with the name of a file at its end"
AN_ENTITY_ID = "9d3f6c1ab0e84e57a2c41f7d5b8e6032"
OF_GATEWAY = {"x-amzn-trace-id", "x-forwarded-port"}
"""What a real gateway adds; the local one has no use for it."""

HTTP: Mapping[str, tuple[str, int, object]] = {
    "add": ("add", 200, {"status": "SUCCEEDED", "results": [{"event": "ADD", "memory": NEW}]}),
    "search": ("search", 200, {"results": [{"id": AN_ID, "memory": TEXT}], "degraded": []}),
    "add_first": ("add", 200, {"results": [{"event": "ADD", "memory": NEW}]}),
    "open_source_add": ("add", 200, {"results": [{"event": "ADD", "memory": NEW}]}),
    "search_first": ("search", 200, [{"id": AN_ID, "memory": TEXT}]),
    "search_second": ("search", 200, [{"id": AN_ID, "memory": TEXT}]),
    "open_source_search": ("search", 200, {"results": [{"id": AN_ID, "memory": TEXT}]}),
    "list_second": ("read", 200, [{"id": AN_ID, "memory": TEXT}]),
    "get_export": ("read", 404, {"message": "No memory export request found"}),
    "summary": ("read", 200, [{"summary": TEXT, "method": "texts"}]),
    "ping": ("read", 200, {"status": "ok"}),
    "list": ("read", 200, {"count": 1, "next": None, "results": [{"id": AN_ID}]}),
    "get": ("read", 200, {"id": AN_ID, "memory": TEXT, "user_id": "maya"}),
    "history": ("read", 200, [{"memory_id": AN_ID, "event": "ADD", "new_memory": TEXT}]),
    "episode": ("read", 200, {"messages": [{"role": "user", "content": TEXT}]}),
    "episode_of_job": ("read", 200, {"event_id": AN_EVENT_ID, "messages": [{"content": TEXT}]}),
    "entities": ("read", 200, {"results": [{"name": "maya", "type": "user"}]}),
    "graph_entities": ("read", 200, {"next": None, "results": [{"id": AN_ENTITY_ID}]}),
    "graph_entity": ("read", 200, {"id": AN_ENTITY_ID, "relations": [], "memories": []}),
    "graph_relations": ("read", 200, {"next": None, "results": []}),
    "job": ("read", 200, {"id": AN_EVENT_ID, "status": "SUCCEEDED"}),
    "project": ("read", 200, {"custom_instructions": None, "redaction": False}),
    "keys": ("read", 200, {"results": [{"id": A_KEY_ID, "revoked_at": None}]}),
    "unknown": ("read", 404, {"message": "There is no such route"}),
    "mcp": ("mcp", 200, {"result": {"structuredContent": {"results": [{"id": AN_ID}]}}}),
    "update": ("mutate", 200, {"id": AN_ID, "memory": CHANGED}),
    "delete": ("mutate", 200, {"message": "Memory deleted successfully!"}),
    "delete_all": ("mutate", 200, {"message": "Delete in progress. This may take some time."}),
    "update_project": ("mutate", 200, {"message": "Project updated successfully"}),
    "create_key": ("mutate", 200, {"name": "laptop"}),
    "revoke_key": ("mutate", 200, {"id": A_KEY_ID}),
}
"""Whom an event goes to, and what is answered when its memory and its key are there."""
OTHERS = {
    "projector": "projector",
    "graph_writer": "graph_writer",
    "graph_projector": "graph_projector",
    "notifier": "notifier",
    "ingest_messages": "ingest_messages",
    "ingest_objects": "ingest_objects",
    "worker": "worker",
    "maintenance": "maintenance",
    "maintenance_drift": "maintenance",
    "admin_create_key": "admin",
    "admin_prepare_index": "admin",
}
"""The events that no HTTP API sends; each has a test of its own."""


@cache
def handlers() -> Mapping[str, Handler]:
    """Return every function's handler, over the data file that the environment names."""
    return functions.load_handlers(sorted(path.parent.name for path in HANDLER_FILES))


@dataclass(frozen=True)
class Known:
    """A project with one memory: what stands for the made-up ids of the events."""

    project: str
    real: dict[str, str]

    def invoked(self, function: str, event: str) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Return what a function makes of an event, both with the real ids."""
        text = (FOLDER / f"{event}.json").read_text(encoding="utf-8")
        for made_up, real in self.real.items():
            text = text.replace(made_up, real)
        context = LambdaContext(function, new_id(), now() + timedelta(seconds=29), now)
        return handlers()[function](json.loads(text), context)

    def made_up(self, body: str) -> str:
        for made_up, real in self.real.items():
            body = body.replace(real, made_up)
        return body


@pytest.fixture
def known(deployment: Deployment) -> Known:
    project = f"project-{new_id()}"
    key, secret = bootstrap.create_key()(project, "test")
    with deployment.client(secret) as client:
        body = {"messages": TEXT, "user_id": "maya", "infer": False}
        added = client.post("/v3/memories/add/", json=body).json()
    entity = Graph(bootstrap.local_store(), a_scope(project, user="maya")).entity("Maya")
    real = {
        EVENT_KEY: secret,
        AN_ID: added["results"][0]["id"],
        AN_EVENT_ID: added["event_id"],
        A_KEY_ID: key.id,
        AN_ENTITY_ID: entity.id,
        "/default": f"/{project}",
        '": "default"': f'": "{project}"',
        '\\"default\\"': f'\\"{project}\\"',
    }
    return Known(project, real)


def assert_within(expected: object, found: object) -> None:
    """Assert that what was found says all that was expected, and possibly more."""
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert expected.keys() <= found.keys()
        for name, part in expected.items():
            assert_within(part, found[name])
    elif isinstance(expected, list):
        assert isinstance(found, list)
        for part, item in zip(expected, found, strict=True):
            assert_within(part, item)
    else:
        assert found == expected


@pytest.mark.parametrize("event", HTTP)
def test_an_http_event_gets_the_documented_answer(known: Known, event: str) -> None:
    function, status, expected = HTTP[event]

    answer = known.invoked(function, event)

    assert answer["statusCode"] == status, answer["body"]
    assert_within(expected, json.loads(known.made_up(answer["body"])))


def buried(queue: QueueName, text: str) -> list[str]:
    """Return why messages with this text were buried."""
    graveyard = letters.local_graveyard(lambda _: False)
    found = graveyard.letters(queue, limit=1_000)
    return [letter.reason for letter in found if text in letter.message]


def test_a_message_is_projected_and_a_bad_one_stops_nobody(known: Known) -> None:
    maya = Subject.of(SubjectKind.USER, "maya").key
    outbox = bootstrap.local_store().outbox

    assert outbox.pending(known.project, [maya], limit=1)
    answer = known.invoked("projector", "projector")

    assert answer == {"batchItemFailures": []}
    assert not outbox.pending(known.project, [maya], limit=1)
    [reason] = buried(QueueName.INDEX, known.project)
    assert reason == "is no SubjectsHaveNews: subject_keys: Field required"


def test_memories_are_read_and_projected_and_a_bad_message_stops_nobody(
    known: Known, deployment: Deployment
) -> None:
    store = bootstrap.local_store()
    owner = Owner(known.project, Subject.of(SubjectKind.USER, "maya").key)
    with deployment.client(known.real[EVENT_KEY]) as client:
        body = {"messages": LIVES, "user_id": "maya", "infer": False, "enable_graph": True}
        added = client.post("/v3/memories/add/", json=body).json()

        for function in ("graph_writer", "graph_projector"):
            assert known.invoked(function, function) == {"batchItemFailures": []}
            [reason] = buried(QueueName(QUEUES[function]), known.project)
            assert reason == "is no OwnerHasNews: owner_key: Field required"

        job = client.get(f"/v1/event/{added['event_id']}/").json()
    assert not store.graph_outbox.unread(owner, limit=1)
    assert not store.graph_outbox.unprojected(owner, limit=1)
    assert job["graph_status"] == "SUCCEEDED"
    assert job["relations"] == {
        "added_entities": [{"source": "maya", "relationship": "lives_in", "target": "Lisbon"}],
        "deleted_entities": [],
    }


def test_what_was_announced_to_a_webhook_that_is_gone_is_dropped_and_poison_stops_nobody(
    known: Known, deployment: Deployment
) -> None:
    deliveries = bootstrap.local_store().deliveries
    webhooks = f"/api/v1/webhooks/projects/{known.project}/"
    body = {"name": "ours", "url": "https://hooks.example/", "event_types": ["memory_delete"]}
    with deployment.client(known.real[EVENT_KEY]) as client:
        made = client.post(webhooks, json=body).json()["webhook_id"]
        client.delete(f"/v1/memories/{known.real[AN_ID]}/")
        known.invoked("projector", "projector")
        [announced] = deliveries.recent(known.project, made, limit=2)
        client.delete(f"/api/v1/webhooks/{made}/")
    known.real.update({A_WEBHOOK_ID: made, A_DELIVERY_ID: announced.id})

    answer = known.invoked("notifier", "notifier")

    assert answer == {"batchItemFailures": []}
    assert deliveries.recent(known.project, made, limit=2) == []
    [reason] = buried(QueueName.WEBHOOKS, known.project)
    assert reason.startswith("is no DeliveriesAreDue")


def test_a_job_that_waits_is_carried_on_and_a_bad_message_stops_nobody(
    known: Known, deployment: Deployment
) -> None:
    body = {"messages": NEW, "user_id": "maya", "infer": False, "async_mode": True}
    with deployment.client(known.real[EVENT_KEY]) as client:
        accepted = client.post("/v3/memories/add/", json=body).json()
        known.real[AN_EVENT_ID] = accepted["event_id"]

        answer = known.invoked("worker", "worker")

        job = client.get(f"/v1/event/{accepted['event_id']}/").json()
    assert answer == {"batchItemFailures": []}
    assert accepted["status"] == "PENDING"
    assert_within({"status": "SUCCEEDED", "results": [{"event": "ADD", "memory": NEW}]}, job)
    [reason] = buried(QueueName.WORKER, known.project)
    assert reason == "is no JobIsWaiting: job_id: Field required"


def test_a_users_message_is_accepted_once_and_a_bad_one_is_kept_with_its_reason(
    known: Known,
) -> None:
    bootstrap.create_key()(PROJECT, "test")
    jobs = bootstrap.local_store().jobs
    before = len(buried(QueueName.INGEST, "pollen"))

    for _ in range(2):
        assert known.invoked("ingest_messages", "ingest_messages") == {"batchItemFailures": []}

    accepted = [job for job in jobs.recent(PROJECT, limit=10) if job.message_id == A_MESSAGE_ID]
    assert [job.status for job in accepted] == [JobStatus.PENDING]
    reasons = buried(QueueName.INGEST, "pollen")[before:]
    assert reasons == ["is no IngestMessage: user: Extra inputs are not permitted"] * 2


def test_a_notification_of_s3_is_accepted_once(known: Known) -> None:
    jobs = bootstrap.local_store().jobs
    before = len(buried(QueueName.OBJECTS, "backups"))

    for _ in range(2):
        assert known.invoked("ingest_objects", "ingest_objects") == {"batchItemFailures": []}

    [job] = jobs.recent(known.project, limit=2)[:1]
    assert isinstance(job.request, IngestRequest)
    assert job.request.key == f"projects/{known.project}/users/maya/2026/chat with Theo.jsonl.gz"
    assert (job.status, job.message_id) == (JobStatus.PENDING, A_MESSAGE_ID)
    assert len(jobs.recent(known.project, limit=10)) == 2
    reasons = buried(QueueName.OBJECTS, "backups")[before:]
    assert reasons == [f"is refused: {NO_OBJECT_OF_OURS}"] * 2


def test_the_schedule_drives_on_what_was_left_behind(known: Known) -> None:
    answer = known.invoked("maintenance", "maintenance")

    assert answer.keys() == {"driven_on"}
    assert answer["driven_on"] >= 0


def test_the_other_schedule_tells_how_much_has_drifted(known: Known) -> None:
    answer = known.invoked("maintenance", "maintenance_drift")

    assert answer["compared"] + answer["left"] == len(bootstrap.local_store().keys.projects())
    assert answer["compared"] > 0
    assert answer["index"] >= answer["graphs"] == 0


def test_a_command_makes_a_projects_first_key(known: Known, deployment: Deployment) -> None:
    answer = known.invoked("admin", "admin_create_key")

    with deployment.client(answer["key"]) as client:
        assert client.get("/v1/ping/").json()["project_id"] == known.project
    assert answer["name"] == "first key"


def test_a_command_makes_the_index_ready(known: Known) -> None:
    assert known.invoked("admin", "admin_prepare_index") == {"message": "The search index is ready"}


def test_what_is_no_command_is_refused_without_repeating_it() -> None:
    context = LambdaContext("admin", new_id(), now() + timedelta(seconds=29), now)
    event = {"command": "create_key", "project": "secret plans"}

    with pytest.raises(ValidationError, match="name") as refusal:
        handlers()["admin"](event, context)

    assert "secret plans" not in str(refusal.value)


# The files themselves


def test_every_event_is_driven_and_every_function_has_one() -> None:
    driven = {name: function for name, (function, _, _) in HTTP.items()} | OTHERS

    assert sorted(driven) == EVENTS
    assert set(driven.values()) == {path.parent.name for path in HANDLER_FILES}


def test_every_route_has_an_event() -> None:
    keys = {route.key.rstrip("/") for route in functions.routes().routes}
    events = [json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in HTTP]

    assert {event["routeKey"].rstrip("/") for event in events} == keys


@pytest.mark.parametrize("name", HTTP)
def test_an_http_event_is_what_its_request_becomes(name: str) -> None:
    event = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    context, headers = event["requestContext"], event["headers"]
    match = functions.routes().route(context["http"]["method"], event["rawPath"])
    added = {"x-forwarded-for", "x-forwarded-proto"}
    sent = {name: text for name, text in headers.items() if name not in added}

    body = event.get("body", "").encode()
    same = http_event(
        context["http"]["method"],
        event["rawPath"].encode(),
        event["rawQueryString"].encode(),
        [(name.encode(), text.encode()) for name, text in sent.items()],
        body,
        source_ip=context["http"]["sourceIp"],
        now=now(),
        request_id=context["requestId"],
        scheme="https",
        match=match,
    )

    assert match is not None
    assert match.function == HTTP[name][0]
    assert (match.route_key == DEFAULT_ROUTE) == (name == "unknown")
    made = {"accountId", "apiId", "time", "timeEpoch"}
    for whole in (event, same):
        assert made <= whole["requestContext"].keys()
        for part in made:
            del whole["requestContext"][part]
    assert event == same
    assert headers.keys() >= OF_GATEWAY
    assert int(headers["content-length"]) == len(body)


def sqs_records() -> list[dict[str, Any]]:
    files = [FOLDER / f"{name}.json" for name in functions.QUEUE_FUNCTIONS]
    events = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [record for event in events for record in event["Records"]]


def test_messages_have_the_fields_that_sqs_sends() -> None:
    [sent] = sqs_event(["{}"], now=now())["Records"]

    for record in sqs_records():
        assert record.keys() == sent.keys()
        assert record["attributes"].keys() == sent["attributes"].keys()
