"""The routes that show a graph: an owner's, as of a time, page by page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from recollect import bootstrap
from recollect.domain.graph import Belief
from recollect.testing.builders import a_scope
from tests.callers import ADDRESS, AN_ID, refused
from tests.handlers.graphs import NEW_YEAR, SPRING, Graph

ENTITIES, RELATIONS = "/v1/graph/entities/", "/v1/graph/relations/"
UNKNOWN = "0" * 32
MANY = 100
"""Pages: more than any test has."""


@pytest.fixture
def graph(service: httpx.Client) -> Graph:
    """The graph of the user "ada" of the client's project."""
    return graph_of(service, user="ada")


def graph_of(client: httpx.Client, **names: str) -> Graph:
    project = client.get("/v1/ping/").json()["project_id"]
    return Graph(bootstrap.local_store(), a_scope(project, **names))


def got(client: httpx.Client, path: str, **query: object) -> Any:  # noqa: ANN401 - any JSON
    response = client.get(path, params={"user_id": "ada", **query})  # type: ignore[dict-item]
    assert response.status_code == 200, response.text
    return response.json()


def all_of(client: httpx.Client, path: str, **query: object) -> list[Any]:
    """Return what all pages have together."""
    page = got(client, path, **query)
    found = list(page["results"])
    for _ in range(MANY):
        if not page["next"]:
            return found
        page = client.get(page["next"]).json()
        found += page["results"]
    pytest.fail("the pages have no end")


def test_entities_are_listed_in_the_products_form(service: httpx.Client, graph: Graph) -> None:
    ada = graph.entity("Ada", mentions=3)
    graph.entity("Tom", mentions=0)

    assert got(service, ENTITIES) == {
        "next": None,
        "results": [
            {
                "id": ada.id,
                "name": "Ada",
                "type": "person",
                "mentions": 3,
                "created_at": "2024-01-01T00:00:00.000000Z",
            }
        ],
    }


def test_an_entity_comes_with_its_relations_and_their_memories(
    service: httpx.Client, graph: Graph
) -> None:
    ada, lisbon = graph.entity("Ada"), graph.entity("Lisbon", "city")
    memory = graph.memory("Ada lives in Lisbon.")
    lives = graph.relation(ada, "lives_in", lisbon, said=[memory], valid_from=SPRING)

    answer = got(service, f"{ENTITIES}{lisbon.id}/")

    assert (answer["id"], answer["name"], answer["mentions"]) == (lisbon.id, "Lisbon", 1)
    assert answer["memories"] == [{"id": memory.id, "memory": "Ada lives in Lisbon."}]
    assert answer["relations"] == [
        {
            "id": lives.triple.id,
            "source": "Ada",
            "source_type": "person",
            "source_id": ada.id,
            "relationship": "lives_in",
            "target": "Lisbon",
            "target_type": "city",
            "target_id": lisbon.id,
            "mentions": 1,
            "valid_from": "2024-04-01T00:00:00.000000Z",
            "valid_to": None,
            "recorded_at": "2024-01-01T00:00:00.000000Z",
            "retracted_at": None,
            "memory_ids": [memory.id],
        }
    ]
    assert got(service, RELATIONS) == {"next": None, "results": answer["relations"]}


def test_ids_are_read_in_any_case(service: httpx.Client, graph: Graph) -> None:
    ada = graph.entity("Ada")

    assert got(service, f"{ENTITIES}{ada.id.upper()}/")["id"] == ada.id


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_following_next_shows_everything_once(
    service: httpx.Client, graph: Graph, size: int
) -> None:
    entities = [graph.entity(f"entity {number}") for number in range(5)]
    for entity in entities:
        graph.relation(entities[0], "knows", entity)

    listed = all_of(service, ENTITIES, page_size=size)
    related = all_of(service, RELATIONS, page_size=size)

    assert [each["id"] for each in listed] == sorted(each.id for each in entities)
    assert [each["target_id"] for each in related] == sorted(each.id for each in entities)


def test_all_pages_tell_of_the_same_times(service: httpx.Client, graph: Graph) -> None:
    ada = graph.entity("Ada")
    for number in range(3):
        graph.relation(ada, "knows", graph.entity(f"friend {number}"))

    first = got(service, RELATIONS, page_size=1)
    second = service.get(first["next"]).json()

    links = [urlsplit(each["next"]) for each in (first, second)]
    assert f"{links[0].scheme}://{links[0].netloc}{links[0].path}" == f"{ADDRESS}{RELATIONS}"
    queries = [parse_qs(link.query) for link in links]
    assert set(queries[0]) == {"user_id", "page_size", "true_at", "known_at", "cursor"}
    for name in ("user_id", "page_size", "true_at", "known_at"):
        assert queries[0][name] == queries[1][name]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({}, ["Porto"]),
        ({"true_at": "2024-02-01"}, ["Lisbon"]),
        ({"true_at": "2024-04-01"}, ["Porto"]),
        ({"true_at": "1706745600"}, ["Lisbon"]),
        ({"true_at": "1706745600.5"}, ["Lisbon"]),
        ({"true_at": "20240201"}, ["Lisbon"]),
        ({"true_at": "2024-04-01T01:00:00+02:00"}, ["Lisbon"]),
        ({"true_at": "2024-03-31T23:00:00-02:00"}, ["Porto"]),
        ({"known_at": "2024-02-01"}, ["Lisbon"]),
        ({"true_at": "2024-06-01", "known_at": "2024-02-01"}, ["Lisbon"]),
        ({"true_at": "2023-06-01"}, []),
        ({"known_at": "2023-06-01"}, []),
    ],
)
def test_what_was_true_then_and_what_was_known_then(
    service: httpx.Client, graph: Graph, times: dict[str, str], expected: list[str]
) -> None:
    """Promise 12: Ada moved to Porto in spring, and we know since then."""
    ada, lisbon, porto = graph.entity("Ada"), graph.entity("Lisbon"), graph.entity("Porto")
    lives = graph.relation(ada, "lives_in", lisbon, valid_from=NEW_YEAR, retracted_at=SPRING)
    graph.believed(lives, Belief(NEW_YEAR, SPRING, recorded_at=SPRING, is_past=True))
    memory = graph.memory("Ada lives in Porto.")
    graph.relation(ada, "lives_in", porto, said=[memory], valid_from=SPRING, recorded_at=SPRING)

    relations = got(service, RELATIONS, **times)["results"]

    assert [each["target"] for each in relations] == expected
    assert got(service, f"{ENTITIES}{ada.id}/", **times)["relations"] == relations


