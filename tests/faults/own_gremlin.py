"""A Gremlin Server of one test's own, which it may kill, start again and freeze."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from scripts.engines import running
from scripts.engines.catalogue import ENGINES, Engine
from scripts.engines.places import DEFAULT_HOME, place_of
from tests.engines import ENDPOINTS, gremlin_engine

STOP_SECONDS = 30


@dataclass(frozen=True)
class OwnGremlin:
    """A process that keeps its port from one start to the next, but no data."""

    engine: Engine
    home: Path

    @property
    def url(self) -> str:
        return self.engine.url.format(port=self.engine.port)

    def start(self) -> None:
        """Start it and wait until it answers."""
        running.start(self.engine, self.home)
        assert running.wait(self.engine, self.home) == self.url

    def kill(self) -> None:
        """End it at once, frozen or not, and return when its port is free; it may be gone."""
        process = running.running(self.engine, self.home)
        if process:
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it do nothing for as long as this lasts; its connections stay open."""
        process = running.running(self.engine, self.home)
        assert process
        os.kill(process.pid, signal.SIGSTOP)
        try:
            # On a busy machine a thread may go on for a moment, long enough to answer.
            stopped_in_time = time.monotonic() + STOP_SECONDS
            while not _has_stopped(process.pid):
                assert time.monotonic() < stopped_in_time
                time.sleep(0.01)
            yield
        finally:
            os.kill(process.pid, signal.SIGCONT)


def _has_stopped(pid: int) -> bool:
    """Tell whether none of its threads runs."""
    stats = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@contextmanager
def own_gremlin(folder: Path) -> Iterator[OwnGremlin]:
    """Yield a running server of the installed client's line, with a folder of its own."""
    engine = next(each for each in ENGINES if each.name == gremlin_engine())
    installed = place_of(engine, _home()).software
    if not installed.exists():
        pytest.fail(f"{engine.product} is not installed: 'make engines' does it", pytrace=False)
    place = place_of(engine, folder)
    place.folder.mkdir()
    place.software.symlink_to(installed.resolve())
    running.start(replace(engine, port=0), folder)
    process = running.running(engine, folder)
    assert process
    own = OwnGremlin(replace(engine, port=process.port), folder)
    try:
        assert running.wait(own.engine, folder) == own.url
        yield own
    finally:
        own.kill()


def _home() -> Path:
    """Return where the engines are installed that the other tests are told to run on."""
    said = os.environ.get(ENDPOINTS, "")
    if said and not said.lstrip().startswith("{"):
        return Path(said).parent
    return Path(os.environ.get("ENGINES_HOME") or DEFAULT_HOME)
