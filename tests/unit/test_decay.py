"""How memories fade that nobody asks for, and stay strong that are used."""

from datetime import timedelta

import pytest

from recollect.domain.decay import HALF_LIFE, LEAST, MOST, MOST_TOUCHES, touched, vitality
from recollect.testing.builders import NOON


def test_a_fresh_memory_keeps_its_score() -> None:
    assert vitality([NOON], NOON) == pytest.approx(1.0)


def test_it_fades_with_time_and_never_below_the_least() -> None:
    fading = [vitality([NOON], NOON + months * HALF_LIFE) for months in range(12)]

    assert fading == sorted(fading, reverse=True)
    assert len(set(fading)) == len(fading)
    assert fading[-1] > LEAST
    assert vitality([NOON], NOON + 1_000 * HALF_LIFE) == pytest.approx(LEAST)
    assert vitality([], NOON) == LEAST


def test_use_makes_it_stronger_and_never_more_than_the_most() -> None:
    used = [vitality([NOON] * times, NOON) for times in range(1, MOST_TOUCHES + 1)]

    assert used == sorted(used)
    assert 1.0 < used[1] < used[-1] <= MOST


def test_what_was_said_in_the_future_counts_as_now() -> None:
    assert vitality([NOON + HALF_LIFE], NOON) == vitality([NOON], NOON)


def test_only_the_last_touches_are_kept() -> None:
    times = tuple(NOON + timedelta(hours=hours) for hours in range(MOST_TOUCHES))

    assert touched((), NOON) == (NOON,)
    assert touched(times, NOON + HALF_LIFE) == (*times[1:], NOON + HALF_LIFE)
