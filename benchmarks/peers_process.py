"""Peers in processes and environments of their own: installed once, spoken to with a time limit."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".venv-peers"
LOCKED = Path(__file__).parent / "peers_locked"
INSTALL_SECONDS = 900
ANSWER_SECONDS = 1800
"""The longest answer is to 10,000 adds, of some 5 ms each."""
STOP_SECONDS = 30
QUIET = {
    "MEM0_TELEMETRY": "False",
    "OPENAI_API_KEY": "unused",  # mem0 makes a client that it never calls here
    "LANGSMITH_TRACING": "false",
    "HF_HUB_OFFLINE": "1",
}
"""No peer has anything to send or to load."""


class PeerError(Exception):
    """A peer could not be installed, failed, or took too long; the message says why in a line."""


@dataclass(frozen=True)
class Peer:
    """A store in one of its ways: how the table calls it, its script and its environment."""

    name: str
    module: str
    way: str = "only"
    environment: str = ""
    """Name of its locked packages; empty for this process's own environment."""


class Worker:
    """A running peer with an empty store."""

    def __init__(
        self, python: Path, peer: Peer, task: Path, folder: Path, seconds: float = ANSWER_SECONDS
    ) -> None:
        folder.mkdir(parents=True)
        self._seconds = seconds
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                [str(python), "-m", peer.module, str(task), str(folder), peer.way],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env={**os.environ, **QUIET, "MEM0_DIR": str(folder / "mem0")},
            )

    def ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a command; raise `PeerError` when none comes in time."""
        assert self._process.stdin  # noqa: S101 - for the type checker
        assert self._process.stdout  # noqa: S101 - for the type checker
        watch = threading.Timer(self._seconds, self._process.kill)
        watch.start()
        try:
            with suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(command) + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            in_time = watch.is_alive()
            watch.cancel()
        if not line:
            raise PeerError(self._why() if in_time else f"no answer in {self._seconds:g} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the process, also when it does not want to."""
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=STOP_SECONDS)
        self._process.kill()
        self._process.wait()

    def _why(self) -> str:
        self._process.wait()
        return _last_line(self._log.read_text(errors="replace")) or "it ended without a word"


def python_of(environment: str) -> Path:
    """Return the interpreter of an environment, installed if need be; raise `PeerError`."""
    if not environment:
        return Path(sys.executable)
    locked = LOCKED / f"{environment}.txt"
    wanted = hashlib.sha256(locked.read_bytes()).hexdigest()
    folder = ENVIRONMENTS / environment
    python, ready = folder / "bin" / "python", folder / "ready"
    if not (ready.exists() and ready.read_text() == wanted):
        print(f"installing {environment} ...", flush=True)
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "sync", "--require-hashes", "--python", str(python), str(locked))
        ready.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).parent / "uv"
    try:
        subprocess.run(  # noqa: S603 - our own uv
            [str(uv), "--quiet", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        message = f"cannot be installed: {_last_line(error.stderr)}"
        raise PeerError(message) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"cannot be installed: {error}"
        raise PeerError(message) from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
