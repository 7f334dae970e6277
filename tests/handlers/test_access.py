"""What each kind of key opens, asked of every operation that the document declares."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from recollect import bootstrap
from recollect.domain.keys import hash_key
from recollect.testing.builders import a_scope
from tests.callers import (
    ADD,
    SEARCH,
    credentials,
    new_id,
    now,
    refused,
    remembered,
)
from tests.handlers.operations import OPERATIONS, OUTRIGHT, Operation, assert_good
from tests.handlers.worlds import Person, World, aims, made

WRITING, READING = {"add", "mutate"}, {"read", "search"}
MAY_ONLY_READ = "This API key may only read"
NOT_FOUND = "Project not found"


@pytest.fixture(scope="module")
def reader(shared: World) -> httpx.Client:
    return shared.key(role="READER")


every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def those_of(functions: set[str]) -> pytest.MarkDecorator:
    found = [operation for operation in OPERATIONS if operation.function in functions]
    return pytest.mark.parametrize("operation", found, ids=str)


def test_every_operation_is_known_to_write_or_to_read() -> None:
    assert {operation.function for operation in OPERATIONS} <= WRITING | READING


@those_of(WRITING)
def test_a_reader_can_write_nowhere(world: World, operation: Operation) -> None:
    people, values = (world.ada, world.bob, world.guide), world.values(world.ada)
    reader = world.key(role="READER")
    before = world.belongings(*people), made(world.owner.get("/v1/events/"))

    response = operation.sent(reader, values)

    assert refused(response, 403) == MAY_ONLY_READ
    assert (world.belongings(*people), made(world.owner.get("/v1/events/"))) == before
    # The same request is a good one, so that nothing else has stopped the reader.
    assert_good(operation, operation.sent(world.owner, values, **world.own_ids))


@those_of(READING)
def test_a_reader_can_read_everywhere(
    shared: World, reader: httpx.Client, operation: Operation
) -> None:
    values = shared.values(shared.guide)

    assert_good(operation, operation.sent(reader, values, **shared.own_ids))


@every_operation
@pytest.mark.parametrize("other", ["bob", "guide"])
def test_a_bound_key_gets_nothing_of_anybody_else(
    shared: World, bound: httpx.Client, operation: Operation, other: str
) -> None:
    person: Person = getattr(shared, other)
    nobody = Person.nobody(person.kind)
    before = shared.belongings(shared.bob, shared.guide)

    for aim, fields in aims(shared, person).items():
        nothing = aims(shared, nobody)[aim]
        answer = operation.sent(bound, shared.values(person), body=fields, query=fields)
        same = operation.sent(bound, shared.values(nobody), body=nothing, query=nothing)

        assert_nothing_of(person, answer, aim)
        # Not even that there is such a person.
        assert answer.status_code == same.status_code, f"{aim}: {answer.text} {same.text}"

    assert shared.belongings(shared.bob, shared.guide) == before


def assert_nothing_of(person: Person, answer: httpx.Response, aim: str) -> None:
    marks = person.marks if answer.status_code in OUTRIGHT else [person.secret]
    assert answer.status_code < 500, f"{aim}: {answer.text}"
    # Jobs that failed repeat the ids that the key itself has sent.
    text = answer.text.replace(f"Memory not found: {person.memory_id}", "")
    assert not [mark for mark in marks if mark in text], f"{aim}: {answer.text}"


def test_a_bound_key_opens_what_is_its_own(world: World) -> None:
    bound, ada = world.key(user_id=world.ada.name), world.ada

    added = made(bound.post("/v3/memories/add/", json={"messages": "New", "infer": False}))
    listed = made(bound.post("/v3/memories/", json={"filters": {"user_id": "*"}}))
    found = made(bound.post("/v3/memories/search/", json={"query": "attic", "filters": {}}))
    changed = made(bound.put(f"/v1/memories/{ada.memory_id}/", json={"text": "Changed"}))
    job = made(bound.get(f"/v1/event/{added['event_id']}/"))
    entities = made(bound.get("/v1/entities/"))

    assert {memory["id"] for memory in listed["results"]} == {
        ada.memory_id,
        added["results"][0]["id"],
    }
    assert ada.memory_id in {memory["id"] for memory in found["results"]}
    assert (changed["memory"], changed["user_id"]) == ("Changed", ada.name)
    assert job["status"] == "SUCCEEDED"
    assert [entity["name"] for entity in entities["results"]] == [ada.name]
    made(bound.delete(f"/v1/memories/{ada.memory_id}/"))
    assert len(world.listed(ada)) == 1


def test_a_bound_key_sees_what_its_subject_shares(world: World) -> None:
    shared = {"messages": "Shared", "infer": False, "user_id": world.ada.name}
    body = {**shared, "agent_id": world.guide.name}
    added = made(world.owner.post("/v3/memories/add/", json=body))["results"][0]["id"]

    for key in (world.key(user_id=world.ada.name), world.key(agent_id=world.guide.name)):
        assert made(key.get(f"/v1/memories/{added}/"))["memory"] == "Shared"
    stranger = world.key(user_id=world.bob.name)
    assert stranger.get(f"/v1/memories/{added}/").status_code == 404


def test_bound_keys_share_no_idempotency_key_with_others(world: World) -> None:
    ada, bob = world.key(user_id=world.ada.name), world.key(user_id=world.bob.name)
    headers, body = {"Idempotency-Key": "1"}, {"messages": "I was here", "infer": False}

    def add(client: httpx.Client, **fields: object) -> httpx.Response:
        return client.post(ADD, json={**body, **fields}, headers=headers)

    jobs = {made(add(client))["event_id"] for client in (ada, bob, bob)}
    made(add(world.owner, messages="Something else", user_id=world.bob.name))

    assert len(jobs) == 2
    assert "I was here" in {memory["memory"] for memory in world.listed(world.bob)}
    refused(add(bob, messages="Something else"), 422)


@pytest.mark.parametrize(("bound_to", "named"), [("agent", "user"), ("user", "run")])
def test_a_score_tells_nothing_of_memories_that_a_bound_key_does_not_see(
    world: World, bound_to: str, named: str
) -> None:
    """Neither that others have a word, nor in how many of their memories it is."""
    own = {"user_id": world.ada.name, "agent_id": world.guide.name, "run_id": f"run-{new_id()}"}
    aim = {f"{named}_id": own[f"{named}_id"]}
    bound = world.key(**{f"{bound_to}_id": own[f"{bound_to}_id"]})

    def told() -> list[dict[str, Any]]:
        scope = a_scope(world.project, **{kind.removesuffix("_id"): own[kind] for kind in own})
        bootstrap.project_changes()(world.project, [subject.key for subject in scope.subjects])
        asked = {"query": "divorce", "filters": aim, "threshold": 0.0, "explain": True}
        found: list[dict[str, Any]] = made(bound.post(SEARCH, json=asked))["results"]
        return found

    remembered(world.owner, "A divorce", **own)
    before = told()
    for text in ("Wants a divorce", "No divorce", "Nothing else"):
        remembered(world.owner, text, **aim, app_id="notes")

    assert told() == before
    assert [memory["memory"] for memory in before] == ["A divorce"]


def test_a_reader_may_be_bound_too(world: World) -> None:
    bound = world.key(user_id=world.ada.name, role="READER")

    assert bound.get(f"/v1/memories/{world.ada.memory_id}/").status_code == 200
    assert bound.get(f"/v1/memories/{world.bob.memory_id}/").status_code == 404
    refused(bound.delete(f"/v1/memories/{world.ada.memory_id}/"), 403)


@pytest.fixture
def ended(world: World) -> Iterator[dict[str, httpx.Client]]:
    """Clients whose keys were good once."""
    keys = bootstrap.local_store().keys
    clients = {name: world.key() for name in ("revoked", "expired", "rotated")}
    found = {
        name: keys.find(hash_key(client.headers["Authorization"].split()[1]))
        for name, client in clients.items()
    }
    ids = {name: key.id for name, key in found.items() if key}
    expired = found["expired"]
    assert expired
    keys.replace(world.project, expired, replace(expired, expires_at=now()))
    made(world.owner.delete(f"/v1/keys/{ids['revoked']}/"))
    made(world.owner.post(f"/v1/keys/{ids['rotated']}/rotate/", json={"overlap_seconds": 0}))
    yield clients
    for client in clients.values():
        client.close()


def test_no_operation_answers_a_key_that_is_good_no_more(
    world: World, ended: dict[str, httpx.Client]
) -> None:
    values = world.values(world.ada)
    for operation in OPERATIONS:
        for state, client in ended.items():
            assert operation.sent(client, values).status_code == 401, f"{operation} {state}"


@every_operation
@pytest.mark.parametrize("name", ["org_id", "project_id"])
def test_another_project_is_not_found_wherever_it_is_named(
    shared: World, operation: Operation, stranger: httpx.Client, name: str
) -> None:
    theirs = made(stranger.get("/v1/ping/"))["project_id"]
    values, before = shared.values(shared.bob), shared.belongings(shared.bob)

    for other in (theirs, f"project-{new_id()}"):
        given = {name: other}
        for place in ("path", "query", "body"):
            if place == "path" and name in operation.path_names:
                response = operation.sent(shared.owner, {**values, **given})
            elif place == "query":
                response = operation.sent(shared.owner, values, query=given)
            elif place == "body" and operation.body_schema:
                response = operation.sent(shared.owner, values, body=given)
            else:
                continue
            assert refused(response, 404) == NOT_FOUND, place

    assert shared.belongings(shared.bob) == before


@pytest.mark.parametrize("value", [5, True, [], {}, ["a"], {"a": 1}])
def test_what_is_no_name_of_a_project_is_refused(world: World, value: object) -> None:
    body = {"filters": {"user_id": world.ada.name}, "project_id": value}

    assert refused(world.owner.post("/v3/memories/", json=body), 404) == NOT_FOUND


@pytest.mark.parametrize("scheme", ["Token {}", "Bearer {}", "bearer {}", None])
def test_a_key_is_read_wherever_clients_put_it(world: World, scheme: str | None) -> None:
    key = made(world.owner.post("/v1/keys/", json={"role": "READER"}))["key"]
    headers = {"X-API-Key": key} if scheme is None else {"Authorization": scheme.format(key)}
    with world.deployment.client("none") as client:
        del client.headers["Authorization"]

        assert client.get("/v1/ping/", headers=headers).status_code == 200
        written = client.delete(f"/v1/memories/{world.ada.memory_id}/", headers=headers)

    assert refused(written, 403) == MAY_ONLY_READ


def test_of_two_keys_the_announced_one_counts(world: World, stranger: httpx.Client) -> None:
    key = made(world.owner.post("/v1/keys/", json={}))["key"]
    headers = {**credentials(key), "X-API-Key": stranger.headers["Authorization"].split()[1]}

    answer: dict[str, Any] = made(stranger.get("/v1/ping/", headers=headers))

    assert answer["project_id"] == world.project


def test_a_key_expires_at_the_second_that_it_was_given(world: World) -> None:
    ends = now() + timedelta(hours=1)
    answer = made(
        world.owner.post("/v1/keys/", json={"name": "n", "expires_at": int(ends.timestamp())})
    )

    found = bootstrap.local_store().keys.find(hash_key(answer["key"]))

    assert found
    assert found.expires_at == ends.replace(microsecond=0)
