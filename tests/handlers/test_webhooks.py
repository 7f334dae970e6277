"""Webhooks over HTTP, from their making to what an address is told."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from recollect import bootstrap
from recollect.adapters.web.webhooks import PublicWebhookSender
from recollect.bootstrap import webhooks
from recollect.domain.webhooks import MAX_WEBHOOKS
from recollect.entrypoints.worker import LocalWorker, feeds
from recollect.usecases.deliver_webhooks import DELIVERY_HEADER, SIGNATURE_HEADER
from tests.callers import Deployment, now, refusal_of
from tests.contract.tls_server import HERE, HOST, Names, Request, TlsServer, https_to, serving
from tests.webhooks import EVERYTHING, signed_at

URL = f"https://{HOST}/hook"
HOOK: dict[str, Any] = {"name": "ours", "url": URL, "event_types": EVERYTHING}
SHOWN = {
    "webhook_id",
    "name",
    "url",
    "event_types",
    "owner",
    "is_active",
    "project",
    "created_at",
    "updated_at",
}
UNKNOWN = "5f1d7c1e-93b1-4a55-8d7c-0a6f3c2be9d4"


def hooks(client: httpx.Client) -> str:
    """Return the path of the webhooks of the client's project."""
    return f"/api/v1/webhooks/projects/{client.get('/v1/ping/').json()['project_id']}/"


