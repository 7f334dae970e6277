"""Whether something that has a strength helps: a choice that is tested where it was not made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recollect.domain.ranking import Floats

RESAMPLES = 10_000
SEED = 20_260_301
"""The same numbers give the same intervals."""
AT_ONCE = 500
"""Resamples that are drawn together: a thousand questions then take 4 MB."""
BOUNDS = (2.5, 97.5)
"""Percentiles of the resampled means: 95 % are between them."""

Measure = Callable[[float, str, frozenset[str]], Floats]
"""What a strength finds in a conversation, a number a question, learned without some others."""


@dataclass(frozen=True)
class Gain:
    """By how much the mean of paired numbers grows, its 95 % interval, and what speaks against it.

    `not_better` is the share of the resamples whose mean does not grow.
    """

    mean: float
    low: float
    high: float
    not_better: float

    @property
    def told(self) -> dict[str, float]:
        """The numbers, as results keep them."""
        return {
            "difference": round(self.mean, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "not_better": round(self.not_better, 4),
        }


def gain(before: Floats, after: Floats) -> Gain:
    """Return what resampled questions say of a change; numbers of one place are of one question.

    The paired bootstrap of Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters
    13 (percentile intervals) and 16 (tests). Raises `ValueError` if there are fewer than two.
    """
    paired = after - before
    means = resampled_means(paired)
    low, high = np.percentile(means, BOUNDS)
    return Gain(float(paired.mean()), float(low), float(high), float((means <= 0).mean()))


def resampled_means(values: Floats, *, seed: int = SEED) -> Floats:
    """Return the means of `RESAMPLES` drawings of as many of the values, with replacement.

    Values may have columns; then so have the means. Raises `ValueError` for fewer than two values.
    """
    if len(values) < 2:  # noqa: PLR2004 - one value does not vary
        message = "Resampling needs at least two values"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    size = (AT_ONCE, len(values))
    parts = [
        values[random.integers(len(values), size=size)].mean(axis=1)
        for _ in range(RESAMPLES // AT_ONCE)
    ]
    return np.concatenate(parts)


def chosen_elsewhere(
    measure: Measure, conversations: Sequence[str], strengths: Sequence[float]
) -> dict[str, float]:
    """Return for each conversation the strength that finds most in the others, to be tried there.

    What is measured to choose it is learned neither in the conversation that it is measured in nor
    in the one that it is chosen for. The first of equal ones is chosen.
    """

    def found(strength: float, left_out: str) -> float:
        others = [each for each in conversations if each != left_out]
        parts = [measure(strength, each, frozenset({each, left_out})) for each in others]
        return float(np.concatenate(parts).mean())

    return {
        each: max(strengths, key=lambda strength: found(strength, each)) for each in conversations
    }
