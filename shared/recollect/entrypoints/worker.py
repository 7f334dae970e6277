"""Drives the queue functions of the local edition in threads, as SQS and a schedule do on AWS."""

import logging
import threading
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from recollect.adapters.local.wake_ups import Due, LocalWakeUps, News, Subjects
from recollect.domain.graph import Owner
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.messages import DeliveriesAreDue, Message, OwnerHasNews, SubjectsHaveNews
from recollect.usecases.project_changes import Maintain

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
PATIENCE_SECONDS = 10.0
"""How long the end waits for each thread; a batch takes a fraction of it."""

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


@dataclass(frozen=True)
class Feed(Generic[Name]):
    """A queue function, who has news for it, and how it is told."""

    news: News[Name]
    told: Callable[[Name], Message]
    function: Handler

    def drive(self, now: Callable[[], datetime]) -> int:
        """Hand what is waiting to the function; return how many messages it was."""
        names = self.news.take(limit=MESSAGES_AT_ONCE)
        if names:
            bodies = [self.told(name).model_dump_json() for name in names]
            context = LambdaContext("local", str(uuid.uuid4()), now() + VISIBILITY, now)
            self.function(sqs_event(bodies, now=now()), context)
        return len(names)


def feeds(wake_ups: LocalWakeUps, functions: Mapping[str, Handler]) -> list[Feed[Any]]:
    """Return what drives the queue functions, by their names."""
    return [
        Feed(wake_ups.subjects, _subjects_have_news, functions["projector"]),
        Feed(wake_ups.unread, _owner_has_news, functions["graph_writer"]),
        Feed(wake_ups.unprojected, _owner_has_news, functions["graph_projector"]),
        Feed(wake_ups.deliveries, _delivery_is_due, functions["notifier"]),
    ]


@dataclass
class LocalWorker:
    """Runs the queue functions on wake-ups and maintenance on a schedule until it is stopped."""

    feeds: Sequence[Feed[Any]]
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
        """Finish the batch in hand and stop; what is left is pending in the record.

        What waits for a model is not waited for: it is taken up again at the next start.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def settle(self) -> None:
        """Drive on what others left behind, and do all that there is news of."""
        self.maintain(stale_after=STALE_AFTER)
        while sum(feed.drive(self.now) for feed in self.feeds):
            pass

    def _drive(self, feed: Feed[Any]) -> None:
        if feed.news.wait(WAIT_SECONDS):
            self._stopping.wait(BATCHING_WINDOW_SECONDS)
            feed.drive(self.now)

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
