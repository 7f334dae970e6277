"""Means of questions, and how sure they are: the bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 (percentile intervals)
and 16 (tests).
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recollect.usecases.evaluation.report import Estimate

RESAMPLES: Final = 2_000
SEED: Final = 20_260_301
"""The same numbers give the same intervals."""
BOUNDS: Final = (2.5, 97.5)
"""Percentiles of the resampled means: 95 % are between them."""
LEAST: Final = 2
"""Values from which anything can be said of how they vary."""

Values: TypeAlias = NDArray[np.float64]
"""Two dimensions: a row for each question, a column for each number."""


@dataclass(frozen=True)
class Difference:
    """How much larger a mean is than another of the same questions, with its 95 % interval.

    `p` is how probable so large a difference of either sign is if there is none.
    """

    mean: float
    low: float
    high: float
    p: float


def estimates(values: Values) -> list[Estimate]:
    """Return the mean of each column; there must be a row."""
    means = values.mean(axis=0)
    if len(values) < LEAST:
        return [Estimate(mean=rounded(mean)) for mean in means]
    low, high = np.percentile(_resampled(values), BOUNDS, axis=0)
    return [
        Estimate(mean=rounded(mean), low=rounded(first), high=rounded(last))
        for mean, first, last in zip(means, low, high, strict=True)
    ]


def differences(before: Values, after: Values) -> list[Difference]:
    """Return by how much the mean of each column has grown; rows are of the same questions.

    Raises `ValueError` for fewer than `LEAST` rows.
    """
    if len(before) < LEAST:
        message = f"At least {LEAST} questions are needed"
        raise ValueError(message)
    paired = after - before
    resampled = _resampled(paired)
    low, high = np.percentile(resampled, BOUNDS, axis=0)
    tails = np.minimum((resampled <= 0).sum(axis=0), (resampled >= 0).sum(axis=0))
    # One more of both: 2,000 resamples cannot show that something never happens.
    p = np.minimum(2 * (tails + 1) / (RESAMPLES + 1), 1)
    return [
        Difference(*map(rounded, each))
        for each in zip(paired.mean(axis=0), low, high, p, strict=True)
    ]


def separation(higher: Values, lower: Values) -> float:
    """Return the probability that a value of the first is above one of the second, ties halved.

    One-dimensional both; the area under the ROC curve.
    """
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, side="left")
    not_above = np.searchsorted(ordered, higher, side="right")
    return rounded((below + not_above).mean() / (2 * len(lower)))


def _resampled(values: Values) -> Values:
    """Return the means of as many questions, drawn with replacement, a row for each drawing."""
    random = np.random.default_rng(SEED)
    return np.array(
        [
            values[random.integers(len(values), size=len(values))].mean(axis=0)
            for _ in range(RESAMPLES)
        ]
    )


def rounded(value: float) -> float:
    """Return a number as reports have it: to four digits."""
    return round(float(value), 4)
