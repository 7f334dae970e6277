"""Drives the queue functions of the local edition in threads, as SQS and a schedule do on AWS."""

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.entrypoints.invocation import Handler, LambdaContext
from recollect.entrypoints.messages import SubjectsHaveNews
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


@dataclass
class LocalWorker:
    """Runs the projector on wake-ups and maintenance on a schedule until it is stopped."""

    wake_ups: LocalWakeUps
    projector: Handler
    maintain: Maintain
    now: Callable[[], datetime]
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start a thread for the projector and one for maintenance."""
        # Maintenance may wait for a language model; what is said meanwhile is indexed.
        for name, step in (("projector", self._project), ("maintenance", self._maintain)):
            thread = threading.Thread(target=self._run, args=[step], name=name, daemon=True)
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

        A job that waits for a model is not waited for: it is taken up again at the next start.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def project_news(self) -> int:
        """Hand what is waiting to the projector; return how many messages it was."""
        news = self.wake_ups.take(limit=MESSAGES_AT_ONCE)
        if news:
            bodies = [
                SubjectsHaveNews(project=project, subject_keys=list(keys)).model_dump_json()
                for project, keys in news
            ]
            event = sqs_event(bodies, now=self.now())
            self.projector(event, self._context())
        return len(news)

    def _project(self) -> None:
        if self.wake_ups.wait(WAIT_SECONDS):
            self._stopping.wait(BATCHING_WINDOW_SECONDS)
            self.project_news()

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

    def _context(self) -> LambdaContext:
        return LambdaContext("projector", str(uuid.uuid4()), self.now() + VISIBILITY, self.now)
