"""Starts, watches and stops the engines' processes."""

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from scripts.engines import tools
from scripts.engines.catalogue import HEAP, Engine
from scripts.engines.errors import EngineError
from scripts.engines.installing import tail
from scripts.engines.places import RECIPES, Place, place_of

SECONDS_TO_START = 180
SECONDS_TO_STOP = 30
POLL_SECONDS = 0.2
LOOPBACK = "127.0.0.1"
ACCOUNT = "nobody"


@dataclass(frozen=True)
class Process:
    """An engine that was started, and the port it was given."""

    pid: int
    port: int


def running(engine: Engine, home: Path) -> Process | None:
    """Return the engine's process if it still runs; a number that is another's now is none."""
    place = place_of(engine, home)
    if not place.process.exists():
        return None
    process = Process(**json.loads(place.process.read_text()))
    return process if _mark(place) in _command_line(process.pid) else None


def start(engine: Engine, home: Path) -> None:
    """Start the engine without any data, on its own port or, if that is taken, on a free one."""
    place = place_of(engine, home)
    port = _free_port(engine.port)
    names = {"port": str(port), "other_port": str(_free_port()), "run": str(place.run)}
    names["software"] = str(place.software)
    _prepare_run(engine, place, names)
    account = pwd.getpwnam(ACCOUNT) if engine.needs_another_account else None
    with place.log.open("wb") as log:
        started = subprocess.Popen(  # noqa: S603 - the user's own java
            _command(engine, place, names),
            cwd=place.run,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
        )
    place.process.write_text(json.dumps(asdict(Process(started.pid, port))))
    # The system shows a program's words a moment after it has begun.
    while not running(engine, home) and started.poll() is None:
        time.sleep(0.01)


def wait(engine: Engine, home: Path) -> str:
    """Wait until the engine answers and return its URL.

    Raises `EngineError` with the end of its log if it ended or was not ready in time.
    """
    place = place_of(engine, home)
    end = time.monotonic() + SECONDS_TO_START
    while process := running(engine, home):
        if _answers(engine, process.port):
            return engine.url.format(port=process.port)
        if time.monotonic() > end:
            raise _failure(engine, place, f"did not answer within {SECONDS_TO_START} s")
        time.sleep(POLL_SECONDS)
    raise _failure(engine, place, "does not run")


def stop(engines: Iterable[Engine], home: Path) -> list[Engine]:
    """End those engines that run, and return them."""
    stopped = [engine for engine in engines if _signal(engine, home, signal.SIGTERM)]
    end = time.monotonic() + SECONDS_TO_STOP
    while any(running(engine, home) for engine in stopped) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    for engine in stopped:
        _signal(engine, home, signal.SIGKILL)
        place_of(engine, home).process.unlink(missing_ok=True)
    return stopped


def _signal(engine: Engine, home: Path, number: signal.Signals) -> bool:
    process = running(engine, home)
    if process:
        os.kill(process.pid, number)
    return process is not None


def _prepare_run(engine: Engine, place: Place, names: dict[str, str]) -> None:
    shutil.rmtree(place.run, ignore_errors=True)
    (place.run / "tmp").mkdir(parents=True)
    for file in sorted((RECIPES / engine.name / "config").glob("*")):
        (place.run / file.name).write_text(Template(file.read_text()).substitute(names))
    if engine.needs_another_account:
        for path in (place.run, *place.run.iterdir()):
            shutil.chown(path, ACCOUNT)


def _command(engine: Engine, place: Place, names: dict[str, str]) -> list[str]:
    folders = [f"{place.software}/lib/*"]
    if (place.software / "classes").exists():
        folders.append(f"{place.software}/classes")
    return [
        tools.java(),
        _mark(place).strip(),
        # Half the time to start and no slower afterwards, on machines with few cores.
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        HEAP,
        *(Template(option).substitute(names) for option in engine.options),
        "-cp",
        os.pathsep.join(folders),
        engine.main,
        *(Template(argument).substitute(names) for argument in engine.arguments),
    ]


def _mark(place: Place) -> str:
    """Return what tells our processes from all others: a word of their command line."""
    return f" -Drecollect.engine={place.folder} "


def _command_line(pid: int) -> str:
    """Return the words of a process; empty when there is none, or one that has ended."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    return subprocess.run(  # noqa: S603
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _free_port(preferred: int = 0) -> int:
    """Return this port if nobody listens on it, else one that the system chooses."""
    with socket.socket() as probe:
        # Connections of the last run, closed already, do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError:
            probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(engine: Engine, port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", engine.probe)
        return connection.getresponse().status == engine.ready
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _failure(engine: Engine, place: Place, reason: str) -> EngineError:
    return EngineError(
        f"{tail(place.log) if place.log.exists() else ''}\n{engine.product} {reason}: "
        f"the whole log is {place.log}; 'make engines' starts it, "
        f"without {place.folder} it is installed anew"
    )
