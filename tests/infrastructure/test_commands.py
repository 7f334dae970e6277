"""What the stack tells its operator to type, and the function that answers it."""

import json
import re
import shlex
import subprocess
from datetime import timedelta
from itertools import pairwise
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters
from pydantic import ValidationError

from recollect import bootstrap
from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.functions import load_module
from recollect.entrypoints.invocation import Handler, LambdaContext
from tests.callers import now
from tests.infrastructure.templates import CHOICES, MAIN, Stack

STACK = Stack(MAIN)
COMMANDS = {
    name: shlex.split(value) for name, value in STACK.outputs.items() if name.endswith("Command")
}
NOTIFYING = Stack(MAIN, CHOICES["everything"])


def _option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_can_be_pasted(command: list[str]) -> None:
    assert command[:3] == ["aws", "lambda", "invoke"]
    assert _option(command, "--function-name") == "${AdminFunction}"
    assert _option(command, "--cli-binary-format") == "raw-in-base64-out"
    assert command[-1] == "/dev/stdout"


def test_a_bucket_that_exists_is_told_to_notify_unless_it_notifies_somebody_already() -> None:
    command = NOTIFYING.outputs["NotifyCommand"].replace("${AWS::Region}", "eu-west-1")
    script = f"""aws() {{
        printf '%s\\0' "$@" >&3
        [ "$2" != get-bucket-notification-configuration ] || eval "$answer"
    }}
    {command}"""

    def asked_of_s3(answer: str) -> list[list[str]]:
        """Return what is asked where S3 answers so when it is asked what there is."""
        done = subprocess.run(  # noqa: S603 - our own script
            ["bash", "-c", f"answer={shlex.quote(answer)}; exec 3>&2\n{script}"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        words = done.stderr.split("\0")[:-1]
        starts = [at for at, word in enumerate(words) if word == "s3api"]
        return [words[a:b] for a, b in pairwise([*starts, len(words)])]

    [look] = asked_of_s3('echo "{}"')
    assert asked_of_s3("return 255") == [look]
    looked, tell = asked_of_s3("true")

    assert looked == look
    assert look[:2] == ["s3api", "get-bucket-notification-configuration"]
    assert tell[:2] == ["s3api", "put-bucket-notification-configuration"]
    assert _option(look, "--bucket") == _option(tell, "--bucket") == "there"
    asked = json.loads(_option(tell, "--notification-configuration"))
    s3 = botocore.session.get_session().get_service_model("s3")
    shape = s3.operation_model("PutBucketNotificationConfiguration").input_shape
    assert shape is not None
    validate_parameters({"Bucket": "there", "NotificationConfiguration": asked}, shape)
    [queue] = asked["QueueConfigurations"]
    assert (queue["QueueArn"], queue["Events"]) == ("${ObjectQueue.Arn}", ["s3:ObjectCreated:*"])
    assert queue["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "projects/"}]


def test_the_outputs_say_how_to_begin() -> None:
    for choice in CHOICES.values():
        found = {
            name
            for name in Stack(MAIN, choice).outputs
            if not re.match("Graph|IngestDead|IngestQueue|Neptune|Notify", name)
        }
        assert found == {
            "AdminFunction",
            "ApiUrl",
            "Bucket",
            "ControlTable",
            "DashboardUrl",
            "FirstKeyCommand",
            "IndexDeadLettersUrl",
            "IndexQueueUrl",
            "IngestBucket",
            "IngestionDashboardUrl",
            "ObjectDeadLettersUrl",
            "ObjectQueueUrl",
            "OpenSearchUrl",
            "PrepareIndexCommand",
            "RecordTable",
            "WebhookDeadLettersUrl",
            "WebhookQueueUrl",
            "WorkerDeadLettersUrl",
            "WorkerQueueUrl",
        }


@pytest.fixture(scope="module")
def admin() -> Handler:
    handler: Handler = load_module("admin").lambda_handler
    return handler


def _answer(admin: Handler, event: dict[str, Any]) -> dict[str, Any]:
    return admin(event, LambdaContext("admin", "1", now() + timedelta(minutes=1), now))


def test_the_first_key_opens_its_project(admin: Handler) -> None:
    payload = json.loads(_option(COMMANDS["FirstKeyCommand"], "--payload"))

    answer = _answer(admin, payload)

    key = bootstrap.check_key()(answer["key"])
    assert key is not None
    assert (key.project, key.name) == (payload["project"], payload["name"]) == ("default", "first")


def test_the_index_is_prepared_as_often_as_one_likes(admin: Handler) -> None:
    payload = json.loads(_option(COMMANDS["PrepareIndexCommand"], "--payload"))

    assert _answer(admin, payload) == _answer(admin, payload)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "command"),
        ({"command": "drop_everything"}, "create_key"),
        ({"command": "create_key", "name": "first"}, "project"),
        ({"command": "create_key", "project": "", "name": "first"}, "project"),
        ({"command": "prepare_index", "project": "default"}, "project"),
        ({"command": "limit_project", "tokens_per_day": 1}, "project"),
        ({"command": "limit_project", "project": "default", "tokens_per_day": "1"}, "tokens_per"),
    ],
)
def test_what_is_no_command_is_refused_with_its_reason(
    admin: Handler, event: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        _answer(admin, event)


def test_a_project_is_limited_and_freed_again(admin: Handler) -> None:
    _answer(admin, {"command": "create_key", "project": "limited", "name": "first"})
    command = {"command": "limit_project", "project": "limited"}

    both = _answer(admin, {**command, "requests_per_minute": 60, "tokens_per_day": 1_000})
    one = _answer(admin, {**command, "requests_per_minute": None})

    assert both["limits"] == {"requests_per_minute": 60, "tokens_per_day": 1_000}
    assert one == {
        "project_id": "limited",
        "limits": {"requests_per_minute": None, "tokens_per_day": 1_000},
    }
    assert vars(bootstrap.projects.read_project()("limited").limits) == one["limits"]


def test_a_key_without_a_name_is_refused(admin: Handler) -> None:
    with pytest.raises(InvalidRequestError, match="name"):
        _answer(admin, {"command": "create_key", "project": "default", "name": " "})


def test_maintenance_says_how_much_it_drove_on() -> None:
    handler: Handler = load_module("maintenance").lambda_handler
    event = {"detail-type": "Scheduled Event", "source": "aws.events"}

    first = handler(event, LambdaContext("maintenance", "1", now() + timedelta(minutes=5), now))

    assert first.keys() == {"driven_on"}
