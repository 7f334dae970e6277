"""Webhooks: whom a project tells what became of its memories, and how often it has tried."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import HistoryAction, HistoryEvent, Memory

MAX_WEBHOOKS = 20
"""Of a project: each is told of every change."""
MAX_NAME_LENGTH = 100
MAX_URL_LENGTH = 2_048
MAX_ATTEMPTS = 10
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=15)
"""The longest that SQS holds back a message; ten attempts take some 50 minutes."""
LEASE = timedelta(minutes=1)
"""For one attempt, which takes 10 s at most: after it, whoever made it is taken for dead."""
KEPT = timedelta(days=30)
"""How long it is known what became of a delivery."""


class EventType(StrEnum):
    """What a webhook can ask for."""

    ADD = "memory_add"
    UPDATE = "memory_update"
    DELETE = "memory_delete"
    CATEGORIZE = "memory_categorize"


OF_ACTIONS = {
    HistoryAction.ADD: EventType.ADD,
    HistoryAction.UPDATE: EventType.UPDATE,
    HistoryAction.DELETE: EventType.DELETE,
}


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Problem(StrEnum):
    """Why an attempt failed."""

    ADDRESS = "address_refused"
    """Not public, unknown, or without a valid certificate."""
    UNREACHABLE = "unreachable"
    """Nobody answered in time."""
    STATUS = "status"
    """The answer was not 2xx."""
    LOST = "lost"
    """Whoever made the attempt did not live to say what came of it."""


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: the status of the answer, if there was one, and what is wrong."""

    status_code: int | None = None
    problem: Problem | None = None

    @classmethod
    def of(cls, status_code: int) -> "Answer":
        """Return what an answer of this status means; only 2xx takes a delivery."""
        is_taken = HTTPStatus.OK <= status_code < HTTPStatus.MULTIPLE_CHOICES
        return cls(status_code, None if is_taken else Problem.STATUS)

    @property
    def is_gone(self) -> bool:
        """Tell whether the address wants nothing any more."""
        return self.status_code == HTTPStatus.GONE


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that is told of some kinds of changes; `secret` is what requests are signed with.

    Raises `InvalidRequestError` for a name, an address or event types that cannot be.
    """

    id: str
    name: str
    url: str
    event_types: tuple[EventType, ...]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    is_active: bool = True

    def __post_init__(self) -> None:
        """Refuse what is empty or too long."""
        if not self.name.strip() or len(self.name) > MAX_NAME_LENGTH:
            message = f"name must have 1 to {MAX_NAME_LENGTH} characters"
            raise InvalidRequestError(message)
        if len(self.url) > MAX_URL_LENGTH:
            message = f"url must have at most {MAX_URL_LENGTH} characters"
            raise InvalidRequestError(message)
        if not self.event_types:
            message = f"event_types must name at least one of {', '.join(EventType)}"
            raise InvalidRequestError(message)

    def wants(self, event_type: EventType, at: datetime) -> bool:
        """Tell whether it is to hear of what happened then; never of what was before it."""
        return self.is_active and event_type in self.event_types and at >= self.created_at


@dataclass(frozen=True)
class ProjectWebhooks:
    """All webhooks of a project, oldest first; `version` grows by one with every change of them."""

    webhooks: tuple[Webhook, ...] = ()
    version: int = 0

    def find(self, webhook_id: str) -> Webhook | None:
        """Return one of them, or None."""
        return next((each for each in self.webhooks if each.id == webhook_id), None)

    def having(self, webhook: Webhook) -> "ProjectWebhooks":
        """Return them with one more; raise `InvalidRequestError` if there are too many."""
        if len(self.webhooks) >= MAX_WEBHOOKS:
            message = f"A project has at most {MAX_WEBHOOKS} webhooks: delete one first"
            raise InvalidRequestError(message)
        return ProjectWebhooks((*self.webhooks, webhook), self.version + 1)

    def with_changed(self, webhook: Webhook) -> "ProjectWebhooks":
        """Return them with this one in the place of what it was before."""
        changed = tuple(webhook if each.id == webhook.id else each for each in self.webhooks)
        return ProjectWebhooks(changed, self.version + 1)

    def silenced(self, webhook_id: str, now: datetime) -> "ProjectWebhooks":
        """Return them with this one, if it is there, hearing of nothing any more."""
        webhook = self.find(webhook_id)
        if webhook is None:
            return replace(self, version=self.version + 1)
        return self.with_changed(replace(webhook, is_active=False, updated_at=now))

    def without_any(self) -> "ProjectWebhooks":
        """Return that there are none any more."""
        return ProjectWebhooks((), self.version + 1)

    def without(self, webhook_id: str) -> "ProjectWebhooks":
        """Return the others."""
        left = tuple(each for each in self.webhooks if each.id != webhook_id)
        return ProjectWebhooks(left, self.version + 1)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One change that one webhook is to hear of.

    While it is PENDING it is due from `next_attempt_at` on; during an attempt that is when the
    attempt is taken for lost.
    """

    id: str
    webhook_id: str
    event_type: EventType
    memory_id: str
    version: int
    occurred_at: datetime
    created_at: datetime
    next_attempt_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    last_attempt_at: datetime | None = None
    status_code: int | None = None
    problem: Problem | None = None

    @classmethod
    def of(
        cls, webhook: Webhook, event_type: EventType, event: HistoryEvent, now: datetime
    ) -> "Delivery":
        """Return the delivery of an event, the same one however often it is asked for."""
        return cls(
            id=delivery_id(webhook.id, event_type, event),
            webhook_id=webhook.id,
            event_type=event_type,
            memory_id=event.memory_id,
            version=event.version,
            occurred_at=event.at,
            created_at=now,
            next_attempt_at=now,
        )

    def is_due(self, now: datetime) -> bool:
        """Tell whether an attempt is to be made."""
        return self.status is DeliveryStatus.PENDING and self.next_attempt_at <= now

    @property
    def is_exhausted(self) -> bool:
        """Tell whether no attempt is left."""
        return self.attempts >= MAX_ATTEMPTS

    @property
    def expires_at(self) -> datetime:
        """When nothing needs to be known of it any more."""
        return self.created_at + KEPT

    def begun(self, now: datetime) -> "Delivery":
        """Return it with an attempt under way, which counts as lost until it has ended."""
        return replace(
            self,
            attempts=self.attempts + 1,
            last_attempt_at=now,
            next_attempt_at=now + LEASE,
            status_code=None,
            problem=Problem.LOST,
        )

    def ended(self, answer: Answer, now: datetime) -> "Delivery":
        """Return it after its attempt: done, due once more, or given up."""
        told = replace(self, status_code=answer.status_code, problem=answer.problem)
        if answer.problem is None:
            return replace(told, status=DeliveryStatus.SUCCEEDED)
        if answer.is_gone or self.is_exhausted:
            return replace(told, status=DeliveryStatus.FAILED)
        pause = min(FIRST_PAUSE * 2 ** (self.attempts - 1), LONGEST_PAUSE)
        return replace(told, next_attempt_at=now + pause)


