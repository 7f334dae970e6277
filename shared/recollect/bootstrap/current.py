"""What is known of the invocation that a thread is answering."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from recollect.ports.models import Usage

HAND_OVER_SECONDS = 7.0
"""Work that is not done so long before the time is up is left to a worker: enough for the part in
hand and for an answer that names the job."""

_CORRELATION_ID: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_REMAINING: ContextVar[Callable[[], int] | None] = ContextVar("remaining", default=None)
_SPENT: ContextVar[int] = ContextVar("spent", default=0)
_ASKED_WITH: ContextVar[str | None] = ContextVar("asked_with", default=None)


@contextmanager
def within(remaining_milliseconds: Callable[[], int]) -> Iterator[None]:
    """Note for the block who tells how much time is left for what this thread does in it."""
    asked_with = _ASKED_WITH.set(None)
    remaining = _REMAINING.set(remaining_milliseconds)
    _SPENT.set(0)
    try:
        yield
    finally:
        _REMAINING.reset(remaining)
        _ASKED_WITH.reset(asked_with)


def ask_with(key_id: str | None) -> None:
    """Note with which key was asked for what this thread does."""
    _ASKED_WITH.set(key_id)


def asked_with() -> str | None:
    """Return the id of that key."""
    return _ASKED_WITH.get()


def spend(usage: Usage) -> None:
    """Note what a language model has cost this thread's work."""
    _SPENT.set(_SPENT.get() + usage.input_tokens + usage.output_tokens)


def spent() -> int:
    """Return how many tokens language models have read and written for it, whatever came of it."""
    return _SPENT.get()


def is_late() -> bool:
    """Tell whether what is not begun yet should be left to others."""
    left = seconds_left()
    return left is not None and left <= 0


def seconds_left() -> float | None:
    """Return for how long an answer may be waited for; None for as long as it takes."""
    remaining = _REMAINING.get()
    return None if remaining is None else remaining() / 1000 - HAND_OVER_SECONDS


def correlate(request_id: str | None) -> None:
    """Note which request this thread works for."""
    _CORRELATION_ID.set(request_id)


def correlation_id() -> str | None:
    """Return the id of that request, as its caller and API Gateway know it."""
    return _CORRELATION_ID.get()
