"""Drives mem0's Python clients: `python python_client.py`, in their environment.

Reads a call a line as JSON and prints what came of it: `{"answer": ...}` or `{"error": ...}`.
"""

import asyncio
import inspect
import json
import sys
from importlib import import_module
from operator import attrgetter
from typing import Any

import mem0

PARTS = ("", "project.")
TYPE = "$type"
"""Marks an object that stands for one of the client's own types."""


class Driver:
    """One client at a time, made anew by `open`."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._client: Any = None

    def open(self, host: str, key: str, *, is_async: bool = False) -> None:
        """Make a client, which checks its key at once."""
        make = mem0.AsyncMemoryClient if is_async else mem0.MemoryClient
        self._client = make(api_key=key, host=host)

    def call(self, method: str, args: list[Any], options: dict[str, Any]) -> object:
        """Return what a method answers; of a raw response, its body."""
        named = {name: _given(value) for name, value in options.items()}
        answer = attrgetter(method)(self._client)(*args, **named)
        if inspect.isawaitable(answer):
            answer = self._runner.run(_finished(answer))
        return answer.raise_for_status().json() if hasattr(answer, "headers") else answer

    def methods(self) -> list[str]:
        """Return the names of all public methods."""
        return [
            part + name
            for part in PARTS
            for name, _ in inspect.getmembers(
                attrgetter(part[:-1])(self._client) if part else self._client, inspect.isroutine
            )
            if not name.startswith("_")
        ]


async def _finished(awaitable: Any) -> object:  # noqa: ANN401 - whatever the client returns
    return await awaitable


def _given(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict) and TYPE in value:
        fields = {name: each for name, each in value.items() if name != TYPE}
        return getattr(import_module("mem0.client.types"), value[TYPE])(**fields)
    return value


def _told(error: Exception) -> dict[str, Any]:
    told = {"kind": type(error).__name__, "message": str(getattr(error, "message", error))}
    return {**told, "debug": getattr(error, "debug_info", {})}


def main() -> None:
    """Answer calls until there are no more."""
    driver = Driver()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"answer": getattr(driver, asked.pop("do"))(**asked)}
        except Exception as error:  # noqa: BLE001 - which exceptions there are is what is asked
            said = {"error": _told(error)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
