"""`--graph` and `--no-graph` of `recollect add` and `recollect search`, here and there."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recollect.entrypoints.cli.main import main
from tests.handlers.commands import NOWHERE

Run = Callable[..., Result]

PATIENCE_SECONDS = 20
ADD = ("add", "I live in Lisbon.", "--user", "ada")
SEARCH = ("search", "Where does ada live?", "--user", "ada")
SAID = "the user lives in Lisbon"


@pytest.fixture(params=["local", "service"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a command in a place of its own kind, and return what it printed."""
    if request.param == "local":
        place = ["--data", str(tmp_path / "memories.db")]
    else:
        live = request.getfixturevalue("live_service")
        place = ["--host", live.address, "--api-key", live.new_key()]

    def with_place(*words: str) -> Result:
        result = CliRunner().invoke(main, [*words, *place], env=NOWHERE)
        assert result.exit_code == 0, result.output
        return result

    return with_place


def searched(run: Run, *options: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*SEARCH, "--json", *options).stdout)
    return answer


def followed(run: Run, *options: str) -> dict[str, Any]:
    """Return the first answer with relations; a service reads memories in the background."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := searched(run, *options)).get("relations"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def test_what_is_added_with_the_graph_is_found_with_it(run: Run) -> None:
    run(*ADD, "--graph")

    [relation] = followed(run, "--graph")["relations"]
    lines = run(*SEARCH, "--graph").stdout.splitlines()

    assert (relation["source"], relation["target"]) == ("ada", "Lisbon")
    assert [line.split("  ")[-1] for line in lines] == ["I live in Lisbon.", SAID]
    assert lines[-1].split("  ")[0] == f"{relation['score']:.2f}"


@pytest.mark.parametrize("options", [(), ("--no-graph",)])
def test_nothing_of_the_graph_is_told_unless_it_is_asked_for(
    run: Run, options: tuple[str, ...]
) -> None:
    run(*ADD, "--graph")
    followed(run, "--graph")

    assert "relations" not in searched(run, *options)
    assert SAID not in run(*SEARCH, *options).stdout


def test_a_project_that_wants_it_needs_no_option_but_may_be_contradicted(run: Run) -> None:
    run("project", "set", "enable_graph=true")
    run("add", "I work at Acme.", "--user", "ada", "--no-graph")
    run(*ADD)

    answer = followed(run)

    assert [each["target"] for each in answer["relations"]] == ["Lisbon"]
    assert "relations" not in searched(run, "--no-graph")


def test_relations_are_in_the_text_for_a_prompt(run: Run) -> None:
    run(*ADD, "--graph")
    followed(run, "--graph")

    lines = run(*SEARCH, "--graph", "--context").stdout.splitlines()

    assert lines[-2].startswith("- The user lives in Lisbon")


def test_what_held_at_a_time_is_found_when_it_is_asked_for(run: Run) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    run(*ADD, "--graph")
    followed(run, "--graph")
    run("add", "I moved to Porto and live in Porto.", "--user", "ada", "--graph")
    while SAID in (now := run(*SEARCH, "--graph").stdout):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert "the user lives in Porto" in now
    assert SAID in run(*SEARCH, "--graph", "--at", "2020-01-01").stdout