def made(client: httpx.Client, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a body
    """Return a new webhook of the client's project."""
    answer = client.post(hooks(client), json={**HOOK, **changes})
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


def test_a_webhook_is_made_listed_changed_and_deleted(service: httpx.Client) -> None:
    webhook = made(service)
    secret = webhook.pop("secret")
    path = f"/api/v1/webhooks/{webhook['webhook_id']}/"
    assert webhook.keys() == SHOWN
    assert len(secret) > 40
    assert webhook["owner"] == webhook["project"]
    assert (webhook["url"], webhook["event_types"]) == (URL, list(EVERYTHING))
    assert service.get(hooks(service)).json() == [webhook]

    changed = service.put(path, json={"name": "z", "is_active": False})

    assert changed.json() == {"message": "Webhook updated successfully"}
    [after] = service.get(hooks(service)).json()
    assert {**after, "updated_at": ""} == {
        **webhook,
        "name": "z",
        "is_active": False,
        "updated_at": "",
    }

    deleted = service.delete(path)

    assert deleted.json() == {"message": "Webhook deleted successfully"}
    assert service.get(hooks(service)).json() == []
    assert service.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://x"}, "must be https://"),
        ({"url": "https://10.0.0.1/"}, "must be https://"),
        ({"url": 1}, "url"),
        ({"url": None}, "url"),
        ({"name": " "}, "name must have"),
        ({"event_types": []}, "memory_add"),
        ({"event_types": ["ingest_job_started"]}, "memory_add"),
        ({"event_types": "memory_add"}, "event_types"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    service: httpx.Client, changes: dict[str, Any], said: str
) -> None:
    webhook = made(service)
    path = f"/api/v1/webhooks/{webhook['webhook_id']}/"

    refused = [service.post(hooks(service), json={**HOOK, **changes})]
    # What is null in a change stays as it is.
    if None not in changes.values():
        refused.append(service.put(path, json=changes))

    for answer in refused:
        assert answer.status_code == 400
        assert said in refusal_of(answer)
    assert len(service.get(hooks(service)).json()) == 1


def test_a_project_has_no_more_than_it_may(service: httpx.Client) -> None:
    for _ in range(MAX_WEBHOOKS):
        made(service)

    answer = service.post(hooks(service), json=HOOK)

    assert (answer.status_code, str(MAX_WEBHOOKS) in refusal_of(answer)) == (400, True)


def test_another_project_finds_nothing(service: httpx.Client, stranger: httpx.Client) -> None:
    webhook = made(service)
    path = f"/api/v1/webhooks/{webhook['webhook_id']}/"

    answers = [
        stranger.get(hooks(service)),
        stranger.post(hooks(service), json=HOOK),
        stranger.put(path, json={"url": "https://theirs.example/"}),
        stranger.delete(path),
        stranger.get(f"{path}deliveries/"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    del webhook["secret"]
    assert service.get(hooks(service)).json() == [webhook]
    assert stranger.get(hooks(stranger)).json() == []


@pytest.fixture
def bound(deployment: Deployment, service: httpx.Client) -> Iterator[httpx.Client]:
    body = {"name": "ada's", "user_id": "ada"}
    with deployment.client(service.post("/v1/keys/", json=body).json()["key"]) as client:
        yield client


@pytest.fixture
def reader(deployment: Deployment, service: httpx.Client) -> Iterator[httpx.Client]:
    body = {"name": "looks", "role": "READER"}
    with deployment.client(service.post("/v1/keys/", json=body).json()["key"]) as client:
        yield client


def test_a_key_of_one_subject_opens_no_webhooks(service: httpx.Client, bound: httpx.Client) -> None:
    path = f"/api/v1/webhooks/{made(service)['webhook_id']}/"

    answers = [
        bound.get(hooks(service)),
        bound.post(hooks(service), json=HOOK),
        bound.put(path, json={"name": "mine"}),
        bound.delete(path),
        bound.get(f"{path}deliveries/"),
    ]

    assert [answer.status_code for answer in answers] == [403] * len(answers)


def test_a_key_that_may_only_read_only_reads(service: httpx.Client, reader: httpx.Client) -> None:
    webhook = made(service)
    path = f"/api/v1/webhooks/{webhook['webhook_id']}/"

    refused = [
        reader.post(hooks(service), json=HOOK),
        reader.put(path, json={"name": "mine"}),
        reader.delete(path),
    ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    [shown] = reader.get(hooks(service)).json()
    assert shown["name"] == "ours"
    assert "secret" not in shown
    assert reader.get(f"{path}deliveries/").json() == {"next": None, "results": []}


@pytest.mark.parametrize("query", ["page_size=0", "page_size=201", "cursor=x", "page_size=x"])
def test_a_page_that_there_is_not_is_refused(service: httpx.Client, query: str) -> None:
    path = f"/api/v1/webhooks/{made(service)['webhook_id']}/deliveries/"

    assert service.get(f"{path}?{query}").status_code == 400


def test_what_nobody_made_has_no_log(service: httpx.Client) -> None:
    for name in (UNKNOWN, "wh", "x" * 300):
        assert service.get(f"/api/v1/webhooks/{name}/deliveries/").status_code == 404
        assert service.put(f"/api/v1/webhooks/{name}/", json={}).status_code == 404


# From a change to what an address is told


@dataclass
class Hook:
    """An address that takes what it is told, or answers as it is told to."""

    statuses: list[int] = field(default_factory=list)
    posted: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> None:
        self.posted.append(request)
        request.answer(self.statuses.pop(0) if self.statuses else 200, b"thank you")


@dataclass(frozen=True)
class Listening:
    """A service on a data file of its own, and an address that hears of its changes."""

    client: httpx.Client
    worker: LocalWorker
    hook: Hook
    server: TlsServer


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    hook = Hook()
    with serving({"/hook": hook}) as server, bootstrap.local_edition(tmp_path / "a.db"):
        https = https_to(server, Names({HOST: [HERE]}))
        monkeypatch.setattr(webhooks, "webhook_sender", lambda: PublicWebhookSender(https))
        deployment = Deployment.fresh()
        worker = LocalWorker(
            feeds(bootstrap.local_wake_ups(), deployment.handlers), bootstrap.maintain(), now
        )
        with deployment.client(deployment.new_key()) as client:
            yield Listening(client, worker, hook, server)


def test_an_address_is_told_and_can_tell_that_it_was_us(listening: Listening) -> None:
    client = listening.client
    webhook = made(client)
    body = {"messages": "I like tea 🙂", "user_id": "ada", "agent_id": "guide", "infer": False}
    memory_id = client.post("/v3/memories/add/", json=body).json()["results"][0]["id"]

    listening.worker.settle()

    [request] = listening.hook.posted
    assert signed_at(webhook["secret"], request.headers[SIGNATURE_HEADER], request.content)
    told = json.loads(request.content)
    details = {"id": memory_id, "data": {"memory": "I like tea 🙂"}, "event": "ADD"}
    assert told["event_details"] == details
    assert (told["project_id"], told["version"]) == (webhook["project"], 1)
    assert told["event_id"] == request.headers[DELIVERY_HEADER]
    path = f"/api/v1/webhooks/{webhook['webhook_id']}/deliveries/"
    [logged] = client.get(path).json()["results"]
    assert (
        logged.items()
        >= {
            "id": told["event_id"],
            "event_type": "memory_add",
            "memory_id": memory_id,
            "status": "SUCCEEDED",
            "attempts": 1,
            "status_code": 200,
            "error": None,
            "next_attempt_at": None,
        }.items()
    )
    assert "tea" not in client.get(path).text


def test_the_log_has_pages_and_shows_what_is_still_to_come(listening: Listening) -> None:
    client = listening.client
    webhook = made(client)
    listening.hook.statuses += [500, 500, 500]
    for at in range(3):
        body = {"messages": f"I like tea {at}", "user_id": "ada", "infer": False}
        client.post("/v3/memories/add/", json=body)
    listening.worker.settle()

    path: str | None = f"/api/v1/webhooks/{webhook['webhook_id']}/deliveries/?page_size=2"
    pages = []
    while path:
        page = client.get(path).json()
        pages.append(page["results"])
        path = page["next"] and f"{urlsplit(page['next']).path}?{urlsplit(page['next']).query}"

    assert [len(page) for page in pages] == [2, 1]
    logged = [each for page in pages for each in page]
    assert {(each["status"], each["status_code"], each["error"]) for each in logged} == {
        ("PENDING", 500, "status")
    }
    assert all(each["next_attempt_at"] > each["last_attempt_at"] for each in logged)
    assert [each["id"] for each in logged] == sorted((each["id"] for each in logged), reverse=True)


def test_nothing_is_told_before_a_retry_is_due(listening: Listening) -> None:
    made(listening.client)
    listening.hook.statuses.append(503)
    body = {"messages": "I like tea", "user_id": "ada", "infer": False}
    listening.client.post("/v3/memories/add/", json=body)

    for _ in range(3):
        listening.worker.settle()

    assert len(listening.hook.posted) == 1