def event_types(names: Iterable[str]) -> tuple[EventType, ...]:
    """Return the event types of these names, each once; raise `InvalidRequestError`."""
    names = list(dict.fromkeys(names))
    if not set(names) <= set(EventType):
        message = f"event_types must be among {', '.join(EventType)}"
        raise InvalidRequestError(message)
    return tuple(map(EventType, names))


def delivery_id(webhook_id: str, event_type: EventType, event: HistoryEvent) -> str:
    """Return the id of a delivery: a UUID of version 8 (RFC 9562), which sorts by the event's time.

    It begins with the milliseconds of the event, as one of version 7 does; the rest is a hash
    instead of chance, so that a repeated announcement is the same delivery.
    """
    parts = (webhook_id, event_type, event.memory_id, event.version)
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    milliseconds = int(event.at.timestamp() * 1000)
    raw = bytearray(milliseconds.to_bytes(6, "big") + digest[:10])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def deliveries_of(
    webhooks: Sequence[Webhook], event: HistoryEvent, memory: Memory | None, now: datetime
) -> list[Delivery]:
    """Return what webhooks are to hear of an event; `memory` as it is now, None if it is gone."""
    happened = [OF_ACTIONS[event.action]]
    if event.action is HistoryAction.ADD and memory and memory.categories:
        happened.append(EventType.CATEGORIZE)
    return [
        Delivery.of(webhook, event_type, event, now)
        for event_type in happened
        for webhook in webhooks
        if webhook.wants(event_type, event.at)
    ]
