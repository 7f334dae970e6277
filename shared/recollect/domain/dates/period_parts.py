"""Parts of periods, and what is beside them: "late 2023", "the week before 9 June"."""

from collections.abc import Callable

from recollect.domain.dates.periods import (
    DAYS_OF_WEEK,
    MONTHS,
    Asked,
    Period,
    Recurring,
    Unit,
    around,
    days,
    month_start,
    months_on,
    weekday_before,
)

LAST = 4
"""The place of "the last" among the ordinals, which are first to fourth before it."""
_LEAP_YEAR = 2000
"""A year that has every day."""
_SATURDAY, _SUNDAY = 5, 6


def third_of(time: Asked, place: int) -> Asked | None:
    """Return the first (0), the second or the last (2) third: "early", "mid" and "late"."""
    return _in_any_year(time, lambda period: _fraction(period, place, 3))


def half_of(time: Asked, nth: int) -> Asked | None:
    """Return the first (0) or the second half; every other number means the second."""
    return _in_any_year(time, lambda period: _fraction(period, min(nth, 1), 2))


def nth_of(period: Period, nth: int, unit: Unit) -> Period | None:
    """Return the nth (from 0; `LAST`) day, week, weekend, month... of a period.

    The first week of a month is its first seven days.
    """
    first, after = period.days
    if unit is Unit.WEEKEND:
        saturday = nth_weekday_of(period, nth, _SATURDAY)
        return saturday and days(saturday.days[0], saturday.days[1] + 1)
    if unit in MONTHS:
        return around(unit, after - 1) if nth == LAST else around(unit, first, nth)
    length = DAYS_OF_WEEK if unit is Unit.WEEK else 1
    start = after - length if nth == LAST else first + nth * length
    return days(start, start + length)


def nth_weekday_of(period: Period, nth: int, weekday: int) -> Period | None:
    """Return the nth (from 0; `LAST`) Monday (0), Tuesday... of a period."""
    first, after = period.days
    return weekday_before(weekday, after if nth == LAST else first + (nth + 1) * DAYS_OF_WEEK)


def next_to(period: Period, unit: Unit, *, is_before: bool) -> Period | None:
    """Return the day, the week, the weekend, the month... right before a period, or right after."""
    first, after = period.days
    if unit is Unit.WEEKEND:
        sunday = weekday_before(_SUNDAY, first if is_before else after + DAYS_OF_WEEK + 1)
        return sunday and days(sunday.days[0] - 1, sunday.days[1])
    if unit in MONTHS:
        if is_before:
            return days(months_on(first, -MONTHS[unit]), first)
        return days(after, months_on(after, MONTHS[unit]))
    length = DAYS_OF_WEEK if unit is Unit.WEEK else 1
    return days(first - length, first) if is_before else days(after, after + length)


def weekday_next_to(period: Period, weekday: int, *, is_before: bool) -> Period | None:
    """Return the last Monday (0), Tuesday... before a period, or the first after it."""
    first, after = period.days
    return weekday_before(weekday, first if is_before else after + DAYS_OF_WEEK)


def _in_any_year(time: Asked, part: Callable[[Period], Period | None]) -> Asked | None:
    if isinstance(time, Period):
        return part(time)
    whole = time.in_year(_LEAP_YEAR)
    found = part(whole) if whole else None
    if found is None:
        return None
    first, last = found.start, around(Unit.DAY, found.days[1] - 1)
    return last and Recurring((first.month, first.day), (last.start.month, last.start.day))


def _fraction(period: Period, place: int, of: int) -> Period | None:
    """Return an equal part, in whole months if that is possible."""
    first, after = period.days
    start = period.start
    months = [month_start(start.year, start.month + count) for count in range(12 * 10 + 1)]
    count = months.index(after) if months[0] == first and after in months else 0
    if count >= of and count % of == 0:
        return days(months[count // of * place], months[count // of * (place + 1)])
    length = after - first
    return days(first + length * place // of, first + length * (place + 1) // of)
