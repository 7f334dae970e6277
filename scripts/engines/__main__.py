"""The command line: python -m scripts.engines start wait."""

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.engines import installing, running, tools
from scripts.engines.catalogue import ENGINES, Engine
from scripts.engines.errors import EngineError, MissingToolError
from scripts.engines.places import DEFAULT_HOME, remove_place

MISSING_TOOL_STATUS = 3
ENDPOINTS = "endpoints.json"
"""Where the tests find the addresses."""
ALL_TESTS = ("-m", "not fuzz and not soak")
"""What pytest is told to run the tests on engines too."""
GIVEN_ENDPOINTS = "RECOLLECT_TEST_ENDPOINTS"
"""The tests' own setting: whoever sets it has engines already."""


def install(home: Path) -> None:
    """Download what is missing or out of date."""
    with _alone(home):
        _install(home)


def start(home: Path) -> None:
    """Install what is missing and start what does not run yet."""
    with _alone(home):
        _install(home)
        idle = [engine for engine in ENGINES if not running.running(engine, home)]
        if idle:
            tools.require()
        for engine in idle:
            running.start(engine, home)
        _write_endpoints(home)


def wait(home: Path) -> None:
    """Wait until each engine answers, and print its address."""
    for engine in ENGINES:
        say(f"{engine.product} answers at {running.wait(engine, home)}")


def stop(home: Path, engines: Sequence[Engine] = ENGINES) -> None:
    """End those of the engines that were started from here."""
    with _alone(home):
        stopped = running.stop(engines, home)
        _write_endpoints(home)
    if stopped:
        say(f"stopped {_names(stopped)}")


def status(home: Path) -> None:
    """Print which engines run; raise `EngineError` unless all do."""
    idle = [engine for engine in ENGINES if not running.running(engine, home)]
    for name, address in _endpoints(home).items():
        say(f"{name} runs at {address}")
    if idle:
        message = f"{_names(idle)}: not running, 'make engines' starts what is missing"
        raise EngineError(message)


def remove(home: Path) -> None:
    """Stop the engines and delete all that was installed."""
    stop(home)
    for engine in ENGINES:
        remove_place(engine, home)
    shutil.rmtree(home)


def test(home: Path, command: Sequence[str]) -> int:
    """Run pytest, with the engines' tests where there can be engines; return its status.

    Engines that ran before keep running, the others are stopped again.
    """
    if GIVEN_ENDPOINTS in os.environ:
        return _run([*command, *ALL_TESTS])
    try:
        tools.require()
    except MissingToolError as error:
        return _test_without(command, error)
    idle = [engine for engine in ENGINES if not running.running(engine, home)]
    try:
        start(home)
        wait(home)
        os.environ[GIVEN_ENDPOINTS] = str(home / ENDPOINTS)
        return _run([*command, *ALL_TESTS])
    finally:
        stop(home, idle)


def _test_without(command: Sequence[str], error: MissingToolError) -> int:
    if os.environ.get("CI") == "true":
        raise error
    result = _run(command)
    say(f"======== NOT RUN: the tests on real engines: {error} ========")
    return result


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False).returncode  # noqa: S603 - the caller's own words


def _install(home: Path) -> None:
    missing = [engine for engine in ENGINES if not installing.is_installed(engine, home)]
    if missing:
        tools.require()
        running.stop(missing, home)
        say(f"installing {_names(missing)} into {home}, a minute or two")
        installing.install(missing, home)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other of these programs starts or stops engines."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _endpoints(home: Path) -> dict[str, str]:
    processes = {engine: running.running(engine, home) for engine in ENGINES}
    return {
        engine.name: engine.url.format(port=process.port)
        for engine, process in processes.items()
        if process
    }


def _write_endpoints(home: Path) -> None:
    (home / ENDPOINTS).write_text(json.dumps(_endpoints(home), indent=2) + "\n")


def _names(engines: Sequence[Engine]) -> str:
    return ", ".join(engine.product for engine in engines)


def say(text: str) -> None:
    """Print a line about the engines."""
    print(f"engines: {text}", flush=True)  # noqa: T201


COMMANDS = {command.__name__: command for command in (install, start, wait, stop, status, remove)}


def main(words: Sequence[str]) -> int:
    """Run the commands in order; return 1 if one failed and 3 if Java or Maven is missing."""
    home = Path(os.environ.get("ENGINES_HOME") or DEFAULT_HOME).resolve()
    try:
        if words[:1] == ["test"]:
            return test(home, words[1:])
        for command in _parsed(words):
            COMMANDS[command](home)
    except MissingToolError as error:
        say(str(error))
        return MISSING_TOOL_STATUS
    except (EngineError, OSError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _parsed(words: Sequence[str]) -> list[str]:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.engines",
        description="The engines that tests run on, on loopback and without data.",
        epilog="test COMMAND...: run pytest with the engines there for as long as it takes",
    )
    parser.add_argument("command", nargs="+", choices=COMMANDS)
    return list(parser.parse_args(words).command)


if __name__ == "__main__":
    # Other accounts may read what is installed, and a kill still stops what was started.
    os.umask(0o022)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
