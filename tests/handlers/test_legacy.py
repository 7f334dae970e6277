"""The routes of the hosted platform's first two versions: their own shapes, the same answers."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import pytest

from recollect import bootstrap
from recollect.domain.graph import Owner
from recollect.domain.subjects import Subject, SubjectKind
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
    yesterday,
)

Json: TypeAlias = dict[str, Any]

FIRST_ADD, FIRST_SEARCH = "/v1/memories/", "/v1/memories/search/"
SECOND_SEARCH, SECOND_LIST = "/v2/memories/search/", "/v2/memories/"
OPEN_SOURCE_SEARCH = "/search"
BEES = "Ada keeps bees on her roof in Lisbon"
PIANO = "Ada plays the piano every morning"
TEA = "Ada drinks green tea"
QUEUED = "Memory processing has been queued for background execution"
OF_ADA = {"filters": {"user_id": "ada"}}
RELATION = {"source", "source_type", "relationship", "target", "target_type", "score"}


def texts(memories: list[Json]) -> list[str]:
    return [memory["memory"] for memory in memories]


@pytest.fixture
def ada(service: httpx.Client) -> httpx.Client:
    """A project in which Ada has three memories, and Grace one."""
    remembered(service, BEES, user_id="ada", metadata={"topic": "garden"})
    remembered(service, PIANO, user_id="ada", metadata={"topic": "music"})
    remembered(service, TEA, user_id="ada", run_id="r1")
    remembered(service, "Grace keeps bees in Porto", user_id="grace")
    return service


# Adds


@pytest.mark.parametrize("async_mode", [{}, {"async_mode": True}])
def test_an_add_is_followed_by_its_job(
    service: httpx.Client, deployment: Deployment, async_mode: Json
) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False, **async_mode}

    [queued] = ok(service.post(FIRST_ADD, json=body))

    assert set(queued) == {"message", "status", "event_id"}
    assert (queued["message"], queued["status"]) == (QUEUED, "PENDING")
    event = ok(service.get(f"/v1/event/{queued['event_id']}/"))
    assert (event["status"], event["started_at"], event["results"]) == ("PENDING", None, [])
    assert listed(service, user_id="ada") == []
    deployment.settle()
    event = ok(service.get(f"/v1/event/{queued['event_id']}/"))
    assert event["status"] == "SUCCEEDED"
    assert event["created_at"] < event["started_at"] <= event["completed_at"]
    assert [each["data"]["memory"] for each in event["results"]] == [BEES]


def test_an_add_that_is_awaited_tells_its_results(service: httpx.Client) -> None:
    body = {
        "messages": BEES,
        "user_id": "ada",
        "infer": False,
        "async_mode": False,
        "timestamp": 1760374740,
    }

    [result] = ok(service.post(FIRST_ADD, json=body))

    assert (result["event"], result["memory"], result["data"]) == ("ADD", BEES, {"memory": BEES})
    memory = ok(service.get(f"/v1/memories/{result['id']}/"))
    assert result["structured_attributes"] == memory["structured_attributes"]
    assert memory["structured_attributes"]["day_of_week"] == "monday"


def test_the_attributes_are_those_of_a_message_with_a_time_of_its_own(
    service: httpx.Client,
) -> None:
    messages = [
        {"role": "user", "content": BEES, "timestamp": "2020-02-03T04:05:00Z"},
        {"role": "user", "content": PIANO},
    ]
    body = {"messages": messages, "user_id": "ada", "infer": False, "async_mode": False}

    results = ok(service.post(FIRST_ADD, json=body))

    years = [each["structured_attributes"]["year"] for each in results]
    assert years[0] == 2020
    assert years[1] > 2020


@pytest.mark.parametrize("is_awaited", [True, False])
def test_the_answer_to_an_add_is_an_object_if_asked(
    service: httpx.Client, *, is_awaited: bool
) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False, "output_format": "v1.1"}

    answer = ok(service.post(FIRST_ADD, json={**body, "async_mode": not is_awaited}))

    assert set(answer) == {"results"}
    [result] = answer["results"]
    assert ("event" in result) is is_awaited


def test_the_third_version_follows_a_job_if_asked(
    service: httpx.Client, deployment: Deployment
) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False, "async_mode": True}

    answer = ok(service.post(ADD, json=body))

    assert (answer["status"], answer["message"], answer["results"]) == ("PENDING", QUEUED, [])
    deployment.settle()
    assert ok(service.get(f"/v1/event/{answer['event_id']}/"))["status"] == "SUCCEEDED"
    assert listed(service, user_id="ada") == [BEES]


def test_what_clients_send_besides_is_ignored(service: httpx.Client) -> None:
    project = ok(service.get("/v1/ping/"))["project_id"]
    besides = {
        "org_id": project,
        "project_id": project,
        "version": "v2",
        "source": "OPENCLAW",
        "deduced_memories": ["x"],
    }
    body = {"messages": BEES, "user_id": "ada", "infer": False, "async_mode": False, **besides}

    ok(service.post(FIRST_ADD, json=body))

    for path, more in ((SECOND_LIST, {}), (SECOND_SEARCH, {"query": BEES})):
        assert texts(ok(service.post(path, json={**OF_ADA, **besides, **more}))) == [BEES]
    query: Json = {**besides, "user_id": "ada", "deduced_memories": "x"}
    assert texts(ok(service.get(FIRST_ADD, params=query))) == [BEES]


def test_an_add_is_repeated_by_its_key_without_effect(service: httpx.Client) -> None:
    body = {"messages": BEES, "user_id": "ada", "infer": False, "async_mode": False}
    key = {"Idempotency-Key": new_id()}

    answers = [ok(service.post(FIRST_ADD, json=body, headers=key)) for _ in range(2)]

    assert answers[0] == answers[1]
    assert listed(service, user_id="ada") == [BEES]


# Searches


def asked(client: httpx.Client, path: str, **body: object) -> list[Json]:
    """Return what a search found, whichever version's it is."""
    answer = ok(client.post(path, json=body))
    found: list[Json] = answer["results"] if isinstance(answer, dict) else answer
    return found


