"""`recollect dlq`: list, show and redrive what nobody could handle, in both editions."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from click.testing import Result

from recollect import bootstrap
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.entrypoints.messages import (
    DeliveryHasFailed,
    JobIsWaiting,
    MemoryIsUnreadable,
)
from recollect.ports.letters import Origin, QueueName
from recollect.testing.builders import NOON, a_scope
from tests.callers import new_id, now
from tests.contract.test_graveyard import Queue, a_queue
from tests.engines import REGION, endpoint
from tests.handlers.commands import invoke, printed

PROJECT = "acme"
ORIGIN = Origin(message_id="m-1", sent_at=NOON, group="t", attributes={"trace": ("String", "7")})
NOTHING = "There are no dead letters.\n"


@dataclass(frozen=True)
class Here:
    """A data file, and commands on it."""

    data: Path

    def __call__(self, *words: str) -> Result:
        return invoke("dlq", *words, "--data", str(self.data), RECOLLECT_INGEST_PROJECT=PROJECT)

    def bury(
        self, queue: QueueName, message: str, reason: str, origin: Origin | None = None
    ) -> str:
        """Return the letter's id."""
        with bootstrap.local_edition(self.data):
            bootstrap.dead_letters(queue).bury(message, reason, origin)
        return str(self.listed()[-1]["id"])

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = printed(self("list", "--json"))["letters"]
        return found

    def failed_add(self) -> Job:
        """Store a job that came by a message and has failed; return it."""
        request = AddRequest(
            scope=a_scope(PROJECT, user="ada"),
            messages=(Message(role="user", content="I like tea"),),
            infer=False,
        )
        job = Job(
            id=new_id(),
            project=PROJECT,
            request=request,
            status=JobStatus.FAILED,
            created_at=now(),
            completed_at=now(),
            error="The model gave two invalid answers",
            message_id="m-1",
        )
        with bootstrap.local_edition(self.data) as store:
            bootstrap.create_key()(PROJECT, "test")
            store.jobs.accept(job, None, lease_end=now())
        return job

    def jobs(self) -> list[Job]:
        with bootstrap.local_edition(self.data) as store:
            return store.jobs.recent(PROJECT, limit=10)


@pytest.fixture
def dlq(tmp_path: Path) -> Here:
    return Here(tmp_path / "recollect.db")


def test_letters_are_listed_oldest_first_with_their_reasons(dlq: Here) -> None:
    dlq.bury(QueueName.INGEST, '{"said": "a secret"}', "is refused: \x1b[31m" + "long " * 50)
    dlq.bury(QueueName.INDEX, "{}", "failed 5 times")

    result = dlq("list")

    head, first, second = result.stdout.splitlines()
    assert head.split() == ["queue", "id", "at", "reason"]
    assert first.startswith("ingest")
    assert "is refused: [31mlong long" in first
    assert first.endswith("...")
    assert second.startswith("index")
    assert second.endswith("failed 5 times")
    assert "secret" not in result.output


def test_letters_of_one_queue_may_be_listed(dlq: Here) -> None:
    for queue in (QueueName.INGEST, QueueName.INDEX, QueueName.INDEX):
        dlq.bury(queue, "{}", "failed")

    found = printed(dlq("list", "--queue", "index", "--limit", "1", "--json"))["letters"]

    assert [letter["queue"] for letter in found] == ["index"]


def test_without_letters_it_is_said_so(dlq: Here) -> None:
    assert dlq("list").stderr == NOTHING


def test_a_queue_that_there_is_not_is_refused(dlq: Here) -> None:
    result = dlq("list", "--queue", "tea")

    assert result.exit_code == 2
    assert "'tea' is not one of" in result.stderr


def test_a_letter_is_shown_as_it_was(dlq: Here) -> None:
    message = '{"version": 1,  "messages": "Ünïcode"}'
    letter_id = dlq.bury(QueueName.INGEST, message, "is refused: ...", ORIGIN)

    shown = dlq("show", letter_id).stdout
    told = printed(dlq("show", letter_id, "--json"))

    for part in (letter_id, "ingest", "is refused: ...", "m-1", "trace", "Ünïcode"):
        assert part in shown
    assert told["message"] == message
    assert (told["message_id"], told["group"], told["attributes"]) == ("m-1", "t", {"trace": "7"})
    assert told["job"] is None


