"""Users, agents, apps and runs over HTTP, and all that a project has."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from recollect.bootstrap import worker
from tests.callers import ADD, Deployment, listed, new_id, refused, remembered

DELETING = "Delete in progress. This may take some time."


@pytest.fixture
def adas(deployment: Deployment, service: httpx.Client) -> Iterator[httpx.Client]:
    """A client whose key is for the user ada only."""
    key = service.post("/v1/keys/", json={"name": "ada's", "user_id": "ada"}).json()["key"]
    with deployment.client(key) as client:
        yield client


def entities(client: httpx.Client, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - as httpx has it
    response = client.get("/v1/entities/", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def named(client: httpx.Client, **query: Any) -> list[str]:  # noqa: ANN401 - as above
    return [each["name"] for each in entities(client, **query)["results"]]


@pytest.mark.parametrize(
    "path", ["ada", "ada%2Flovelace", "ada/lovelace", "al%20ice%2Fx", "a%252Fb"]
)
def test_an_entity_is_erased_with_all_that_is_its_own(
    deployment: Deployment, service: httpx.Client, path: str
) -> None:
    name = {"ada%2Flovelace": "ada/lovelace", "al%20ice%2Fx": "al ice/x", "a%252Fb": "a%2Fb"}.get(
        path, path
    )
    remembered(service, "likes tea", user_id=name)
    remembered(service, "shared", user_id=name, agent_id="helper")
    remembered(service, "likes jam", user_id="bob")

    response = service.delete(f"/v2/entities/user/{path}/")

    assert response.status_code == 200
    assert response.json()["message"] == DELETING
    assert listed(service, user_id=name) == []
    assert named(service) == ["bob"]
    event = f"/v1/event/{response.json()['event_id']}/"
    job = service.get(event).json()
    assert (job["event_type"], job["status"]) == ("ERASE", "PENDING")
    assert "receipt" not in job
    deployment.settle()
    # It may have looked before the index had followed, and rests then.
    worker.carry_on()(service.get("/v1/ping/").json()["project_id"], job["id"])
    done = service.get(event).json()
    assert (done["status"], done["metadata"]) == ("SUCCEEDED", {"deleted": 2})
    counts = {"memories": 2, "histories": 2, "episodes": 2, "jobs": 2}
    assert done["receipt"] == {
        **counts,
        "asked_at": done["created_at"],
        "done_at": done["completed_at"],
        "backups_expire_at": None,
    }
    assert f"'{name}'" not in str(done)
    assert listed(service, user_id="bob") == ["likes jam"]


def test_an_add_from_before_an_erasure_is_refused(
    deployment: Deployment, service: httpx.Client
) -> None:
    body = {"messages": "likes tea", "infer": False, "user_id": "ada", "async_mode": True}
    waiting = service.post(ADD, json=body, headers={"Idempotency-Key": "k"}).json()["event_id"]
    service.delete("/v2/entities/user/ada/")
    deployment.settle()

    event = service.get(f"/v1/event/{waiting}/").json()
    again = service.post(ADD, json=body, headers={"Idempotency-Key": "k"})

    assert (event["event_type"], event["status"], event["results"]) == ("ERASED", "FAILED", [])
    assert refused(again, 409) == event["error"]
    assert listed(service, user_id="ada") == []
    remembered(service, "likes coffee", user_id="ada")
    assert listed(service, user_id="ada") == ["likes coffee"]


def test_an_unknown_entity_has_nothing_to_delete(service: httpx.Client) -> None:
    response = service.delete("/v2/entities/run/nobody/")

    assert response.status_code == 200
    assert response.json()["message"] == DELETING


@pytest.mark.parametrize("path", ["tea/ada", "memory/ada"])
def test_an_unknown_kind_is_refused(service: httpx.Client, path: str) -> None:
    assert refused(service.delete(f"/v2/entities/{path}/")) == "Invalid entity type"


@pytest.mark.parametrize("kind", ["user", "agent", "app", "run"])
def test_a_star_is_no_name(service: httpx.Client, kind: str) -> None:
    remembered(service, "likes tea", user_id="ada", agent_id="a", app_id="b", run_id="c")

    refused(service.delete(f"/v2/entities/{kind}/*/"))

    assert listed(service, user_id="ada") == ["likes tea"]


def test_another_project_keeps_its_entity(service: httpx.Client, stranger: httpx.Client) -> None:
    remembered(service, "likes tea", user_id="ada")

    assert stranger.delete("/v2/entities/user/ada/").status_code == 200

    assert listed(service, user_id="ada") == ["likes tea"]


def test_a_key_of_one_entity_deletes_and_describes_no_other(
    service: httpx.Client, adas: httpx.Client
) -> None:
    remembered(service, "likes tea", user_id="ada", agent_id="helper")
    remembered(service, "likes jam", user_id="bob")

    for path in ("user/bob", "agent/helper", "agent/ada"):
        refused(adas.delete(f"/v2/entities/{path}/"), 403)
    refused(adas.post("/v1/users/", json={"user_id": "bob"}), 403)

    assert listed(service, user_id="bob") == ["likes jam"]
    assert adas.post("/v1/users/", json={"user_id": "ada"}).status_code == 201
    assert adas.delete("/v2/entities/user/ada/").status_code == 200
    assert listed(service, user_id="ada") == []


def test_an_entity_is_deleted_by_the_id_that_the_list_tells(service: httpx.Client) -> None:
    remembered(service, "likes tea", user_id="7 / 7")
    remembered(service, "likes jam", user_id="bob")
    first = service.get("/v1/entities/").json()["results"][0]

    response = service.delete(f"/v1/entities/{first['type']}/{quote(first['id'], safe='')}/")

    assert response.status_code == 200
    assert listed(service, user_id="7 / 7") == []
    assert listed(service, user_id="bob") == ["likes jam"]
    assert "Invalid entity type" in refused(service.delete("/v1/entities/tea/1/"))


@pytest.mark.parametrize("kind", ["user", "agent", "app", "run"])
def test_what_is_said_of_an_entity_is_kept(service: httpx.Client, kind: str) -> None:
    metadata = {"name": "Ada 🙂", "tags": ["x"]}

    response = service.post(f"/v1/{kind}s/", json={f"{kind}_id": "ada", "metadata": metadata})

    assert response.status_code == 201
    made = response.json()
    assert (made["name"], made["type"], made["total_memories"]) == ("ada", kind, 0)
    assert made["metadata"] == metadata
    assert named(service) == []
    remembered(service, "likes tea", **{f"{kind}_id": "ada"})
    [entity] = entities(service)["results"]
    assert (entity["metadata"], entity["total_memories"]) == (metadata, 1)
    assert service.get(f"/v2/entities/{kind}/ada/").json() == [entity]
    service.delete(f"/v2/entities/{kind}/ada/")
    remembered(service, "likes tea", **{f"{kind}_id": "ada"})
    assert entities(service)["results"][0]["metadata"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"agent_id": "ada"},
        {"user_id": "ada", "agent_id": "helper"},
        {"user_id": ""},
        {"user_id": "*"},
        {"user_id": 1},
        {"user_id": "ada", "metadata": "tea"},
        {"user_id": "ada", "metadata": {"a": "x" * 33_000}},
    ],
)
def test_a_bad_description_is_refused(service: httpx.Client, body: dict[str, Any]) -> None:
    refused(service.post("/v1/users/", json=body))


def test_an_idempotency_key_is_not_kept_for_a_description(service: httpx.Client) -> None:
    headers = {"Idempotency-Key": new_id()}

    refused(service.post("/v1/users/", json={"user_id": "ada"}, headers=headers))


@pytest.fixture
def crowd(service: httpx.Client) -> httpx.Client:
    """A client of a project with four users and two agents."""
    for name in ("Ada", "adam", "bob", "Zoë"):
        remembered(service, f"{name} is here", user_id=name)
    remembered(service, "is here", agent_id="Ada's helper")
    remembered(service, "is here, too", agent_id="other", run_id="r1")
    return service


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "user"}, ["Ada", "adam", "bob", "Zoë"]),
        ({"entity_type": "agents"}, ["Ada's helper", "other"]),
        ({"type": "RUN,agent"}, ["Ada's helper", "other", "r1"]),
        ({"type": ["run"], "entity_type": "app"}, ["r1"]),
        ({"search": "ADA"}, ["Ada", "adam", "Ada's helper"]),
        ({"search": " ada ", "type": "user"}, ["Ada", "adam"]),
        ({"search": "zoë"}, ["Zoë"]),
        ({"search": "%"}, []),
        ({"search": ""}, ["Ada", "adam", "bob", "Zoë", "Ada's helper", "other", "r1"]),
    ],
)
def test_entities_are_filtered(
    crowd: httpx.Client, query: dict[str, Any], expected: list[str]
) -> None:
    found = entities(crowd, **query)

    assert sorted(each["name"] for each in found["results"]) == sorted(expected)
    assert found["count"] == len(expected)
    assert (found["total_users"], found["total_agents"], found["total_runs"]) == (4, 2, 1)


def test_pages_of_entities_keep_their_filters(crowd: httpx.Client) -> None:
    first = entities(crowd, type="user", search="ad", page_size=1)

    second = crowd.get(first["next"]).json()

    assert [first["results"][0]["name"], second["results"][0]["name"]] == ["Ada", "adam"]
    assert (first["count"], second["next"]) == (2, None)
    refused(crowd.get("/v1/entities/", params={"type": "app", "page": 2}), 404)


def test_an_unknown_type_is_refused(service: httpx.Client) -> None:
    refused(service.get("/v1/entities/", params={"type": "tea"}))


def test_a_key_of_one_entity_finds_only_itself(crowd: httpx.Client, adas: httpx.Client) -> None:
    remembered(crowd, "likes tea", user_id="ada")

    assert named(adas, search="a") == named(adas, type="user") == ["ada"]
    assert named(adas, search="bob") == named(adas, type="agent") == []
    assert entities(adas, type="agent")["count"] == 0


def test_the_filters_of_entities_are_told(service: httpx.Client) -> None:
    [kinds, search] = service.get("/v1/entities/filters/").json()["filters"]

    assert kinds == {"name": "type", "values": ["user", "agent", "app", "run"]}
    assert search == {"name": "search", "values": []}


def test_everything_is_counted(crowd: httpx.Client, stranger: httpx.Client) -> None:
    stats = crowd.get("/v1/stats/").json()

    assert stats == {
        "total_memories": 6,
        "count_exact": True,
        "total_users": 4,
        "total_agents": 2,
        "total_apps": 0,
        "total_runs": 1,
    }
    assert stranger.get("/v1/stats/").json()["total_memories"] == 0


def test_a_key_of_one_entity_counts_only_its_own(crowd: httpx.Client, adas: httpx.Client) -> None:
    none = adas.get("/v1/stats/").json()
    remembered(crowd, "likes tea", user_id="ada", agent_id="other")

    some = adas.get("/v1/stats/").json()

    assert (none["total_memories"], none["total_users"]) == (0, 0)
    assert (some["total_memories"], some["total_users"], some["total_agents"]) == (1, 1, 0)


def happened(client: httpx.Client, **query: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - as above
    response = client.get("/v1/memories/events/", params=query)
    assert response.status_code == 200, response.text
    return [(row["event"], row["new_memory"]) for row in response.json()["results"]]


def test_what_happened_is_listed_last_first(
    service: httpx.Client, stranger: httpx.Client, adas: httpx.Client
) -> None:
    tea = remembered(service, "likes tea", user_id="ada")
    remembered(service, "likes jam", user_id="bob")
    gone = remembered(service, "likes rain", user_id="bob")
    service.put(f"/v1/memories/{tea}/", json={"text": "likes coffee"})
    service.delete(f"/v1/memories/{gone}/")

    of_ada = [("UPDATE", "likes coffee"), ("ADD", "likes tea")]
    assert happened(service) == [("ADD", "likes jam"), *of_ada]
    assert happened(service, user_id="ada") == happened(adas) == of_ada
    assert happened(adas, user_id="bob") == happened(stranger) == []
    assert happened(service, user_id="*", agent_id="none") == []


def test_what_happened_comes_in_pages_of_memories(service: httpx.Client) -> None:
    tea = remembered(service, "likes tea", user_id="ada")
    remembered(service, "likes jam", user_id="ada")
    service.put(f"/v1/memories/{tea}/", json={"text": "likes coffee"})

    query: dict[str, Any] = {"page_size": 1, "user_id": "ada"}
    first = service.get("/v1/memories/events/", params=query).json()
    second = service.get(first["next"]).json()

    assert (first["count"], first["count_exact"], len(first["results"])) == (2, True, 1)
    assert (second["next"], len(second["results"])) == (None, 2)
    refused(service.get("/v1/memories/events/", params={"page_size": 101}))
    refused(service.get("/v1/memories/events/", params={"page": 3, "page_size": 1}), 404)
