"""Wake-ups inside one process; other processes find the pending changes themselves."""

import logging
import threading
from collections.abc import Sequence

_LOG = logging.getLogger(__name__)


class LocalWakeUps:
    """Remembers who has news until somebody takes it; the same news twice is one."""

    def __init__(self) -> None:
        self._news: dict[tuple[str, tuple[str, ...]], None] = {}
        self._condition = threading.Condition()

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        with self._condition:
            self._news[project, tuple(subject_keys)] = None
            self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until somebody has news, at most so long; tell whether somebody has."""
        with self._condition:
            return self._condition.wait_for(lambda: bool(self._news), seconds)

    def take(self, *, limit: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return, and forget, at most `limit` (project, subject keys) with news."""
        with self._condition:
            taken = list(self._news)[:limit]
            for news in taken:
                del self._news[news]
            return taken


class LoggedDeadLetters:
    """Tells of messages that cannot be handled; the record has all that they were about."""

    def bury(self, message: str, reason: str) -> None:
        """Log the reason, and how long the message was."""
        _LOG.warning("a message of %d characters was dropped: it %s", len(message), reason)
