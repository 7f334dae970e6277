"""Drives the queue functions of the local edition in threads, as SQS and a schedule do on AWS."""

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from recollect.adapters.local.wake_ups import Due, Lanes, LocalWakeUps, News, Subjects
from recollect.domain.graph import Owner
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.messages import (
    DeliveriesAreDue,
    JobIsWaiting,
    Message,
    OwnerHasNews,
    SubjectsHaveNews,
)
from recollect.usecases.project_changes import Maintain

WORKERS = 4
"""Jobs that are worked on at once: models are waited for, and the file has one writer anyhow."""
MESSAGES_AT_ONCE = 10
"""What SQS hands to a function at most without a batching window."""
WAIT_SECONDS = 0.5
BATCHING_WINDOW_SECONDS = 0.05
"""More news is waited for: searches see pending changes, and a batch costs little more than one."""
MAINTENANCE_EVERY = timedelta(seconds=2)
STALE_AFTER = timedelta(seconds=2)
"""Pending changes of other processes on the same file are indexed after this."""
VISIBILITY = timedelta(seconds=180)
ERROR_PAUSE_SECONDS = 1.0
PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Between attempts at a job whose state cannot be read or written."""
PATIENCE_SECONDS = 10.0
"""How long the end waits for what is in hand; a batch takes a fraction of it."""

_LOG = logging.getLogger(__name__)

Name = TypeVar("Name", bound=Hashable)


def sqs_event(bodies: Sequence[str], *, now: datetime) -> dict[str, Any]:
    """Return these messages as the event that SQS sends to a function."""
    sent = str(int(now.timestamp() * 1000))
    return {
        "Records": [
            {
                "messageId": str(uuid.uuid4()),
                "receiptHandle": str(uuid.uuid4()),
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": sent,
                    "SenderId": "local",
                    "ApproximateFirstReceiveTimestamp": sent,
                },
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:local:000000000000:index",
                "awsRegion": "local",
            }
            for body in bodies
        ]
    }


class Driven(Protocol):
    """What has a thread of the worker to itself."""

    def wait(self, stopping: threading.Event) -> bool:
        """Wait a while for something to do; tell whether there is."""
        ...

    def drive(self, clock: "Clock") -> int:
        """Do the next of it; return how much it was."""
        ...


@dataclass(frozen=True)
class Feed(Generic[Name]):
    """A queue function, who has news for it, and how it is told."""

    news: News[Name]
    told: Callable[[Name], Message]
    function: Handler

    def wait(self, stopping: threading.Event) -> bool:
        """Wait a while for news; tell whether there are any."""
        if self.news.wait(WAIT_SECONDS):
            stopping.wait(BATCHING_WINDOW_SECONDS)
            return True
        return False

    def drive(self, clock: "Clock") -> int:
        """Hand what is waiting to the function; return how many messages it was."""
        names = self.news.take(limit=MESSAGES_AT_ONCE)
        if names:
            hand(self.function, [self.told(name).model_dump_json() for name in names], clock)
        return len(names)


@dataclass(frozen=True)
class JobFeed:
    """The jobs that wait, and the function that works on them."""

    lanes: Lanes
    function: Handler
    pause: Callable[[float], None] = time.sleep

    def wait(self, stopping: threading.Event) -> bool:
        """Wait a while for a job; tell whether one can be worked on."""
        return self.lanes.wait(WAIT_SECONDS) and not stopping.is_set()

    def drive(self, clock: "Clock") -> int:
        """Hand the next job to the function while there is time; return how many it was.

        Again if the function wants it again, as while the disk is full; those behind it wait. What
        it still wants then is left to maintenance.
        """
        if clock.is_up():
            return 0
        with self.lanes.next() as waiting:
            if waiting is None:
                return 0
            project, job_id = waiting
            told = JobIsWaiting(project=project, job_id=job_id).model_dump_json()
            pauses = iter(PAUSES_SECONDS)
            while hand(self.function, [told], clock) and not clock.is_up():
                if (pause := next(pauses, None)) is None:
                    break
                self.pause(pause)
            return 1


@dataclass(frozen=True)
class Clock:
    """The time, and whether it is up for everybody."""

    now: Callable[[], datetime]
    is_up: Callable[[], bool]

    def context(self) -> LambdaContext:
        """Return the context of an invocation that has no time left once the time is up."""
        deadline = self.now() + VISIBILITY

        def now() -> datetime:
            return deadline if self.is_up() else self.now()

        return LambdaContext("local", str(uuid.uuid4()), deadline, now)


def hand(function: Handler, bodies: Sequence[str], clock: Clock) -> list[str]:
    """Have a function handle these messages; return those that it wants to have again."""
    event = sqs_event(bodies, now=clock.now())
    answer = function(event, clock.context())
    again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return [each["body"] for each in event["Records"] if each["messageId"] in again]


def feeds(wake_ups: LocalWakeUps, functions: Mapping[str, Handler]) -> list[Driven]:
    """Return what drives the queue functions, by their names; each is for a thread of its own."""
    return [
        *[JobFeed(wake_ups.jobs, functions["worker"])] * WORKERS,
        Feed(wake_ups.subjects, _subjects_have_news, functions["projector"]),
        Feed(wake_ups.unread, _owner_has_news, functions["graph_writer"]),
        Feed(wake_ups.unprojected, _owner_has_news, functions["graph_projector"]),
        Feed(wake_ups.deliveries, _delivery_is_due, functions["notifier"]),
    ]


@dataclass
class LocalWorker:
    """Runs the queue functions on wake-ups and maintenance on a schedule until it is stopped."""

    feeds: Sequence[Driven]
    maintain: Maintain
    now: Callable[[], datetime]
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start a thread for each function and one for maintenance."""
        # Maintenance and the graph wait for a language model; what is said meanwhile is indexed.
        for step in (self._maintain, *(partial(self._drive, feed) for feed in self.feeds)):
            thread = threading.Thread(target=self._run, args=[step], daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish or hand over what is in hand, and stop; what is left is pending in the record.

        What waits for a model longer is not waited for: it is taken up again at the next start.
        """
        self._stopping.set()
        end = time.monotonic() + PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def settle(self, *, seconds: float = math.inf) -> None:
        """Drive on what others left behind, and do what there is news of.

        Jobs that are not done after so many seconds are left to whoever works on the file next.
        """
        end = time.monotonic() + seconds
        hurried = Clock(self.now, lambda: time.monotonic() >= end)
        patient = Clock(self.now, lambda: False)
        self.maintain(stale_after=STALE_AFTER)
        while sum(
            feed.drive(hurried if isinstance(feed, JobFeed) else patient) for feed in self.feeds
        ):
            pass

    def _drive(self, feed: Driven) -> None:
        if feed.wait(self._stopping):
            feed.drive(Clock(self.now, self._stopping.is_set))

    def _maintain(self) -> None:
        self.maintain(stale_after=STALE_AFTER)
        self._stopping.wait(MAINTENANCE_EVERY.total_seconds())

    def _run(self, step: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                step()
            except Exception as error:  # noqa: BLE001 - the worker must outlive a bad batch
                _LOG.warning("background work failed: %s", type(error).__qualname__)
                self._stopping.wait(ERROR_PAUSE_SECONDS)


def _subjects_have_news(name: Subjects) -> SubjectsHaveNews:
    project, subject_keys = name
    return SubjectsHaveNews(project=project, subject_keys=list(subject_keys))


def _delivery_is_due(due: Due) -> DeliveriesAreDue:
    project, webhook_id, delivery_id = due
    return DeliveriesAreDue(project=project, webhook_id=webhook_id, delivery_ids=[delivery_id])


def _owner_has_news(owner: Owner) -> OwnerHasNews:
    return OwnerHasNews(project=owner.project, owner_key=owner.key)
