"""Members of a project, as the mem0 clients read and write them; their keys follow."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.callers import credentials, refused

ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def members(service: httpx.Client) -> str:
    project = service.get("/v1/ping/").json()["project_id"]
    return f"/api/v1/orgs/organizations/{project}/projects/{project}/members/"


@pytest.fixture
def key_of(service: httpx.Client, stranger: httpx.Client) -> Callable[[str], httpx.Client]:
    """Make a key for a member, and return a client with it."""

    def make(email: str) -> httpx.Client:
        key = service.post("/v1/keys/", json={"member": email}).json()["key"]
        stranger.headers.update(credentials(key))
        return stranger

    return make


def shown(service: httpx.Client, members: str) -> list[dict[str, Any]]:
    answer = service.get(members).json()
    assert set(answer) == {"members"}
    found: list[dict[str, Any]] = answer["members"]
    return found


def test_members_come_change_and_go(service: httpx.Client, members: str) -> None:
    assert shown(service, members) == []

    added = service.post(members, json={"email": ADA, "role": "OWNER"})
    service.post(members, json={"email": " BOB@example.com "})
    both = shown(service, members)
    changed = service.put(members, json={"email": BOB, "role": "OWNER"})
    removed = service.delete(members, params={"email": ADA})

    assert [answer.status_code for answer in (added, changed, removed)] == [200] * 3
    assert all(isinstance(each.json()["message"], str) for each in (added, changed, removed))
    assert both == [
        {"email": ADA, "username": ADA, "role": "OWNER"},
        {"email": BOB, "username": BOB, "role": "READER"},
    ]
    assert shown(service, members) == [{"email": BOB, "username": BOB, "role": "OWNER"}]


def test_the_project_shows_its_members_and_the_callers_role(
    service: httpx.Client, members: str, key_of: Callable[[str], httpx.Client]
) -> None:
    service.post(members, json={"email": ADA, "role": "READER"})
    path = members.removesuffix("members/")

    of_owner, of_ada = service.get(path).json(), key_of(ADA).get(path).json()

    assert of_owner["members"] == of_ada["members"] == shown(service, members)
    assert (of_owner["user_role"], of_ada["user_role"]) == ("OWNER", "READER")


def test_a_members_key_follows_the_member(
    service: httpx.Client, members: str, key_of: Callable[[str], httpx.Client]
) -> None:
    service.post(members, json={"email": ADA, "role": "READER"})
    ada = key_of(ADA)
    message = {"messages": "Hello", "infer": False, "user_id": "ada"}

    as_reader = ada.post("/v3/memories/add/", json=message).status_code
    service.put(members, json={"email": ADA, "role": "OWNER"})
    as_owner = ada.post("/v3/memories/add/", json=message).status_code
    service.delete(members, params={"email": ADA})
    as_nobody = ada.get("/v1/ping/").status_code

    assert (as_reader, as_owner, as_nobody) == (403, 200, 401)


def test_a_member_is_there_once(service: httpx.Client, members: str) -> None:
    service.post(members, json={"email": ADA})

    assert "already" in refused(service.post(members, json={"email": ADA}), 409)


def test_who_is_no_member_is_not_found(service: httpx.Client, members: str) -> None:
    changed = service.put(members, json={"email": ADA, "role": "OWNER"})
    removed = service.delete(members, params={"email": ADA})

    assert refused(changed, 404) == refused(removed, 404) == "Member not found"


@pytest.mark.parametrize(
    "body", [{}, {"email": ""}, {"email": "ada"}, {"email": ADA, "role": "ADMIN"}, {"email": 5}]
)
def test_what_is_no_member_is_refused(
    service: httpx.Client, members: str, body: dict[str, object]
) -> None:
    refused(service.post(members, json=body))
    refused(service.delete(members))

    assert shown(service, members) == []


def test_a_key_is_made_for_members_only(service: httpx.Client, members: str) -> None:
    service.post(members, json={"email": ADA, "role": "READER"})

    for body in ({"member": BOB}, {"member": ADA, "role": "OWNER"}, {"member": "ada"}):
        refused(service.post("/v1/keys/", json=body))

    assert len(service.get("/v1/keys/").json()["results"]) == 1