def test_a_letter_orders_a_terminal_nothing(dlq: Here) -> None:
    letter_id = dlq.bury(QueueName.INGEST, "\x1b]0;owned\x07", "is refused: \x1b[2J")

    assert "\x1b" not in dlq("show", letter_id).output


def test_a_letter_about_a_job_tells_what_it_was_to_do_and_why_it_failed(dlq: Here) -> None:
    job = dlq.failed_add()
    letter = JobIsWaiting(project=PROJECT, job_id=job.id, again=True).model_dump_json()
    letter_id = dlq.bury(QueueName.WORKER, letter, f"failed: {job.error}")

    told = printed(dlq("show", letter_id, "--json"))["job"]

    assert (told["id"], told["status"], told["error"]) == (job.id, "FAILED", job.error)
    assert told["message_id"] == "m-1"
    assert "I like tea" in str(told["request"]["messages"])
    assert "I like tea" in dlq("show", letter_id).stdout


@pytest.mark.parametrize("message", ["{", '{"project": "acme", "job_id": "gone"}'])
def test_a_letter_whose_job_is_not_there_is_shown_without_it(dlq: Here, message: str) -> None:
    letter_id = dlq.bury(QueueName.WORKER, message, "is no JobIsWaiting")

    assert printed(dlq("show", letter_id, "--json"))["job"] is None


def test_a_letter_that_is_not_there_is_told_so(dlq: Here) -> None:
    for command in ("show", "redrive"):
        result = dlq(command, "nobody")

        assert result.exit_code == 1
        assert "There is no letter nobody" in result.stderr


def test_a_job_that_failed_is_tried_again_and_done(dlq: Here) -> None:
    job = dlq.failed_add()
    letter = JobIsWaiting(project=PROJECT, job_id=job.id, again=True).model_dump_json()
    letter_id = dlq.bury(QueueName.WORKER, letter, f"failed: {job.error}")

    result = dlq("redrive", letter_id)

    assert result.exit_code == 0
    assert "1 messages were given to their functions again." in result.stderr
    [done] = dlq.jobs()
    assert (done.status, [each.text for each in done.outcomes]) == (
        JobStatus.SUCCEEDED,
        ["I like tea"],
    )
    assert dlq("list").stderr == NOTHING


def test_users_messages_are_accepted_as_the_ones_that_they_were(dlq: Here) -> None:
    with bootstrap.local_edition(dlq.data):
        bootstrap.create_key()(PROJECT, "test")
    body = json.dumps({"version": 1, "messages": "I like tea", "user_id": "ada", "infer": False})
    for _ in range(2):
        dlq.bury(QueueName.INGEST, body, "failed 5 times", ORIGIN)

    redriven = printed(dlq("redrive", "--all", "--json"))["redriven"]

    assert len(redriven) == 2
    [job] = dlq.jobs()
    assert (job.message_id, job.asked_at, job.status) == ("m-1", NOON, JobStatus.SUCCEEDED)


def test_what_is_poison_still_is_buried_again_as_a_letter_of_its_own(dlq: Here) -> None:
    with bootstrap.local_edition(dlq.data):
        bootstrap.create_key()(PROJECT, "test")
    letter_id = dlq.bury(QueueName.INGEST, "{", "is no IngestMessage", ORIGIN)

    dlq("redrive", "--all")

    [again] = dlq.listed()
    assert again["id"] != letter_id
    assert again["message_id"] == "m-1"


def test_one_queue_alone_may_be_redriven(dlq: Here) -> None:
    for queue in (QueueName.INDEX, QueueName.GRAPH_PROJECTION):
        dlq.bury(queue, "{}", "failed")

    printed(dlq("redrive", "--all", "--queue", "index", "--json"))

    reasons = {letter["queue"]: letter["reason"] for letter in dlq.listed()}
    assert reasons["graph_projection"] == "failed"
    assert reasons["index"].startswith("is no SubjectsHaveNews")


