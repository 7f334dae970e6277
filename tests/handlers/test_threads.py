"""One process answers many callers at once, and never mixes them up."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from recollect.bootstrap import metering
from recollect.domain.keys import ApiKey
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from tests.callers import (
    ADD,
    LIST,
    SEARCH,
    Deployment,
    credentials,
    listed,
    new_id,
    now,
    refused,
    remembered,
    resolved,
    total,
)

CROWD = 16
ROUNDS = 4


@pytest.fixture(autouse=True)
def _restless() -> Iterator[None]:
    """Have threads take turns after every few instructions, so that what they share shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def fresh() -> Deployment:
    """Functions that no request has reached yet, as after a cold start."""
    return Deployment.fresh()


@pytest.fixture
def callers(fresh: Deployment) -> Iterator[list[httpx.Client]]:
    """As many clients, each with a project of its own; none of them has called yet."""
    with ExitStack() as stack:
        yield [stack.enter_context(fresh.client(fresh.new_key())) for _ in range(CROWD)]


def together(task: Callable[[int], object]) -> list[object]:
    """Run the task in every thread of the crowd, all starting at the same moment."""
    barrier = threading.Barrier(CROWD, timeout=30)

    def run(number: int) -> object:
        barrier.wait()
        return task(number)

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(run, range(CROWD)))


def test_the_first_requests_of_all_are_answered_each_to_its_caller(
    callers: list[httpx.Client],
) -> None:
    def ask(number: int) -> object:
        response = callers[number].get("/v1/ping/")
        assert response.status_code == 200, response.text
        return response.json()["project_id"]

    projects = together(ask)

    assert len(set(projects)) == CROWD
    assert projects == [client.get("/v1/ping/").json()["project_id"] for client in callers]


def test_the_first_adds_of_all_are_stored_each_in_its_project(
    callers: list[httpx.Client],
) -> None:
    def add(number: int) -> object:
        return remembered(callers[number], f"I am caller {number}", user_id="ada")

    ids = together(add)

    assert len(set(ids)) == CROWD
    for number, client in enumerate(callers):
        assert listed(client, user_id="ada") == [f"I am caller {number}"]


def test_every_route_at_once_answers_every_caller_with_its_own(
    callers: list[httpx.Client],
) -> None:
    """Each thread goes through a memory's life while the others go through theirs."""

    def live(number: int) -> object:
        client, user, text = callers[number], f"user {number}", f"Number {number} keeps bees"
        for turn in range(ROUNDS):
            memory_id = remembered(client, f"{text} {turn}", user_id=user, metadata={"n": number})
            path = f"/v1/memories/{memory_id}/"
            search = {"query": "bees", "filters": {"user_id": user}, "threshold": 0.0}
            found = client.post(SEARCH, json=search).json()["results"]
            changed = client.put(path, json={"text": f"{text} no more {turn}"}).json()
            history = client.get(f"{path}history/").json()
            page = client.post(f"{LIST}?page_size=1", json={"filters": {"user_id": user}}).json()
            entities = client.get("/v1/entities/").json()["results"]
            assert {each["user_id"] for each in found} == {user}
            assert {each["metadata"]["n"] for each in found} == {number}
            assert (changed["id"], changed["user_id"]) == (memory_id, user)
            assert [each["user_id"] for each in history] == [user, user]
            assert [each["memory"] for each in page["results"]] == [f"{text} no more {turn}"]
            assert [entity["name"] for entity in entities] == [user]
        return total(client)

    assert together(live) == [ROUNDS] * CROWD


def test_refusals_go_to_those_who_asked_wrongly(callers: list[httpx.Client]) -> None:
    def ask(number: int) -> object:
        client = callers[number]
        body = {"messages": f"I am caller {number}", "user_id": "ada", "infer": False}
        for turn in range(ROUNDS):
            match (number + turn) % 4:
                case 0:
                    anonymous = {"Authorization": "Token m0-nobody"}
                    refused(client.post(ADD, json=body, headers=anonymous), 401)
                case 1:
                    assert refused(client.post(ADD, json={"messages": "hello"}))
                case 2:
                    assert refused(client.get(f"/v1/memories/{new_id()}/"), 404)
                case _:
                    assert client.post(ADD, json=body).status_code == 200
        return listed(client, user_id="ada")

    assert together(ask) == [[f"I am caller {number}"] for number in range(CROWD)]


def test_one_idempotency_key_used_at_once_adds_once(
    fresh: Deployment, callers: list[httpx.Client]
) -> None:
    """Promise 9."""
    key = fresh.new_key()
    for client in callers:
        client.headers.update(credentials(key))
    headers = {"Idempotency-Key": new_id()}
    body = {"messages": "Ada keeps bees", "user_id": "ada", "infer": False}

    def add(number: int) -> object:
        response = callers[number].post(ADD, json=body, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()["event_id"]

    assert len(set(together(add))) == 1
    assert listed(callers[0], user_id="ada") == ["Ada keeps bees"]


@pytest.mark.parametrize("_turn", range(8))
def test_first_requests_that_pass_the_key_check_together_are_answered_alike(_turn: int) -> None:
    """All are let through at the same moment and find a router that is not built yet."""
    barrier = threading.Barrier(CROWD, timeout=30)

    def check(secret: str) -> ApiKey:
        barrier.wait()
        return ApiKey(id=secret, project=secret, name="test", created_at=now())

    app = HttpApp(check, metering.meter())
    for route in range(CROWD):

        @app.get(f"/things/{route}/<name>")
        def get_thing(name: str) -> dict[str, str]:
            return {"name": name, "project": caller.project}

    def ask(number: int) -> object:
        http = {"method": "GET", "path": f"/things/{number}/n{number}"}
        event = {
            "rawPath": http["path"],
            "headers": credentials(f"m0-{number}"),
            "requestContext": {"http": http, "stage": "$default"},
        }
        answer = resolved(app, event)
        assert answer["statusCode"] == 200, answer["body"]
        return json.loads(answer["body"])

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(ask, range(CROWD)))

    assert answers == [{"name": f"n{n}", "project": f"m0-{n}"} for n in range(CROWD)]
