"""The official MCP client, unmodified, against the service on a loopback port."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests import aws_edition
from tests.callers import AN_ID, Deployment, LiveService, credentials, served

MODES = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}
"""How the client finds a version, and which one it then speaks."""
WALNUTS, POLLEN = "I am allergic to walnuts.", "I am allergic to pollen."
ADA = {"AND": [{"user_id": "ada"}]}

Calls: TypeAlias = Callable[[Client], Awaitable[None]]
Tool: TypeAlias = Callable[..., Awaitable[Any]]
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module", params=["local", pytest.param("aws", marks=pytest.mark.engines)])
def live_service(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[LiveService]:
    """The same handlers on SQLite, and configured for AWS on engines."""
    with served(deployment) if request.param == "local" else aws_edition.running() as live:
        yield live


def connected(address: str, headers: dict[str, str], mode: str, calls: Calls) -> None:
    """Connect a client, and let it make its calls."""

    async def run() -> None:
        async with httpx2.AsyncClient(headers=headers, timeout=30.0) as http:
            transport = streamable_http_client(f"{address}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                await calls(client)

    asyncio.run(run())


def answers_of(client: Client) -> Tool:
    """Return what calls a tool and returns its answer."""

    async def call(name: str, /, **arguments: object) -> object:
        result = await client.call_tool(name, arguments)
        assert isinstance(result, CallToolResult)
        assert not result.is_error, result
        return result.structured_content

    return call


def reason_of(result: object) -> str:
    """Return why a tool refused."""
    assert isinstance(result, CallToolResult)
    assert result.is_error
    [content] = result.content
    assert content.type == "text"
    return content.text


@every_mode
@pytest.mark.parametrize("scheme", ["Bearer", "Token", "X-API-Key"])
def test_it_comes_in_with_its_key_and_finds_eleven_tools(
    live_service: LiveService, mode: str, scheme: str
) -> None:
    key = live_service.new_key()
    headers = {"X-API-Key": key} if "Key" in scheme else {"Authorization": f"{scheme} {key}"}

    async def calls(client: Client) -> None:
        assert client.protocol_version == MODES[mode]
        assert client.server_info is None or client.server_info.name == "recollect"
        assert len((await client.list_tools()).tools) == 11

    connected(live_service.address, headers, mode, calls)


@every_mode
def test_every_tool_works(live_service: LiveService, mode: str) -> None:
    async def calls(client: Client) -> None:
        call = answers_of(client)
        added = await call("add_memory", text=WALNUTS, user_id="ada", infer=False)
        await call("add_memory", messages=[{"role": "user", "content": "I am Bob."}], user_id="bob")
        memory_id = added["results"][0]["id"]

        found = await call("search_memories", query="walnuts", filters=ADA, limit=3)
        mine = await call("get_memories", filters=ADA, page=1, page_size=5)
        changed = await call("update_memory", memory_id=memory_id, text=POLLEN)
        read = await call("get_memory", memory_id=memory_id)
        entities = await call("list_entities")
        status = await call("get_event_status", event_id=added["event_id"])
        events = await call("list_events", page=1, page_size=2)

        assert [each["id"] for each in found["results"]] == [memory_id]
        assert [each["memory"] for each in mine["results"]] == [WALNUTS]
        assert changed["memory"] == read["memory"] == POLLEN
        assert {each["name"] for each in entities["results"]} == {"ada", "bob"}
        assert status["status"] == "SUCCEEDED"
        assert added["event_id"] in {each["id"] for each in events["results"]}

        assert "deleted" in (await call("delete_memory", memory_id=memory_id))["message"]
        assert (await call("delete_entities", user_id="bob"))["event_id"]
        await call("add_memory", text=WALNUTS, user_id="ada", infer=False)
        assert (await call("delete_all_memories", user_id="ada"))["event_id"]
        assert (await call("get_memories", filters={"user_id": "*"}))["results"] == []

    connected(live_service.address, credentials(live_service.new_key()), mode, calls)


@every_mode
def test_it_is_told_what_a_tool_refuses(live_service: LiveService, mode: str) -> None:
    async def calls(client: Client) -> None:
        missing = await client.call_tool("get_memory", {"memory_id": AN_ID})
        wrong = await client.call_tool("search_memories", {"query": 5})
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("forget_everything", {})

        assert reason_of(missing) == "Memory not found!"
        assert "query" in reason_of(wrong)

    connected(live_service.address, credentials(live_service.new_key()), mode, calls)


@every_mode
def test_another_project_and_a_reader_can_do_nothing(live_service: LiveService, mode: str) -> None:
    key = live_service.new_key()
    grant = {"name": "reader", "role": "READER"}
    made = httpx.post(
        f"{live_service.address}/v1/keys/", json=grant, headers=credentials(key), timeout=30.0
    )
    added: dict[str, str] = {}

    async def owners(client: Client) -> None:
        answer = await answers_of(client)("add_memory", text=WALNUTS, infer=False)
        added["id"] = answer["results"][0]["id"]

    async def strangers(client: Client) -> None:
        result = await client.call_tool("get_memory", {"memory_id": added["id"]})
        assert reason_of(result) == "Memory not found!"

    async def readers(client: Client) -> None:
        names = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("delete_memory", {"memory_id": added["id"]})
        read = await answers_of(client)("get_memory", memory_id=added["id"])
        assert "delete_memory" not in names
        assert reason_of(result) == "This API key may only read"
        assert read["memory"] == WALNUTS

    for secret, calls in (
        (key, owners),
        (live_service.new_key(), strangers),
        (made.json()["key"], readers),
    ):
        connected(live_service.address, credentials(secret), mode, calls)


@every_mode
def test_without_a_key_it_does_not_get_in(live_service: LiveService, mode: str) -> None:
    async def calls(client: Client) -> None:
        await client.list_tools()

    with pytest.raises(ExceptionGroup) as refusal:
        connected(live_service.address, {}, mode, calls)
    assert refusal.group_contains(MCPError) or refusal.group_contains(httpx2.HTTPStatusError)
