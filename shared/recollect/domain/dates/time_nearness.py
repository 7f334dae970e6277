"""How near the times of memories are to what a question asks about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recollect.domain.dates.periods import Asked, MonthDay, Period, Recurring

Times: TypeAlias = NDArray[np.float64] | NDArray[np.datetime64]
"""Moments in UTC: seconds since 1970, or of any of numpy's units."""
Floats: TypeAlias = NDArray[np.float64]

LEAST_SCALE: Final = timedelta(days=2)
SCALE_OF_LENGTH: Final = 1 / 3
"""A time that is off by this scale counts 1/e = .37: two days and a third of what was asked.

Three days from the end of an asked day count .28 and thirty nothing; two weeks from the end of an
asked month count .32 and a month .09. Chosen: people tell of things some days after them. Of 106
questions of five development conversations (LoCoMo) that name a time, the messages that answer come
to .82 on average, all messages to .18."""

_DAY = 86_400.0
_LEAP_YEAR: Final = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.float64)
_MONTH_STARTS: Final = np.concatenate(([0.0], np.cumsum(_LEAP_YEAR))) * _DAY
_YEAR: Final = float(_MONTH_STARTS[-1])
"""Seconds of the leap year in which days of all years are compared."""


def nearness(periods: Sequence[Asked], start: datetime, end: datetime | None = None) -> float:
    """Return how near a memory's time is to the nearest asked one, 0 to 1; 0 if none is asked.

    1 if it, or any of it until before `end`, lies within a period; outside it falls off without
    a step, slower for a longer period (see `SCALE_OF_LENGTH`).
    """
    seconds = np.array([start.timestamp(), (end or start).timestamp()])
    return float(nearness_of(periods, seconds[:1], seconds[1:])[0])


def nearness_of(periods: Sequence[Asked], starts: Times, ends: Times | None = None) -> Floats:
    """Return the `nearness` of each of many times, of the shape of `starts`.

    `ends`, of the same shape, tells of times that last; what ends before it starts is a moment.
    """
    first = _seconds(starts)
    last = first if ends is None else np.maximum(_seconds(ends), first)
    best = np.zeros(first.shape)
    for period in periods:
        if isinstance(period, Period):
            gaps = np.maximum(period.start.timestamp() - last, first - period.end.timestamp())
            scale = _scale(period.length.total_seconds())
        else:
            gaps, scale = _gaps(period, first, last)
        np.maximum(best, np.exp(-np.maximum(gaps, 0.0) / scale), out=best)
    return best


def _scale(length: float) -> float:
    return LEAST_SCALE.total_seconds() + SCALE_OF_LENGTH * length


def _gaps(period: Recurring, first: Floats, last: Floats) -> tuple[Floats, float]:
    """Return how far times are from the nearest year's, in seconds, and the scale of the period."""
    start = _place(period.first)
    length = (_place(period.last) + _DAY - start) % _YEAR or _YEAR
    begins = _places(first)
    since = (begins - start) % _YEAR
    lasts = np.where(last - first < _YEAR - _DAY, (_places(last) - begins) % _YEAR, _YEAR)
    until_next = _YEAR - since - lasts
    gaps: Floats = np.minimum(since - length, until_next)
    return gaps, _scale(length)


def _place(day: MonthDay) -> float:
    return float(_MONTH_STARTS[day[0] - 1]) + (day[1] - 1) * _DAY


def _places(seconds: Floats) -> Floats:
    """Return how far into a leap year times are: the same for a day of every year."""
    moments = np.floor(seconds).astype("datetime64[s]")
    months = moments.astype("datetime64[M]")
    within = seconds - months.astype("datetime64[s]").astype(np.float64)
    places: Floats = _MONTH_STARTS[months.astype(np.int64) % len(_LEAP_YEAR)] + within
    return places


def _seconds(times: Times) -> Floats:
    if np.issubdtype(times.dtype, np.datetime64):
        return times.astype("datetime64[us]").astype(np.float64) / 1e6
    return times.astype(np.float64)
