"""The routes of mem0's open-source server: its shapes, over the same use cases."""

import hashlib
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import pytest

from tests.callers import (
    ADD,
    AN_ID,
    LIST,
    SEARCH,
    Deployment,
    listed,
    new_id,
    ok,
    refused,
    remembered,
    total,
    yesterday,
)

Json: TypeAlias = dict[str, Any]

BEES = "Ada keeps bees on her roof in Lisbon"
PIANO = "Ada plays the piano every morning"
TEA = "Ada drinks green tea"
GRACE = "Grace keeps bees in Porto"


def texts(answer: Json) -> list[str]:
    return [memory["memory"] for memory in answer["results"]]


@pytest.fixture
def ada(service: httpx.Client) -> httpx.Client:
    """A project in which Ada has three memories, and Grace one."""
    remembered(service, BEES, user_id="ada", metadata={"topic": "garden", "year": 2020})
    remembered(service, PIANO, user_id="ada", metadata={"topic": "music"})
    remembered(service, TEA, user_id="ada", run_id="r1")
    remembered(service, GRACE, user_id="grace")
    return service


def test_an_add_tells_its_results(service: httpx.Client) -> None:
    body = {
        "messages": [{"role": "user", "content": BEES}],
        "user_id": "ada",
        "run_id": "r1",
        "metadata": {"a": 1},
        "infer": False,
        "expiration_date": "2999-12-31",
    }

    [result] = ok(service.post("/memories", json=body))["results"]

    assert (result["memory"], result["event"]) == (BEES, "ADD")
    memory = ok(service.get(f"/memories/{result['id']}"))
    assert (memory["user_id"], memory["run_id"], memory["metadata"]) == ("ada", "r1", {"a": 1})
    assert memory["expiration_date"] == "2999-12-31"


def test_an_add_extracts_facts_unless_told_otherwise(service: httpx.Client) -> None:
    body = {"messages": "I live in Lisbon. What is the weather like?", "user_id": "ada"}

    ok(service.post("/memories", json=body))

    assert len(listed(service, user_id="ada")) == 1
    assert "weather" not in listed(service, user_id="ada")[0]


def test_a_procedure_needs_an_agent(service: httpx.Client) -> None:
    body = {"messages": BEES, "user_id": "ada", "memory_type": "procedural_memory"}

    assert "needs an agent_id" in refused(service.post("/memories", json=body))
    assert "required" in refused(service.post("/memories", json={"messages": BEES}))


def test_an_add_is_repeated_by_its_key_without_effect(service: httpx.Client) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False}
    key = {"Idempotency-Key": new_id()}

    answers = [ok(service.post("/memories", json=body, headers=key)) for _ in range(2)]

    assert answers[0] == answers[1]


def test_a_list_is_of_entities_named_in_the_query(ada: httpx.Client) -> None:
    third = ok(ada.post(LIST, json={"filters": {"user_id": "ada"}}))["results"]

    results = ok(ada.get("/memories", params={"user_id": "ada"}))["results"]

    assert [{**each, "hash": None} for each in third] == [
        {**each, "hash": None} for each in results
    ]
    assert results[0]["hash"] == hashlib.md5(TEA.encode(), usedforsecurity=False).hexdigest()
    assert texts(ok(ada.get("/memories", params={"user_id": "ada", "run_id": "r1"}))) == [TEA]
    assert texts(ok(ada.get("/memories", params={"user_id": "nobody"}))) == []


@pytest.mark.parametrize(("top_k", "expected"), [(0, 0), (1, 1), (2, 2), (1000, 3)])
def test_a_list_is_as_long_as_asked(ada: httpx.Client, top_k: int, expected: int) -> None:
    answer = ok(ada.get("/memories", params={"user_id": "ada", "top_k": top_k}))

    assert len(answer["results"]) == expected


def test_a_list_may_be_longer_than_a_page(service: httpx.Client) -> None:
    messages = [f"Fact number {number}" for number in range(203)]
    ok(service.post(ADD, json={"messages": messages, "user_id": "ada", "infer": False}))

    short = ok(service.get("/memories", params={"user_id": "ada"}))
    long = ok(service.get("/memories", params={"user_id": "ada", "top_k": 1000}))

    assert len(short["results"]) == 20
    assert texts(long) == messages[::-1]


