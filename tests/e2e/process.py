"""The command `recollect` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
PATIENCE_SECONDS = 60
COMMAND = (sys.executable, "-m", "recollect.entrypoints.cli.main")


def environment(home: Path) -> Mapping[str, str]:
    """Return the environment of a person without any setting of Recollect's."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RECOLLECT_")}
    return {**kept, "HOME": str(home), "PYTHONPATH": str(SHARED), "PYTHONUNBUFFERED": "1"}


@dataclass
class Running:
    """A service that runs, and what it printed until it was ready."""

    process: subprocess.Popen[str]
    printed: str

    @property
    def address(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.printed)
        assert found
        return found[0]

    @property
    def key(self) -> str:
        found = re.search(r"^Key +(m0-\S+)", self.printed, re.MULTILINE)
        assert found
        return found[1]

    def stop(self) -> int:
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def running(*words: str, home: Path, until: str) -> Iterator[Running]:
    """Run a command until it has printed a text; kill it at the end if it runs still."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *words],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Running(process, _read(process, until))
    finally:
        process.kill()
        process.communicate()


def finished(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *words],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def _read(process: subprocess.Popen[str], until: str) -> str:
    assert process.stdout
    printed = ""
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            printed += line
            if until in line:
                return printed
    finally:
        watchdog.cancel()
    raise AssertionError(printed)
