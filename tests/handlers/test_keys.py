"""The key is checked before anything else, and opens one project only."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from recollect import bootstrap
from recollect.domain.errors import UnavailableError
from recollect.domain.keys import ApiKey
from recollect.entrypoints.functions import ROOT, routes
from recollect.entrypoints.http import HttpApp
from recollect.testing.builders import a_scope
from tests.callers import (
    Deployment,
    credentials,
    listed,
    new_id,
    now,
    refusal_of,
    remembered,
    resolved,
)
from tests.handlers.graphs import Graph

REFUSED = "Invalid API key. Please check your API key and try again."
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
UNKNOWN = f"m0-{'x' * 32}"
BAD_HEADERS = {
    "missing": None,
    "empty": "",
    "blank": " ",
    "without a key": "Token",
    "without a scheme": UNKNOWN,
    "of another scheme": f"Basic {UNKNOWN}",
    "malformed": "Token not-a-key",
    "too short": "Token m0-",
    "too long": f"Token m0-{'x' * 10_000}",
    "followed by more": f"Token {UNKNOWN} {UNKNOWN}",
    "unknown": f"Token {UNKNOWN}",
}


def all_routes() -> set[tuple[str, str]]:
    """Return every route, of the template and of the routers; and one that does not exist."""
    templated = {
        (route.method, route.path) for route in routes().routes if route.path.startswith("/")
    }
    declared = {
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    return templated | declared | {("GET", "/v1/nothing"), ("PATCH", "/v1/ping/")}


ROUTES = sorted(all_routes())


def filled(path: str) -> str:
    for name in ("memory_id", "event_id", "key_id", "org_id", "project_id"):
        path = path.replace(f"{{{name}}}", new_id())
    return path.replace("{entity_id}", uuid4().hex)


@dataclass(frozen=True)
class Theirs:
    """Somebody's things, by the names that paths have for them."""

    client: httpx.Client
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


@pytest.fixture
def theirs(service: httpx.Client) -> Theirs:
    body = {"messages": "Ada keeps bees", "user_id": "ada", "infer": False}
    added = service.post("/v3/memories/add/", json=body).json()
    key = service.get("/v1/keys/").json()["results"][0]
    graph = Graph(bootstrap.local_store(), a_scope(key["project_id"], user="ada"))
    ids = {
        "memory_id": added["results"][0]["id"],
        "event_id": added["event_id"],
        "key_id": key["id"],
        "org_id": key["project_id"],
        "project_id": key["project_id"],
        "entity_id": graph.entity("Ada").id,
    }
    return Theirs(service, ids)


