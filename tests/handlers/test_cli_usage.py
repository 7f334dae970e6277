"""`recollect usage` and `recollect project limit`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recollect.entrypoints.cli.main import main
from tests.callers import LiveService
from tests.handlers.commands import NOWHERE


def recollect(*words: str) -> Result:
    result = CliRunner().invoke(main, words, env=NOWHERE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Return a data file with the project `default`."""
    path = str(tmp_path / "memories.db")
    assert recollect("keys", "create", "--data", path).exit_code == 0
    return path


def test_usage_is_a_table_of_days_and_keys(live_service: LiveService) -> None:
    place = ["--host", live_service.address, "--api-key", live_service.new_key()]
    for _ in range(2):
        recollect("list", "--user", "ada", *place)

    shown = recollect("usage", *place)

    assert shown.exit_code == 0, shown.output
    head, *lines, total = shown.stdout.splitlines()
    assert head.split() == ["DAY", "REQUESTS", "TOKENS", "KEY"]
    assert {line.split()[0] for line in lines} <= {
        str(datetime.now(UTC).date()),
        lines[0].split()[0],
    }
    # The request that asks may be counted already.
    assert total.split() in (["Total", "2", "0"], ["Total", "3", "0"])


def test_usage_is_printed_as_json(live_service: LiveService) -> None:
    place = ["--host", live_service.address, "--api-key", live_service.new_key()]

    shown = recollect("usage", "--start", "2020-01-01", "--end", "2020-01-31", "--json", *place)

    assert json.loads(shown.stdout) == {
        "start": "2020-01-01",
        "end": "2020-01-31",
        "totals": {"requests": 0, "tokens": 0},
        "results": [],
    }


def test_no_usage_is_said(data: str) -> None:
    shown = recollect("usage", "--end", "2020-01-31", "--data", data)

    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "Nothing was used" in shown.stderr


def test_a_day_that_is_none_is_refused(data: str) -> None:
    shown = recollect("usage", "--start", "tomorrow", "--data", data)

    assert shown.exit_code == 1
    assert "start must be a day such as 2030-12-31" in shown.stderr


def test_a_project_is_limited_and_freed_again(data: str) -> None:
    place = ["--project", "default", "--data", data]

    first = recollect("project", "limit", "--requests-per-minute", "1000", *place)
    second = recollect("project", "limit", "--tokens-per-day", "5000", *place)
    shown = recollect("project", "show", "--data", data)
    third = recollect("project", "limit", "--requests-per-minute", "none", *place)

    assert [each.exit_code for each in (first, second, third)] == [0, 0, 0]
    assert "requests_per_minute: 1000, tokens_per_day: none" in first.stderr
    assert "requests_per_minute: 1000, tokens_per_day: 5000" in second.stderr
    assert ["tokens_per_day", "5000"] in [line.split() for line in shown.stdout.splitlines()]
    assert "requests_per_minute: none, tokens_per_day: 5000" in third.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Give --requests-per-minute or --tokens-per-day"),
        (["--tokens-per-day", "many"], 2, "--tokens-per-day must be a number or none"),
        (["--requests-per-minute", "-1"], 2, "must be a number or none"),
        (["--requests-per-minute", "0"], 1, "requests_per_minute must be between 1 and"),
        (["--project", "other", "--tokens-per-day", "1"], 1, "There is no such project"),
    ],
)
def test_other_limits_are_refused(data: str, words: list[str], status: int, said: str) -> None:
    refused = recollect("project", "limit", *words, "--data", data)

    assert (refused.exit_code, refused.stdout) == (status, "")
    assert said in refused.stderr
