"""The values in a filter: plain JSON within limits, how it is compared, and times."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import cast

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Json

MAX_DEPTH = 40
"""Objects and lists inside each other: room for 20 of AND and OR, far from the recursion limit."""
MAX_VALUES = 1_000
"""Values in one filter, and so conditions too: each is decided for every memory considered."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Python's own reader takes more: week dates, and digits alone, which could be meant as seconds.
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9].*")


@dataclass(frozen=True)
class Span:
    """A stretch of time with both ends included, to the microsecond; one instant is the shortest.

    Both ends have an offset.
    """

    first: datetime
    last: datetime

    @classmethod
    def day(cls, day: date) -> "Span":
        """Return the whole day in UTC."""
        return cls(datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC))

    @classmethod
    def of(cls, field: str, value: Json) -> "Span":
        """Return the day of an ISO date, or the instant of an ISO date and time or Unix seconds.

        Times without an offset are UTC. Raises `InvalidRequestError`, which names the field, for
        anything else and for times outside of the years 1 to 9999.
        """
        try:
            if isinstance(value, str) and _ISO_DATE.fullmatch(value):
                return cls.day(date.fromisoformat(value))
            instant = _instant(value)
        except (ValueError, OverflowError) as error:
            message = f"{field} must be an ISO 8601 date, a date and time, or Unix seconds"
            raise InvalidRequestError(message) from error
        return cls(instant, instant)


def checked_json(raw: object) -> Json:
    """Return the filter as it came.

    Raises `InvalidRequestError` for what is not JSON (such as NaN or half a surrogate pair, which
    Python's reader lets through) and beyond `MAX_DEPTH` and `MAX_VALUES`; what passes can be
    walked recursively.
    """
    level, values, depth = [raw], 0, 0
    while level:
        children = [_children(value) for value in level]
        values += children.count([])
        level = list(chain.from_iterable(children))
        depth += 1
        # Every value on the next level holds or is at least one more.
        if values + len(level) > MAX_VALUES:
            message = f"A filter must have at most {MAX_VALUES} values"
            raise InvalidRequestError(message)
        if level and depth > MAX_DEPTH:
            message = f"A filter must have at most {MAX_DEPTH} levels of objects and lists"
            raise InvalidRequestError(message)
    return cast("Json", raw)


def same_json(asked: Json, stored: Json) -> bool:
    """Compare as JSON does, no deeper than what was asked."""
    if isinstance(asked, bool) or isinstance(stored, bool):
        return asked is stored
    if isinstance(asked, list):
        return (
            isinstance(stored, list | tuple)
            and len(asked) == len(stored)
            and all(same_json(left, right) for left, right in zip(asked, stored, strict=True))
        )
    if isinstance(asked, Mapping):
        return (
            isinstance(stored, Mapping)
            and asked.keys() == stored.keys()
            and all(same_json(value, stored[key]) for key, value in asked.items())
        )
    return asked == stored


def _children(value: object) -> list[object]:
    match value:
        case dict():
            is_json = all(isinstance(key, str) and _is_whole(key) for key in value)
            children = list(value.values())
        case list():
            is_json, children = True, value
        case _:
            is_json, children = _is_scalar(value), []
    if not is_json:
        message = "A filter must be JSON: no NaN, no infinity, no unpaired surrogates"
        raise InvalidRequestError(message)
    return children


def _is_scalar(value: object) -> bool:
    match value:
        case str():
            return _is_whole(value)
        case float():
            return math.isfinite(value)
        case _:
            return value is None or isinstance(value, int)


def _is_whole(text: str) -> bool:
    return _SURROGATE.search(text) is None


def _instant(value: Json) -> datetime:
    if isinstance(value, str) and _ISO_DATETIME.fullmatch(value):
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _EPOCH + timedelta(seconds=value)
    message = "neither a date nor a number"
    raise ValueError(message)
