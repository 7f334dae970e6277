"""`recollect project`: settings are shown and changed, here and there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recollect import bootstrap
from recollect.entrypoints.cli.main import main
from tests.handlers.commands import NOWHERE

Run = Callable[..., Result]


def recollect(*words: str) -> Result:
    result = CliRunner().invoke(main, words, env=NOWHERE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(params=["local", "service", "a name with a slash"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a command in a place of its own kind."""
    if request.param == "local":
        place = ["--data", str(tmp_path / "memories.db")]
    else:
        live = request.getfixturevalue("live_service")
        key = live.new_key()
        if request.param != "service":
            _, key = bootstrap.create_key()(f"a/b?#% {key[-8:]}", "test")
        place = ["--host", live.address, "--api-key", key]
    return lambda *words: recollect(*words, *place)


def test_a_new_project_has_set_nothing(run: Run) -> None:
    shown = run("project", "show")

    assert shown.exit_code == 0, shown.output
    assert shown.stdout.split()[0] == "project_id"
    assert len(shown.stdout.splitlines()) == 1


def test_what_was_set_is_shown(run: Run, tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    prompt.write_text("Extract.\nNothing else. é", encoding="utf-8")

    changed = run(
        "project",
        "set",
        "custom_instructions=Remember what people eat = like.",
        f"custom_fact_extraction_prompt=@{prompt}",
        'custom_categories={"food": "What people eat", "misc": ""}',
        "redaction=true",
        'redaction_patterns=["EMP-[0-9]{6}"]',
        "episode_days=30",
        "enable_graph=true",
    )
    shown = run("project", "show")
    answer = json.loads(run("project", "show", "--json").stdout)

    assert changed.exit_code == shown.exit_code == 0, changed.output
    assert changed.stdout == ""
    assert changed.stderr.startswith("Changed custom_instructions, custom_fact_extraction_prompt,")
    assert "Remember what people eat = like." in shown.stdout
    assert "Extract. Nothing else. é" in shown.stdout
    assert answer["custom_instructions"] == "Remember what people eat = like."
    assert answer["custom_fact_extraction_prompt"] == "Extract.\nNothing else. é"
    assert answer["custom_categories"] == [{"food": "What people eat"}, {"misc": ""}]
    assert (answer["redaction"], answer["redaction_patterns"]) == (True, ["EMP-[0-9]{6}"])
    assert (answer["episode_days"], answer["enable_graph"]) == (30, True)


def test_an_empty_value_clears_and_leaves_the_rest(run: Run) -> None:
    run("project", "set", "inclusion_prompt=food", "exclusion_prompt=gossip", "episode_days=1")
    run("project", "set", "enable_graph=true")

    run("project", "set", "inclusion_prompt=", "episode_days=", "enable_graph=")

    answer = json.loads(run("project", "show", "--json").stdout)
    assert (answer["inclusion_prompt"], answer["episode_days"]) == (None, None)
    assert answer["enable_graph"] is False
    assert answer["exclusion_prompt"] == "gossip"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("instructions=x", "Give NAME=VALUE, with a NAME of custom_instructions, agent_"),
        ("custom_instructions", "Give NAME=VALUE"),
        ("episode_days=soon", "episode_days must be JSON"),
        ("enable_graph=yes", "enable_graph must be JSON"),
        ("custom_instructions=@/no/such/file", "/no/such/file cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_sent(
    tmp_path: Path, change: str, reason: str
) -> None:
    data = tmp_path / "memories.db"

    result = recollect("project", "set", "redaction=true", change, "--data", str(data))
    shown = recollect("project", "show", "--json", "--data", str(data))

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())
    assert json.loads(shown.stdout)["redaction"] is False


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("episode_days=0", "1 to 3650 days"),
        ('redaction_patterns=["("]', "Redaction pattern 1 cannot be used"),
        ("redaction=1", "redaction"),
    ],
)
def test_what_the_service_refuses_is_one_line(run: Run, change: str, reason: str) -> None:
    result = run("project", "set", change)

    assert result.exit_code == 1
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
