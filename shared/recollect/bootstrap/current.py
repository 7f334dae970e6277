"""What is known of the invocation that a thread is answering."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from recollect.ports.models import Usage

HAND_OVER_SECONDS = 7.0
"""Work that is not done so long before the time is up is left to maintenance: enough for the part
in hand and for an answer that names the job."""

_CORRELATION_ID: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_LATE_FROM: ContextVar[float | None] = ContextVar("late_from", default=None)
_SPENT: ContextVar[int] = ContextVar("spent", default=0)


@contextmanager
def within(remaining_milliseconds: int) -> Iterator[None]:
    """Note for the block how much time there is for what this thread does in it."""
    token = _LATE_FROM.set(time.monotonic() + remaining_milliseconds / 1000 - HAND_OVER_SECONDS)
    _SPENT.set(0)
    try:
        yield
    finally:
        _LATE_FROM.reset(token)


def spend(usage: Usage) -> None:
    """Note what a language model has cost this thread's work."""
    _SPENT.set(_SPENT.get() + usage.input_tokens + usage.output_tokens)


def spent() -> int:
    """Return how many tokens language models have read and written for it, whatever came of it."""
    return _SPENT.get()


def is_late() -> bool:
    """Tell whether what is not begun yet should be left to others."""
    late_from = _LATE_FROM.get()
    return late_from is not None and time.monotonic() >= late_from


def seconds_left() -> float | None:
    """Return for how long an answer may be waited for; None for as long as it takes."""
    late_from = _LATE_FROM.get()
    return None if late_from is None else late_from - time.monotonic()


def correlate(request_id: str | None) -> None:
    """Note which request this thread works for."""
    _CORRELATION_ID.set(request_id)


def correlation_id() -> str | None:
    """Return the id of that request, as its caller and API Gateway know it."""
    return _CORRELATION_ID.get()
