"""Drives mem0's command line: `python command_line.py`, in the environment of mem0-cli.

Reads a command a line as JSON and prints what came of it: `{"answer": ...}` or `{"error": ...}`.
The commands run in this process, because starting one takes longer than all that it does.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from mem0_cli.app import app
from typer.main import get_command
from typer.testing import CliRunner


class FailedCommandError(Exception):
    """A command ended with a status other than 0: by an exit of its own, or by an exception."""

    def __init__(self, cause: BaseException | None, printed: str) -> None:
        super().__init__(" ".join(printed.split()))
        is_exit = isinstance(cause, SystemExit)
        self.kind = "exit status 1" if is_exit else type(cause).__name__


class Driver:
    """Runs commands in the environment that `open` gave."""

    def __init__(self) -> None:
        self._environment: dict[str, str] = {}

    def open(self, host: str, key: str) -> None:
        """Take note of where the service is."""
        self._environment = {"MEM0_BASE_URL": host, "MEM0_API_KEY": key}

    def call(self, method: str, args: list[str], options: dict[str, str]) -> object:
        """Return what a command prints, as JSON if it is; raise `FailedCommandError`."""
        named = [part for name, value in options.items() for part in (f"--{name}", value)]
        result = CliRunner().invoke(
            app, [*method.split(), *args, *named], env=self._environment, color=False
        )
        if result.exit_code:
            raise FailedCommandError(result.exception, f"{result.output} {result.exception}")
        try:
            return json.loads(result.stdout)
        except ValueError:
            return result.output.strip()

    def methods(self) -> list[str]:
        """Return all commands, with the names of their groups before them."""
        return list(_commands(get_command(app), ""))


def _commands(command: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - published without types
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name
        return
    for each in sorted(inner):
        yield from _commands(inner[each], f"{name} {each}".strip())


def main() -> None:
    """Run commands until there are no more."""
    driver = Driver()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"answer": getattr(driver, asked.pop("do"))(**asked)}
        except FailedCommandError as error:
            said = {"error": {"kind": error.kind, "message": str(error), "debug": {}}}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
