"""Messages that nobody could handle, as a person looks after them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class QueueName(StrEnum):
    """The queues, by what waits in them or whom it waits for."""

    INDEX = "index"
    GRAPH = "graph"
    GRAPH_PROJECTION = "graph_projection"
    WEBHOOKS = "webhooks"
    WORKER = "worker"
    INGEST = "ingest"
    OBJECTS = "objects"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What its queue said of a message beside its body; it stays with the message.

    A message that is sent again is another one to the queue: by this it is known as the one that
    it was, and that it is as old as it was. `attributes` are the sender's, name -> type and value.
    """

    message_id: str
    sent_at: datetime
    group: str | None = None
    attributes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message that nobody could handle, and why.

    `at` is when it was buried; when it was sent, if the queue itself gave it up. There is no
    `origin` if a function of ours wrote the message.
    """

    id: str
    queue: QueueName
    message: str
    reason: str
    at: datetime
    origin: Origin | None = None


class Graveyard(Protocol):
    """Shows the letters of each queue, and gives their messages to the queue's function again.

    Raises `UnavailableError` if a queue cannot be reached, whatever was asked.
    """

    @property
    def queues(self) -> Sequence[QueueName]:
        """The queues that there are."""
        ...

    def letters(self, queue: QueueName, *, limit: int) -> list[Letter]:
        """Return at most `limit` of a queue's letters, oldest first; they stay as they are.

        Not those that somebody else is looking at in this moment.
        """
        ...

    def find(self, queue: QueueName, letter_id: str) -> Letter | None:
        """Return a letter, or None if it is not found; it stays as it is."""
        ...

    def redrive(
        self, queue: QueueName, is_wanted: Callable[[Letter], bool], *, limit: int
    ) -> list[Letter]:
        """Give the messages of letters to the queue's function again; return these letters.

        Of the queue's letters as they are now, those that are wanted, at most `limit`; each is
        gone as soon as its message has been taken. What ends in between has given a message twice
        at worst, with the same origin. What cannot be taken now is left.
        """
        ...
