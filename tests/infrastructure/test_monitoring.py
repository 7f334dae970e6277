"""What stacks/monitoring.yaml must say for somebody to be told in time."""

import json
import re
from typing import Any

import pytest

from recollect.entrypoints.metrics import NAMESPACE
from tests.infrastructure.templates import (
    CHOICES,
    GRAPH_MONITORING,
    INGESTION_MONITORING,
    MAIN,
    MONITORING,
    Stack,
    template,
)

EVERYTHING = Stack(MAIN, CHOICES["everything"])
TOPIC = CHOICES["everything"]["AlarmTopicArn"]


def _monitoring(main: Stack, name: str = "MonitoringStack") -> Stack:
    """Return a stack as the service's own makes it."""
    properties: dict[str, Any] = main.resources[name]["Properties"]
    given = {name: str(value) for name, value in properties["Parameters"].items()}
    return Stack(properties["TemplateURL"], given)


STACK = _monitoring(EVERYTHING)
GRAPH = _monitoring(EVERYTHING, "GraphMonitoringStack")
INGESTION = _monitoring(EVERYTHING, "IngestionMonitoringStack")
STACKS = (STACK, GRAPH, INGESTION)
ALARMS = {
    name: alarm
    for stack in STACKS
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items()
}


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


def test_who_falls_behind_is_seen() -> None:
    assert _watched("ApproximateAgeOfOldestMessage") == {
        "${GraphProjectionQueue.QueueName}",
        "${GraphQueue.QueueName}",
        "${IndexQueue.QueueName}",
        "${IngestQueue.QueueName}",
        "${ObjectQueue.QueueName}",
        "${WebhookQueue.QueueName}",
        "${WorkerQueue.QueueName}",
    }


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
    main = Stack(MAIN, {**CHOICES[choice], "Graph": "record"})

    for name in ("MonitoringStack", "GraphMonitoringStack", "IngestionMonitoringStack"):
        for alarm in _monitoring(main, name).of_type("AWS::CloudWatch::Alarm").values():
            assert alarm.get("AlarmActions") == alarm.get("OKActions") == told


def test_a_domain_is_watched_if_there_is_one() -> None:
    without = _monitoring(Stack(MAIN, CHOICES["a collection"]))

    there = set(STACK.of_type("AWS::CloudWatch::Alarm"))
    assert there - set(without.of_type("AWS::CloudWatch::Alarm")) == {"DomainFull", "DomainRed"}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_the_service_says_all_that_the_stack_asks(choice: dict[str, str]) -> None:
    stack = _monitoring(Stack(MAIN, choice))

    assert set(template(MONITORING)["Parameters"]) == set(stack.parameters)


def test_the_service_says_all_that_the_graphs_stack_asks() -> None:
    assert GRAPH.place == GRAPH_MONITORING
    assert set(template(GRAPH_MONITORING)["Parameters"]) == set(GRAPH.parameters)


def test_messages_are_watched_if_there_is_a_queue_of_them() -> None:
    without = _monitoring(Stack(MAIN), "IngestionMonitoringStack")

    there = set(INGESTION.of_type("AWS::CloudWatch::Alarm"))
    assert there - set(without.of_type("AWS::CloudWatch::Alarm")) == {
        "IngestBehind",
        "IngestDeadLettersThere",
        "IngestMessagesErrors",
        "IngestMessagesThrottles",
    }
    assert "IngestQueue" in str(INGESTION.resources["Dashboard"])
    assert "IngestQueue" not in str(without.resources["Dashboard"])
    assert json.loads(without.resources["Dashboard"]["Properties"]["DashboardBody"])


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_the_service_says_all_that_the_stack_of_ingestion_asks(choice: dict[str, str]) -> None:
    stack = _monitoring(Stack(MAIN, choice), "IngestionMonitoringStack")

    assert stack.place == INGESTION_MONITORING
    assert set(template(INGESTION_MONITORING)["Parameters"]) == set(stack.parameters)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.place)
def test_a_dashboard_can_be_drawn_and_names_nobody(stack: Stack) -> None:
    body = stack.resources["Dashboard"]["Properties"]["DashboardBody"]
    widgets = json.loads(body)["widgets"]

    titles = [widget["properties"]["title"] for widget in widgets]
    assert len(titles) == len(set(titles))
    assert all(widget["properties"]["region"] == "${AWS::Region}" for widget in widgets)
    assert not re.search(r"\b(user|subject|project)\b", body)


def test_the_dashboard_shows_what_the_functions_count() -> None:
    assert f"{{{NAMESPACE},route,service}}" in str(STACK.resources["Dashboard"])


def test_every_alarm_is_explained_to_whoever_gets_it(pytestconfig: pytest.Config) -> None:
    explained = (pytestconfig.rootpath / "docs" / "deploy.md").read_text(encoding="utf-8")

    of_a_function = re.compile(r"^[A-Z][A-Za-z]+(?=Errors$|Throttles$|Slow$)")
    for name in ALARMS:
        assert {f"`{name}`", f"`{of_a_function.sub('...', name)}`"} & set(explained.split()), name
