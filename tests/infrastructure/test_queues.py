"""What the queues must be for a wake-up to be neither lost nor repeated without end."""

from typing import Any

from recollect.entrypoints.queues import LAST_RECEIVE
from tests.infrastructure.templates import CHOICES, MAIN, Stack

STACK = Stack(MAIN, CHOICES["everything"])
QUEUES = STACK.of_type("AWS::SQS::Queue")
FOURTEEN_DAYS = 14 * 24 * 60 * 60
TIME_OUTS_HIDDEN = 6
"""AWS's advice for a queue's visibility time-out, in time-outs of the function that it feeds."""


def _sources() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every function that a queue feeds, with the event that says how."""
    return [
        (function, event["Properties"])
        for function in STACK.functions.values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def _target(queue: dict[str, Any]) -> str:
    arn: str = queue["RedrivePolicy"]["deadLetterTargetArn"]
    return arn.removeprefix("${").removesuffix(".Arn}")


def test_every_queue_feeds_one_function() -> None:
    fed = {event["Queue"]: function["CodeUri"] for function, event in _sources()}

    assert len(_sources()) == len(fed)
    assert fed == {
        "${GraphProjectionQueue.Arn}": "functions/graph_projector",
        "${GraphQueue.Arn}": "functions/graph_writer",
        "${IndexQueue.Arn}": "functions/projector",
        "${WebhookQueue.Arn}": "functions/notifier",
    }


def test_one_bad_message_does_not_repeat_its_batch() -> None:
    for _, event in _sources():
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_is_hidden_for_six_times_the_work_on_it() -> None:
    for function, event in _sources():
        queue = QUEUES[event["Queue"].removeprefix("${").removesuffix(".Arn}")]

        assert queue["VisibilityTimeout"] >= TIME_OUTS_HIDDEN * function["Timeout"]


def test_what_fails_again_and_again_is_kept_for_a_person_to_see() -> None:
    targets = {name: _target(each) for name, each in QUEUES.items() if "RedrivePolicy" in each}

    assert set(QUEUES) == set(targets) | set(targets.values())
    for name, target in targets.items():
        # Before that the function itself buries a message, with its reason.
        assert QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] > LAST_RECEIVE
        assert QUEUES[target]["MessageRetentionPeriod"] == FOURTEEN_DAYS
        assert QUEUES[target].get("FifoQueue") == QUEUES[name].get("FifoQueue")


def test_queues_are_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())


def test_the_graph_has_queues_only_if_there_is_one() -> None:
    assert set(QUEUES) - set(Stack(MAIN).of_type("AWS::SQS::Queue")) == {
        "GraphDeadLetters",
        "GraphProjectionDeadLetters",
        "GraphProjectionQueue",
        "GraphQueue",
    }


def test_an_owners_memories_are_read_one_after_the_other_and_owners_beside_each_other() -> None:
    queue = QUEUES["GraphQueue"]

    assert queue["FifoQueue"] is True
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"
    assert "FifoQueue" not in QUEUES["GraphProjectionQueue"]


def test_maintenance_runs_every_minute_and_a_missed_run_is_not_made_up_for() -> None:
    function = STACK.functions["MaintenanceFunction"]
    (event,) = function["Events"].values()

    assert (event["Type"], event["Properties"]["Schedule"]) == ("Schedule", "rate(1 minute)")
    for policy in (event["Properties"]["RetryPolicy"], function["EventInvokeConfig"]):
        assert policy == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
