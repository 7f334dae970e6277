"""The worker's function: jobs one by one, tokens for who asked, letters for who sent a message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from recollect import bootstrap
from recollect.bootstrap import letters
from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest
from recollect.entrypoints.messages import JobIsWaiting
from recollect.entrypoints.worker import Clock, hand
from recollect.ports.letters import Letter, QueueName
from recollect.ports.models import Form, PromptTurn, Reply
from recollect.testing.builders import a_scope
from tests.callers import ADD, Deployment, now, ok
from tests.contract.simple_mind import SimpleMind

BROKEN, REFUSED = "I am broken.", "I am refused."
LIVES = "I live in Lisbon."


class Mind(SimpleMind):
    """A model that breaks over one text, and refuses another."""

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        told = "\n".join(turn.text for turn in turns)
        if BROKEN in told:
            raise ZeroDivisionError
        if REFUSED in told:
            message = "The model refuses this"
            raise InvalidRequestError(message)
        return super().ask(system, turns, form)


@dataclass(frozen=True)
class Workshop:
    """A service of its own, whose worker is called by hand."""

    deployment: Deployment
    client: httpx.Client
    project: str

    def accepted(self, text: str, message_id: str | None = None) -> Job:
        """Accept an add, as it came by a message or not."""
        scope = a_scope(self.project, user=text)
        request = AddRequest(scope=scope, messages=(Message("user", text),))
        return bootstrap.add_memories().accept(request, message_id=message_id)

    def work(self, *jobs: Job, again: bool = False) -> list[str]:
        """Hand the jobs to the function in one batch; return those that it wants again."""
        bodies = [
            JobIsWaiting(project=job.project, job_id=job.id, again=again).model_dump_json()
            for job in jobs
        ]
        function, clock = self.deployment.handlers["worker"], Clock(now, lambda: False)
        left = hand(function, bodies, clock)
        return [JobIsWaiting.model_validate_json(body).job_id for body in left]

    def status(self, job: Job) -> str:
        return str(ok(self.client.get(f"/v1/event/{job.id}/"))["status"])

    @property
    def letters(self) -> Sequence[Letter]:
        return letters.local_graveyard(lambda _: False).letters(QueueName.WORKER, limit=9)

    @property
    def tokens(self) -> int:
        return int(ok(self.client.get("/v1/usage/"))["totals"]["tokens"])


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    choices = {"data": tmp_path / "recollect.db", "language_model": f"{__name__}:Mind"}
    with bootstrap.choosing(edition="local", **choices) as closing, closing:
        bootstrap.local_store().open()
        deployment = Deployment.fresh()
        with deployment.client(deployment.new_key()) as client:
            project = ok(client.get("/v1/ping/"))["project_id"]
            yield Workshop(deployment, client, project)


def test_what_a_model_reads_for_a_job_is_counted_for_the_key_that_asked(
    workshop: Workshop,
) -> None:
    body = {"messages": LIVES, "user_id": "ada", "async_mode": True}
    event = ok(workshop.client.post(ADD, json=body))["event_id"]
    job = bootstrap.jobs.read_job()(workshop.project, event)
    assert workshop.tokens == 0

    assert workshop.work(job) == []

    notes = ok(workshop.client.get(f"/v1/event/{event}/"))["metadata"]
    assert workshop.tokens == notes["input_tokens"] + notes["output_tokens"] > 0
    workshop.work(job)
    assert workshop.tokens == notes["input_tokens"] + notes["output_tokens"]


def test_what_no_key_asked_for_is_counted_for_nobody(workshop: Workshop) -> None:
    job = workshop.accepted(LIVES)

    assert workshop.work(job) == []

    assert (workshop.status(job), workshop.tokens) == ("SUCCEEDED", 0)


def test_one_job_that_breaks_does_not_stop_the_others(workshop: Workshop) -> None:
    broken, good = workshop.accepted(BROKEN), workshop.accepted(LIVES)

    assert workshop.work(broken, good) == [broken.id]

    assert (workshop.status(broken), workshop.status(good)) == ("RUNNING", "SUCCEEDED")
    assert workshop.letters == []
    # It is delivered again before its lease has ended: who has it is thought to be alive.
    assert workshop.work(broken) == []


def test_who_sent_a_message_that_came_to_nothing_is_told_by_a_letter(workshop: Workshop) -> None:
    asked, sent = workshop.accepted(REFUSED), workshop.accepted(REFUSED, "m1")

    assert workshop.work(asked, sent) == []

    assert (workshop.status(asked), workshop.status(sent)) == ("FAILED", "FAILED")
    [letter] = workshop.letters
    news = JobIsWaiting.model_validate_json(letter.message)
    assert (news.job_id, news.again) == (sent.id, True)
    assert "refuses" in letter.reason


def test_a_job_that_failed_is_tried_again_only_by_its_letter(workshop: Workshop) -> None:
    job = workshop.accepted(REFUSED)
    workshop.work(job)
    failed = bootstrap.jobs.read_job()(job.project, job.id)

    workshop.work(job)
    assert bootstrap.jobs.read_job()(job.project, job.id) == failed
    workshop.work(job, again=True)

    tried = bootstrap.jobs.read_job()(job.project, job.id)
    assert (tried.status, tried.attempt) == (JobStatus.FAILED, failed.attempt + 1)