def without(memory: Json, *names: str) -> Json:
    return {name: value for name, value in memory.items() if name not in names}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 1},
        {"limit": 2},
        {"categories": ["none"]},
        {"fields": ["memory"]},
        {"metadata": {"topic": "music"}},
        {"rerank": True, "keyword_search": True, "latest_only": True, "include_merged": False},
        {"filters": {"AND": [{"userId": "ada"}, {"NOT": {"metadata": {"topic": "music"}}}]}},
        {"filters": {"OR": [{"user_id": "grace"}, {"run_id": "r1"}]}},
        {"filters": {"user_id": "ada", "keywords": {"icontains": "TEA"}}},
    ],
    ids=str,
)
def test_every_version_finds_the_same(ada: httpx.Client, options: Json) -> None:
    body = {"query": "what does Ada do?", "threshold": 0.0, "top_k": 10, **OF_ADA, **options}

    third, *others = (
        # A score moves a little when the index takes in what was added; a hash only mem0's
        # open-source server tells.
        [without(each, "score", "hash") for each in asked(ada, path, **body)]
        for path in (SEARCH, FIRST_SEARCH, SECOND_SEARCH, OPEN_SOURCE_SEARCH)
    )

    assert others == [third] * 3
    assert third or options == {"categories": ["none"]}


def test_a_search_of_the_second_version_cuts_where_one_of_the_third_does(
    ada: httpx.Client,
) -> None:
    query = "Who lives in Oslo?"

    found = asked(ada, SECOND_SEARCH, query=query, **OF_ADA)

    every = asked(ada, SECOND_SEARCH, query=query, threshold=0, **OF_ADA)
    assert texts(found) == texts(asked(ada, SEARCH, query=query, **OF_ADA))
    assert len(found) < len(every)


@pytest.mark.parametrize("path", [FIRST_SEARCH, SECOND_SEARCH])
def test_entities_may_be_named_beside_the_filters(ada: httpx.Client, path: str) -> None:
    found = asked(ada, path, query="Ada", threshold=0, user_id="ada", run_id="r1")
    narrowed = asked(
        ada, path, query="bees", threshold=0, user_id="ada", filters={"user_id": "grace"}
    )

    assert texts(found) == [TEA]
    assert narrowed == []


