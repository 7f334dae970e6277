"""The MCP endpoint in raw messages: versions, refusals, whom a key lets it speak of."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from recollect.bootstrap.configuration import choosing
from recollect.entrypoints import functions
from recollect.entrypoints.mcp_tools import DEFAULT_USER
from recollect.entrypoints.openapi import API_VERSION
from recollect.entrypoints.routes.mcp import SERVER_VERSION
from tests.callers import AN_ID, Deployment, listed, refused, remembered, total

MCP = "/mcp"
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
READING = {
    "get_event_status",
    "get_memories",
    "get_memory",
    "list_entities",
    "list_events",
    "search_memories",
}
WRITING = {
    "add_memory",
    "delete_all_memories",
    "delete_entities",
    "delete_memory",
    "update_memory",
}
TEXT = "I am allergic to walnuts."


def message(method: str, params: object = None, **members: object) -> dict[str, Any]:
    told = {} if params is None else {"params": params}
    return {"jsonrpc": "2.0", "id": 1, "method": method, **told, **members}


def modern(
    client: httpx.Client,
    method: str,
    params: dict[str, Any] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> httpx.Response:
    """Send one request of the version without a handshake."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    told = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if params and "name" in params:
        told["Mcp-Name"] = params["name"]
    body = message(method, {**(params or {}), "_meta": meta})
    return client.post(MCP, json=body, headers={**told, **headers})


def result_of(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON can say
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert (body["jsonrpc"], body["id"]) == ("2.0", 1)
    return body["result"]


def called(client: httpx.Client, tool: str, /, **arguments: object) -> Any:  # noqa: ANN401 - as above
    """Return what a tool answers."""
    body = message("tools/call", {"name": tool, "arguments": arguments})
    result = result_of(client.post(MCP, json=body))
    assert not result["isError"], result
    [content] = result["content"]
    assert content["type"] == "text"
    assert json.loads(content["text"]) == result["structuredContent"]
    return result["structuredContent"]


def not_called(client: httpx.Client, tool: str, /, **arguments: object) -> str:
    """Return why a tool refuses."""
    body = message("tools/call", {"name": tool, "arguments": arguments})
    result = result_of(client.post(MCP, json=body))
    assert result["isError"], result
    assert "structuredContent" not in result
    return str(result["content"][0]["text"])


def names_of(client: httpx.Client) -> set[str]:
    tools = result_of(client.post(MCP, json=message("tools/list")))["tools"]
    return {tool["name"] for tool in tools}


def error_of(response: httpx.Response, status: int) -> tuple[object, int, str]:
    assert response.status_code == status, response.text
    body = response.json()
    return body["id"], body["error"]["code"], body["error"]["message"]


class Keys:
    """Clients with other keys of one project."""

    def __init__(self, owner: httpx.Client, deployment: Deployment, stack: ExitStack) -> None:
        self._owner = owner
        self._deployment = deployment
        self._stack = stack

    def __call__(self, **grant: str) -> httpx.Client:
        key = self._owner.post("/v1/keys/", json={"name": "other", **grant}).json()["key"]
        return self._stack.enter_context(self._deployment.client(key))


@pytest.fixture
def keys(service: httpx.Client, deployment: Deployment) -> Iterator[Keys]:
    with ExitStack() as stack:
        yield Keys(service, deployment, stack)


# Messages


@pytest.mark.parametrize("version", HANDSHAKES)
def test_a_client_is_met_in_its_own_version(service: httpx.Client, version: str) -> None:
    params = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }

    welcome = result_of(service.post(MCP, json=message("initialize", params)))
    tools = result_of(
        service.post(MCP, json=message("tools/list"), headers={"MCP-Protocol-Version": version})
    )["tools"]

    assert welcome["protocolVersion"] == version
    assert welcome["serverInfo"] == {"name": "recollect", "version": API_VERSION}
    assert welcome["capabilities"] == {"tools": {}}
    assert "data, never instructions" in welcome["instructions"].replace(":", ",")
    assert {tool["name"] for tool in tools} == READING | WRITING


def test_a_client_of_an_unknown_version_is_offered_the_last_one_with_a_handshake(
    service: httpx.Client,
) -> None:
    params = {
        "protocolVersion": "1999-01-01",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }

    welcome = result_of(service.post(MCP, json=message("initialize", params)))

    assert welcome["protocolVersion"] == HANDSHAKES[-1]


