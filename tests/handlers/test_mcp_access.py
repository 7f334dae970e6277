"""What each kind of key opens, asked of every tool of the MCP endpoint."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.callers import new_id
from tests.handlers.operations import USUAL
from tests.handlers.test_mcp import MCP, READING, WRITING, message, result_of
from tests.handlers.worlds import Person, World, aims, made

MAY_ONLY_READ = "This API key may only read"
EVERY_TOOL = sorted(READING | WRITING)

every_tool = pytest.mark.parametrize("tool", EVERY_TOOL)


@pytest.fixture(scope="module")
def known(shared: World) -> Mapping[str, set[str]]:
    """The arguments that each tool declares."""
    tools = result_of(shared.owner.post(MCP, json=message("tools/list")))["tools"]
    return {tool["name"]: set(tool["inputSchema"]["properties"]) for tool in tools}


def called(
    client: httpx.Client, tool: str, names: set[str], *values: Mapping[str, object]
) -> dict[str, Any]:
    """Return the result of a tool that is called with these values, as far as it takes them."""
    given = {name: value for some in values for name, value in some.items() if name in names}
    params = {"name": tool, "arguments": given}
    result: dict[str, Any] = result_of(client.post(MCP, json=message("tools/call", params)))
    return result


def about(person: Person, tool: str) -> Mapping[str, object]:
    """Return what a tool is told about a person: each by the one name that it takes."""
    values = {**USUAL, **person.values, "entity_id": person.name}
    del values["messages"]
    if tool == "delete_entities":
        del values[person.field]
    return values


def test_every_tool_is_asked(known: Mapping[str, set[str]]) -> None:
    assert sorted(known) == EVERY_TOOL


@pytest.mark.parametrize("tool", sorted(WRITING))
def test_a_reader_can_write_with_no_tool(
    world: World, known: Mapping[str, set[str]], tool: str
) -> None:
    people, reader = (world.ada, world.bob, world.guide), world.key(role="READER")
    before = world.belongings(*people), made(world.owner.get("/v1/events/"))

    refused = called(reader, tool, known[tool], about(world.ada, tool))

    assert refused == {"content": [{"type": "text", "text": MAY_ONLY_READ}], "isError": True}
    assert (world.belongings(*people), made(world.owner.get("/v1/events/"))) == before
    # The same call is a good one, so that nothing else has stopped the reader.
    assert not called(world.owner, tool, known[tool], about(world.ada, tool))["isError"]


@pytest.mark.parametrize("tool", sorted(READING))
def test_a_reader_can_read_with_every_tool(
    shared: World, known: Mapping[str, set[str]], tool: str
) -> None:
    reader = shared.key(role="READER")

    answer = called(reader, tool, known[tool], about(shared.guide, tool))

    assert not answer["isError"], answer
    if tool not in {"list_entities", "list_events"}:
        assert [mark for mark in shared.guide.marks if mark in json.dumps(answer)]


@every_tool
@pytest.mark.parametrize("other", ["bob", "guide"])
def test_a_bound_key_gets_nothing_of_anybody_else(
    shared: World, bound: httpx.Client, known: Mapping[str, set[str]], tool: str, other: str
) -> None:
    person: Person = getattr(shared, other)
    nobody, names = Person.nobody(person.kind), known[tool]
    before = shared.belongings(shared.bob, shared.guide)

    for aim, fields in aims(shared, person).items():
        nothing = aims(shared, nobody)[aim]
        answer = called(bound, tool, names, about(person, tool), fields)
        same = called(bound, tool, names, about(nobody, tool), nothing)

        assert_nothing_of(person, answer, aim)
        # Not even that there is such a person.
        assert answer["isError"] == same["isError"], f"{aim}: {answer} {same}"

    assert shared.belongings(shared.bob, shared.guide) == before


@every_tool
def test_another_project_gets_nothing(
    shared: World, stranger: httpx.Client, known: Mapping[str, set[str]], tool: str
) -> None:
    person, nobody, names = shared.bob, Person.nobody(), known[tool]
    before = shared.belongings(shared.bob, shared.guide)
    theirs = {"org_id": shared.project, "project_id": shared.project}

    for aim, fields in aims(shared, person).items():
        nothing = aims(shared, nobody)[aim]
        answer = called(stranger, tool, names | theirs.keys(), about(person, tool), theirs, fields)
        same = called(stranger, tool, names, about(nobody, tool), nothing)

        assert_nothing_of(person, answer, aim)
        assert answer["isError"] == same["isError"], f"{aim}: {answer} {same}"

    assert shared.belongings(shared.bob, shared.guide) == before


def test_a_tool_is_called_by_its_very_name_only(world: World) -> None:
    reader = world.key(role="READER")
    for name in ("Delete_Memory", "delete_memory ", "delete_memory\u0000", "_delete", "add"):
        params = {"name": name, "arguments": {"memory_id": world.ada.memory_id}}

        answer = reader.post(MCP, json=message("tools/call", params)).json()

        assert answer["error"]["message"] == "There is no such tool"
    assert len(world.listed(world.ada)) == 1


@pytest.mark.parametrize("header", ["X-Mem0-User-ID", "Mem0-User-ID"])
def test_a_header_opens_nothing_that_the_key_does_not(
    world: World, known: Mapping[str, set[str]], header: str
) -> None:
    bound = world.key(user_id=world.ada.name)
    bound.headers[header] = world.bob.name
    before = world.belongings(world.bob)
    nothing = {"text": "taken over", "query": "attic", "memory_id": new_id(), "event_id": new_id()}

    for tool, names in known.items():
        assert_nothing_of(world.bob, called(bound, tool, names, nothing), tool)

    assert world.belongings(world.bob) == before


def assert_nothing_of(person: Person, answer: Mapping[str, object], aim: str) -> None:
    text = json.dumps(answer)
    marks = [person.secret] if answer["isError"] else person.marks
    assert not [mark for mark in marks if mark in text], f"{aim}: {text}"
