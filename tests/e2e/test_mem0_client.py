"""The published mem0 client, unmodified, against the service on a loopback port."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from tests import aws_edition
from tests.callers import Deployment, LiveService, credentials, new_id, served, yesterday

Json: TypeAlias = dict[str, Any]
Client: TypeAlias = Any
Package: TypeAlias = Any
"""Published without types."""

PATIENCE_SECONDS = 30
BEES = "Ada keeps bees on her roof in Lisbon"
PIANO = "Ada plays the piano every morning"
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": BEES, "name": "Ada"},
    {"role": "assistant", "content": "How many hives do you have?"},
]


@pytest.fixture(scope="module", params=["local", pytest.param("aws", marks=pytest.mark.engines)])
def live_service(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[LiveService]:
    """The same handlers on SQLite, and configured for AWS on engines."""
    with served(deployment) if request.param == "local" else aws_edition.running() as live:
        yield live


@pytest.fixture(scope="session")
def mem0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Package]:
    """The client's package, kept from calling its makers and from writing to the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEM0_TELEMETRY", "False")
        patch.setenv("MEM0_DIR", str(tmp_path_factory.mktemp("mem0")))
        import mem0  # noqa: PLC0415 - reads the environment when it is imported

        yield mem0


@pytest.fixture
def client(mem0: Package, live_service: LiveService) -> Iterator[Client]:
    built = mem0.MemoryClient(api_key=live_service.new_key(), host=live_service.address)
    yield built
    built.client.close()


def added(client: Client, text: str, **options: object) -> str:
    [result] = client.add(text, infer=False, **{"user_id": "ada", **options})["results"]
    return str(result["id"])


def texts(answer: Json) -> list[str]:
    return [memory["memory"] for memory in answer["results"]]


def test_it_learns_its_project_when_it_is_made(client: Client) -> None:
    assert client.org_id == client.project_id != ""
    assert client.user_email


def test_project_settings_are_read_and_changed(client: Client) -> None:
    before = client.project.get()

    first = client.project.update(
        custom_instructions="Remember what people eat.",
        custom_categories=[{"food": "What people eat"}],
        agent_custom_instructions="Remember what you promised.",
    )
    client.project.update(decay=False, custom_instructions="")

    after = client.project.get(fields=["custom_instructions"])
    assert first == {"message": "Project updated successfully"}
    assert before["project_id"] == after["project_id"] == client.project_id
    assert before["custom_categories"] is None
    assert after == {
        **before,
        "custom_categories": [{"food": "What people eat"}],
        "agent_custom_instructions": "Remember what you promised.",
    }


def test_a_project_that_wants_it_never_sees_a_card_number_again(client: Client) -> None:
    client.client.patch(
        f"/api/v1/orgs/organizations/{client.org_id}/projects/{client.project_id}/",
        json={"redaction": True},
    ).raise_for_status()

    memory_id = added(client, "Ada pays with 4111 1111 1111 1111")
    client.update(memory_id, metadata={"note": "password: hunter2"})

    memory = client.get(memory_id)
    assert memory["memory"] == "Ada pays with [card number]"
    assert memory["metadata"] == {"note": "password: [secret]"}


def test_a_key_that_has_used_up_its_requests_is_told_when_to_come_back(
    mem0: Package, client: Client, live_service: LiveService
) -> None:
    made = client.client.post("/v1/keys/", json={"name": "slow", "requests_per_minute": 1})
    slow = mem0.MemoryClient(api_key=made.json()["key"], host=live_service.address)

    def ask_often() -> None:
        # A new minute may begin in between, but not twice.
        for _ in range(3):
            slow.get_all(filters={"user_id": "ada"})

    with pytest.raises(mem0.exceptions.RateLimitError, match="limit of requests") as refused:
        ask_often()

    debug = refused.value.debug_info
    assert refused.value.error_code == "HTTP_429"
    assert 1 <= debug["retry_after"] <= 60
    assert debug["x_ratelimit_limit"] == "1"
    assert debug["x_ratelimit_remaining"] == "0"
    assert abs(int(debug["x_ratelimit_reset"]) - time.time()) <= 61
    slow.client.close()


