"""The published clients that are driven, each in an environment of its own."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import pytest

Json: TypeAlias = Any

ROOT: Final = Path(__file__).parents[2]
DRIVERS: Final = Path(__file__).parent / "drivers"
PATIENCE_SECONDS: Final = 240
"""How long a client's process may take for everything it is asked."""
NOT_INHERITED: Final = ("MEM0_", "PYTHON", "RECOLLECT_")

CI: Final = os.environ.get("CI") == "true"
"""Where this is so, nothing may be left out."""


@dataclass(frozen=True)
class Client:
    """One published client: what it is called, what runs its driver, and how."""

    name: str
    version: str
    flavour: str
    runtime: Path
    """An interpreter, or the folder that has a node_modules."""

    @property
    def label(self) -> str:
        """What it is called in the tables."""
        return f"{self.name} {self.version} ({self.flavour})"

    @property
    def is_legacy(self) -> bool:
        """Tell whether it speaks the first two versions of the protocol."""
        return self.version in {"1.0.11", "2.4.6"}

    @property
    def command(self) -> tuple[str, ...]:
        """Return what starts the driver; fail if the environment is not there."""
        if not self.runtime.exists():
            pytest.fail(f"{self.label} is not installed: run 'make clients'", pytrace=False)
        if self.flavour == "Node":
            return ("node", str(DRIVERS / "node_client.js"), str(self.runtime))
        if self.flavour == "command line":
            return (str(self.runtime), str(DRIVERS / "command_line.py"))
        return (str(self.runtime), str(DRIVERS / "python_client.py"))


LEGACY_PYTHON: Final = ROOT / ".venv-mem0/bin/python"
PYTHON: Final = ROOT / ".venv/bin/python"
CLIENTS: Final = (
    Client("mem0ai", "1.0.11", "sync", LEGACY_PYTHON),
    Client("mem0ai", "1.0.11", "async", LEGACY_PYTHON),
    Client("mem0ai", "2.2.1", "sync", PYTHON),
    Client("mem0ai", "2.2.1", "async", PYTHON),
    Client("mem0ai", "2.4.6", "Node", ROOT / ".node-mem0/2.4.6/node_modules"),
    Client("mem0ai", "3.1.8", "Node", ROOT / ".node-mem0/3.1.8/node_modules"),
    Client("mem0-cli", "0.2.13", "command line", ROOT / ".venv-mem0-cli/bin/python"),
)


def tried() -> Sequence[Client]:
    """Return the clients that can be driven here: all, unless there is no Node.js."""
    has_node = CI or shutil.which("node") is not None
    return [client for client in CLIENTS if has_node or client.flavour != "Node"]


class RaisedError(Exception):
    """What a client raised instead of answering."""

    def __init__(self, kind: str, message: str, debug: Mapping[str, Json]) -> None:
        super().__init__(f"{kind}: {' '.join(message.split())}")
        self.kind, self.message, self.debug = kind, message, debug


@dataclass(frozen=True)
class Driver:
    """A client's process, which is asked one thing after the other."""

    said: IO[str]
    heard: IO[str]
    home: Path
    """The client's home folder, which is empty when it starts."""

    def ask(self, verb: str, **what: Json) -> Json:
        """Return what the client answers; raise `RaisedError`."""
        self.said.write(json.dumps({"do": verb, **what}) + "\n")
        self.said.flush()
        line = self.heard.readline()
        assert line, "the client's process has ended"
        told = json.loads(line)
        if "error" in told:
            raise RaisedError(**told["error"])
        return told["answer"]

    def open(self, client: Client, host: str, key: str) -> None:
        """Have it made anew."""
        how = {"is_async": True} if client.flavour == "async" else {}
        self.ask("open", host=host, key=key, **how)

    def call(self, method: str, *args: Json, **options: Json) -> Json:
        """Return what a method answers; raise `RaisedError`."""
        return self.ask("call", method=method, args=args, options=options)

    def methods(self) -> list[str]:
        """Return all its public methods."""
        return [str(name) for name in self.ask("methods")]


@contextmanager
def driven(client: Client) -> Iterator[Driver]:
    """Yield the driver of all clients with this runtime.

    It knows nothing of ours but where a service is.
    """
    with tempfile.TemporaryDirectory(prefix="mem0-") as home:
        process = subprocess.Popen(  # noqa: S603 - our own command
            client.command,
            env=_environment(home),
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            yield Driver(process.stdin, process.stdout, Path(home))
        finally:
            watchdog.cancel()
            process.communicate()


def _environment(home: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(NOT_INHERITED)}
    ours = {"HOME": home, "MEM0_DIR": f"{home}/mem0", "NO_PROXY": "127.0.0.1", "COLUMNS": "10000"}
    return {**kept, **ours, "MEM0_TELEMETRY": "false", "NO_COLOR": "1"}
