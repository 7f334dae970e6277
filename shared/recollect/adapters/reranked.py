"""What the answers of rerankers have in common, whoever gives them."""

import math
from collections.abc import Sequence

from recollect.domain.errors import UnavailableError

ROUNDING = 1e-3
"""How far beyond 0..1 a score may be that was rounded."""


def in_order(named: str, scores: Sequence[tuple[int, float]], texts: int) -> list[float]:
    """Return the scores of 0..1 in the order of the texts; each is given with its text's place.

    Some servers give what the model says before it is made a probability: where a score is beyond
    0..1, all are put through the logistic function, which keeps their order. Raises
    `UnavailableError`, whose sentence begins with `named`, unless every text has exactly one finite
    score.
    """
    found = dict(scores)
    if len(scores) != texts or found.keys() != set(range(texts)):
        message = f"{named} answered not one score for each of {texts} texts (but {len(scores)})"
        raise UnavailableError(message)
    numbers = [float(found[place]) for place in range(texts)]
    if not all(map(math.isfinite, numbers)):
        message = f"{named} answered scores that are no finite numbers"
        raise UnavailableError(message)
    if all(-ROUNDING <= number <= 1 + ROUNDING for number in numbers):
        return [min(max(number, 0.0), 1.0) for number in numbers]
    return [_logistic(number) for number in numbers]


def _logistic(number: float) -> float:
    # By tanh, which does not overflow.
    return (1 + math.tanh(number / 2)) / 2
