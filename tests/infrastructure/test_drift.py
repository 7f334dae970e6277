"""How drift comes to be seen: a schedule, what the function counts, and who is told."""

import json
from typing import Any

import pytest

from recollect.entrypoints.metrics import count_drift
from recollect.usecases.report_drift import TURN, Drift
from tests.infrastructure.templates import (
    CHOICES,
    GRAPH_MONITORING,
    MAIN,
    MONITORING,
    ROOT,
    Stack,
)

SECONDS_OF_AN_HOUR = 3_600
ALARMS = {
    "IndexDrift": (MONITORING, "IndexDrifted"),
    "GraphDrift": (GRAPH_MONITORING, "GraphDrifted"),
}


def schedule(choice: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = Stack(MAIN, choice).functions["MaintenanceFunction"]["Events"]
    properties: dict[str, Any] = event["EveryHour"]["Properties"]
    return properties


def counted(drift: Drift, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what CloudWatch reads in the log."""
    count_drift(drift)
    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    return written


@pytest.fixture(autouse=True)
def _as_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = Stack(MAIN).functions["MaintenanceFunction"]["Environment"]["Variables"]
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", variables["POWERTOOLS_SERVICE_NAME"])
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)


def test_drift_is_looked_for_once_in_every_hour_and_twice_in_a_turn() -> None:
    hourly = schedule({})

    assert hourly["Schedule"] == "cron(30 * * * ? *)"
    event = json.loads((ROOT / "events" / "maintenance_drift.json").read_text(encoding="utf-8"))
    assert json.loads(hourly["Input"]) == event
    assert hourly["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    assert TURN.total_seconds() == 2 * SECONDS_OF_AN_HOUR


@pytest.mark.parametrize("choice", CHOICES)
def test_a_collection_is_not_kept_awake_for_it(choice: str) -> None:
    expected = "DISABLED" if "collection" in choice else "ENABLED"

    assert schedule(CHOICES[choice])["State"] == expected


@pytest.mark.parametrize("metric", ALARMS)
def test_whoever_is_told_of_alarms_is_told_of_drift_that_two_runs_found(
    metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written = counted(Drift(compared=3, left=2, index=1, graphs=1), capsys)
    place, name = ALARMS[metric]
    alarm = Stack(place).resources[name]["Properties"]

    [described] = written["_aws"]["CloudWatchMetrics"]
    assert metric in {each["Name"] for each in described["Metrics"]}
    assert (alarm["Namespace"], alarm["MetricName"]) == (described["Namespace"], metric)
    [dimensions] = described["Dimensions"]
    assert alarm["Dimensions"] == [{"Name": each, "Value": written[each]} for each in dimensions]
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (SECONDS_OF_AN_HOUR, 2)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_what_is_counted_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    written = counted(Drift(compared=3, left=2, index=1, graphs=None), capsys)

    values = {name: value for name, value in written.items() if name != "_aws"}
    assert values == {"service": "recollect", "ProjectsCompared": [3.0], "IndexDrift": [1.0]}
