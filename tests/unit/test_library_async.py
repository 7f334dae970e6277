"""`AsyncMemory`: the same object for asyncio."""

import asyncio
import inspect
from pathlib import Path

import pytest

from recollect import AsyncMemory, Memory
from tests.callers import AN_ID

METHODS = (
    *("add", "search", "get", "get_all", "update", "delete", "delete_all", "history", "reset"),
    "chat",
)


def test_every_method_is_there_with_its_parameters() -> None:
    public = {
        name
        for name, member in vars(Memory).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }

    assert public - {"close"} == {*METHODS}
    for name in METHODS:
        ours, its = getattr(AsyncMemory, name), getattr(Memory, name)
        assert inspect.iscoroutinefunction(ours)
        assert inspect.signature(ours) == inspect.signature(its)


def test_what_is_remembered_is_found_changed_and_deleted(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncMemory(tmp_path / "recollect.db") as memory:
            added = await memory.add("I live in Lisbon.", user_id="ada", infer=False)
            [result] = added["results"]
            found = await memory.search("Where is Lisbon?", user_id="ada")
            await memory.update(result["id"], "I live in Porto.")
            history = await memory.history(result["id"])
            await memory.delete(result["id"])
            assert [each["id"] for each in found["results"]] == [result["id"]]
            assert [each["event"] for each in history] == ["ADD", "UPDATE"]
            assert await memory.get(result["id"]) is None

    asyncio.run(run())


def test_calls_at_once_store_a_text_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncMemory(tmp_path / "recollect.db") as memory:
            adds = [memory.add("I like tea.", user_id="ada", infer=False) for _ in range(20)]
            answers = await asyncio.gather(*adds)
            kept = await memory.get_all(user_id="ada")
            assert len(kept["results"]) == 1
            assert {answer["results"][0]["id"] for answer in answers} == {kept["results"][0]["id"]}

    asyncio.run(run())


def test_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncMemory(tmp_path / "recollect.db") as memory:
            turns = [f"I own {number} books." for number in range(200)]
            adding = asyncio.ensure_future(memory.add(turns, user_id="ada", infer=False))
            looks = 0
            while not adding.done():
                looks += 1
                await asyncio.sleep(0)
            assert len((await adding)["results"]) == len(turns)
            assert looks > 1

    asyncio.run(run())


def test_refusals_are_raised_where_they_are_awaited(tmp_path: Path) -> None:
    async def run() -> None:
        memory = AsyncMemory.from_config({"history_db_path": str(tmp_path / "recollect.db")})
        with pytest.raises(ValueError, match="not found"):
            await memory.delete(AN_ID)
        with pytest.raises(NotImplementedError):
            await memory.chat("Hello?")
        memory.close()

    asyncio.run(run())


def test_a_closed_object_does_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        memory = AsyncMemory(tmp_path / "recollect.db")
        memory.close()
        with pytest.raises(RuntimeError, match="shutdown"):
            await memory.get(AN_ID)

    asyncio.run(run())
