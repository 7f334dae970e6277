"""Trying again where somebody else was faster."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from recollect.domain.errors import ConflictError
from recollect.ports.record import LostRaceError

MAX_LOST_RACES = 10

Result = TypeVar("Result")


def until_first(
    attempt: Callable[[], Result], *, what: str, lost: type[LostRaceError] = LostRaceError
) -> Result:
    """Return what an attempt comes to before which nobody else changed the same.

    Each attempt reads anew what it changes. Raises `ConflictError`, which says that `what` ("The
    project is") is being changed by others, after `MAX_LOST_RACES` that were `lost`.
    """
    for _ in range(MAX_LOST_RACES):
        with suppress(lost):
            return attempt()
    message = f"{what} being changed by others; try again"
    raise ConflictError(message)
