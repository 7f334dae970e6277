"""Stretches of the calendar, in UTC: one period, or one that comes back every year."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import TypeAlias

MonthDay: TypeAlias = tuple[int, int]
"""A month of 1 to 12 and a day of it."""

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)
_LAST_DAY = date.max.toordinal()
DAYS_OF_WEEK = 7
_YEAR = 12
_SATURDAY = 5
_LEAP_YEARS_APART = 8
"""Years that 29 February is away at most, as around 1900."""


class Unit(IntEnum):
    """What times are counted in; the order is that of the table of words."""

    DAY = 0
    WEEK = 1
    WEEKEND = 2
    MONTH = 3
    QUARTER = 4
    YEAR = 5
    DECADE = 6


MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: _YEAR, Unit.DECADE: 10 * _YEAR}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until before `end`, both in UTC; raises `ValueError` unless that takes time.

    `named` is how long the time is that it was named by: a day for "before 7 May 2023", which has
    no beginning; None if it is the period itself.
    """

    start: datetime
    end: datetime
    named: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse what has no length."""
        if self.start >= self.end:
            message = "A period must end after it starts"
            raise ValueError(message)

    @property
    def length(self) -> timedelta:
        """How long the time is that it was named by."""
        return self.named or self.end - self.start

    @property
    def days(self) -> tuple[int, int]:
        """Its first day and the first one after it, as `date.toordinal` counts them."""
        after = _LAST_DAY + 1 if self.end == END else self.end.toordinal()
        return self.start.toordinal(), after


@dataclass(frozen=True, slots=True)
class Recurring:
    """The same days of any year, the last one included: "in May", without a year.

    What would end before it begins goes on into the next year.
    """

    first: MonthDay
    last: MonthDay

    def in_year(self, year: int) -> Period | None:
        """Return the one that begins in this year; None if there is none (29 February)."""
        (month, day), (last_month, last_day) = self.first, self.last
        start = month_start(year, month) + day - 1
        if start >= month_start(year, month + 1):
            return None
        end_year = year + (self.last < self.first)
        end = month_start(end_year, last_month) + last_day
        return days(start, min(end, month_start(end_year, last_month + 1)))

    def latest(self, time: datetime) -> Period | None:
        """Return the last one that had begun at this time."""
        return max(
            (each for each in self._around(time) if each.start <= time), key=_start, default=None
        )

    def past(self, time: datetime) -> Period | None:
        """Return the last one that was over at this time."""
        return max(
            (each for each in self._around(time) if each.end <= time), key=_start, default=None
        )

    def coming(self, time: datetime) -> Period | None:
        """Return the first one that begins after this time."""
        return min(
            (each for each in self._around(time) if each.start > time), key=_start, default=None
        )

    def _around(self, time: datetime) -> Iterator[Period]:
        reach = _LEAP_YEARS_APART + 1
        years = range(max(time.year - reach, 1), min(time.year + reach, date.max.year) + 1)
        return (each for each in map(self.in_year, years) if each)


Asked: TypeAlias = Period | Recurring


def days(first: int, after: int) -> Period | None:
    """Return the period of these days (as `date.toordinal` counts them) without `after`.

    What is before the year 1 or after 9999 is cut off; None if nothing is left.
    """
    first, after = max(first, 1), min(after, _LAST_DAY + 1)
    return Period(_midnight(first), _midnight(after)) if first < after else None


def month_start(year: int, month: int) -> int:
    """Return the first day of a month, of which there may be more than twelve, or less than one.

    It is that of `date.toordinal`, from 1 to the day after the last of the year 9999.
    """
    years, place = divmod(month - 1, _YEAR)
    if year + years < date.min.year:
        return 1
    if year + years > date.max.year:
        return _LAST_DAY + 1
    return date(year + years, place + 1, 1).toordinal()


def months_on(day: int, count: int) -> int:
    """Return the day of the same number so many months later, or as many days behind the first."""
    when = _date(day)
    return month_start(when.year, when.month + count) + when.day - 1


def around(unit: Unit, day: int, offset: int = 0) -> Period | None:
    """Return the calendar's week (from Monday), weekend, month... of a day, so many units away."""
    if unit is Unit.DAY:
        return days(day + offset, day + offset + 1)
    if unit in (Unit.WEEK, Unit.WEEKEND):
        monday = day - weekday_of(day) + offset * DAYS_OF_WEEK
        return days(monday + (_SATURDAY if unit is Unit.WEEKEND else 0), monday + DAYS_OF_WEEK)
    when, size = _date(day), MONTHS[unit]
    first = ((when.year * _YEAR + when.month - 1) // size + offset) * size
    return days(month_start(0, first + 1), month_start(0, first + size + 1))


def shifted(unit: Unit, day: int, count: int) -> Period | None:
    """Return what is about so many units from a day, as exactly as people mean it.

    The day itself for days, seven days around it for weeks and weekends, a month around it for
    months and quarters, the calendar's year for years and decades.
    """
    if unit is Unit.DAY:
        return around(unit, day, count)
    if unit in (Unit.WEEK, Unit.WEEKEND):
        place = day + count * DAYS_OF_WEEK
        return days(place - 3, place + 4)
    if unit in (Unit.YEAR, Unit.DECADE):
        return around(Unit.YEAR, day, count * MONTHS[unit] // _YEAR)
    place = months_on(day, count * MONTHS[unit])
    return days(place - 15, place + 15)


def rolling(unit: Unit, day: int, count: int) -> Period | None:
    """Return the last so many units and the day itself, or for a negative count, the next ones."""
    if unit in MONTHS:
        other = months_on(day, -count * MONTHS[unit])
    else:
        other = day - count * (1 if unit is Unit.DAY else DAYS_OF_WEEK)
    return days(min(other, day), max(other, day) + 1)


def weekday_of(day: int) -> int:
    """Return the day of the week; Monday is 0."""
    return (day - 1) % DAYS_OF_WEEK


def weekday_before(weekday: int, day: int) -> Period | None:
    """Return the last such day of the week (Monday is 0) that is before a day."""
    place = day - 1 - (weekday_of(day) - 1 - weekday) % DAYS_OF_WEEK
    return days(place, place + 1)


def nth_before(nth: int, day: int) -> Period | None:
    """Return the last n-th of a month (1 to 31) that is before a day."""
    when = _date(day - 1)
    for month in range(when.month, when.month - 3, -1):
        place = month_start(when.year, month) + nth - 1
        if place < min(day, month_start(when.year, month + 1)):
            return days(place, place + 1)
    return None


def _start(period: Period) -> datetime:
    return period.start


def _date(day: int) -> date:
    return date.fromordinal(min(max(day, 1), _LAST_DAY))


def _midnight(day: int) -> datetime:
    if day > _LAST_DAY:
        return END
    when = date.fromordinal(day)
    return datetime(when.year, when.month, when.day, tzinfo=UTC)