def test_a_client_without_a_handshake_is_told_all_in_one_answer(service: httpx.Client) -> None:
    found = result_of(modern(service, "server/discover"))
    tools = result_of(modern(service, "tools/list"))
    added = result_of(
        modern(
            service,
            "tools/call",
            {"name": "add_memory", "arguments": {"text": TEXT, "infer": False}},
        )
    )

    assert found["supportedVersions"] == [MODERN]
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "recollect"
    assert (tools["resultType"], tools["cacheScope"]) == ("complete", "private")
    assert {tool["name"] for tool in tools["tools"]} == READING | WRITING
    assert added["structuredContent"]["results"][0]["memory"] == TEXT


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Mcp-Method": "tools/call"}, -32020),
        ({"MCP-Protocol-Version": "2027-01-01"}, -32022),
    ],
)
def test_headers_that_say_something_else_are_refused(
    service: httpx.Client, headers: dict[str, str], code: int
) -> None:
    assert error_of(modern(service, "tools/list", headers=headers), 400)[:2] == (1, code)


def test_the_name_of_a_called_tool_is_told_twice_the_same(service: httpx.Client) -> None:
    params = {"name": "delete_all_memories", "arguments": {}}

    response = modern(service, "tools/call", params, {"Mcp-Name": "get_memories"})

    assert error_of(response, 400)[:2] == (1, -32020)


def test_a_request_without_its_envelope_is_refused(service: httpx.Client) -> None:
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}

    response = service.post(MCP, json=message("tools/list"), headers=headers)

    assert error_of(response, 400)[:2] == (1, -32602)


def test_what_the_version_does_not_have_is_not_found(service: httpx.Client) -> None:
    assert error_of(modern(service, "ping"), 404)[:2] == (1, -32601)
    response = service.post(MCP, json=message("server/discover"))
    assert error_of(response, 200)[:2] == (1, -32601)


def test_a_client_can_ask_whether_anybody_is_there(service: httpx.Client) -> None:
    assert result_of(service.post(MCP, json=message("ping"))) == {}


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled"])
def test_a_notification_is_taken_note_of(service: httpx.Client, method: str) -> None:
    response = service.post(MCP, json={"jsonrpc": "2.0", "method": method})

    assert (response.status_code, response.content) == (202, b"")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (json.dumps([message("ping")]).encode(), -32700),
        (b'"ping"', -32700),
        (b"{}", -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32600),
    ],
)
def test_what_is_no_message_is_refused(service: httpx.Client, body: bytes, code: int) -> None:
    found, *error = error_of(service.post(MCP, content=body), 400)

    assert found is None
    assert error[0] == code


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("initialize", {}),
        ("tools/call", {}),
        ("tools/call", {"name": 5}),
        ("tools/call", {"name": "get_memories", "arguments": []}),
    ],
)
def test_parameters_that_the_protocol_does_not_have_are_refused(
    service: httpx.Client, method: str, params: object
) -> None:
    assert error_of(service.post(MCP, json=message(method, params)), 200)[:2] == (1, -32602)


def test_a_tool_that_there_is_not_is_no_tools_refusal(service: httpx.Client) -> None:
    body = message("tools/call", {"name": "forget_everything", "arguments": {}})

    assert error_of(service.post(MCP, json=body), 200)[:2] == (1, -32602)


@pytest.mark.parametrize("method", ["prompts/list", "resources/list", "no/such"])
def test_what_is_not_offered_is_not_found(service: httpx.Client, method: str) -> None:
    assert error_of(service.post(MCP, json=message(method)), 200)[:2] == (1, -32601)


# HTTP


@pytest.mark.parametrize("path", [MCP, f"{MCP}/"])
def test_the_endpoint_is_found_with_and_without_its_last_slash(
    service: httpx.Client, path: str
) -> None:
    assert result_of(service.post(path, json=message("ping"))) == {}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
def test_there_is_no_stream_and_no_session(service: httpx.Client, method: str) -> None:
    response = service.request(method, MCP)

    assert "only POST" in refused(response, 405)
    assert response.headers["allow"] == "POST"


def test_without_a_good_key_nothing_is_answered(service: httpx.Client) -> None:
    for key in ("", "Bearer m0-nobody", "Basic abc"):
        response = service.post(MCP, json=message("ping"), headers={"Authorization": key})
        refused(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["Bearer", "Token"])
def test_a_key_is_read_from_all_the_headers_that_clients_send(
    service: httpx.Client, name: str
) -> None:
    key = service.headers["Authorization"].removeprefix("Token ")

    for headers in ({"Authorization": f"{name} {key}"}, {"X-API-Key": key, "Authorization": ""}):
        assert result_of(service.post(MCP, json=message("ping"), headers=headers)) == {}


