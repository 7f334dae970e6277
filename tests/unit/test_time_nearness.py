"""How near times are to what a question asks about."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.domain.dates.periods import BEGINNING, END, Asked, Period, Recurring, days
from recollect.domain.dates.time_nearness import nearness_of


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def nearness(periods: Sequence[Asked], moment: datetime) -> float:
    [near] = nearness_of(periods, np.array([moment.timestamp()])).tolist()
    return float(near)


DAY = Period(utc(2023, 5, 7), utc(2023, 5, 8))
MONTH = Period(utc(2023, 5, 1), utc(2023, 6, 1))
ANY_MAY = Recurring((5, 1), (5, 31))
WINTER = Recurring((12, 1), (2, 29))
TIMES = st.datetimes(timezones=st.just(UTC))
DAYS = st.sampled_from([(1, 1), (2, 28), (2, 29), (5, 31), (12, 31)])
PERIODS = st.builds(Recurring, DAYS, DAYS) | st.builds(
    lambda one, other: Period(min(one, other), max(one, other) + timedelta(days=1)),
    st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - has one
    st.datetimes(max_value=datetime(9000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - as above
)


@pytest.mark.parametrize(
    ("period", "start", "expected"),
    [
        (DAY, utc(2023, 5, 7), 1.0),
        (DAY, utc(2023, 5, 7, 23, 59, 59), 1.0),
        (DAY, utc(2023, 5, 8), 1.0),
        (DAY, utc(2023, 5, 11), 0.276),
        (DAY, utc(2023, 5, 4), 0.276),
        (DAY, utc(2023, 6, 7), 0.0),
        (MONTH, utc(2023, 6, 15), 0.321),
        (MONTH, utc(2023, 7, 1), 0.088),
        (MONTH, utc(2023, 4, 1), 0.088),
        (Period(utc(2023, 5, 8), END, timedelta(days=1)), utc(2024, 1, 1), 1.0),
        (Period(BEGINNING, utc(2023, 5, 7), timedelta(days=1)), utc(2023, 6, 7), 0.0),
        (ANY_MAY, utc(1999, 5, 31, 23, 59, 59), 1.0),
        (ANY_MAY, utc(2024, 5, 1), 1.0),
        (ANY_MAY, utc(2023, 6, 15), 0.321),
        (ANY_MAY, utc(2023, 4, 17), 0.321),
        (ANY_MAY, utc(2023, 11, 15), 0.0),
        (WINTER, utc(2023, 12, 1), 1.0),
        (WINTER, utc(2023, 2, 28, 23), 1.0),
        (WINTER, utc(2024, 2, 29, 23), 1.0),
        (WINTER, utc(2023, 7, 15), 0.016),
        (Recurring((1, 1), (12, 31)), utc(2023, 7, 15), 1.0),
    ],
)
def test_a_time_counts_less_the_further_it_is_off(
    period: Period | Recurring, start: datetime, expected: float
) -> None:
    assert nearness([period], start) == pytest.approx(expected, abs=0.002)


def test_nothing_asked_is_near_nothing() -> None:
    assert nearness((), utc(2023, 5, 7)) == 0.0


def test_the_nearest_of_several_periods_counts() -> None:
    assert nearness([DAY, ANY_MAY], utc(2020, 5, 3)) == 1.0


@settings(deadline=None)
@given(st.lists(PERIODS, max_size=3), st.lists(TIMES, max_size=5))
def test_many_times_at_once_are_as_near_as_one_by_one(
    periods: list[Period | Recurring], times: list[datetime]
) -> None:
    points = nearness_of(periods, np.array([time.timestamp() for time in times]))

    assert points == pytest.approx([nearness(periods, time) for time in times])
    assert ((points >= 0.0) & (points <= 1.0)).all()


@given(st.builds(Recurring, DAYS, DAYS), st.integers(1, 9998), st.floats(0, 0.999))
def test_every_moment_of_every_year_is_within(
    recurring: Recurring, year: int, share: float
) -> None:
    period = recurring.in_year(year)
    if period:
        moment = period.start + share * (period.end - period.start)

        assert nearness([recurring], moment) == 1.0


@pytest.mark.parametrize("day", [1, 400, 738_000, 3_652_059])
def test_the_days_of_a_period_are_those_it_was_made_of(day: int) -> None:
    period = days(day, day + 1)

    assert period is not None
    assert period.days == (day, day + 1)


def test_a_period_must_have_a_length() -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        Period(utc(2023, 5, 7), utc(2023, 5, 7))