@pytest.mark.parametrize("path", [FIRST_SEARCH, SECOND_SEARCH])
def test_a_search_answers_with_a_list_or_an_object(ada: httpx.Client, path: str) -> None:
    body = {"query": "bees", "user_id": "ada", "threshold": 0}

    bare = ok(ada.post(path, json=body))
    first = ok(ada.post(path, json={**body, "output_format": "v1.0"}))
    wrapped = ok(ada.post(path, json={**body, "output_format": "v1.1"}))

    assert isinstance(bare, list)
    assert bare == first == wrapped["results"]
    assert (wrapped["relations"], wrapped["degraded"]) == ([], [])


@pytest.mark.parametrize("path", [FIRST_SEARCH, SECOND_SEARCH])
def test_a_search_of_the_graph_answers_with_relations(service: httpx.Client, path: str) -> None:
    body = {"messages": "Ada works at Acme", "user_id": "ada", "infer": False}
    ok(service.post(ADD, json={**body, "enable_graph": True}))
    graphed(service)

    answer = ok(
        service.post(
            path,
            json={"query": "Where does Ada work?", "user_id": "ada", "enable_graph": True},
        )
    )

    assert texts(answer["results"]) == ["Ada works at Acme"]
    assert answer["relations"]
    for relation in answer["relations"]:
        assert set(relation) >= RELATION
    assert ("Ada", "Acme") in {
        (each["source"].title(), each["target"].title()) for each in answer["relations"]
    }


def graphed(client: httpx.Client) -> None:
    """Do what the graph's queues would do for Ada."""
    project = ok(client.get("/v1/ping/"))["project_id"]
    owner = Owner(project, Subject(SubjectKind.USER, "ada").key)
    bootstrap.graphs.write_graph()(owner, lambda aside: pytest.fail(aside.reason))
    bootstrap.graphs.project_graph()(owner)


def test_memories_that_fit_are_listed_where_nothing_is_to_be_ranked(ada: httpx.Client) -> None:
    body = {
        "query": "",
        "user_id": "ada",
        "only_metadata_based_search": True,
        "metadata": {"topic": "music"},
    }

    bare = ok(ada.post(FIRST_SEARCH, json=body))
    wrapped = ok(ada.post(FIRST_SEARCH, json={**body, "output_format": "v1.1"}))
    everything = {**body, "metadata": None, "top_k": 2, "fields": ["memory"]}

    assert texts(bare) == [PIANO]
    assert "score" not in bare[0]
    assert (wrapped["results"], wrapped["relations"]) == (bare, [])
    assert texts(ok(ada.post(FIRST_SEARCH, json=everything))) == [TEA, PIANO]
    assert {*ok(ada.post(FIRST_SEARCH, json=everything))[0]} == {"id", "memory"}


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (FIRST_SEARCH, {"query": "x"}, "required"),
        (SECOND_SEARCH, {"query": "x", "filters": {}}, "required"),
        (SECOND_SEARCH, {"query": "x", "filters": {"name": "x"}}, "Top-level key"),
        (SECOND_SEARCH, {"query": " ", "user_id": "ada"}, "query must not be empty"),
        (SECOND_SEARCH, {"user_id": "ada"}, "query"),
        (SECOND_SEARCH, {"query": "x", "user_id": "ada", "threshold": 2}, "threshold"),
        (FIRST_SEARCH, {"query": "x", "user_id": 7}, "user_id"),
        (FIRST_SEARCH, {"query": "x", "user_id": "ada", "top_k": 0}, "top_k"),
        (
            FIRST_SEARCH,
            {"query": "", "user_id": "ada", "only_metadata_based_search": True, "top_k": 1001},
            "top_k must be between 1 and 1000",
        ),
        (SECOND_LIST, {}, "required"),
        (SECOND_LIST, {"user_id": "ada", "page_size": 201}, "page_size must be between 1 and 200"),
        (FIRST_ADD, {"messages": BEES}, "required"),
        (FIRST_ADD, {"user_id": "ada"}, "messages"),
        (FIRST_ADD, {"messages": BEES, "user_id": "ada", "async_mode": "x"}, "async_mode"),
        (SEARCH, {"query": "x", "user_id": "ada"}, "must be given inside filters"),
        (LIST, {"user_id": "ada"}, "must be given inside filters"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    service: httpx.Client, path: str, body: Json, reason: str
) -> None:
    assert reason in refused(service.post(path, json=body))


