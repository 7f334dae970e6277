"""Java and Maven on this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts.engines.errors import MissingToolError

OLDEST_JAVA = 17
NEWEST_JAVA = 23
"""OpenSearch 2 needs the security manager, which Java 24 does not have any more."""

_INSTALL = (
    f"install a JDK ({OLDEST_JAVA} to {NEWEST_JAVA}) and Maven"
    " (Debian, Ubuntu: apt install openjdk-17-jdk-headless maven;"
    " macOS: brew install openjdk@17 maven)"
)


def java() -> str:
    """Return the command `java`: JAVA_HOME's, else the one on PATH."""
    return _of_java("java")


def javac() -> str:
    """Return the command `javac` of the same installation."""
    return _of_java("javac")


def maven() -> str:
    """Return the command `mvn`."""
    return shutil.which("mvn") or "mvn"


def require() -> None:
    """Raise `MissingToolError` unless a suitable JDK and Maven are there."""
    version = _java_version()
    if version is None:
        message = f"found no JDK (java and javac); {_INSTALL}"
        raise MissingToolError(message)
    if not OLDEST_JAVA <= version <= NEWEST_JAVA:
        message = f"Java {version} does not run all engines; {_INSTALL}"
        raise MissingToolError(message)
    if shutil.which("mvn") is None:
        message = f"found no Maven (mvn); {_INSTALL}"
        raise MissingToolError(message)


def _java_version() -> int | None:
    found = re.search(r'version "(\d+)', _said([java(), "-version"]))
    return int(found[1]) if found and _said([javac(), "-version"]) else None


def _said(command: list[str]) -> str:
    """Return what a command printed, nothing if it is not there or failed."""
    try:
        result = subprocess.run(  # noqa: S603 - a tool that the user put there
            command, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout + result.stderr


def _of_java(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / name) if home else shutil.which(name) or name