def test_letters_that_tell_something_are_not_sent_and_say_what_to_do(dlq: Here) -> None:
    memory = MemoryIsUnreadable(project=PROJECT, owner_key="k", memory_id="m", version=1)
    delivery = DeliveryHasFailed(project=PROJECT, webhook_id="w", delivery_id="d")
    dlq.bury(QueueName.GRAPH, memory.model_dump_json(), "unreadable")
    dlq.bury(QueueName.WEBHOOKS, delivery.model_dump_json(), "failed 10 times")

    result = dlq("redrive", "--all")

    assert "'recollect graph redrive' has it read again" in result.stderr
    assert "tells of a delivery that was given up" in result.stderr
    assert "0 messages were given" in result.stderr
    assert len(dlq.listed()) == 2


def test_messages_for_a_project_that_is_not_there_stay(dlq: Here) -> None:
    letter_id = dlq.bury(QueueName.INGEST, "{}", "failed", ORIGIN)

    result = dlq("redrive", letter_id)

    assert result.exit_code == 1
    assert "RECOLLECT_INGEST_PROJECT" in result.stderr
    assert [letter["id"] for letter in dlq.listed()] == [letter_id]


@pytest.mark.parametrize("words", [[], ["--all", "an-id"]])
def test_what_to_redrive_must_be_said_once(dlq: Here, words: list[str]) -> None:
    result = dlq("redrive", *words)

    assert result.exit_code == 2
    assert "Give the ids of letters, or --all." in result.stderr


# On AWS


@dataclass(frozen=True)
class There:
    """Queues on SQS, and commands on them."""

    queues: dict[QueueName, Queue]

    def __call__(self, *words: str) -> Result:
        urls = {
            f"RECOLLECT_{name.upper()}_QUEUE_URL": each.url for name, each in self.queues.items()
        }
        return invoke(
            "dlq", *words, "--edition", "aws", **urls, AWS_ENDPOINT_URL_SQS=endpoint("sqs")
        )


@pytest.fixture
def there() -> Iterator[There]:
    client = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    with ExitStack() as stack:
        endings = {QueueName.WORKER: ".fifo", QueueName.INGEST: ""}
        yield There({n: stack.enter_context(a_queue(client, e)) for n, e in endings.items()})
    client.close()


@pytest.mark.engines
def test_on_aws_letters_go_back_to_the_queue_that_they_were_for(there: There) -> None:
    for name, queue in there.queues.items():
        queue.letters.bury(f'"{name}"', "failed", ORIGIN)

    listed = printed(there("list", "--json"))["letters"]
    shown = printed(there("show", listed[0]["id"], "--json"))
    redriven = printed(there("redrive", "--all", "--json"))["redriven"]

    assert sorted(letter["queue"] for letter in listed) == ["ingest", "worker"]
    assert shown["message"] == f'"{listed[0]["queue"]}"'
    assert len(redriven) == 2
    assert there("list").stderr == NOTHING
    for name, queue in there.queues.items():
        assert queue.take() == [(f'"{name}"', ORIGIN)]


@pytest.mark.engines
def test_on_aws_letters_may_be_redriven_by_their_ids(there: There) -> None:
    queue = there.queues[QueueName.INGEST]
    for number in range(25):
        queue.letters.bury(f"{number}", "failed")
    listed = printed(there("list", "--limit", "100", "--json"))["letters"]
    ids = [letter["id"] for letter in listed[:2]]

    redriven = printed(there("redrive", *ids, "--json"))["redriven"]

    assert len(listed) == 25
    assert {letter["id"] for letter in redriven} == set(ids)
    assert len(queue.take()) == 2
    assert len(printed(there("list", "--limit", "100", "--json"))["letters"]) == 23


def test_on_aws_without_a_queue_it_is_said_which_variable_is_missing() -> None:
    result = invoke("dlq", "list", "--edition", "aws")

    assert result.exit_code == 1
    assert "RECOLLECT_INDEX_QUEUE_URL" in result.stderr


def test_on_aws_a_queue_that_is_not_configured_is_told_so() -> None:
    url = {"RECOLLECT_INDEX_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/1/{uuid4().hex}"}

    result = invoke("dlq", "list", "--edition", "aws", "--queue", "worker", **url)

    assert result.exit_code == 1
    assert "The queue worker is not configured" in result.stderr