# Lists


def test_a_list_of_the_second_version_is_bare_until_pages_are_asked_for(ada: httpx.Client) -> None:
    third = ok(ada.post(LIST, json=OF_ADA))["results"]

    bare = ok(ada.post(SECOND_LIST, json=OF_ADA))
    named = ok(ada.post(SECOND_LIST, json={"user_id": "ada"}))
    in_query = ok(ada.post(f"{SECOND_LIST}?page=2&page_size=2", json=OF_ADA))
    in_body = ok(ada.post(SECOND_LIST, json={**OF_ADA, "page": 2, "page_size": 2}))

    assert bare == named == third
    assert in_query["results"] == in_body["results"] == third[2:]
    assert (in_query["count"], in_query["next"]) == (3, None)
    assert f"{SECOND_LIST}?page=1&page_size=2" in in_query["previous"]


@pytest.mark.parametrize("is_paged", [False, True])
@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, {}),
        ({"keywords": "PIANO"}, {"keywords": "PIANO"}),
        ({"metadata": {"topic": "music"}}, {"metadata": '{"topic": "music"}'}),
        ({"fields": ["memory", "metadata"]}, {"fields": "memory,metadata"}),
        ({"fields": ["memory", "metadata"]}, {"fields": ["memory", "metadata"]}),
        ({"categories": ["a", "b"]}, {"categories": "a, b"}),
        ({"start_date": "2020-01-01"}, {"start_date": "2020-01-01"}),
        ({"end_date": "2020-01-01"}, {"end_date": "2020-01-01"}),
        ({"show_expired": True}, {"show_expired": "true"}),
    ],
    ids=str,
)
def test_every_version_lists_the_same(
    ada: httpx.Client, options: Json, query: Json, *, is_paged: bool
) -> None:
    remembered(ada, "Ada was five", user_id="ada", expiration_date=yesterday())
    paging: Json = {"page": 1, "page_size": 2} if is_paged else {}
    third = ok(ada.post(LIST, json={**OF_ADA, **options, **paging}))

    params: Json = {"user_id": "ada", **query, **paging}
    second = ok(ada.post(SECOND_LIST, json={**OF_ADA, **options, **paging}))
    first = ok(ada.get(FIRST_ADD, params=params))

    if is_paged:
        assert second["results"] == first["results"] == third["results"]
        assert second["count"] == first["count"] == third["count"]
    else:
        assert second == first == third["results"]


def test_the_links_of_a_list_in_the_query_say_whose_it_is(ada: httpx.Client) -> None:
    query: Json = {"user_id": "ada", "page": 1, "page_size": 1, "fields": ["memory", "metadata"]}
    page = ok(ada.get(FIRST_ADD, params=query))
    seen = page["results"]

    while page["next"]:
        page = ok(ada.get(page["next"]))
        seen += page["results"]

    before = ok(ada.get(page["previous"]))
    assert texts(seen) == [TEA, PIANO, BEES]
    assert {*seen[0]} == {*seen[2]} == {"id", "memory", "metadata"}
    assert texts(before["results"]) == [PIANO]


def test_a_list_without_pages_is_as_long_as_asked(ada: httpx.Client) -> None:
    assert texts(ok(ada.get(FIRST_ADD, params={"user_id": "ada", "limit": 2}))) == [TEA, PIANO]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "required"),
        ({"user_id": ""}, "must not be empty"),
        ({"user_id": "ada", "limit": 201}, "limit"),
        ({"user_id": "ada", "page": "x"}, "page"),
        ({"user_id": "ada", "page": 0}, "Invalid page"),
        ({"user_id": "ada", "page_size": 201}, "page_size"),
        ({"user_id": "ada", "cursor": "x"}, "Invalid cursor"),
        ({"user_id": "ada", "metadata": "[object Object]"}, "metadata must be a JSON object"),
        ({"user_id": "ada", "metadata": "{(1,): 2}"}, "metadata must be a JSON object"),
        ({"user_id": "ada", "metadata": "{'a': {1, 2}}"}, "metadata must be a JSON object"),
        ({"user_id": "ada", "metadata": '{"a": NaN}'}, "metadata must be a JSON object"),
        ({"user_id": "ada", "start_date": "soon"}, "created_at"),
    ],
    ids=str,
)
def test_a_query_that_makes_no_sense_is_refused(
    service: httpx.Client, query: Json, reason: str
) -> None:
    assert reason in refused(service.get(FIRST_ADD, params=query))


