"""What stacks/monitoring.yaml must say for somebody to be told in time."""

import json
import re
from typing import Any

import pytest

from recollect.entrypoints.metrics import NAMESPACE
from tests.infrastructure.templates import CHOICES, MAIN, MONITORING, Stack, template

EVERYTHING = Stack(MAIN, CHOICES["everything"])
TOPIC = CHOICES["everything"]["AlarmTopicArn"]


def _monitoring(main: Stack) -> Stack:
    """Return the stack as the service's own makes it."""
    given: dict[str, Any] = main.resources["MonitoringStack"]["Properties"]["Parameters"]
    return Stack(MONITORING, {name: str(value) for name, value in given.items()})


STACK = _monitoring(EVERYTHING)
ALARMS = STACK.of_type("AWS::CloudWatch::Alarm")


def _watched(metric: str) -> set[str]:
    """Return the resources on which an alarm watches a metric."""
    return {
        alarm["Dimensions"][0]["Value"]
        for alarm in ALARMS.values()
        if alarm["MetricName"] == metric
    }


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(metric: str) -> None:
    assert _watched(metric) == {f"${{{name}}}" for name in EVERYTHING.functions}


def test_every_dead_letter_is_seen() -> None:
    queues = EVERYTHING.of_type("AWS::SQS::Queue")
    dead_letters = {name for name, queue in queues.items() if "RedrivePolicy" not in queue}

    assert _watched("ApproximateNumberOfMessagesVisible") == {
        f"${{{name}.QueueName}}" for name in dead_letters
    }
    for alarm in ALARMS.values():
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible":
            assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_a_projector_that_falls_behind_is_seen() -> None:
    assert _watched("ApproximateAgeOfOldestMessage") == {"${IndexQueue.QueueName}"}


@pytest.mark.parametrize("function", ["Add", "Search"])
def test_slow_answers_are_seen(function: str) -> None:
    alarm = _monitoring(Stack(MAIN, {f"{function}P95Milliseconds": "123"})).resources[
        f"{function}Slow"
    ]["Properties"]

    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p95", "123")
    assert alarm["Dimensions"][0]["Value"] == f"${{{function}Function}}"


def test_silence_is_no_alarm() -> None:
    assert {alarm["TreatMissingData"] for alarm in ALARMS.values()} == {"notBreaching"}


@pytest.mark.parametrize(("choice", "told"), [("everything", [TOPIC]), ("as it comes", None)])
def test_alarms_are_sent_where_they_should_be(choice: str, told: list[str] | None) -> None:
    stack = _monitoring(Stack(MAIN, CHOICES[choice]))

    for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm.get("AlarmActions") == alarm.get("OKActions") == told


def test_a_domain_is_watched_if_there_is_one() -> None:
    without = _monitoring(Stack(MAIN, CHOICES["a collection"]))

    gone = set(ALARMS) - set(without.of_type("AWS::CloudWatch::Alarm"))
    assert gone == {"DomainFull", "DomainRed", "GraphDeadLettersThere"}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_the_service_says_all_that_the_stack_asks(choice: dict[str, str]) -> None:
    stack = _monitoring(Stack(MAIN, choice))

    assert set(template(MONITORING)["Parameters"]) == set(stack.parameters)


def test_the_dashboard_can_be_drawn_and_names_nobody() -> None:
    body = STACK.resources["Dashboard"]["Properties"]["DashboardBody"]
    widgets = json.loads(body)["widgets"]

    titles = [widget["properties"]["title"] for widget in widgets]
    assert len(titles) == len(set(titles))
    assert all(widget["properties"]["region"] == "${AWS::Region}" for widget in widgets)
    assert f"{{{NAMESPACE},route,service}}" in body
    assert not re.search(r"\b(user|subject|project)\b", body)


def test_every_alarm_is_explained_to_whoever_gets_it(pytestconfig: pytest.Config) -> None:
    explained = (pytestconfig.rootpath / "docs" / "deploy.md").read_text(encoding="utf-8")

    of_a_function = re.compile(r"^[A-Z][a-z]+(?=Errors$|Throttles$|Slow$)")
    for name in ALARMS:
        assert {f"`{name}`", f"`{of_a_function.sub('...', name)}`"} & set(explained.split()), name