@pytest.mark.parametrize("suffix", ["", "/"])
def test_a_host_may_end_in_a_slash(mem0: Package, live_service: LiveService, suffix: str) -> None:
    client = mem0.MemoryClient(live_service.new_key(), host=live_service.address + suffix)

    assert added(client, BEES)
    client.client.close()


@pytest.mark.parametrize("messages", [BEES, {"role": "user", "content": BEES}, TALK[1:2]])
def test_add_keeps_a_text_an_object_or_a_list_verbatim(client: Client, messages: object) -> None:
    answer = client.add(messages, user_id="ada", infer=False)

    [result] = answer["results"]
    assert (answer["status"], result["event"]) == ("SUCCEEDED", "ADD")
    assert answer["message"] == "Memories stored successfully"
    assert result["memory"] == result["data"]["memory"] == BEES


def test_add_keeps_what_is_said_but_not_what_the_system_says(client: Client) -> None:
    results = client.add(TALK, user_id="ada", infer=False)["results"]

    assert [each["role"] for each in results] == ["user", "assistant"]
    assert results[0]["actor_id"] == "Ada"


def test_add_extracts_facts_and_notices_repetition(client: Client) -> None:
    first = client.add("I live in Lisbon. What is the weather like?", user_id="ada")

    again = client.add("I live in Lisbon.", user_id="ada")

    assert [each["event"] for each in first["results"]] == ["ADD"]
    assert [each["event"] for each in again["results"]] == ["NONE"]
    assert again["results"][0]["id"] == first["results"][0]["id"]


@pytest.mark.parametrize(
    "scope",
    [
        {"user_id": "ada"},
        {"filters": {"user_id": "ada"}},
        {"user_id": "ada", "filters": {"run_id": "r1"}},
        {"filters": {"user_id": "ada", "agent_id": "bot", "app_id": "web", "run_id": "r1"}},
    ],
)
def test_add_takes_ids_beside_the_messages_and_in_filters(client: Client, scope: Json) -> None:
    given = {**scope, **scope.get("filters", {})}

    [result] = client.add(BEES, infer=False, **scope)["results"]

    memory = client.get(result["id"])
    for name in ("user_id", "agent_id", "app_id", "run_id"):
        assert memory[name] == given.get(name)
    assert memory["session_id"] == memory["run_id"]


def test_add_takes_metadata_a_time_and_a_last_day(client: Client) -> None:
    said = datetime(2025, 10, 13, 16, 59, tzinfo=UTC)

    memory_id = added(
        client,
        BEES,
        metadata={"source": "chat", "n": [1, {"a": None}]},
        timestamp=int(said.timestamp()),
        expiration_date="2999-12-31",
    )

    memory = client.get(memory_id)
    assert memory["metadata"] == {"source": "chat", "n": [1, {"a": None}]}
    assert datetime.fromisoformat(memory["created_at"]) == said
    assert memory["expiration_date"] == "2999-12-31"
    assert memory["structured_attributes"] == {
        "day": 13,
        "hour": 16,
        "year": 2025,
        "month": 10,
        "minute": 59,
        "quarter": 4,
        "is_weekend": False,
        "day_of_week": "monday",
        "day_of_year": 286,
        "week_of_year": 42,
    }


def test_an_add_has_a_job_that_can_be_followed(client: Client) -> None:
    answer = client.add(BEES, user_id="ada", infer=False)

    event = client.client.get(f"/v1/event/{answer['event_id']}/").json()

    assert (event["id"], event["event_type"], event["status"]) == (
        answer["event_id"],
        "ADD",
        "SUCCEEDED",
    )
    assert event["results"] == [{**each, "user_id": "ada"} for each in answer["results"]]


