"""What the queues must be for a wake-up to be neither lost nor repeated without end."""

from typing import Any

import pytest

from recollect.domain.jobs import LANES
from recollect.entrypoints.queues import LAST_RECEIVE
from recollect.usecases.work_on_jobs import RESUMED_LEASE
from tests.infrastructure.templates import CHOICES, MAIN, Stack, template

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
        "${IngestQueue.Arn}": "functions/ingest_messages",
        "${ObjectQueue.Arn}": "functions/ingest_objects",
        "${WebhookQueue.Arn}": "functions/notifier",
        "${WorkerQueue.Arn}": "functions/worker",
    }


def test_one_bad_message_does_not_repeat_its_batch() -> None:
    for _, event in _sources():
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_is_hidden_for_six_times_the_work_on_it() -> None:
    for function, event in _sources():
        queue = QUEUES[event["Queue"].removeprefix("${").removesuffix(".Arn}")]
        # What is hidden for long stands in the way of its lane, and the worker is not throttled.
        times = 1.1 if queue is QUEUES["WorkerQueue"] else TIME_OUTS_HIDDEN

        assert queue["VisibilityTimeout"] >= times * function["Timeout"]


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
    without = Stack(MAIN, {"IngestProject": "default"})

    assert set(QUEUES) - set(without.of_type("AWS::SQS::Queue")) == {
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
    event = function["Events"]["EveryMinute"]

    assert (event["Type"], event["Properties"]["Schedule"]) == ("Schedule", "rate(1 minute)")
    for policy in (event["Properties"]["RetryPolicy"], function["EventInvokeConfig"]):
        assert policy == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}


# Jobs


def test_a_lanes_jobs_are_carried_on_one_after_the_other_and_lanes_beside_each_other() -> None:
    queue = QUEUES["WorkerQueue"]

    assert queue["FifoQueue"] is True
    assert queue["DeduplicationScope"] == "messageGroup"
    assert queue["FifoThroughputLimit"] == "perMessageGroupId"


def test_a_job_has_a_worker_to_itself_for_as_long_as_it_is_left_to_it() -> None:
    worker = STACK.functions["WorkerFunction"]

    assert worker["Events"]["Job"]["Properties"]["BatchSize"] == 1
    assert worker["Timeout"] == RESUMED_LEASE.total_seconds()


@pytest.mark.parametrize(("chosen", "workers"), [({}, 4 * LANES), ({"WorkerConcurrency": "7"}, 7)])
def test_as_many_jobs_are_worked_on_at_once_as_is_chosen(
    chosen: dict[str, str], workers: int
) -> None:
    event = Stack(MAIN, chosen).functions["WorkerFunction"]["Events"]["Job"]["Properties"]

    assert int(event["ScalingConfig"]["MaximumConcurrency"]) == workers


# What comes from outside


def test_what_is_nowhere_else_is_kept_for_a_week_and_for_another_among_the_dead_letters() -> None:
    for name in ("IngestQueue", "ObjectQueue"):
        assert QUEUES[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS / 2


def test_without_a_project_there_is_no_queue_for_messages() -> None:
    without = Stack(MAIN)

    assert not [name for name in without.resources if "IngestQueue" in name]
    assert not [name for name in without.resources if "IngestMessages" in name]
    assert "RECOLLECT_INGEST_PROJECT" not in str(without.functions)


def test_the_project_of_messages_is_the_queues_own() -> None:
    told = {
        name: function["Environment"]["Variables"].get("RECOLLECT_INGEST_PROJECT")
        for name, function in STACK.functions.items()
    }

    assert {name: project for name, project in told.items() if project} == {
        "IngestMessagesFunction": "default"
    }


def test_nobody_of_another_account_reaches_the_queue_of_messages() -> None:
    statements = _policy("IngestQueue")

    assert {each["Effect"] for each in statements} == {"Deny"}
    assert [each["Condition"] for each in statements] == [
        {"StringNotEquals": {"aws:PrincipalAccount": "${AWS::AccountId}"}},
        {"Bool": {"aws:SecureTransport": "false"}},
    ]


@pytest.mark.parametrize(
    ("choice", "bucket"),
    [("as it comes", "*"), ("everything", CHOICES["everything"]["IngestBucket"])],
)
def test_s3_alone_tells_of_objects_and_of_this_accounts_alone(choice: str, bucket: str) -> None:
    [statement] = _policy("ObjectQueue", Stack(MAIN, CHOICES[choice]))

    assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:${{AWS::Partition}}:s3:::{bucket}"},
        "StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"},
    }


def test_a_bucket_is_told_of_a_queue_that_takes_its_messages() -> None:
    stack = template(MAIN)["Resources"]["RecordStack"]

    assert stack["DependsOn"] == ["ObjectQueuePolicy"]
    assert "RecordStack" not in str(template(MAIN)["Resources"]["ObjectQueuePolicy"])


def _policy(queue: str, stack: Stack = STACK) -> list[dict[str, Any]]:
    """Return the statements of a queue's own policy."""
    policy = stack.resources[f"{queue}Policy"]["Properties"]
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == [f"${{{queue}}}"]
    assert {each["Resource"] for each in statements} == {f"${{{queue}.Arn}}"}
    return statements
