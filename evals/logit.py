"""A conditional logit: which of some rows is chosen, or none of them."""

from collections.abc import Sequence

import numpy as np

from recollect.domain.ranking import Floats, Mask
from recollect.domain.relevance import probabilities

RIDGE = 1e-3
"""Of the weights' squares, a case: keeps components that say the same from drifting apart."""
MOST_STEPS = 50
ENOUGH = 1e-3
"""Of the logarithm of the likelihood: what gains less is the end."""

Choice = tuple[Floats, Mask]
"""Rows of components, and which of them were chosen."""


def weights(choices: Sequence[Choice]) -> Floats:
    """Return the weights with which what was chosen is most likely, by Newton's method."""
    found = np.zeros(choices[0][0].shape[1])
    likely = _likelihood(choices, found)
    for _ in range(MOST_STEPS):
        step, new = _step(choices, found), likely
        for part in 0.5 ** np.arange(12):
            new = _likelihood(choices, found + part * step)
            if new > likely:
                found = found + part * step
                break
        if new - likely < ENOUGH:
            break
        likely = new
    return found


def certainty(sums: Sequence[tuple[Floats, Mask | None]]) -> tuple[float, float]:
    """Return what to multiply sums with, and the sum of "none", that make choices most likely.

    None of a case's rows was chosen where there is no mask. By coordinate search, which two
    numbers do not need anything better than.
    """
    here, best = (1.0, 8.0), -np.inf
    for size in (1.0, 0.3, 0.1, 0.03, 0.01):
        for _ in range(MOST_STEPS):
            around = [
                (here[0] + 0.3 * size * scale, here[1] + size * none)
                for scale in (-1, 0, 1)
                for none in (-2, -1, 0, 1, 2)
            ]
            odds = {each: _certain(sums, *each) for each in around if each[0] > 0}
            here = max(odds, key=lambda each: odds[each])
            if odds[here] - best < ENOUGH:
                break
            best = odds[here]
    return here


def _likelihood(choices: Sequence[Choice], at: Floats) -> float:
    total = -RIDGE / 2 * len(choices) * float(at @ at)
    for rows, chosen in choices:
        sums = rows @ at
        sums -= sums.max()
        total += float(sums[chosen].mean() - np.log(np.exp(sums).sum()))
    return total


def _step(choices: Sequence[Choice], at: Floats) -> Floats:
    slope = -RIDGE * len(choices) * at
    curve = RIDGE * len(choices) * np.eye(len(at))
    for rows, chosen in choices:
        likely = probabilities(rows @ at, -np.inf)
        mean = likely @ rows
        slope += rows[chosen].mean(axis=0) - mean
        apart = rows - mean
        curve += (apart * likely[:, np.newaxis]).T @ apart
    return np.asarray(np.linalg.solve(curve, slope), dtype=np.float64)


def _certain(sums: Sequence[tuple[Floats, Mask | None]], scale: float, none: float) -> float:
    total = 0.0
    for each, chosen in sums:
        likely = probabilities(scale * each, none)
        total += np.log(max(1 - likely.sum() if chosen is None else likely[chosen].sum(), 1e-300))
    return float(total)
