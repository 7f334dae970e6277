"""A project's settings in mem0's shape: read, changed, followed, and nobody else's."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from recollect import bootstrap
from tests.callers import (
    ADD,
    SEARCH,
    Deployment,
    credentials,
    listed,
    refused,
    remembered,
)

DEFAULTS: dict[str, Any] = {
    "description": None,
    "custom_instructions": None,
    "agent_custom_instructions": None,
    "inclusion_prompt": None,
    "exclusion_prompt": None,
    "custom_categories": None,
    "custom_fact_extraction_prompt": None,
    "custom_update_memory_prompt": None,
    "redaction": False,
    "redaction_patterns": [],
    "episode_days": None,
    "limits": {"requests_per_minute": None, "tokens_per_day": None},
    "created_at": None,
    "updated_at": None,
    "members": [],
    "usecase_setting": None,
    "memory_depth": None,
    "update_custom_instructions": None,
    "summary_custom_instructions": None,
    "summary_batch_size": None,
    "summary_max_tokens": None,
    "expiration_date": None,
    "retrieval_criteria": None,
    "enable_graph": False,
    "multilingual": True,
    "decay": False,
    "version": None,
    "is_default": True,
    "active_prompt_profile": None,
    "user_role": "OWNER",
}
SET: dict[str, Any] = {
    "custom_instructions": "Remember what people eat.",
    "agent_custom_instructions": "Remember what you promised.",
    "inclusion_prompt": "food",
    "exclusion_prompt": "gossip",
    "custom_categories": [{"food": "What people eat"}, {"misc": ""}],
    "custom_fact_extraction_prompt": "Extract.",
    "custom_update_memory_prompt": "Decide.",
    "redaction": True,
    "redaction_patterns": ["EMP-[0-9]{6}"],
    "episode_days": 30,
    "enable_graph": True,
    "multilingual": False,
    "decay": True,
    "memory_depth": "Only what will matter in a year.",
    "usecase_setting": "A travel agent's assistant.",
}


def path_of(client: httpx.Client) -> str:
    ping = client.get("/v1/ping/").json()
    return f"/api/v1/orgs/organizations/{ping['org_id']}/projects/{ping['project_id']}/"


def read(client: httpx.Client) -> dict[str, Any]:
    response = client.get(path_of(client))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def change(client: httpx.Client, **fields: object) -> None:
    response = client.patch(path_of(client), json=fields)
    assert response.status_code == 200, response.text
    assert response.json() == {"message": "Project updated successfully"}


def settings(client: httpx.Client) -> dict[str, Any]:
    answer = read(client)
    return {name: answer[name] for name in SET}


def test_a_project_that_set_nothing_has_every_member_of_the_protocol(service: httpx.Client) -> None:
    project = service.get("/v1/ping/").json()["project_id"]
    ids = {"org_id": project, "project_id": project, "name": project}

    assert read(service) == {**ids, **DEFAULTS, "usecase": None}


def test_everything_that_was_set_is_read(service: httpx.Client) -> None:
    change(service, **SET)

    assert settings(service) == SET


@pytest.mark.parametrize("name", SET)
def test_only_what_is_given_changes(service: httpx.Client, name: str) -> None:
    change(service, **{name: SET[name]})

    assert read(service) == {**read(service), **DEFAULTS, name: SET[name]}


@pytest.mark.parametrize("name", SET)
def test_null_clears(service: httpx.Client, name: str) -> None:
    change(service, **SET)

    change(service, **{name: None})

    assert settings(service) == {**SET, name: DEFAULTS[name]}


@pytest.mark.parametrize("name", [name for name in SET if isinstance(SET[name], str)])
def test_an_empty_text_clears(service: httpx.Client, name: str) -> None:
    change(service, **SET)

    change(service, **{name: ""})

    assert settings(service) == {**SET, name: None}


@pytest.mark.parametrize("name", ["custom_categories", "redaction_patterns"])
def test_an_empty_list_clears(service: httpx.Client, name: str) -> None:
    change(service, **SET)

    change(service, **{name: []})

    assert settings(service) == {**SET, name: DEFAULTS[name]}


def test_a_use_case_may_be_an_object_and_is_told_by_both_names(service: httpx.Client) -> None:
    assert read(service)["usecase"] is None

    change(service, usecase_setting={"about": "travel", "tone": ["kind"]})

    told = '{"about": "travel", "tone": ["kind"]}'
    assert (read(service)["usecase"], read(service)["usecase_setting"]) == (told, told)


def test_where_memories_fade_an_old_one_is_found_last_until_it_is_shown(
    service: httpx.Client,
) -> None:
    two_years = 2 * 365 * 86_400
    old = remembered(
        service, "Ada drinks green tea", user_id="ada", timestamp=time.time() - two_years
    )
    new = remembered(service, "Ada drinks black tea", user_id="ada")
    question = {
        "query": "Does Ada drink green tea?",
        "filters": {"user_id": "ada"},
        "threshold": 0.0,
    }
    plain = service.post(SEARCH, json=question | {"explain": True}).json()["results"]

    change(service, decay=True)
    faded = service.post(SEARCH, json=question | {"explain": True}).json()["results"]
    for _ in range(5):
        service.post(SEARCH, json={**question, "top_k": 2})
    fresh = service.post(SEARCH, json=question).json()["results"]

    assert [each["id"] for each in plain] == [each["id"] for each in fresh] == [old, new]
    assert {each["score_breakdown"]["decay"] for each in plain} == {1.0}
    assert [each["id"] for each in faded] == [new, old]
    assert [each["score_breakdown"]["decay"] for each in faded] == [1.0, 0.3]


def test_categories_may_be_plain_names(service: httpx.Client) -> None:
    change(service, custom_categories=["food", {"music": "What people hear", "art": None}])

    assert settings(service)["custom_categories"] == [
        {"food": ""},
        {"music": "What people hear"},
        {"art": ""},
    ]


def test_what_clients_send_beside_it_is_ignored(service: httpx.Client) -> None:
    before = read(service)

    change(
        service,
        retrieval_criteria=[{"name": "joy"}],
        version="v2",
        something_new=[1],
    )

    assert read(service) == before


def test_fields_and_ids_in_the_query_change_nothing(service: httpx.Client) -> None:
    own = read(service)["project_id"]
    query = {"fields": ["custom_instructions", "decay"], "org_id": own, "project_id": own}

    assert service.get(path_of(service), params=query).json() == read(service)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"custom_instructions": 1}, "custom_instructions"),
        ({"custom_instructions": "x" * 20_001}, "custom_instructions"),
        ({"custom_categories": "food"}, "custom_categories"),
        ({"custom_categories": {"food": "x"}}, "custom_categories"),
        ({"custom_categories": [1]}, "custom_categories"),
        ({"custom_categories": ["x" * 65]}, "at most 64 characters"),
        ({"custom_categories": [{"food": "x" * 501}]}, "at most 500 characters"),
        ({"custom_categories": [{f"{n}": ""} for n in range(101)]}, "categories"),
        ({"redaction": "yes"}, "redaction"),
        ({"redaction_patterns": "x"}, "redaction_patterns"),
        ({"redaction_patterns": ["("]}, "Redaction pattern 1 cannot be used"),
        ({"redaction_patterns": ["x"] * 51}, "at most 50 redaction patterns"),
        ({"episode_days": 0}, "1 to 3650 days"),
        ({"episode_days": True}, "episode_days"),
        ({"episode_days": 1.5}, "episode_days"),
        ({"enable_graph": "yes"}, "enable_graph"),
        ({"enable_graph": 1}, "enable_graph"),
        ({"multilingual": "yes"}, "multilingual"),
        ({"decay": 1}, "decay"),
        ({"retrieval_criteria": "x"}, "retrieval_criteria"),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(
    service: httpx.Client, fields: dict[str, Any], reason: str
) -> None:
    change(service, custom_instructions="as it was")
    before = read(service)

    response = service.patch(path_of(service), json={"inclusion_prompt": "new", **fields})

    assert reason in refused(response)
    assert read(service) == before


def test_an_idempotency_key_is_refused(service: httpx.Client) -> None:
    headers = {"Idempotency-Key": "1"}

    refused(service.patch(path_of(service), json={"redaction": True}, headers=headers))

    assert read(service)["redaction"] is False


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_no_other_id_is_the_project(
    service: httpx.Client, stranger: httpx.Client, method: str
) -> None:
    """Promise 10."""
    own = service.get("/v1/ping/").json()["project_id"]
    theirs = stranger.get("/v1/ping/").json()["project_id"]
    body = {"redaction": True} if method == "PATCH" else None

    for org, project in [(theirs, theirs), (own, theirs), (theirs, own), ("x", "x")]:
        path = f"/api/v1/orgs/organizations/{org}/projects/{project}/"
        reason = refused(service.request(method, path, json=body), 404)
        assert reason == "Project not found"
    assert read(stranger)["redaction"] is read(service)["redaction"] is False


@pytest.fixture
def named(deployment: Deployment) -> Iterator[Callable[[str], httpx.Client]]:
    """Makes a client of a project of this name."""
    clients = []

    def make(name: str) -> httpx.Client:
        _, key = bootstrap.create_key()(name, "test")
        client = deployment.client(key)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


NAMES = ("acme inc", "Zoë's", "愛達 🙂", "50%", "a%20b", "a?b#c", "a&b=c", "{x}", "a%2Fb")


@pytest.mark.parametrize(
    ("name", "times"), [*((name, times) for name in NAMES for times in (1, 2)), ("a/b/", 2)]
)
def test_a_project_may_have_any_name(
    named: Callable[[str], httpx.Client], name: str, times: int
) -> None:
    """Percent-encoded as in any path; with a slash, which no path can hold, once more."""
    name = f"{name} {uuid.uuid4()}"
    client = named(name)
    part = name
    for _ in range(times):
        part = quote(part, safe="")
    path = f"/api/v1/orgs/organizations/{part}/projects/{part}/"

    assert client.patch(path, json={"episode_days": 7}).status_code == 200

    answer = client.get(path).json()
    assert (answer["project_id"], answer["episode_days"]) == (name, 7)


def test_what_a_project_wants_taken_out_is_neither_kept_nor_answered(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    change(service, redaction=True, redaction_patterns=["EMP-[0-9]{6}"])
    text = "EMP-123456 pays with 4111 1111 1111 1111, password: hunter2"
    expected = "[redacted] pays with [card number], password: [secret]"

    memory_id = remembered(service, text, user_id="ada", metadata={"by": "EMP-123456"})
    remembered(stranger, text, user_id="ada")
    updated = service.put(f"/v1/memories/{memory_id}/", json={"text": f"So {text}"}).json()

    assert updated["memory"] == f"So {expected}"
    assert updated["metadata"] == {"by": "[redacted]"}
    everything = "".join(
        service.get(f"/v1/memories/{memory_id}/{part}").text
        for part in ("", "history/", "episode/")
    )
    assert not [each for each in ("EMP-1", "4111", "hunter2") if each in everything]
    assert listed(stranger, user_id="ada") == [text]


def test_two_keys_of_one_project_share_its_settings(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    change(service, **SET)
    second = service.post("/v1/keys/", json={"name": "second"}).json()["key"]

    stranger.headers.update(credentials(second))

    assert settings(stranger) == SET


def test_an_add_follows_what_was_just_set(service: httpx.Client) -> None:
    for redaction, expected in ((True, "[card number] 1"), (False, "4111111111111111 2")):
        change(service, redaction=redaction)
        number = expected[-1]
        body = {"messages": f"4111111111111111 {number}", "user_id": "ada", "infer": False}
        [result] = service.post(ADD, json=body).json()["results"]

        assert result["memory"] == expected


def test_adds_and_searches_follow_whether_a_graph_is_wanted(
    service: httpx.Client, stranger: httpx.Client
) -> None:
    for client in (service, stranger):
        change(client, enable_graph=client is service)
        body = {"messages": "I live in Lisbon.", "user_id": "ada", "infer": False}
        added = client.post(ADD, json=body).json()

        job = client.get(f"/v1/event/{added['event_id']}/").json()
        query = {"query": "Where does ada live?", "filters": {"user_id": "ada"}}
        found = client.post(SEARCH, json=query).json()
        against = client.post(SEARCH, json={**query, "enable_graph": client is stranger}).json()

        assert (job["graph_status"] is not None) is (client is service)
        assert ("relations" in found) is (client is service)
        assert ("relations" in against) is (client is stranger)


def test_who_sets_null_has_no_graph_any_more(service: httpx.Client) -> None:
    change(service, enable_graph=True)

    change(service, enable_graph=None)

    assert read(service)["enable_graph"] is False