def test_a_list_tells_of_relations_if_asked(service: httpx.Client) -> None:
    body = {"messages": "Ada works at Acme", "user_id": "ada", "infer": False}
    ok(service.post(ADD, json={**body, "enable_graph": True}))
    graphed(service)
    asked = {"user_id": "ada", "enable_graph": True}

    second = ok(service.post(SECOND_LIST, json=asked))
    page = ok(service.post(SECOND_LIST, json={**asked, "page": 1}))
    first = ok(service.get(FIRST_ADD, params={"user_id": "ada", "enable_graph": "true"}))
    without = ok(service.post(SECOND_LIST, json={**asked, "enable_graph": False}))

    assert texts(second["results"]) == ["Ada works at Acme"]
    assert first == second
    assert page == {
        **second,
        "count": 1,
        "count_exact": True,
        "next": None,
        "previous": None,
    }
    assert without == second["results"]
    told = {(each["source"].title(), each["target"].title()) for each in second["relations"]}
    assert ("Ada", "Acme") in told
    for relation in second["relations"]:
        assert RELATION - {"score"} <= set(relation)
        assert "score" not in relation
        assert relation["memory_ids"] == [second["results"][0]["id"]]


def test_relations_of_what_a_list_leaves_out_are_not_told(service: httpx.Client) -> None:
    body = {"messages": "Ada works at Acme", "user_id": "ada", "infer": False}
    ok(service.post(ADD, json={**body, "run_id": "r1", "enable_graph": True}))
    graphed(service)
    asked = {"user_id": "ada", "enable_graph": True}

    of_run = ok(service.post(SECOND_LIST, json={**asked, "run_id": "r1"}))
    of_another = ok(service.post(SECOND_LIST, json={**asked, "run_id": "r2"}))
    of_nobody = ok(service.post(SECOND_LIST, json={"user_id": "*", "enable_graph": True}))

    assert of_run["relations"]
    assert of_another == {"results": [], "relations": []}
    assert of_nobody["relations"] == []


def test_a_page_behind_the_last_one_is_not_found(ada: httpx.Client) -> None:
    query: Json = {"user_id": "ada", "page": 9, "page_size": 2}

    assert "Invalid page" in refused(ada.get(FIRST_ADD, params=query), 404)
    assert "Invalid page" in refused(ada.post(SECOND_LIST, json={**OF_ADA, "page": 9}), 404)


# Of one entity


@pytest.mark.parametrize("kind", ["user", "users"])
@pytest.mark.parametrize("name", ["ada", "al ice/x", "ada/history", "50%", "zoë"])
def test_an_entitys_memories_are_listed_by_its_name(
    service: httpx.Client, kind: str, name: str
) -> None:
    remembered(service, BEES, user_id=name)
    remembered(service, PIANO, user_id=name)
    remembered(service, TEA, agent_id=name)

    page = ok(service.get(f"/v1/memories/{kind}/{quoted(name)}/"))

    assert texts(page["results"]) == [PIANO, BEES]
    assert (page["count"], page["next"], page["previous"]) == (2, None, None)


def quoted(name: str) -> str:
    return quote(name, safe="")


def test_the_pages_of_an_entity_hold_a_hundred(service: httpx.Client) -> None:
    name = "al ice/x"
    messages = [f"Fact number {number}" for number in range(101)]
    ok(service.post(ADD, json={"messages": messages, "user_id": name, "infer": False}))

    first = ok(service.get(f"/v1/memories/user/{quoted(name)}/"))
    second = ok(service.get(first["next"]))

    assert (len(first["results"]), first["count"]) == (100, 101)
    assert texts(second["results"]) == ["Fact number 0"]
    assert ok(service.get(second["previous"]))["results"] == first["results"]


