"""The shell of a queue function: what is delivered again, and what is buried."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ConfigDict

from recollect.bootstrap.current import correlation_id
from recollect.domain.errors import UnavailableError
from recollect.entrypoints import queues
from recollect.entrypoints.invocation import LambdaContext
from recollect.entrypoints.messages import SubjectsHaveNews
from recollect.entrypoints.queues import LAST_RECEIVE, LONGEST_NAME, queue_handler
from recollect.entrypoints.worker import sqs_event
from recollect.ports.letters import Origin
from recollect.testing.builders import NOON

NEWS = SubjectsHaveNews(project="acme", subject_keys=["ada"], correlation_id="request 7")


@dataclass
class Graves:
    """Keeps what is buried, or fails to."""

    buried: list[tuple[str, str]] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    is_closed: bool = False

    def bury(self, message: str, reason: str, origin: Origin | None = None) -> None:
        if self.is_closed:
            raise UnavailableError(reason)
        self.buried.append((message, reason))
        if origin:
            self.origins.append(origin)


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


def test_a_defect_is_told_of_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    def work(_: SubjectsHaveNews) -> None:
        raise KeyError(NEWS.project)

    graves = Graves()
    event = an_event(NEWS.model_dump_json())
    context: Any = LambdaContext("projector", "r", NOON + timedelta(minutes=1), lambda: NOON)
    with caplog.at_level("ERROR", queues.logger.name):
        answer = queue_handler(SubjectsHaveNews, work, graves)(event, context)

    assert len(answer["batchItemFailures"]) == 1
    assert graves.buried == []
    [told] = map(vars, caplog.records)
    assert told["error_type"] == "KeyError"
    assert "in work" in told["frames"][-1]
    assert "acme" not in str(told)


def test_what_is_buried_keeps_where_it_came_from() -> None:
    graves = Graves()
    event = an_event("{", receives=1)
    event["Records"][0]["attributes"]["MessageGroupId"] = "tenant 7"

    handled(event, Work(), graves)

    message_id = event["Records"][0]["messageId"]
    assert graves.origins == [Origin(message_id=message_id, sent_at=NOON, group="tenant 7")]


def test_what_is_wrong_is_told_in_a_line_and_long_names_are_cut() -> None:
    class Strict(SubjectsHaveNews):
        model_config = ConfigDict(extra="forbid")

    graves = Graves()
    body = json.dumps({"project": "acme", "subject_keys": [], "x" * 500: 1})
    context: Any = LambdaContext("projector", "r", NOON + timedelta(minutes=1), lambda: NOON)

    queue_handler(Strict, Work(), graves)(an_event(body), context)

    [(_, reason)] = graves.buried
    assert reason == f"is no Strict: {'x' * LONGEST_NAME}: Extra inputs are not permitted"
