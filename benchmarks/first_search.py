"""Seconds from a fresh clone with empty caches to the first answered search."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
LIMIT_SECONDS = 300
FIRST_ANSWER = re.compile(r"\s+[01]\.\d\d  \S")
"""How `make start` prints what it found: the score, then the memory."""


def measure() -> dict[str, Any]:
    """Clone the last commit, run `make start`, and wait for the first answer it prints."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clone, home = root / "clone", root / "home"
        home.mkdir()
        start = time.perf_counter()
        _run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)])
        cloned = time.perf_counter()
        answered = _start(clone, home)
        return {
            "clone_seconds": round(cloned - start, 1),
            "seconds_to_first_answer": round(answered - start, 1),
            "downloaded_and_installed_mb": _megabytes(clone / ".venv"),
            "what": "Python packages from the package index; no model, no container",
        }


def _start(clone: Path, home: Path) -> float:
    environment = {
        **os.environ,
        "HOME": str(home),
        "UV_CACHE_DIR": str(home / "uv"),
        "PIP_NO_CACHE_DIR": "1",
    }
    command = ["make", "start", f"PORT={_free_port()}", f"DATA={home / 'data.db'}"]
    process = subprocess.Popen(  # noqa: S603 - our own make target
        command,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(LIMIT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    printed = []
    try:
        for line in process.stdout or ():
            printed.append(line)
            if FIRST_ANSWER.match(line):
                return time.perf_counter()
        message = "make start did not answer:\n" + "".join(printed[-20:])
        raise RuntimeError(message)
    finally:
        watchdog.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - our own command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _megabytes(folder: Path) -> float:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return round(size / 1e6, 1)