def test_an_entity_is_read_by_its_name(service: httpx.Client) -> None:
    remembered(service, BEES, user_id="al ice/x", run_id="r1")

    [entity] = ok(service.get("/v2/entities/user/al%20ice%2Fx/"))

    listed_entities = ok(service.get("/v1/entities/"))["results"]
    assert entity in listed_entities
    assert (entity["name"], entity["type"], entity["total_memories"]) == ("al ice/x", "user", 1)
    assert ok(service.get("/v2/entities/run/r1/")) != [entity]


def test_an_unknown_entity_is_not_found(service: httpx.Client) -> None:
    assert "Entity not found" in refused(service.get("/v2/entities/user/nobody/"), 404)
    assert "Invalid entity type" in refused(service.get("/v2/entities/robot/ada/"))
    assert ok(service.get("/v1/memories/user/nobody/"))["results"] == []
    assert "no such route" in refused(service.get("/v1/memories/robot/ada/"), 404)
    assert "must not be" in refused(service.get("/v2/entities/user/*/"))


# One memory


def test_a_delete_of_linked_memories_tells_that_there_are_none(ada: httpx.Client) -> None:
    bees, piano = (remembered(ada, text, user_id="bob") for text in (BEES, PIANO))

    linked = ok(ada.delete(f"/v1/memories/{bees}/", params={"delete_linked": "true"}))
    alone = ok(ada.delete(f"/v1/memories/{piano}/", params={"delete_linked": "false"}))

    assert linked == {"message": "Memory deleted successfully!", "cascade_count": 0}
    assert alone == {"message": "Memory deleted successfully!"}


def test_a_memory_comes_with_its_history_if_asked(service: httpx.Client) -> None:
    memory_id = remembered(service, BEES, user_id="ada")
    ok(service.put(f"/v1/memories/{memory_id}/", json={"text": PIANO}))

    memory = ok(service.get(f"/v1/memories/{memory_id}/"))
    told = ok(service.get(f"/v1/memories/{memory_id}/", params={"include_history": "true"}))

    history = ok(service.get(f"/v1/memories/{memory_id}/history/"))
    assert "history" not in memory
    assert told == {**memory, "history": history}
    assert [each["event"] for each in history] == ["ADD", "UPDATE"]
    assert "not found" in refused(service.get(f"/v1/memories/{AN_ID}/?include_history=1"), 404)


# Keys


@pytest.fixture
def bound(deployment: Deployment, ada: httpx.Client) -> Callable[..., httpx.Response]:
    """What a key for Ada alone is answered."""
    answer = ok(ada.post("/v1/keys/", json={"name": "ada's", "user_id": "ada"}))
    client = deployment.client(answer["key"])
    return client.request


def test_a_key_for_one_entity_sees_no_others(bound: Callable[..., httpx.Response]) -> None:
    of_grace: Mapping[str, Any] = {"query": "bees", "user_id": "grace", "threshold": 0}

    for path in (FIRST_SEARCH, SECOND_SEARCH, SECOND_LIST):
        assert ok(bound("POST", path, json=of_grace)) == []
        any_user = ok(bound("POST", path, json={**of_grace, "user_id": "*"}))
        assert {each["user_id"] for each in any_user} == {"ada"}
    assert ok(bound("GET", FIRST_ADD, params={"user_id": "grace"})) == []
    assert ok(bound("GET", "/v1/memories/user/grace/"))["results"] == []
    assert len(ok(bound("GET", "/v1/memories/user/ada/"))["results"]) == 3
    refused(bound("GET", "/v2/entities/user/grace/"), 403)
    refused(bound("POST", FIRST_ADD, json={"messages": "x", "user_id": "grace"}), 403)
    assert ok(bound("POST", FIRST_ADD, json={"messages": "x", "infer": False}))


def test_another_project_sees_nothing(ada: httpx.Client, stranger: httpx.Client) -> None:
    body = {"query": "bees", "user_id": "ada", "threshold": 0}

    for path in (FIRST_SEARCH, SECOND_SEARCH, SECOND_LIST):
        assert ok(ada.post(path, json=body))
        assert ok(stranger.post(path, json=body)) == []
    assert ok(stranger.get(FIRST_ADD, params={"user_id": "ada"})) == []
    assert ok(stranger.get("/v1/memories/user/ada/"))["results"] == []
    refused(stranger.get("/v2/entities/user/ada/"), 404)
