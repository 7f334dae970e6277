"""Which request is being answered, so that logs behind a queue can be found from it."""

from contextvars import ContextVar

CURRENT: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""The id of the request that this thread answers, as its caller and API Gateway know it."""


def correlation_id() -> str | None:
    """Return the id of the request that is being answered, if it is one."""
    return CURRENT.get()