def test_what_has_expired_is_hidden_unless_asked(service: httpx.Client) -> None:
    memory_id = remembered(service, BEES, user_id="ada", expiration_date=yesterday())
    query: Json = {"user_id": "ada"}
    question: Json = {"query": BEES, "user_id": "ada"}

    assert texts(ok(service.get("/memories", params=query))) == []
    assert texts(ok(service.get("/memories", params={**query, "show_expired": "true"}))) == [BEES]
    assert texts(ok(service.post("/search", json=question))) == []
    assert texts(ok(service.post("/search", json={**question, "show_expired": True}))) == [BEES]
    assert ok(service.get(f"/memories/{memory_id}"))["memory"] == BEES


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "required"),
        ({"user_id": "ada", "top_k": -1}, "top_k"),
        ({"user_id": "ada", "top_k": 1001}, "top_k"),
        ({"user_id": " "}, "must not be empty"),
    ],
    ids=str,
)
def test_a_query_that_makes_no_sense_is_refused(
    service: httpx.Client, query: Json, reason: str
) -> None:
    assert reason in refused(service.get("/memories", params=query))


def test_a_memory_that_there_is_none_of_is_null(service: httpx.Client) -> None:
    assert ok(service.get(f"/memories/{AN_ID}")) is None
    assert ok(service.get(f"/memories/{AN_ID}/history")) == []
    assert "valid UUID" in refused(service.get("/memories/7"))


def test_a_memory_is_changed_and_deleted(service: httpx.Client) -> None:
    memory_id = remembered(service, BEES, user_id="ada", expiration_date="2999-12-31")
    path = f"/memories/{memory_id}"
    change = {"text": PIANO, "metadata": {"b": 2}, "expiration_date": None}

    changed = ok(service.put(path, json=change))
    memory = ok(service.get(path))
    deleted = ok(service.delete(path))

    assert changed == {"message": "Memory updated successfully!"}
    assert (memory["memory"], memory["metadata"]) == (PIANO, {"b": 2})
    assert memory["expiration_date"] is None
    assert deleted == {"message": "Memory deleted successfully"}
    assert ok(service.get(path)) is None
    history = ok(service.get(f"{path}/history"))
    assert [each["event"] for each in history] == ["ADD", "UPDATE", "DELETE"]
    assert history == ok(service.get(f"/v1/memories/{memory_id}/history/"))
    assert "not found" in refused(service.put(path, json={"text": "x"}), 404)
    assert "not found" in refused(service.delete(path), 404)


def test_what_has_no_job_takes_no_idempotency_key(service: httpx.Client) -> None:
    path = f"/memories/{remembered(service, BEES, user_id='ada')}"
    headers = {"Idempotency-Key": new_id()}

    refused(service.put(path, json={"text": "x"}, headers=headers))
    refused(service.delete(path, headers=headers))

    assert listed(service, user_id="ada") == [BEES]


# Searches


def searched(client: httpx.Client, **body: object) -> list[str]:
    body = {"query": "What does Ada do?", "threshold": 0, "user_id": "ada", **body}
    return texts(ok(client.post("/search", json=body)))


def test_a_search_finds_what_the_hosted_protocol_finds(ada: httpx.Client) -> None:
    filters = {"OR": [{"user_id": "ada"}, {"user_id": "grace"}]}
    body = {"query": "Who keeps bees?", "filters": filters, "top_k": 9}

    answer = ok(ada.post("/search", json=body))

    third = ok(ada.post(SEARCH, json=body))
    assert set(answer) == {"results"}
    for each in answer["results"]:
        each.pop("hash")
    assert answer["results"] == third["results"] != []


def named(value: object) -> str:
    """Return a name that is the same in every process, as the order of a set is not."""
    return str(sorted(value) if isinstance(value, set) else value)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"topic": "music"}, {PIANO}),
        ({"topic": {"eq": "music"}}, {PIANO}),
        ({"topic": {"ne": "music"}}, {BEES, TEA}),
        ({"topic": {"in": ["music", "garden"]}}, {BEES, PIANO}),
        ({"topic": {"nin": ["music"]}}, {BEES, TEA}),
        ({"topic": {"contains": "gard"}}, {BEES}),
        ({"topic": "*"}, {BEES, PIANO}),
        ({"year": 2020, "topic": "garden"}, {BEES}),
        ({"OR": [{"topic": "music"}, {"run_id": "r1"}]}, {PIANO, TEA}),
        ({"NOT": [{"topic": "music"}]}, {BEES, TEA}),
        ({"runId": "r1"}, {TEA}),
    ],
    ids=named,
)
def test_any_key_of_metadata_may_be_a_filter(
    ada: httpx.Client, filters: Json, expected: set[str]
) -> None:
    assert set(searched(ada, filters=filters)) == expected


