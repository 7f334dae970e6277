"""Changing and deleting many memories at once over HTTP, and the list of jobs."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.callers import AN_ID, Deployment, listed, new_id, refused, remembered

BATCH = "/v1/batch/"


@pytest.fixture
def adas(deployment: Deployment, service: httpx.Client) -> Iterator[httpx.Client]:
    """A client whose key is for the user ada only."""
    key = service.post("/v1/keys/", json={"name": "ada's", "user_id": "ada"}).json()["key"]
    with deployment.client(key) as client:
        yield client


def changed(client: httpx.Client, *memories: dict[str, object], **headers: str) -> httpx.Response:
    return client.put(BATCH, json={"memories": memories}, headers=headers)


def deleted(client: httpx.Client, *ids: str, **headers: str) -> httpx.Response:
    memories = [{"memory_id": each} for each in ids]
    return client.request("DELETE", BATCH, json={"memories": memories}, headers=headers)


def event(client: httpx.Client, response: httpx.Response) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/v1/event/{response.json()['event_id']}/").json()
    return found


def test_a_batch_changes_texts_and_metadata(service: httpx.Client) -> None:
    tea = remembered(service, "likes tea", user_id="ada", metadata={"a": 1})
    jam = remembered(service, "likes jam", user_id="ada")

    response = changed(
        service,
        {"memory_id": tea.upper(), "text": "likes coffee"},
        {"memory_id": jam, "metadata": {"b": 2}},
    )

    assert response.status_code == 200
    assert response.json()["message"] == "Successfully updated 2 memories"
    assert response.json()["status"] == "SUCCEEDED"
    after = service.get(f"/v1/memories/{tea}/").json()
    assert (after["memory"], after["metadata"]) == ("likes coffee", {"a": 1})
    assert service.get(f"/v1/memories/{jam}/").json()["metadata"] == {"b": 2}
    found = service.post(
        "/v3/memories/search/", json={"query": "coffee", "filters": {"user_id": "ada"}}
    ).json()["results"]
    assert found[0]["memory"] == "likes coffee"
    told = event(service, response)
    assert (told["event_type"], told["status"]) == ("UPDATE", "SUCCEEDED")
    assert told["metadata"] == {"updated": 2, "of": 2}


def test_a_batch_deletes(service: httpx.Client) -> None:
    ids = [remembered(service, f"text {number}", user_id="ada") for number in range(12)]

    response = deleted(service, *ids[:11])

    assert response.json()["message"] == "Successfully deleted 11 memories"
    assert listed(service, user_id="ada") == ["text 11"]
    assert event(service, response)["event_type"] == "DELETE"
    history = service.get(f"/v1/memories/{ids[0]}/history/").json()
    assert [row["event"] for row in history] == ["ADD", "DELETE"]


@pytest.mark.parametrize("unknown", [AN_ID, "theirs"])
def test_an_unknown_memory_leaves_all_as_they_are(
    service: httpx.Client, stranger: httpx.Client, unknown: str
) -> None:
    mine = remembered(service, "likes tea", user_id="ada")
    theirs = remembered(stranger, "likes jam", user_id="ada")
    other = theirs if unknown == "theirs" else unknown
    change = {"text": "changed"}

    refusals = [
        refused(
            changed(service, {"memory_id": mine, **change}, {"memory_id": other, **change}), 404
        ),
        refused(deleted(service, mine, other), 404),
    ]

    assert set(refusals) == {f"Memory not found: {other}. Nothing was changed."}
    assert listed(service, user_id="ada") == ["likes tea"]
    assert listed(stranger, user_id="ada") == ["likes jam"]


def test_a_key_of_one_entity_reaches_its_own_memories_only(
    service: httpx.Client, adas: httpx.Client
) -> None:
    mine = remembered(service, "likes tea", user_id="ada")
    bobs = remembered(service, "likes jam", user_id="bob")

    refused(changed(adas, {"memory_id": mine, "text": "x"}, {"memory_id": bobs, "text": "y"}), 404)
    refused(deleted(adas, mine, bobs), 404)

    assert listed(service, user_id="ada") == ["likes tea"]
    assert listed(service, user_id="bob") == ["likes jam"]
    assert deleted(adas, mine).status_code == 200


def test_an_immutable_memory_leaves_all_as_they_are(service: httpx.Client) -> None:
    free = remembered(service, "likes tea", user_id="ada")
    fixed = remembered(service, "born in 1815", user_id="ada", immutable=True)

    response = changed(service, {"memory_id": free, "text": "x"}, {"memory_id": fixed, "text": "y"})

    assert refused(response, 409) == "This memory is immutable"
    assert sorted(listed(service, user_id="ada")) == ["born in 1815", "likes tea"]


@pytest.mark.parametrize(
    ("memories", "reason"),
    [
        ([], "At least one memory must be"),
        ([{"memory_id": AN_ID, "text": "x"}] * 2, "once only"),
        ([{"memory_id": AN_ID, "text": "x"}, {"memory_id": AN_ID.upper()}], "once only"),
        ([{"memory_id": new_id(), "text": "x"} for _ in range(1001)], "Maximum of 1000 memories"),
        ([{"memory_id": "tea", "text": "x"}], "should be a valid UUID"),
        ([{"text": "x"}], "memory_id"),
        ([{"memory_id": 1}], "memory_id"),
        (["tea"], "memories.0"),
        ("tea", "memories"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_batch_is_refused(service: httpx.Client, memories: object, reason: str) -> None:
    for method in ("PUT", "DELETE"):
        response = service.request(method, BATCH, json={"memories": memories})
        assert reason in refused(response)


@pytest.mark.parametrize("change", [{}, {"text": None}, {"text": " "}, {"text": "x" * 40_000}])
def test_a_change_that_cannot_be_made_leaves_all_as_they_are(
    service: httpx.Client, change: dict[str, object]
) -> None:
    tea = remembered(service, "likes tea", user_id="ada")
    jam = remembered(service, "likes jam", user_id="ada")

    refused(changed(service, {"memory_id": tea, "text": "new"}, {"memory_id": jam, **change}))

    assert sorted(listed(service, user_id="ada")) == ["likes jam", "likes tea"]


def test_the_largest_batch_is_taken(service: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": f"text {n}"} for n in range(1000)]}
    added = service.post("/v3/memories/add/", json={**body, "user_id": "ada", "infer": False})
    ids = [each["id"] for each in added.json()["results"]]

    response = changed(service, *({"memory_id": an_id, "metadata": {"a": 1}} for an_id in ids))

    assert response.json()["message"] == "Successfully updated 1000 memories"
    assert deleted(service, *ids).json()["message"] == "Successfully deleted 1000 memories"
    assert listed(service, user_id="ada") == []


def test_a_repeated_idempotency_key_answers_the_first_batch(service: httpx.Client) -> None:
    """Promise 9: also where the memories are gone by now."""
    tea = remembered(service, "likes tea", user_id="ada")
    key = {"Idempotency-Key": new_id()}

    first, second = (deleted(service, tea, **key) for _ in range(2))

    assert first.json() == second.json()
    assert refused(deleted(service, new_id(), **key), 422)


def events(client: httpx.Client, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - as httpx has it
    response = client.get("/v1/events/", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.fixture
def busy(service: httpx.Client) -> httpx.Client:
    """A client of a project with five jobs, the last one failed."""
    tea = remembered(service, "likes tea", user_id="ada")
    remembered(service, "likes jam", user_id="bob")
    changed(service, {"memory_id": tea, "text": "likes coffee"})
    service.delete("/v1/memories/", params={"user_id": "bob"})
    deleted(service, AN_ID)
    return service


def test_events_are_listed_last_first(busy: httpx.Client, stranger: httpx.Client) -> None:
    found = events(busy)

    rows = found["results"]
    types = [row["event_type"] for row in rows]
    assert types == ["DELETE", "DELETE_ALL", "UPDATE", "ADD", "ADD"]
    assert [row["status"] for row in rows] == ["FAILED", *["SUCCEEDED"] * 4]
    assert "Memory not found" in str(rows[0]["error"])
    assert (found["count"], found["count_exact"], found["next"]) == (5, True, None)
    assert busy.get(f"/v1/event/{rows[1]['id']}/").json()["id"] == rows[1]["id"]
    assert events(stranger)["results"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"event_type": "ADD"}, ["ADD", "ADD"]),
        ({"event_type": "update,delete_all"}, ["DELETE_ALL", "UPDATE"]),
        ({"status": "FAILED"}, ["DELETE"]),
        ({"status": "SUCCEEDED", "event_type": ["UPDATE", "DELETE"]}, ["UPDATE"]),
        ({"status": "PENDING"}, []),
        ({"event_type": "SEARCH"}, []),
        ({"event_type": "", "status": ""}, ["DELETE", "DELETE_ALL", "UPDATE", "ADD", "ADD"]),
    ],
)
def test_events_are_filtered(
    busy: httpx.Client, query: dict[str, Any], expected: list[str]
) -> None:
    found = events(busy, **query)

    assert [row["event_type"] for row in found["results"]] == expected


def test_events_come_in_pages_that_keep_their_filters(busy: httpx.Client) -> None:
    first = events(busy, page_size=2, status="SUCCEEDED")

    assert (first["count"], first["count_exact"], first["previous"]) == (3, False, None)
    second = busy.get(str(first["next"])).json()
    assert [row["event_type"] for row in second["results"]] == ["ADD", "ADD"]
    assert (second["count"], second["count_exact"], second["next"]) == (4, True, None)
    assert busy.get(second["previous"]).json() == first


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"event_type": "TEA"}, 400),
        ({"status": "DONE"}, 400),
        ({"page": 0}, 400),
        ({"page_size": 201}, 400),
        ({"page": 101}, 400),
        ({"page": 2}, 404),
    ],
)
def test_a_bad_list_of_events_is_refused(
    busy: httpx.Client, query: dict[str, Any], status: int
) -> None:
    refused(busy.get("/v1/events/", params=query), status)


@pytest.mark.usefixtures("busy")
def test_a_key_of_one_entity_sees_its_own_events_only(adas: httpx.Client) -> None:
    mine = remembered(adas, "likes cake", user_id="ada")
    deleted(adas, mine)

    found = events(adas)

    types = [row["event_type"] for row in found["results"]]
    assert types == ["DELETE", "ADD", "ADD"]
