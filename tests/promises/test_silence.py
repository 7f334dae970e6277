"""Promise 11: keys are stored hashed, and what callers say is never logged."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.promises import talking
from tests.promises.talking import IS_LOGGED, MARKER, SPOKEN

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Transcript:
    """What a process said, the keys it knew, and the files it left."""

    output: str
    keys: list[str]
    data: bytes


@pytest.fixture(scope="module")
def transcript(tmp_path_factory: pytest.TempPathFactory) -> Transcript:
    folder = tmp_path_factory.mktemp("silence")
    data, keys = folder / "recollect.db", folder / "keys"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("POWERTOOLS_")
    }
    process = subprocess.run(  # noqa: S603 - this interpreter and a script of ours
        [sys.executable, talking.__file__, str(keys)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
        env={
            **environment,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT)]),
            "RECOLLECT_EDITION": "local",
            "RECOLLECT_DATA": str(data),
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
            "POWERTOOLS_LOGGER_LOG_EVENT": "true",
            "POWERTOOLS_DEBUG": "true",
            "POWERTOOLS_DEV": "true",
            "POWERTOOLS_SERVICE_NAME": "recollect",
        },
    )
    assert process.returncode == 0, process.stdout
    stored = b"".join(file.read_bytes() for file in sorted(folder.glob("recollect.db*")))
    return Transcript(process.stdout, keys.read_text("utf-8").split("\n"), stored)


def test_promise_11_what_is_logged_is_seen_here(transcript: Transcript) -> None:
    assert SPOKEN in transcript.output
    assert IS_LOGGED in transcript.output
    assert "A request failed for a reason that is ours" in transcript.output


def test_promise_11_nothing_that_callers_say_is_logged(transcript: Transcript) -> None:
    assert [line for line in transcript.output.splitlines() if MARKER in line] == []


def test_promise_11_no_key_is_logged(transcript: Transcript) -> None:
    assert [key for key in transcript.keys if key in transcript.output] == []
    assert "m0-" not in transcript.output


def test_promise_11_the_data_file_holds_no_key(transcript: Transcript) -> None:
    assert MARKER.encode() in transcript.data
    assert [key for key in transcript.keys if key.encode() in transcript.data] == []