def test_a_search_has_twenty_results_unless_told_otherwise(service: httpx.Client) -> None:
    messages = [f"Ada does thing number {number}" for number in range(25)]
    ok(service.post(ADD, json={"messages": messages, "user_id": "ada", "infer": False}))

    assert len(searched(service)) == 20
    assert len(searched(service, top_k=3)) == 3
    assert len(searched(service, limit=22)) == 22


def test_a_search_explains_its_scores_if_asked(ada: httpx.Client) -> None:
    body = {"query": "bees", "user_id": "ada", "explain": True}

    [best, *_] = ok(ada.post("/search", json=body))["results"]

    details = best["score_details"]
    assert set(details) == {
        "semantic_score",
        "bm25_score",
        "entity_boost",
        "raw_score",
        "max_possible_score",
        "final_score",
        "threshold",
    }
    assert (details["final_score"], details["threshold"]) == (best["score"], 0.1)
    assert details["bm25_score"] > 0
    plain = ok(ada.post("/search", json={**body, "explain": False}))["results"][0]
    assert plain == {name: best[name] for name in best if name != "score_details"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"query": "x"}, "required"),
        ({"query": "x", "filters": {"topic": "music"}}, "required"),
        ({"query": "", "user_id": "ada"}, "query"),
        ({"query": "x", "user_id": "ada", "top_k": 0}, "top_k"),
        ({"query": "x", "user_id": "ada", "filters": {"year": {"gte": 2020}}}, "gte"),
        ({"query": "x", "user_id": "ada", "filters": {"AND": [7]}}, "must be"),
    ],
    ids=str,
)
def test_a_search_that_makes_no_sense_is_refused(
    service: httpx.Client, body: Json, reason: str
) -> None:
    assert reason in refused(service.post("/search", json=body))


# Deletes


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"user_id": "ada"}, [GRACE]),
        ({"user_id": "ada", "run_id": "r1"}, [GRACE, PIANO, BEES]),
        ({"user_id": "nobody"}, [GRACE, TEA, PIANO, BEES]),
    ],
    ids=str,
)
def test_what_belongs_to_entities_is_deleted(
    ada: httpx.Client, query: Json, left: list[str]
) -> None:
    answer = ok(ada.delete("/memories", params=query))

    assert answer["message"] == "All relevant memories deleted"
    assert ok(ada.get(f"/v1/event/{answer['event_id']}/"))["status"] == "SUCCEEDED"
    assert listed(ada, user_id="*") == left


def test_a_delete_that_names_nobody_is_refused(ada: httpx.Client) -> None:
    assert "required" in refused(ada.delete("/memories"))
    assert "Unknown parameter" in refused(ada.delete("/memories", params={"name": "ada"}))

    assert total(ada) == 4


@pytest.mark.parametrize("name", ["ada", "al ice/x", "zoë"])
def test_an_entity_is_deleted_with_its_memories(service: httpx.Client, name: str) -> None:
    remembered(service, BEES, user_id=name)
    remembered(service, PIANO, agent_id=name)

    answer = ok(service.delete(f"/entities/user/{quote(name, safe='')}"))

    assert answer["message"] == "Entity deleted"
    assert listed(service, user_id="*") == []
    assert listed(service, agent_id=name) == [PIANO]
    assert "Invalid entity type" in refused(service.delete(f"/entities/robot/{name}"))
    assert "must not be" in refused(service.delete("/entities/user/*"))


def test_a_reset_deletes_everything_of_the_project(
    ada: httpx.Client, stranger: httpx.Client
) -> None:
    remembered(ada, PIANO, agent_id="bot")
    remembered(ada, PIANO, app_id="web")
    remembered(ada, PIANO, run_id="r2", expiration_date=yesterday())
    remembered(stranger, GRACE, user_id="grace")

    answer = ok(ada.post("/reset"))

    assert answer["message"] == "All memories reset"
    assert total(ada) == 0
    assert total(stranger) == 1