def test_search_finds_what_was_just_added_best_first(client: Client) -> None:
    """Promise 4."""
    bees, piano = added(client, BEES), added(client, PIANO)
    added(client, "Grace keeps bees", user_id="grace")

    results = client.search("who keeps bees?", filters={"user_id": "ada"}, threshold=0.0)["results"]

    assert [each["id"] for each in results] == [bees, piano]
    assert 1 >= results[0]["score"] > results[1]["score"] >= 0


def test_search_finds_it_again_when_the_index_has_it(client: Client) -> None:
    memory_id = added(client, BEES)
    search = {"filters": {"user_id": "*"}, "threshold": 0.0}

    # A search of all users is answered by the index alone, which follows.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (results := client.search("bees", **search)["results"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert [each["id"] for each in results] == [memory_id]


def test_search_takes_the_options_of_the_client(client: Client) -> None:
    added(client, BEES, metadata={"topic": "bees"})
    added(client, PIANO, metadata={"topic": "music"})
    filters = {"AND": [{"user_id": "ada"}, {"metadata": {"topic": "music"}}]}

    results = client.search(
        "  what does Ada do?  ",
        filters=filters,
        top_k=5,
        threshold=0.0,
        rerank=True,
        fields=["memory", "metadata"],
        keyword_search=True,
        latest_only=True,
    )["results"]

    [result] = results
    assert set(result) == {"id", "memory", "metadata", "score"}
    assert client.search("bees", filters=filters, threshold=1.0)["results"] == []
    assert len(client.search("Ada", filters={"user_id": "ada"}, top_k=1)["results"]) == 1


def test_get_all_gives_pages_that_follow_each_other(client: Client) -> None:
    ids = [added(client, f"Fact number {number}") for number in range(5)]
    filters = {"user_id": "ada"}

    everything = client.get_all(filters=filters)
    pages = [client.get_all(filters=filters, page=page, page_size=2) for page in (1, 2, 3)]

    assert [each["id"] for each in everything["results"]] == ids[::-1]
    assert [memory for page in pages for memory in page["results"]] == everything["results"]
    assert everything["count"] == 5
    assert {page["count"] for page in pages} == {5}
    assert everything["next"] is everything["previous"] is None
    assert pages[0]["previous"] is pages[2]["next"] is None
    assert texts(client.get_all(filters=filters, page_size=1)) == ["Fact number 4"]


def test_the_links_of_a_page_lead_to_the_pages_around(
    client: Client, live_service: LiveService
) -> None:
    ids = [added(client, f"Fact number {number}") for number in range(5)]
    body = {"filters": {"user_id": "ada"}}
    page = client.get_all(**body, page_size=2)
    seen = [each["id"] for each in page["results"]]

    while page["next"]:
        assert page["next"].startswith(f"{live_service.address}/v3/memories/?page=")
        page = client.client.post(page["next"], json=body).json()
        seen += [each["id"] for each in page["results"]]

    before = client.client.post(page["previous"], json=body).json()
    assert seen == ids[::-1]
    assert [each["id"] for each in before["results"]] == ids[::-1][2:4]


def test_get_all_hides_what_has_expired_unless_asked(client: Client) -> None:
    memory_id = added(client, BEES, expiration_date=yesterday())
    filters = {"user_id": "ada"}

    assert client.get_all(filters=filters)["results"] == []
    assert texts(client.get_all(filters=filters, show_expired=True)) == [BEES]
    assert client.search(BEES, filters=filters)["results"] == []
    assert client.get(memory_id)["memory"] == BEES


def test_update_changes_the_text_and_keeps_the_rest(client: Client) -> None:
    memory_id = added(client, BEES, metadata={"a": 1}, expiration_date="2999-12-31")

    changed = client.update(memory_id, text=PIANO, metadata={"b": 2})

    assert client.get(memory_id) == changed
    assert (changed["memory"], changed["metadata"]) == (PIANO, {"a": 1, "b": 2})
    assert changed["expiration_date"] == "2999-12-31"
    assert changed["updated_at"] > changed["created_at"]
    found = client.search("piano", filters={"user_id": "ada"})
    assert texts(found) == [PIANO]


