"""What talks to Gremlin does it on both lines: the same tests with the other line's client."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import ENDPOINTS, GREMLIN_LINES, endpoint

ROOT = Path(__file__).parents[2]
SUITES = ("tests/contract/test_graph_store.py", "tests/contract/test_gremlin_connection.py")
OPTIONS = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-m",
    "not fuzz and not soak",
    "-k",
    "not local and not dynamodb",
)
PATIENCE_SECONDS = 300


@pytest.mark.engines
@pytest.mark.slow
def test_the_newer_client_passes_too() -> None:
    """Whatever else it imports is ours; it knows no other server, which the older one would ask."""
    [client] = ROOT.glob(".venv-gremlin38/lib/python*/site-packages")
    newer = GREMLIN_LINES["3.8"]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", *OPTIONS, *SUITES],
        cwd=ROOT,
        env={
            **kept,
            "PYTHONPATH": str(client),
            ENDPOINTS: json.dumps({newer: endpoint(newer)}),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
