"""Wake-ups inside one process; other processes find what is left to do themselves."""

import logging
import threading
from collections.abc import Hashable, Sequence
from datetime import timedelta
from typing import Generic, TypeAlias, TypeVar

from recollect.domain.graph import Owner

_LOG = logging.getLogger(__name__)

Name = TypeVar("Name", bound=Hashable)
Subjects: TypeAlias = tuple[str, tuple[str, ...]]
"""A project and the keys of subjects."""
Due: TypeAlias = tuple[str, str, str]
"""A project, a webhook of it, and a delivery to that."""


class News(Generic[Name]):
    """Remembers who has news until somebody takes it; the same news twice is one."""

    def __init__(self) -> None:
        self._names: dict[Name, None] = {}
        self._condition = threading.Condition()

    def __len__(self) -> int:
        """Return how many have news."""
        with self._condition:
            return len(self._names)

    def add(self, name: Name) -> None:
        """Remember who has news."""
        with self._condition:
            self._names[name] = None
            self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until somebody has news, at most so long; tell whether somebody has."""
        with self._condition:
            return self._condition.wait_for(lambda: bool(self._names), seconds)

    def take(self, *, limit: int) -> list[Name]:
        """Return, and forget, at most `limit` who have news."""
        with self._condition:
            taken = list(self._names)[:limit]
            for name in taken:
                del self._names[name]
            return taken


class LocalWakeUps:
    """Who has news for the projector, the graph writer, the graph projector and the notifier."""

    def __init__(self) -> None:
        self.subjects: News[Subjects] = News()
        self.unread: News[Owner] = News()
        self.unprojected: News[Owner] = News()
        self.deliveries: News[Due] = News()

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        self.subjects.add((project, tuple(subject_keys)))

    def read_graph(self, owner: Owner) -> None:
        """Say that this owner has changes that the graph writer has not read."""
        self.unread.add(owner)

    def project_graph(self, owner: Owner) -> None:
        """Say that this owner's graph has commits that its projections have not confirmed."""
        self.unprojected.add(owner)

    def deliver(
        self,
        project: str,
        webhook_id: str,
        delivery_ids: Sequence[str],
        *,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Say that deliveries to a webhook are due; those of later are found by maintenance."""
        if not delay:
            for delivery_id in delivery_ids:
                self.deliveries.add((project, webhook_id, delivery_id))


class LoggedDeadLetters:
    """Tells of messages that cannot be handled; the record has all that they were about."""

    def bury(self, message: str, reason: str) -> None:
        """Log the reason, and how long the message was."""
        _LOG.warning("a message of %d characters was dropped: it %s", len(message), reason)
