"""The shell of a queue function: what is delivered again, and what is buried."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from recollect.bootstrap.current import correlation_id
from recollect.domain.errors import UnavailableError
from recollect.entrypoints.invocation import LambdaContext
from recollect.entrypoints.messages import SubjectsHaveNews
from recollect.entrypoints.queues import LAST_RECEIVE, queue_handler
from recollect.entrypoints.worker import sqs_event
from recollect.testing.builders import NOON

NEWS = SubjectsHaveNews(project="acme", subject_keys=["ada"], correlation_id="request 7")


@dataclass
class Graves:
    """Keeps what is buried, or fails to."""

    buried: list[tuple[str, str]] = field(default_factory=list)
    is_closed: bool = False

    def bury(self, message: str, reason: str) -> None:
        if self.is_closed:
            raise UnavailableError(reason)
        self.buried.append((message, reason))


@dataclass
class Work:
    """Fails for some projects; notes what it was given, and on whose behalf."""

    failing: tuple[str, ...] = ()
    done: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, news: SubjectsHaveNews) -> None:
        if news.project in self.failing:
            message = "The index is down"
            raise UnavailableError(message)
        self.done.append((news.project, correlation_id()))


def an_event(*bodies: str, receives: int = 1) -> dict[str, Any]:
    event = sqs_event(bodies, now=NOON)
    for record in event["Records"]:
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


def handled(event: dict[str, Any], work: Work, graves: Graves) -> list[str]:
    """Return the bodies of the messages that are delivered again."""
    context: Any = LambdaContext("projector", "r", NOON + timedelta(minutes=1), lambda: NOON)
    answer = queue_handler(SubjectsHaveNews, work, graves)(event, context)
    failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
    return [each["body"] for each in event["Records"] if each["messageId"] in failed]


def test_work_is_done_on_behalf_of_the_request_that_caused_it() -> None:
    work = Work()

    assert handled(an_event(NEWS.model_dump_json()), work, Graves()) == []

    assert work.done == [("acme", "request 7")]


def test_what_fails_alone_is_delivered_again() -> None:
    other = NEWS.model_copy(update={"project": "umbrella", "correlation_id": None})
    work, graves = Work(failing=("acme",)), Graves()
    bodies = [NEWS.model_dump_json(), other.model_dump_json()]

    assert handled(an_event(*bodies), work, graves) == bodies[:1]

    assert work.done == [("umbrella", None)]
    assert graves.buried == []


def test_poison_is_buried_with_its_reason_and_stops_nobody() -> None:
    work, graves = Work(failing=("acme",)), Graves()
    good = NEWS.model_copy(update={"project": "umbrella"}).model_dump_json()
    bad = NEWS.model_dump_json()

    assert handled(an_event(bad, good, receives=LAST_RECEIVE), work, graves) == []

    assert graves.buried == [(bad, f"failed {LAST_RECEIVE} times: The index is down")]
    assert len(work.done) == 1


def test_what_is_no_message_is_buried_at_once_and_not_quoted() -> None:
    graves = Graves()
    bodies = ["{", json.dumps({"project": "acme"}), ""]

    assert handled(an_event(*bodies), Work(), graves) == []

    assert [body for body, _ in graves.buried] == bodies
    assert all(reason.startswith("is no SubjectsHaveNews") for _, reason in graves.buried)


def test_what_cannot_be_buried_is_delivered_again() -> None:
    graves = Graves(is_closed=True)

    assert handled(an_event("{"), Work(), graves) == ["{"]
