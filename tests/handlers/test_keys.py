"""The key is checked before anything else, and opens one project only."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from recollect.bootstrap import metering
from recollect.domain.errors import UnavailableError
from recollect.domain.keys import ApiKey
from recollect.entrypoints.http import HttpApp
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
from tests.handlers.operations import OPERATIONS, Operation, assert_good
from tests.handlers.worlds import Person, World

REFUSED = "Invalid API key. Please check your API key and try again."
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


ROUTES = sorted(
    {(operation.method, operation.path) for operation in OPERATIONS}
    | {("GET", "/v1/nothing"), ("PATCH", "/v1/ping/")}
)
"""Every route that is declared, and some that do not exist."""


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", new_id(), path)


@pytest.fixture(scope="module")
def theirs(deployment: Deployment) -> World:
    return World.fresh(deployment)


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


OF_IDS = [operation for operation in OPERATIONS if operation.path_names]
NOTHING: dict[str, object] = {
    "GET /memories/{memory_id}/": None,
    "GET /memories/{memory_id}/history/": [],
}
"""How mem0's open-source server says that there is no such memory."""
NAMES = ({"entity_name"}, {"entity_type", "entity_name"}, {"entity_type", "entity_id"})
"""What everybody may call somebody: two projects may have a user of one name."""


@pytest.mark.parametrize("operation", OF_IDS, ids=str)
def test_another_projects_ids_do_not_exist(
    theirs: World, stranger: httpx.Client, operation: Operation
) -> None:
    """Promise 10."""
    values, nobody = theirs.values(theirs.ada), Person.nobody()
    ids = ("org_id", "project_id", "key_id", "webhook_id")
    before = theirs.belongings(theirs.ada)

    response = operation.sent(stranger, values)

    unknown = operation.sent(
        stranger, {**values, **nobody.values, **{name: new_id() for name in ids}}
    )
    assert response.status_code == unknown.status_code
    if str(operation) in NOTHING:
        assert response.json() == unknown.json() == NOTHING[str(operation)]
    elif operation.path_names not in NAMES:
        assert response.status_code == 404
        assert refusal_of(response) == refusal_of(unknown)
    assert not [mark for mark in theirs.ada.marks if mark in response.text]
    assert theirs.belongings(theirs.ada) == before


@pytest.mark.parametrize("operation", [each for each in OF_IDS if each.method == "GET"], ids=str)
def test_the_owner_of_the_ids_is_answered(theirs: World, operation: Operation) -> None:
    assert_good(operation, operation.sent(theirs.owner, theirs.values(theirs.ada)))


def test_another_projects_memories_are_neither_found_nor_listed_nor_deleted(
    theirs: World, stranger: httpx.Client
) -> None:
    ada = theirs.ada
    filters: dict[str, Any] = {"AND": [{"user_id": ada.name}, {"memory_ids": [ada.memory_id]}]}
    search = {"query": "attic", "filters": filters, "threshold": 0.0}

    found = stranger.post("/v3/memories/search/", json=search).json()["results"]
    deleted = stranger.delete("/v1/memories/", params={"user_id": "*"})

    assert found == listed(stranger, user_id=ada.name) == []
    assert deleted.status_code == 200
    assert [memory["id"] for memory in theirs.listed(ada)] == [ada.memory_id]


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

    event = {
        "headers": credentials(UNKNOWN),
        "rawPath": "/v1/ping",
        "requestContext": {"stage": "$default"},
    }
    answer = resolved(HttpApp(check, metering.meter()), event)

    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "2"
    assert json.loads(answer["body"])["detail"] == "The data file is locked"


def test_an_answer_that_is_not_as_declared_is_our_fault() -> None:
    key = ApiKey(id="1", project="p", name="n", created_at=now())
    app = HttpApp(lambda _: key, metering.meter())

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