def test_what_a_deleted_memory_said_is_gone_at_once(service: httpx.Client, graph: Graph) -> None:
    """Promise 4."""
    ada, memory = graph.entity("Ada"), graph.memory("Ada knows Tom.")
    graph.relation(ada, "knows", graph.entity("Tom"), said=[memory])
    before = got(service, RELATIONS)["results"]

    assert service.delete(f"/v1/memories/{memory.id}/").status_code == 200

    assert len(before) == 1
    assert got(service, RELATIONS)["results"] == []
    assert got(service, f"{ENTITIES}{ada.id}/")["memories"] == []


@pytest.mark.parametrize("kind", ["user_id", "agent_id", "app_id", "run_id"])
def test_every_kind_of_owner_has_a_graph_of_its_own(service: httpx.Client, kind: str) -> None:
    graph = graph_of(service, **{kind.removesuffix("_id"): "ada lovelace/1"})
    ada = graph.entity("Ada")
    graph.relation(ada, "knows", ada)

    for other in ("user_id", "agent_id", "app_id", "run_id"):
        query = {other: "ada lovelace/1"}
        entities = service.get(ENTITIES, params=query).json()["results"]
        relations = service.get(RELATIONS, params=query).json()["results"]
        one = service.get(f"{ENTITIES}{ada.id}/", params=query)
        is_owner = other == kind
        assert (len(entities), len(relations)) == ((1, 1) if is_owner else (0, 0))
        assert one.status_code == (200 if is_owner else 404)


def test_another_projects_graph_is_not_there(
    service: httpx.Client, stranger: httpx.Client, graph: Graph
) -> None:
    """Promise 10."""
    ada = graph.entity("Ada")
    graph.relation(ada, "knows", ada)
    link = got(service, ENTITIES, page_size=1)["results"][0]["id"]

    assert got(stranger, ENTITIES) == got(stranger, RELATIONS) == {"next": None, "results": []}
    answer = stranger.get(f"{ENTITIES}{link}/", params={"user_id": "ada"})
    assert refused(answer, 404) == "Entity not found"


# What cannot be.


PATHS = [ENTITIES, RELATIONS, f"{ENTITIES}{UNKNOWN}/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "user=ada",
        "filters=%7B%22user_id%22%3A%22ada%22%7D",
        "user_id=ada&agent_id=bot",
        "user_id=&agent_id=bot",
        "user_id=",
        "user_id=%20",
        "user_id=*",
        "user_id=ada&user_id=grace",
        "user_id=a%00b",
        f"user_id={'u' * 257}",
    ],
    ids=lambda query: query[:40],
)
def test_exactly_one_subject_says_whose_graph(service: httpx.Client, path: str, query: str) -> None:
    assert "_id" in refused(service.get(f"{path}?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=101",
        "page_size=-1",
        "page_size=all",
        "page_size=5&page_size=6",
        "cursor=x",
        "cursor=%00",
        "cursor=%F0%9F%98%80",
        "cursor=AAAA",
        "cursor=fHw=",
        "cursor=fA==",
        f"cursor={'a' * 5_000}",
    ],
    ids=lambda query: query[:40],
)
@pytest.mark.parametrize("path", [ENTITIES, RELATIONS])
def test_a_page_that_cannot_be(service: httpx.Client, path: str, query: str) -> None:
    refused(service.get(f"{path}?user_id=ada&{query}"))


@pytest.mark.parametrize("name", ["true_at", "known_at"])
@pytest.mark.parametrize(
    "time", ["", "yesterday", "2024-13-01", "99999999999999", "nan", "2024-04-01 00:00 02:00"]
)
@pytest.mark.parametrize("path", [RELATIONS, f"{ENTITIES}{UNKNOWN}/"])
def test_a_time_that_cannot_be(service: httpx.Client, path: str, name: str, time: str) -> None:
    response = service.get(path, params={"user_id": "ada", name: time})

    assert refused(response).startswith(f"{name} must ")


@pytest.mark.parametrize(
    "entity_id",
    ["1", "null", "%20", "%00", "%F0%9F%98%80", "%FF", "a" * 5_000, AN_ID, f"{UNKNOWN}0", "g" * 32],
    ids=lambda entity_id: entity_id[:40],
)
def test_an_id_that_cannot_be(service: httpx.Client, entity_id: str) -> None:
    response = service.get(f"{ENTITIES}{entity_id}/", params={"user_id": "ada"})

    assert refused(response) == "entity_id should be 32 hexadecimal digits"


def test_an_entity_that_is_unknown(service: httpx.Client) -> None:
    response = service.get(f"{ENTITIES}{UNKNOWN}/", params={"user_id": "ada"})

    assert refused(response, 404) == "Entity not found"
