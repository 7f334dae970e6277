"""Times and days as callers write and read them."""

from datetime import UTC, date, datetime
from typing import TypeAlias

from pydantic import StrictFloat, StrictInt, StrictStr

from recollect.domain.errors import InvalidRequestError

Timestamp: TypeAlias = StrictInt | StrictFloat | StrictStr
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Years of a timestamp: wide enough for anything remembered, and milliseconds taken for seconds
fall outside."""


def time_from(value: Timestamp | None, field: str = "timestamp") -> datetime | None:
    """Return the time of unix seconds or an ISO text, None for None; without an offset it is UTC.

    Raises `InvalidRequestError`, which names the field.
    """
    if value is None:
        return None
    try:
        time = (
            datetime.fromisoformat(value)
            if isinstance(value, str)
            else datetime.fromtimestamp(value, UTC)
        )
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = f"{field} must be unix seconds or an ISO 8601 time"
        raise InvalidRequestError(message) from error
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        message = f"{field} must lie in the years {FIRST_YEAR} to {LAST_YEAR} (unix seconds)"
        raise InvalidRequestError(message)
    return time


def time_text(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_text_or_none(time: datetime | None) -> str | None:
    """Return the same, None for None."""
    return time_text(time) if time else None


def day_from(text: str | None) -> date | None:
    """Return the day of an expiration date, None for None; raise `InvalidRequestError`."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        message = "expiration_date must be a day such as 2030-12-31"
        raise InvalidRequestError(message) from error
