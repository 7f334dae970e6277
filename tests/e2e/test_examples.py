"""The examples run as they are told to, in environments of their own, against a live service."""

import os
import subprocess

from recollect.entrypoints.functions import ROOT
from tests.callers import Deployment, served

AGENT = ROOT / "examples" / "langgraph_agent"
PYTHON = ROOT / ".venv-langgraph" / "bin" / "python"
TIMEOUT_SECONDS = 60
FACT = "- I bought a red bicycle in Kyoto, and its left pedal squeaks."


def run(address: str, key: str, user: str) -> list[str]:
    """Return the lines that the agent prints."""
    done = subprocess.run(  # noqa: S603 - our own
        [PYTHON, AGENT / "agent.py", "--host", address, "--api-key", key, "--user", user],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
        env={**os.environ, "MEM0_TELEMETRY": "False"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_langgraph_agent_remembers_from_one_conversation_to_the_next(
    deployment: Deployment,
) -> None:
    with served(deployment) as service:
        key = service.new_key()
        lines = run(service.address, key, "ada")
        others = run(service.address, key, "bob")
        again = run(service.address, key, "ada")

    assert lines == others
    assert lines[1] == "monday | agent: I will remember that."
    assert lines[3:] == ["friday | agent: I remember:", FACT]
    assert again[1:3] == ["monday | agent: I remember:", FACT]


def test_its_page_shows_what_it_prints() -> None:
    page = (AGENT / "README.md").read_text(encoding="utf-8")

    assert f"friday | agent: I remember:\n{FACT}\n" in page
