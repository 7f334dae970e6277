"""What a search tells of another time, and as a text for a prompt that is not remembered again."""

import httpx
import pytest

from recollect import bootstrap
from recollect.domain.recall import without_recalled
from recollect.testing.builders import a_scope
from tests.callers import SEARCH, refused, remembered
from tests.handlers.graphs import SPRING, Graph

BODY = {"query": "Who keeps bees?", "filters": {"user_id": "ada"}}


def test_the_text_is_there_when_it_is_asked_for(service: httpx.Client) -> None:
    remembered(service, "Ada keeps bees", user_id="ada", timestamp="2026-03-01")

    plain = service.post(SEARCH, json=BODY).json()
    answer = service.post(SEARCH, json={**BODY, "include_context": True}).json()

    assert "context" not in plain
    assert answer["results"][0]["memory"] == "Ada keeps bees"
    assert answer["context"].splitlines()[1:-1] == ["- 2026-03-01: Ada keeps bees"]
    assert without_recalled(f"You know:\n{answer['context']}\nNow answer.") == (
        "You know:\nNow answer."
    )


def test_a_text_takes_no_more_tokens_than_there_are(service: httpx.Client) -> None:
    for number in range(20):
        remembered(service, f"Bee hive {number} belongs to Ada", user_id="ada")

    answer = service.post(SEARCH, json={**BODY, "top_k": 2, "max_tokens": 100}).json()
    whole = service.post(SEARCH, json={**BODY, "top_k": 2, "max_tokens": 1_000}).json()

    assert len(answer["results"]) == 2
    assert 60 < answer["context_tokens"] <= 100 < whole["context_tokens"] <= 1_000
    assert whole["context"].count("belongs to Ada") == 20
    assert 100 < answer["all_tokens"] < whole["context_tokens"]


@pytest.mark.parametrize("tokens", [0, -1, 100_001, 1.5, "many"])
def test_what_is_no_number_of_tokens_is_refused(service: httpx.Client, tokens: object) -> None:
    assert "max_tokens" in refused(service.post(SEARCH, json={**BODY, "max_tokens": tokens}))


HOME = {**BODY, "query": "Where do I live?", "enable_graph": True}


@pytest.fixture
def moved(service: httpx.Client) -> None:
    """Have Ada move from Rome to Oslo in spring."""
    project = service.get("/v1/ping/").json()["project_id"]
    graph = Graph(bootstrap.local_store(), a_scope(project, user="ada"))
    ada, rome, oslo = graph.entity("ada", "user"), graph.entity("Rome"), graph.entity("Oslo")
    said = [graph.memory("I live in Rome"), graph.memory("I live in Oslo now")]
    graph.relation(ada, "lives_in", rome, said=said[:1], valid_to=SPRING)
    graph.relation(ada, "lives_in", oslo, said=said[1:], valid_from=SPRING)


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize(
    ("reference", "home", "in_words"),
    [
        ({}, "Oslo", "- The user lives in Oslo, since 2024-04-01"),
        ({"reference_date": None}, "Oslo", "- The user lives in Oslo, since 2024-04-01"),
        ({"reference_date": "2024-02-01"}, "Rome", "- The user lives in Rome, until 2024-04-01"),
        ({"reference_date": 1706745600}, "Rome", "- The user lives in Rome, until 2024-04-01"),
    ],
)
def test_relations_are_those_of_the_time_that_was_asked_for(
    service: httpx.Client, reference: dict[str, object], home: str, in_words: str
) -> None:
    body = {**HOME, **reference, "include_context": True}

    answer = service.post(SEARCH, json=body).json()

    assert [each["target"] for each in answer["relations"]] == [home]
    assert answer["context"].splitlines()[-2] == in_words
    assert {each["memory"] for each in answer["results"]} == {
        "I live in Rome",
        "I live in Oslo now",
    }


@pytest.mark.parametrize("time", ["soon", "", True, [], 1e20])
def test_what_is_no_time_is_refused(service: httpx.Client, time: object) -> None:
    assert "reference_date" in refused(service.post(SEARCH, json={**HOME, "reference_date": time}))