def test_update_removes_the_last_day_when_it_is_none(client: Client) -> None:
    memory_id = added(client, BEES, expiration_date=yesterday())

    client.update(memory_id, expiration_date=None)

    assert client.get(memory_id)["expiration_date"] is None
    assert texts(client.get_all(filters={"user_id": "ada"})) == [BEES]


def test_delete_leaves_the_history(client: Client) -> None:
    memory_id = added(client, BEES)
    client.update(memory_id, text=PIANO)

    answer = client.delete(memory_id)

    history = client.history(memory_id)
    assert answer == {"message": "Memory deleted successfully!"}
    assert [(each["event"], each["old_memory"], each["new_memory"]) for each in history] == [
        ("ADD", None, BEES),
        ("UPDATE", BEES, PIANO),
        ("DELETE", PIANO, None),
    ]
    assert client.search("piano", filters={"user_id": "ada"})["results"] == []


def test_history_has_every_field_that_clients_read(client: Client) -> None:
    memory_id = added(client, BEES, metadata={"a": 1})

    [event] = client.history(memory_id)

    assert event["memory_id"] == memory_id
    assert [(turn["role"], turn["content"]) for turn in event["input"]] == [("user", BEES)]
    assert (event["user_id"], event["agent_id"], event["session_id"]) == ("ada", None, None)
    assert event["metadata"] == {"a": 1}
    assert event["is_deleted"] is False
    for name in ("id", "categories", "created_at", "updated_at", "actor_id", "role"):
        assert name in event


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        ({"user_id": "ada"}, ["grace, r1", "grace"]),
        ({"user_id": "ada", "run_id": "r1"}, ["grace, r1", "grace", "ada"]),
        ({"user_id": "*"}, []),
        ({"user_id": "*", "run_id": "r1"}, ["grace", "ada"]),
        ({"filters": {"user_id": "ada"}}, ["grace, r1", "grace"]),
        ({"filters": {"AND": [{"user_id": "*"}, {"run_id": "r1"}]}}, ["grace", "ada"]),
        ({"user_id": "nobody"}, ["grace, r1", "grace", "ada, r1", "ada"]),
    ],
    ids=str,
)
def test_delete_all_deletes_what_was_named(
    client: Client, selection: Json, left: list[str]
) -> None:
    for user in ("ada", "grace"):
        added(client, user, user_id=user)
        added(client, f"{user}, r1", user_id=user, run_id="r1")

    answer = client.delete_all(**selection)

    assert answer["message"] == "Delete in progress. This may take some time."
    event = client.client.get(f"/v1/event/{answer['event_id']}/").json()
    assert event["status"] == "SUCCEEDED"
    assert texts(client.get_all(filters={"user_id": "*"})) == left


def test_users_lists_entities_with_their_kinds(client: Client) -> None:
    added(client, BEES, agent_id="bot", app_id="web", run_id="r1")
    added(client, PIANO)

    answer = client.users()

    assert {(each["type"], each["name"]): each["total_memories"] for each in answer["results"]} == {
        ("user", "ada"): 2,
        ("agent", "bot"): 1,
        ("app", "web"): 1,
        ("run", "r1"): 1,
    }
    assert (answer["count"], answer["next"], answer["previous"]) == (4, None, None)
    assert [answer[f"total_{kind}s"] for kind in ("user", "agent", "app", "run")] == [1, 1, 1, 1]


def test_an_unknown_key_is_refused_when_the_client_is_made(
    mem0: Package, live_service: LiveService
) -> None:
    with httpx.Client() as http, pytest.raises(ValueError, match="Invalid API key"):
        mem0.MemoryClient(f"m0-{'x' * 32}", host=live_service.address, client=http)