@pytest.fixture(scope="module")
def revoked(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.client(deployment.new_key()) as client:
        [key] = client.get("/v1/keys/").json()["results"]
        assert client.delete(f"/v1/keys/{key['id']}/").json()["revoked_at"] is not None
        yield client


@pytest.fixture(scope="module")
def anonymous(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.client(UNKNOWN) as client:
        del client.headers["Authorization"]
        yield client


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_without_a_good_key(
    anonymous: httpx.Client, method: str, path: str
) -> None:
    for reason, value in BAD_HEADERS.items():
        headers = {} if value is None else {"Authorization": value}

        response = anonymous.request(method, filled(path), headers=headers)

        assert (response.status_code, refusal_of(response)) == (401, REFUSED), reason


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_a_revoked_key(revoked: httpx.Client, method: str, path: str) -> None:
    response = revoked.request(method, filled(path))

    assert (response.status_code, refusal_of(response)) == (401, REFUSED)


def test_a_bad_key_is_said_before_a_bad_body(anonymous: httpx.Client) -> None:
    response = anonymous.post("/v3/memories/add/", content=b"{not json")

    assert response.status_code == 401


@pytest.mark.parametrize("scheme", ["Token", "token", "Bearer", "Token  "])
def test_a_good_key_is_read_however_it_is_announced(
    deployment: Deployment, anonymous: httpx.Client, scheme: str
) -> None:
    key = deployment.new_key()

    response = anonymous.get("/v1/ping/", headers={"authorization": f"{scheme} {key}"})

    assert response.status_code == 200


ID_ROUTES = [(method, path) for method, path in ROUTES if "{" in path]
OWNER = {"user_id": "ada"}
"""What an entity is asked for with; no other route minds."""


@pytest.mark.parametrize(("method", "path"), ID_ROUTES)
def test_another_projects_ids_do_not_exist(
    theirs: Theirs, stranger: httpx.Client, method: str, path: str
) -> None:
    """Promise 10."""
    body = {"text": "taken over"} if method in {"PATCH", "PUT"} else None

    response = stranger.request(method, theirs.path(path), json=body, params=OWNER)

    unknown = stranger.request(method, filled(path), json=body, params=OWNER)
    assert response.status_code == 404
    assert refusal_of(response) == refusal_of(unknown)
    assert listed(theirs.client, user_id="ada") == ["Ada keeps bees"]


@pytest.mark.parametrize(
    ("method", "path"), [each for each in ID_ROUTES if each[0] == "GET" and "event" not in each[1]]
)
def test_the_owner_of_the_ids_is_answered(theirs: Theirs, method: str, path: str) -> None:
    answer = theirs.client.request(method, theirs.path(path), params=OWNER)

    assert answer.status_code == 200


def test_another_projects_memories_are_neither_found_nor_listed_nor_deleted(
    theirs: Theirs, stranger: httpx.Client
) -> None:
    filters: dict[str, Any] = {
        "AND": [{"user_id": "ada"}, {"memory_ids": [theirs.ids["memory_id"]]}]
    }
    search = {"query": "bees", "filters": filters, "threshold": 0.0}

    found = stranger.post("/v3/memories/search/", json=search).json()["results"]
    deleted = stranger.delete("/v1/memories/", params={"user_id": "*"})

    assert found == listed(stranger, user_id="ada") == []
    assert deleted.status_code == 200
    assert listed(theirs.client, user_id="ada") == ["Ada keeps bees"]


def test_two_keys_of_one_project_see_the_same(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    remembered(service, "Ada keeps bees", user_id="ada")
    second = service.post("/v1/keys/", json={"name": "second"}).json()["key"]

    stranger.headers.update(credentials(second))

    assert listed(stranger, user_id="ada") == ["Ada keeps bees"]


def test_a_key_is_shown_once_and_revoked_for_itself_only(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    made = service.post("/v1/keys/", json={}).json()
    names = [set(key) for key in service.get("/v1/keys/").json()["results"]]

    service.delete(f"/v1/keys/{made['id']}/")

    stranger.headers.update(credentials(made["key"]))
    assert all("key" not in each for each in names)
    assert stranger.get("/v1/ping/").status_code == 401
    assert service.get("/v1/ping/").status_code == 200


def test_a_data_file_that_cannot_be_read_is_not_a_wrong_key() -> None:
    def check(_secret: str) -> ApiKey | None:
        message = "The data file is locked"
        raise UnavailableError(message)

    event = {"headers": credentials(UNKNOWN), "rawPath": "/v1/ping"}
    answer = resolved(HttpApp(check), event)

    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "2"
    assert json.loads(answer["body"])["detail"] == "The data file is locked"


def test_an_answer_that_is_not_as_declared_is_our_fault() -> None:
    app = HttpApp(lambda _: ApiKey(id="1", project="p", name="n", created_at=now()))

    @app.get("/v1/ping")
    def broken() -> int:
        text: Any = "not a number"
        number: int = text
        return number

    http = {"method": "GET", "path": "/v1/ping"}
    event = {
        "headers": credentials(UNKNOWN),
        "rawPath": "/v1/ping",
        "requestContext": {"http": http, "stage": "$default"},
    }

    assert resolved(app, event)["statusCode"] == 500