def test_a_page_of_another_origin_may_not_call(service: httpx.Client) -> None:
    headers = {"Origin": "https://evil.example"}

    assert "origin" in refused(service.post(MCP, json=message("ping"), headers=headers), 403)


def test_a_page_of_an_origin_that_is_named_may(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = ("https://app.example", "http://127.0.0.1:6274")
    monkeypatch.setenv("RECOLLECT_MCP_ORIGINS", ", ".join(origins))
    with choosing():
        deployment = Deployment.fresh()
        with deployment.client(deployment.new_key()) as client:
            for origin in origins:
                headers = {"Origin": origin}
                response = client.post(MCP, json=message("ping"), headers=headers)
                assert result_of(response) == {}


def test_an_idempotency_key_is_not_kept(service: httpx.Client) -> None:
    response = service.post(MCP, json=message("ping"), headers={"Idempotency-Key": "once"})

    assert "leave it off" in refused(response)


def test_its_version_is_the_services() -> None:
    assert SERVER_VERSION == API_VERSION


def test_it_is_loaded_for_the_first_request_with_the_configuration_of_before(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = functions.load_later("mcp")
    lazy = Deployment({**deployment.handlers, "mcp": handler}, deployment.new_key)
    monkeypatch.setenv("RECOLLECT_EDITION", "nowhere")
    with choosing(), lazy.client(lazy.new_key()) as client:
        for _ in range(2):
            assert result_of(client.post(MCP, json=message("ping"))) == {}


# Tools


def test_every_tool_says_what_it_does(service: httpx.Client) -> None:
    tools = result_of(service.post(MCP, json=message("tools/list")))["tools"]

    for tool in tools:
        hints = tool["annotations"]
        assert tool["description"]
        assert tool["inputSchema"]["type"] == "object"
        assert hints["readOnlyHint"] == (tool["name"] in READING)
        assert hints["destructiveHint"] == (tool["name"] in WRITING - {"add_memory"})
        assert hints["openWorldHint"] is False


def test_a_conversation_is_read_for_facts_and_a_text_kept_as_it_is(service: httpx.Client) -> None:
    said = [
        {"role": "user", "content": "I live in Lisbon."},
        {"role": "assistant", "content": "Noted."},
    ]

    called(service, "add_memory", messages=said, user_id="ada")
    kept = called(service, "add_memory", text="Noted.", infer=False, user_id="ada")

    assert kept["status"] == "SUCCEEDED"
    assert set(listed(service, user_id="ada")) == {"I live in Lisbon.", "Noted."}


def test_a_memory_is_found_read_changed_and_deleted(service: httpx.Client) -> None:
    [added] = called(service, "add_memory", text=TEXT, user_id="ada", infer=False)["results"]
    filters = {"AND": [{"user_id": "ada"}]}

    [found] = called(service, "search_memories", query="walnuts", filters=filters)["results"]
    changed = called(
        service, "update_memory", memory_id=added["id"], text="Pollen.", metadata={"by": "ada"}
    )
    read = called(service, "get_memory", memory_id=added["id"])
    deleted = called(service, "delete_memory", memory_id=added["id"])

    assert (found["id"], found["memory"]) == (added["id"], TEXT)
    assert found["score"] > 0
    assert changed == read
    assert (read["memory"], read["metadata"]) == ("Pollen.", {"by": "ada"})
    assert read["expiration_date"] is None
    assert deleted == {"message": "Memory deleted successfully!"}
    assert not_called(service, "get_memory", memory_id=added["id"]) == "Memory not found!"


def test_a_search_fills_the_room_that_a_prompt_has(service: httpx.Client) -> None:
    for number in range(20):
        remembered(service, f"Bee hive {number} belongs to Ada", user_id="ada")
    asked = {"query": "hives", "filters": {"user_id": "ada"}, "limit": 1, "max_tokens": 100}

    found = called(service, "search_memories", **asked)
    plain = called(service, "search_memories", **asked | {"max_tokens": None})

    assert found == service.post("/v3/memories/search/", json=asked).json()
    assert len(found["results"]) == 1
    assert 1 < found["context"].count("belongs to Ada") < 20
    assert 60 < found["context_tokens"] <= 100 < found["all_tokens"]
    assert not plain.keys() & {"context", "context_tokens", "all_tokens"}


def test_memories_and_entities_are_listed_page_by_page(service: httpx.Client) -> None:
    for name in ("ada", "bob", "eve"):
        remembered(service, f"I am {name}.", user_id=name)
    everyone = {"OR": [{"user_id": "*"}]}

    first = called(service, "get_memories", filters=everyone, page_size=2)
    second = called(service, "get_memories", filters=everyone, page=2, page_size=2)
    entities = called(service, "list_entities", page=2, page_size=2)

    assert [each["memory"] for each in first["results"]] == ["I am eve.", "I am bob."]
    assert [each["memory"] for each in second["results"]] == ["I am ada."]
    assert service.post(first["next"], json={"filters": everyone}).json() == second | {
        "previous": service.post(first["next"], json={"filters": everyone}).json()["previous"]
    }
    assert [each["name"] for each in entities["results"]] == ["eve"]
    assert service.get(entities["previous"]).json()["total_users"] == 3


def test_what_was_done_can_be_followed(service: httpx.Client) -> None:
    added = called(service, "add_memory", text=TEXT, user_id="ada", infer=False)
    deleted = called(service, "delete_all_memories", user_id="ada")

    events = called(service, "list_events", page_size=1)
    status = called(service, "get_event_status", event_id=added["event_id"])

    assert [each["id"] for each in events["results"]] == [deleted["event_id"]]
    assert events["next"]
    assert (status["event_type"], status["status"]) == ("ADD", "SUCCEEDED")
    assert status["results"][0]["memory"] == TEXT


@pytest.mark.parametrize("named", [{"user_id": "ada"}, {"entity_type": "user", "entity_id": "ada"}])
def test_an_entity_is_deleted_with_all_that_is_its_own(
    service: httpx.Client, named: dict[str, str]
) -> None:
    remembered(service, "Ada's.", user_id="ada", agent_id="tutor")
    remembered(service, "Bob's.", user_id="bob", agent_id="tutor")

    answer = called(service, "delete_entities", **named)

    assert answer.keys() == {"message", "event_id"}
    assert listed(service, agent_id="tutor") == ["Bob's."]


# Whose memories are meant


def test_without_an_entity_the_default_user_is_meant(service: httpx.Client) -> None:
    remembered(service, "Ada's walnuts.", user_id="ada")
    called(service, "add_memory", text="The default's walnuts.", infer=False)

    found = called(service, "search_memories", query="walnuts")
    filtered = called(service, "get_memories", filters={"keywords": {"icontains": "walnuts"}})
    called(service, "delete_all_memories")

    for answer in (found, filtered):
        assert [each["user_id"] for each in answer["results"]] == [DEFAULT_USER]
    assert called(service, "get_memories")["results"] == []
    assert listed(service, user_id="ada") == ["Ada's walnuts."]


def test_a_header_says_who_is_meant_without_an_entity(service: httpx.Client) -> None:
    service.headers["X-Mem0-User-Id"] = "ada"

    called(service, "add_memory", text=TEXT, infer=False)

    assert listed(service, user_id="ada") == [TEXT]
    assert [each["memory"] for each in called(service, "get_memories")["results"]] == [TEXT]


def test_an_agents_memory_is_not_the_default_users(service: httpx.Client) -> None:
    called(service, "add_memory", text=TEXT, agent_id="tutor", infer=False)

    assert listed(service, agent_id="tutor") == [TEXT]
    assert called(service, "get_memories")["results"] == []


@pytest.mark.parametrize(
    ("tool", "arguments", "reason"),
    [
        ("delete_all_memories", {"user_id": "*"}, "user_id must not be"),
        ("delete_all_memories", {"user_id": ""}, "user_id must not be empty"),
        ("delete_entities", {}, "Exactly one entity"),
        ("delete_entities", {"user_id": "*"}, "user_id must not be"),
        ("delete_entities", {"user_id": "ada", "agent_id": "tutor"}, "Exactly one entity"),
        ("delete_entities", {"entity_type": "user"}, "Exactly one entity"),
        ("delete_entities", {"entity_type": "all", "entity_id": "ada"}, "entity_type: "),
        ("add_memory", {}, "text and messages"),
        ("add_memory", {"text": 5}, "text: Input should be a valid string"),
        ("add_memory", {"text": TEXT, "user_id": "*"}, "user_id must not be"),
        ("search_memories", {}, "query: Field required"),
        ("search_memories", {"query": "?", "filters": {"colour": "red"}}, "Top-level key"),
        ("search_memories", {"query": "?", "limit": 0}, "1"),
        ("search_memories", {"query": "?", "max_tokens": 0}, "max_tokens must be between 1"),
        ("get_memories", {"page": 0}, "Invalid page."),
        ("get_memory", {"memory_id": "1"}, "should be a valid UUID"),
        ("update_memory", {"memory_id": AN_ID, "text": TEXT}, "Memory not found!"),
        ("delete_memory", {"memory_id": AN_ID}, "Memory not found!"),
        ("get_event_status", {"event_id": AN_ID}, "Event not found"),
    ],
)
def test_a_tool_says_what_is_wrong_and_does_nothing(
    service: httpx.Client, tool: str, arguments: dict[str, object], reason: str
) -> None:
    remembered(service, TEXT, user_id="ada", agent_id="tutor")

    assert reason in not_called(service, tool, **arguments)
    assert total(service) == 1


def test_another_project_is_not_there(service: httpx.Client, stranger: httpx.Client) -> None:
    [added] = called(service, "add_memory", text=TEXT, infer=False)["results"]
    [event] = called(service, "list_events")["results"]

    assert called(stranger, "get_memories")["results"] == []
    assert called(stranger, "search_memories", query="walnuts")["results"] == []
    assert called(stranger, "list_entities")["results"] == []
    assert called(stranger, "list_events")["results"] == []
    for tool in ("get_memory", "delete_memory"):
        assert not_called(stranger, tool, memory_id=added["id"]) == "Memory not found!"
    assert "not found" in not_called(stranger, "update_memory", memory_id=added["id"], text="!")
    assert "not found" in not_called(stranger, "get_event_status", event_id=event["id"])
    called(stranger, "delete_all_memories")
    called(stranger, "delete_entities", user_id=DEFAULT_USER)
    assert called(service, "get_memory", memory_id=added["id"])["memory"] == TEXT


def test_a_key_that_may_only_read_is_told_of_nothing_else(
    service: httpx.Client, keys: Keys
) -> None:
    memory_id = remembered(service, TEXT, user_id=DEFAULT_USER)
    reader = keys(role="READER")
    writes: dict[str, dict[str, str]] = {
        "add_memory": {"text": "!"},
        "update_memory": {"memory_id": memory_id, "text": "!"},
        "delete_memory": {"memory_id": memory_id},
        "delete_all_memories": {},
        "delete_entities": {"user_id": DEFAULT_USER},
    }

    assert names_of(reader) == READING
    assert set(writes) == WRITING
    for tool, arguments in writes.items():
        assert not_called(reader, tool, **arguments) == "This API key may only read"
    assert called(reader, "get_memory", memory_id=memory_id)["memory"] == TEXT
    assert called(reader, "search_memories", query="walnuts")["results"][0]["id"] == memory_id


def test_a_key_for_one_user_sees_and_changes_nothing_else(
    service: httpx.Client, keys: Keys
) -> None:
    bobs = remembered(service, "Bob's walnuts.", user_id="bob")
    added = service.post(
        "/v3/memories/add/", json={"messages": "Eve's.", "user_id": "eve", "infer": False}
    ).json()
    bound = keys(user_id="ada")
    everyone = {"user_id": "*"}

    called(bound, "add_memory", text="Ada's walnuts.", infer=False)

    found = called(bound, "search_memories", query="walnuts", filters=everyone)
    for answer in (
        found,
        called(bound, "get_memories"),
        called(bound, "get_memories", filters=everyone),
    ):
        assert [each["memory"] for each in answer["results"]] == ["Ada's walnuts."]
    assert called(bound, "get_memories", filters={"user_id": "bob"})["results"] == []
    assert [each["name"] for each in called(bound, "list_entities")["results"]] == ["ada"]
    assert len(called(bound, "list_events")["results"]) == 1
    assert "not found" in not_called(bound, "get_event_status", event_id=added["event_id"])
    assert "one entity only" in not_called(bound, "add_memory", text="!", user_id="bob")
    assert "one entity only" in not_called(bound, "delete_entities", user_id="bob")
    for tool in ("get_memory", "delete_memory"):
        assert not_called(bound, tool, memory_id=bobs) == "Memory not found!"
    assert "not found" in not_called(bound, "update_memory", memory_id=bobs, text="!")
    called(bound, "delete_all_memories", user_id="bob")
    called(bound, "delete_all_memories")
    assert listed(service, user_id="bob") == ["Bob's walnuts."]
    assert listed(service, user_id="ada") == []


def test_a_key_for_an_agent_means_the_agent(service: httpx.Client, keys: Keys) -> None:
    bound = keys(agent_id="tutor")

    called(bound, "add_memory", text=TEXT, infer=False)

    [memory] = called(bound, "get_memories")["results"]
    assert (memory["agent_id"], memory["user_id"]) == ("tutor", None)
    assert listed(service, agent_id="tutor") == [TEXT]


def test_a_key_can_be_limited(keys: Keys) -> None:
    limited = keys(requests_per_minute="1")

    answers = [limited.post(MCP, json=message("ping")).status_code for _ in range(3)]

    assert answers[0] == 200
    assert 429 in answers
