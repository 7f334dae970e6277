"""Finds the Python that the functions run on, to build and invoke them with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

RUNTIME: Final = "python3.13"
"""The functions' runtime in template.yaml, and the name of its interpreter."""
ANSWER_SECONDS: Final = 20
ABOUT: Final = """
import pip, sys
print(sys.base_prefix if "python%d.%d" % sys.version_info[:2] == sys.argv[1] else "")
"""
HOW_TO_GET_ONE: Final = f"""\
found no {RUNTIME} with pip, the functions' runtime. Any of these gets one:
  .venv/bin/uv python install 3.13
  pyenv install 3.13
  apt install {RUNTIME} python3-pip      (Debian 13; on Ubuntu with the PPA deadsnakes)
  brew install python@3.13"""


class MissingPythonError(click.ClickException):
    """There is no interpreter of the functions' runtime on this machine."""

    def __init__(self) -> None:
        super().__init__(HOW_TO_GET_ONE)


def find_python() -> Path:
    """Return the interpreter of the functions' runtime where it is really installed.

    Version managers put shims on PATH that the SAM CLI cannot use, and virtual environments hide
    where they come from: each candidate is asked for its own installation. Nothing is downloaded.
    Raises `MissingPythonError`, which says how to get one.
    """
    for candidate in _candidates():
        prefix = _installation(candidate)
        if prefix and (Path(prefix) / "bin" / RUNTIME).exists():
            return Path(prefix) / "bin" / RUNTIME
    raise MissingPythonError


def _candidates() -> Iterator[Path]:
    """Yield what is on PATH first: it is what the person at the machine chose."""
    for folder in os.get_exec_path():
        yield Path(folder) / RUNTIME
    yield Path(sys.executable)
    for versions in _version_managers():
        for prefix in sorted(versions.glob("*3.13.*"), reverse=True):
            yield prefix / "bin" / RUNTIME


def _version_managers() -> Iterator[Path]:
    """Yield where pyenv and uv keep the interpreters that they installed."""
    yield Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    folder = uv and _printed([uv, "python", "dir"])
    if folder:
        yield Path(folder)


def _installation(candidate: Path) -> str:
    """Return where an interpreter is installed, nothing if it is not the one or lacks pip."""
    if not os.access(candidate, os.X_OK):
        return ""
    return _printed([str(candidate), "-I", "-c", ABOUT, RUNTIME])


def _printed(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter of this machine
            command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