# What there is


def test_entities_are_a_list(ada: httpx.Client) -> None:
    entities = ok(ada.get("/entities"))

    assert [(each["type"], each["id"], each["total_memories"]) for each in entities] == [
        ("user", "ada", 3),
        ("run", "r1", 1),
        ("user", "grace", 1),
    ]
    assert set(entities[0]) == {"id", "type", "total_memories", "created_at", "updated_at"}


def test_the_configuration_tells_names_alone(service: httpx.Client) -> None:
    assert ok(service.get("/configure")) == {
        "version": "v1.1",
        "vector_store": {"provider": "sqlite"},
        "llm": {"provider": "rules"},
        "embedder": {"provider": "bundled"},
        "graph_store": {"provider": "record"},
    }


def test_what_is_not_offered_is_no_route(service: httpx.Client) -> None:
    for method, path in (("POST", "/configure"), ("POST", "/generate-instructions")):
        assert "no such route" in refused(service.request(method, path, json={}), 404)


# Keys


def test_the_keys_of_that_server_are_read(deployment: Deployment) -> None:
    key = deployment.new_key()
    with deployment.client(key) as client:
        del client.headers["Authorization"]
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            assert ok(client.get("/entities", headers=headers)) == []
        refused(client.get("/entities"), 401)


def granted(deployment: Deployment, client: httpx.Client, **grant: str) -> httpx.Client:
    """Return a client whose key opens no more than this."""
    answer = ok(client.post("/v1/keys/", json={"name": "narrow", **grant}))
    return deployment.client(answer["key"])


def test_a_key_that_may_only_read_changes_nothing(
    deployment: Deployment, ada: httpx.Client
) -> None:
    [memory, *_] = ok(ada.get("/memories", params={"user_id": "ada"}))["results"]
    path = f"/memories/{memory['id']}"
    with granted(deployment, ada, role="READER") as reader:
        refused(reader.post("/memories", json={"messages": "x", "user_id": "ada"}), 403)
        refused(reader.put(path, json={"text": "x"}), 403)
        for target in (path, "/memories?user_id=ada", "/entities/user/ada"):
            refused(reader.delete(target), 403)
        refused(reader.post("/reset"), 403)

        assert len(ok(reader.get("/memories", params={"user_id": "ada"}))["results"]) == 3
        assert searched(reader)

    assert total(ada) == 4


def test_a_key_for_one_entity_sees_and_changes_no_others(
    deployment: Deployment, ada: httpx.Client
) -> None:
    [grace] = ok(ada.get("/memories", params={"user_id": "grace"}))["results"]
    path = f"/memories/{grace['id']}"
    with granted(deployment, ada, user_id="ada") as bound:
        assert ok(bound.get(path)) is None
        assert ok(bound.get(f"{path}/history")) == []
        assert texts(ok(bound.get("/memories", params={"user_id": "grace"}))) == []
        assert searched(bound, user_id="grace") == []
        assert [each["id"] for each in ok(bound.get("/entities"))] == ["ada"]
        refused(bound.put(path, json={"text": "x"}), 404)
        refused(bound.delete(path), 404)
        refused(bound.delete("/entities/user/grace"), 403)
        refused(bound.post("/reset"), 403)
        refused(bound.post("/memories", json={"messages": "x", "user_id": "grace"}), 403)
        ok(bound.delete("/memories", params={"user_id": "grace"}))
        assert total(ada) == 4

        assert ok(bound.delete("/entities/user/ada"))["message"] == "Entity deleted"

    assert listed(ada, user_id="*") == [GRACE]


def test_another_project_sees_and_changes_nothing(
    ada: httpx.Client, stranger: httpx.Client
) -> None:
    [memory, *_] = ok(ada.get("/memories", params={"user_id": "ada"}))["results"]
    path = f"/memories/{memory['id']}"

    refused(stranger.put(path, json={"text": "x"}), 404)
    refused(stranger.delete(path), 404)
    ok(stranger.delete("/entities/user/ada"))
    ok(stranger.delete("/memories?user_id=ada"))

    assert ok(stranger.get(path)) is None
    assert ok(stranger.get("/entities")) == []
    assert searched(stranger) == []
    assert total(ada) == 4
