"""Keys that open less than a project, and keys that follow others: made, shown, rotated."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from recollect.entrypoints.cli.main import main
from recollect.entrypoints.functions import load_module
from recollect.entrypoints.invocation import LambdaContext
from tests.callers import Deployment, credentials, new_id, now, refused
from tests.handlers.commands import NOWHERE

FIELDS: dict[str, Any] = {
    "name": "widget",
    "role": "READER",
    "user_id": None,
    "agent_id": "guide 🙂",
    "app_id": None,
    "run_id": None,
    "requests_per_minute": 60,
    "tokens_per_day": 1_000,
    "member": None,
    "expires_at": "2999-12-31T23:00:00.000000Z",
}


def only_given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def within(fields: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in fields}


def test_a_key_shows_what_it_opens(service: httpx.Client) -> None:
    made = service.post("/v1/keys/", json=only_given(FIELDS)).json()
    listed = service.get("/v1/keys/").json()["results"][1]

    assert within(FIELDS, made) == FIELDS
    assert {**listed, "key": made["key"]} == made


def test_a_key_of_which_nothing_is_said_opens_the_project(service: httpx.Client) -> None:
    made = service.post("/v1/keys/", json={}).json()

    nothing = dict.fromkeys(FIELDS)
    assert within(FIELDS, made) == {**nothing, "name": "key", "role": "OWNER"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"role": "ADMIN"}, "role"),
        ({"user_id": "ada", "agent_id": "guide"}, "one of user_id, agent_id, app_id, run_id"),
        ({"user_id": "*"}, "user_id must not be"),
        ({"user_id": " "}, "user_id must not be empty"),
        ({"expires_at": "2020-01-01"}, "expires_at must lie in the future"),
        ({"expires_at": 1_600_000_000}, "expires_at must lie in the future"),
        ({"expires_at": "tomorrow"}, "expires_at must be unix seconds or an ISO 8601 time"),
        ({"requests_per_minute": 0}, "requests_per_minute must be between"),
        ({"tokens_per_day": -1}, "tokens_per_day must be between"),
        ({"tokens_per_day": True}, "tokens_per_day"),
        ({"name": " "}, "name must have"),
    ],
)
def test_what_no_key_can_open_is_refused(
    service: httpx.Client, body: dict[str, object], said: str
) -> None:
    assert said in refused(service.post("/v1/keys/", json=body))
    assert len(service.get("/v1/keys/").json()["results"]) == 1


def test_a_rotated_key_has_a_successor(service: httpx.Client, stranger: httpx.Client) -> None:
    made = service.post("/v1/keys/", json=only_given(FIELDS)).json()

    successor = service.post(
        f"/v1/keys/{made['id']}/rotate/", json={"overlap_seconds": 3600}
    ).json()

    own = ("id", "key", "created_at")
    same = {name: value for name, value in made.items() if name not in own}
    assert within(same, successor) == same
    assert successor["key"] != made["key"]
    for key in (made, successor):
        assert stranger.get("/v1/ping/", headers=credentials(key["key"])).status_code == 200
    [_, old, _] = service.get("/v1/keys/").json()["results"]
    assert old["expires_at"] < (now() + timedelta(seconds=3601)).isoformat()
    assert old["revoked_at"] is None


def test_without_overlap_the_key_is_useless_at_once(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    made = service.post("/v1/keys/", json={}).json()
    path = f"/v1/keys/{made['id']}/rotate/"

    successor = service.post(path, json={"overlap_seconds": 0}).json()

    old, new = credentials(made["key"]), credentials(successor["key"])
    assert stranger.get("/v1/ping/", headers=old).status_code == 401
    assert stranger.get("/v1/ping/", headers=new).status_code == 200
    assert "revoked or has expired" in refused(service.post(path, json={}), 409)


@pytest.mark.parametrize("overlap", [-1, 30 * 86_400 + 1, "soon", True, 10**30])
def test_an_overlap_has_limits(service: httpx.Client, overlap: object) -> None:
    key = service.get("/v1/keys/").json()["results"][0]

    refused(service.post(f"/v1/keys/{key['id']}/rotate/", json={"overlap_seconds": overlap}))

    assert service.get("/v1/keys/").json()["results"] == [key]


@pytest.mark.parametrize("limit", ["requests_per_minute", "tokens_per_day"])
def test_a_limited_key_does_not_get_around_its_limit_with_new_keys(
    deployment: Deployment, service: httpx.Client, limit: str
) -> None:
    made = service.post("/v1/keys/", json={"name": "slow", limit: 100}).json()
    before = service.get("/v1/keys/").json()

    with deployment.client(made["key"]) as slow:
        for path in ("/v1/keys/", *(f"/v1/keys/{key['id']}/rotate/" for key in before["results"])):
            assert "is limited" in refused(slow.post(path, json={}), 403)

    assert service.get("/v1/keys/").json() == before
    assert service.post(f"/v1/keys/{made['id']}/rotate/", json={}).status_code == 200


def test_no_key_makes_one_that_outlives_it(service: httpx.Client, stranger: httpx.Client) -> None:
    """Nor gets hold of one by rotating it."""
    [first] = service.get("/v1/keys/").json()["results"]
    ends = "2999-01-01T00:00:00.000000Z"
    passing = service.post("/v1/keys/", json={"expires_at": ends}).json()
    stranger.headers.update(credentials(passing["key"]))

    endless = stranger.post("/v1/keys/", json={}).json()
    later = stranger.post("/v1/keys/", json={"expires_at": "2999-06-01T00:00:00Z"}).json()
    sooner = stranger.post("/v1/keys/", json={"expires_at": "2998-01-01T00:00:00Z"}).json()
    own = stranger.post(f"/v1/keys/{passing['id']}/rotate/", json={})
    others = stranger.post(f"/v1/keys/{first['id']}/rotate/", json={})

    assert endless["expires_at"] == later["expires_at"] == own.json()["expires_at"] == ends
    assert sooner["expires_at"].startswith("2998")
    assert "only rotate itself" in refused(others, 403)


def test_a_members_key_makes_keys_of_the_same_member(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    project = service.get("/v1/ping/").json()["project_id"]
    members = f"/api/v1/orgs/organizations/{project}/projects/{project}/members/"
    service.post(members, json={"email": "ada@example.com", "role": "OWNER"})
    mine = service.post("/v1/keys/", json={"member": "ada@example.com"}).json()
    stranger.headers.update(credentials(mine["key"]))

    made = stranger.post("/v1/keys/", json={}).json()
    service.delete(members, params={"email": "ada@example.com"})

    assert made["member"] == "ada@example.com"
    stranger.headers.update(credentials(made["key"]))
    assert stranger.get("/v1/ping/").status_code == 401


def test_an_unknown_key_is_not_rotated(service: httpx.Client) -> None:
    assert refused(service.post(f"/v1/keys/{new_id()}/rotate/", json={}), 404) == "Key not found"


def test_whoever_runs_the_service_can_make_such_a_key() -> None:
    command = {"command": "create_key", "project": f"project-{new_id()}", **only_given(FIELDS)}
    context = LambdaContext("admin", "1", now() + timedelta(minutes=1), now)

    answer = load_module("admin").lambda_handler(command, context)

    assert within(FIELDS, answer) == FIELDS


def recollect(*words: str) -> Result:
    result = CliRunner().invoke(main, words, env=NOWHERE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(params=["local", "service"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    if request.param == "local":
        return ["--data", str(tmp_path / "memories.db")]
    live = request.getfixturevalue("live_service")
    return ["--host", live.address, "--api-key", live.new_key()]


def test_a_command_makes_shows_and_rotates_such_a_key(place: list[str]) -> None:
    options = [
        *("--role", "reader", "--agent-id", "guide 🙂", "--expires", "2999-12-31T23:00:00"),
        *("--requests-per-minute", "60", "--tokens-per-day", "1000", "--json"),
    ]

    created = recollect("keys", "create", "widget", *options, *place)
    made = json.loads(created.stdout)
    rotated = recollect("keys", "rotate", made["id"], "--overlap", "3600", *place)
    table = recollect("keys", "list", *place).stdout.splitlines()

    assert within(FIELDS, made) == FIELDS
    assert rotated.stdout.startswith("m0-")
    assert rotated.stdout.strip() != made["key"]
    [old, new] = [line for line in table if "widget" in line]
    assert all("READER  agent=guide 🙂" in line for line in (old, new))
    assert "(expires 2999-12-31 23:00:00Z)" in new
    assert "(expires 2" in old
    assert "2999" not in old


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--role", "admin"),
        ("create", "--user-id", "*"),
        ("create", "--expires", "2020-01-01"),
        ("create", "--requests-per-minute", "0"),
        ("create", "--user-id", "ada", "--agent-id", "guide"),
        ("create", "--member", "ada@example.com"),
        ("rotate", "unknown"),
        ("rotate", "unknown", "--overlap", "-1"),
        ("rotate", "unknown", "--overlap", "2592001"),
    ],
)
def test_what_a_command_cannot_make_is_refused_in_words(
    place: list[str], words: tuple[str, ...]
) -> None:
    result = recollect("keys", *words, *place)

    assert result.exit_code in {1, 2}
    assert result.stdout == ""
    assert result.stderr


def test_an_expired_first_key_is_explained(tmp_path: Path) -> None:
    data = str(tmp_path / "memories.db")
    recollect("add", "Ada keeps bees.", "--user", "ada", "--data", data)
    [first] = json.loads(recollect("keys", "list", "--data", data, "--json").stdout)
    recollect("keys", "rotate", first["id"], "--overlap", "0", "--data", data)

    refusal = recollect("list", "--user", "ada", "--data", data)

    assert refusal.exit_code == 1
    assert f"{data}.key has expired: delete that file" in refusal.stderr
