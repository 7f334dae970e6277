"""Decay: memories that are used stay strong, and those that nobody asks for fade."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

MOST_TOUCHES = 20
"""Of a memory's touches the last so many count, as with the hosted platform."""
HALF_LIFE = timedelta(days=30)
"""After which a touch counts half; chosen."""
LEAST, MOST = 0.3, 1.5
"""Of what a score is multiplied by; those of the hosted platform."""
_GAIN = math.log(12 / 5)
"""Makes a single touch of just now leave a score as it is: .3 + 1.2 (1 - e^-gain) = 1."""


def vitality(touches: Iterable[datetime], now: datetime) -> float:
    """Return what a memory's score is multiplied by: `LEAST` to `MOST`, 1 for one fresh touch.

    The touches are when it was said and when searches showed it. Each counts half as much with
    every `HALF_LIFE`, as forgetting curves fall, and together they saturate.
    """
    strength = sum(0.5 ** (max(now - touch, timedelta(0)) / HALF_LIFE) for touch in touches)
    return LEAST + (MOST - LEAST) * (1 - math.exp(-_GAIN * strength))


def touched(before: Sequence[datetime], now: datetime) -> tuple[datetime, ...]:
    """Return a memory's touches, oldest first, with one of now: the last `MOST_TOUCHES`."""
    return (*before, now)[-MOST_TOUCHES:]
