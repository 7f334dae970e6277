"""A graph from an add to its erasure, over HTTP, on both editions: background work included."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import boto3
import httpx
import pytest

from recollect import bootstrap
from recollect.adapters.aws.entity_documents import page_of
from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from recollect.adapters.aws.index_searches import ask
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.domain.graph import Owner
from recollect.domain.subjects import Subject, SubjectKind
from tests import aws_edition
from tests.callers import ADD, SEARCH, Deployment, LiveService, credentials, served
from tests.engines import endpoint

Json: TypeAlias = dict[str, Any]

PATIENCE_SECONDS = 30
ENGINE_SECONDS = 10.0
WHOLE_GRAPH = 1_000
EVERY_ENTITY_INDEX = "recollect-*-entities"
"""The alias over a deployment's index of entities, whatever its prefix here."""
ASKED = "Where does ada live?"


@pytest.fixture(scope="module", params=["local", pytest.param("aws", marks=pytest.mark.engines)])
def place(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[LiveService]:
    """The same handlers on SQLite, and configured for AWS on engines."""
    with served(deployment) if request.param == "local" else aws_edition.running() as live:
        yield live


@pytest.fixture
def held(
    place: LiveService,  # noqa: ARG001 - which is parametrised
    request: pytest.FixtureRequest,
) -> Callable[[Owner], list[Collection[object]]]:
    """What each place that has something of graphs has of an owner's."""
    if request.node.callspec.params["place"] == "local":
        graph = bootstrap.local_store().graph
        return lambda owner: [graph.page(owner, after=None, limit=WHOLE_GRAPH)]
    return lambda owner: [in_gremlin(owner), in_opensearch(owner)]


@pytest.fixture
def client(place: LiveService) -> Iterator[httpx.Client]:
    """A client of a project that wants a graph."""
    headers = credentials(place.new_key())
    with httpx.Client(base_url=place.address, headers=headers, timeout=PATIENCE_SECONDS) as built:
        project = built.get("/v1/ping/").json()["project_id"]
        path = f"/api/v1/orgs/organizations/{project}/projects/{project}/"
        built.patch(path, json={"enable_graph": True}).raise_for_status()
        yield built


def until(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is looked for
    """Return what is there once something is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"{look} found nothing"
        time.sleep(0.05)
    return found


def added(client: httpx.Client, text: str, **options: object) -> Json:
    """Add a text verbatim; return the job once the graph has followed it."""
    body = {"messages": text, "user_id": "ada", "infer": False, **options}
    answer = client.post(ADD, json=body).raise_for_status().json()

    def followed() -> Json | None:
        job: Json = client.get(f"/v1/event/{answer['event_id']}/").json()
        return None if job["graph_status"] == "PENDING" else job

    job: Json = until(followed)
    return job


def answered(client: httpx.Client, question: str = ASKED, **options: object) -> Json:
    body = {"query": question, "filters": {"user_id": "ada"}, **options}
    answer: Json = client.post(SEARCH, json=body).raise_for_status().json()
    return answer


def homes(client: httpx.Client) -> list[str]:
    return [each["target"] for each in answered(client)["relations"]]


def graph(client: httpx.Client, what: str) -> list[Json]:
    page = client.get(f"/v1/graph/{what}/", params={"user_id": "ada"}).raise_for_status()
    found: list[Json] = page.json()["results"]
    return found


def owner_of(client: httpx.Client) -> Owner:
    project = client.get("/v1/ping/").json()["project_id"]
    return Owner(project, Subject.of(SubjectKind.USER, "ada").key)


def test_what_an_add_says_is_told_found_changed_and_taken_away(client: httpx.Client) -> None:
    job = added(client, "I live in Lisbon.")
    [memory] = job["results"]
    lives = {"source": "ada", "relationship": "lives_in", "target": "Lisbon"}
    assert job["graph_status"] == "SUCCEEDED"
    assert job["relations"] == {"added_entities": [lives], "deleted_entities": []}

    [relation] = until(lambda: answered(client)["relations"])
    assert 0 < relation.pop("score") <= 1
    assert relation == {
        **lives,
        "source_type": "user",
        "target_type": "place",
        "valid_from": None,
        "valid_to": None,
        "memory_ids": [memory["id"]],
    }

    update = client.put(f"/v1/memories/{memory['id']}/", json={"text": "I live in Porto."})
    update.raise_for_status()
    until(lambda: homes(client) == ["Porto"])

    client.delete(f"/v1/memories/{memory['id']}/").raise_for_status()
    assert homes(client) == []
    until(lambda: graph(client, "entities") == [])
    assert answered(client)["degraded"] == []


def test_a_move_ends_the_relation_before_and_supports_the_memory_that_tells(
    client: httpx.Client,
) -> None:
    added(client, "I live in Lisbon.")

    moved = added(client, "I live in Porto.")

    assert [each["target"] for each in moved["relations"]["deleted_entities"]] == ["Lisbon"]
    until(lambda: homes(client) == ["Porto"])
    best = answered(client, explain=True)["results"][0]
    assert best["memory"] == "I live in Porto."
    assert best["score_breakdown"]["graph"] > 0


def test_who_does_not_want_it_gets_no_graph(client: httpx.Client) -> None:
    job = added(client, "I live in Lisbon.", enable_graph=False)

    assert job["graph_status"] is None
    assert answered(client)["relations"] == []
    assert "relations" not in answered(client, enable_graph=False)
    assert graph(client, "entities") == []


def test_who_is_deleted_is_in_no_graph_any_more(
    client: httpx.Client, held: Callable[[Owner], list[Collection[object]]]
) -> None:
    owner = owner_of(client)
    for text in ("I live in Lisbon.", "My sister Mia works at Acme.", "Mia likes tea."):
        added(client, text)
    until(lambda: len(answered(client, "Who works at Acme?")["relations"]) > 1)
    until(lambda: all(held(owner)))

    client.delete("/v1/memories/", params={"user_id": "ada"}).raise_for_status()

    until(lambda: not graph(client, "entities") and not graph(client, "relations"))
    assert answered(client, "Who works at Acme?")["relations"] == []
    until(lambda: not any(held(owner)))


def test_the_published_client_asks_for_it_too(
    place: LiveService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEM0_TELEMETRY", "False")
    monkeypatch.setenv("MEM0_DIR", str(tmp_path))
    import mem0  # noqa: PLC0415 - reads the environment when it is imported

    client = mem0.MemoryClient(api_key=place.new_key(), host=place.address)
    with closing(client.client) as http:
        client.add("I live in Lisbon.", user_id="ada", infer=False, enable_graph=True)
        found = until(lambda: homes_by(client))
        client.delete_all(user_id="ada")
        until(lambda: graph(http, "entities") == [])

    assert found == ["Lisbon"]


def homes_by(client: Any) -> list[str]:  # noqa: ANN401 - published without types
    answer = client.search(ASKED, filters={"user_id": "ada"}, enable_graph=True)
    return [each["target"] for each in answer["relations"]]


def test_nobody_sees_the_graph_of_another_project(place: LiveService, client: httpx.Client) -> None:
    added(client, "I live in Lisbon.")
    until(lambda: homes(client) == ["Lisbon"])

    headers = credentials(place.new_key())
    with httpx.Client(base_url=place.address, headers=headers) as stranger:
        assert answered(stranger, enable_graph=True)["relations"] == []
        assert graph(stranger, "entities") == graph(stranger, "relations") == []


def in_gremlin(owner: Owner) -> dict[str, int]:
    with closing(GremlinConnection(endpoint("gremlin"), dict, ENGINE_SECONDS)) as connection:
        return GremlinGraphStore(connection.ask).held(owner)


def in_opensearch(owner: Owner) -> list[str]:
    """Return the ids of the owner's entities, once the index shows all that it has."""
    client = opensearch_client(
        endpoint("opensearch"),
        auth="none",
        session=boto3.Session(),
        timeout_seconds=ENGINE_SECONDS,
    )
    with closing(client):
        client.indices.refresh(index=EVERY_ENTITY_INDEX)
        search = page_of(owner, None, WHOLE_GRAPH)
        [found] = ask(client, EVERY_ENTITY_INDEX, [search], time.sleep)
        return [hit.id for hit in found.hits.hits]