def test_a_revoked_key_is_an_authentication_error(mem0: Package, client: Client) -> None:
    [key] = client.client.get("/v1/keys/").json()["results"]
    client.client.delete(f"/v1/keys/{key['id']}/")

    with pytest.raises(mem0.exceptions.AuthenticationError, match="Invalid API key"):
        client.add(BEES, user_id="ada")


def test_refusals_are_the_errors_that_the_client_has_for_them(
    mem0: Package, client: Client
) -> None:
    errors = mem0.exceptions
    fixed = added(client, BEES, immutable=True)
    unknown = new_id()
    large = "x" * 7_000_000
    refusals: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (errors.MemoryNotFoundError, "Memory not found!", lambda: client.get(unknown)),
        (errors.MemoryNotFoundError, "Memory not found!", lambda: client.delete(unknown)),
        (errors.MemoryNotFoundError, "Memory not found!", lambda: client.history(unknown)),
        (errors.MemoryNotFoundError, "not found", lambda: client.update(unknown, text="x")),
        (errors.MemoryNotFoundError, "Invalid page", lambda: page(client, 9)),
        (errors.ValidationError, "valid UUID", lambda: client.get("1 'x'")),
        (errors.ValidationError, "required", lambda: client.add(BEES)),
        (errors.ValidationError, "required", lambda: client.search("x", filters={})),
        (errors.ValidationError, "required", client.delete_all),
        (errors.ValidationError, "Top-level key", lambda: client.get_all(filters={"name": "x"})),
        (errors.ValidationError, "immutable", lambda: client.update(fixed, text="x")),
        (errors.MemoryQuotaExceededError, "too large", lambda: client.add(large, user_id="ada")),
    ]
    for kind, text, call in refusals:
        with pytest.raises(kind, match=text):
            call()

    assert texts(client.get_all(filters={"user_id": "ada"})) == [BEES]


def page(client: Client, number: int) -> object:
    return client.get_all(filters={"user_id": "ada"}, page=number)


WIRE = json.loads((Path(__file__).parent / "mem0_wire.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("slash", ["/", ""], ids=["slash", "no slash"])
@pytest.mark.parametrize("request_", WIRE["requests"], ids=lambda each: str(each["name"]))
def test_the_recorded_requests_are_answered(
    live_service: LiveService, request_: Mapping[str, Any], slash: str
) -> None:
    headers = {**WIRE["headers"], **credentials(live_service.new_key())}
    with httpx.Client(base_url=live_service.address, headers=headers) as http:
        first = {"messages": [{"role": "user", "content": BEES}], "user_id": "u", "infer": False}
        [memory] = http.post("/v3/memories/add/", json=first).json()["results"]
        path, question, query = request_["path"].partition("?")
        target = path.replace(WIRE["memory_id"], memory["id"]).removesuffix("/") + slash
        content = request_["body"]

        response = http.request(
            request_["method"],
            f"{target}{question}{query}",
            content=content,
            headers={"Content-Type": "application/json"} if content else None,
        )

    assert response.status_code == request_["status"], response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    for name in request_["answers"]:
        assert name in body


def test_the_client_still_sends_what_was_recorded(client: Client) -> None:
    """The recording stands for the client: a newer client that differs shows here."""
    sent: list[httpx.Request] = []
    client.client.event_hooks["request"].append(sent.append)

    client.add("hi", user_id="u", metadata={"a": 1}, infer=False)
    client.get_all(filters={"user_id": "u"}, page=1, page_size=5, show_expired=True)
    client.delete_all(filters={"user_id": "u"})

    recorded = {each["name"]: each for each in WIRE["requests"]}
    for request, name in zip(sent, ("add str", "get_all page", "delete_all filters"), strict=True):
        assert request.method == recorded[name]["method"]
        assert request.url.path == recorded[name]["path"].partition("?")[0]
    assert json.loads(sent[0].content) == json.loads(recorded["add str"]["body"])
    assert (
        str(sent[2].url.query, "ascii") == recorded["delete_all filters"]["path"].partition("?")[2]
    )
    assert {*map(str.lower, WIRE["headers"])} <= set(sent[0].headers)
