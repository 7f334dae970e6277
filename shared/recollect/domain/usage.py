"""What keys use, by minutes and days of the clock in UTC, and how much of a limit is left."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from recollect.domain.errors import LimitReachedError

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
KEPT_DAYS = 400
"""For how long it is known what was used on a day: a year, and some time to look at it."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many requests were made, and how many tokens language models read and wrote for them."""

    requests: int = 0
    tokens: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(requests=self.requests + other.requests, tokens=self.tokens + other.tokens)


@dataclass(frozen=True)
class KeyDay:
    """What one key used on one day."""

    day: date
    key_id: str
    counts: Counts


class Bearer(StrEnum):
    """Who may use only so much."""

    KEY = "API key"
    PROJECT = "project"


@dataclass(frozen=True, kw_only=True)
class Window:
    """The minute or day that a limit counts in, and how much of the limit is `left`.

    What `is_used_up` lets no request through, and `refusal` says so.
    """

    refusal: str
    limit: int
    left: int
    is_used_up: bool
    resets_at: datetime

    @classmethod
    def of_minute(cls, bearer: Bearer, limit: int, requests: int, now: datetime) -> "Window":
        """Return the window of a minute in which so many requests were made, this one included."""
        return cls(
            refusal=f"This {bearer} has used up its limit of requests a minute, which is {limit}",
            limit=limit,
            left=max(0, limit - requests),
            is_used_up=requests > limit,
            resets_at=minute_of(now) + MINUTE,
        )

    @classmethod
    def of_day(cls, bearer: Bearer, limit: int, tokens: int, now: datetime) -> "Window":
        """Return the window of a day on which so many tokens were used."""
        return cls(
            refusal=f"This {bearer} has used up its limit of tokens a day, which is {limit}",
            limit=limit,
            left=max(0, limit - tokens),
            is_used_up=tokens >= limit,
            resets_at=datetime.combine(day_of(now), datetime.min.time(), UTC) + DAY,
        )

    def check(self, now: datetime) -> None:
        """Raise `LimitReachedError` if nothing is left."""
        if self.is_used_up:
            seconds = math.ceil((self.resets_at - now).total_seconds())
            message = f"{self.refusal}; try again in {seconds} s"
            raise LimitReachedError(
                message, limit=self.limit, resets_at=self.resets_at, retry_after=seconds
            )


def minute_of(time: datetime) -> datetime:
    """Return when the minute of a time begins, in UTC."""
    return time.astimezone(UTC).replace(second=0, microsecond=0)


def day_of(time: datetime) -> date:
    """Return the day of a time, in UTC."""
    return time.astimezone(UTC).date()
