"""Requests are counted, whatever becomes of them; what their callers may still do, they are told.

A count that fails is nobody's reason to refuse what has no limit: it is logged, without names.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from aws_lambda_powertools import Logger

from recollect.bootstrap import current
from recollect.domain.errors import UnavailableError
from recollect.domain.jobs import Job
from recollect.domain.keys import ApiKey
from recollect.domain.usage import Window
from recollect.usecases.metering import Meter

Answer: TypeAlias = dict[str, Any]
"""What a function returns to API Gateway (payload format 2.0)."""

SETTLING_SECONDS = 1.0
"""A count takes some 5 ms beside the request's own work. Lambda stops a function that has
answered, so that it is waited for; but no longer than this, however slow its store."""

logger = Logger()


def metered(meter: Meter, key: ApiKey, answer: Callable[[], Answer]) -> Answer:
    """Return the answer to a request of the key, with what is left of its limits.

    The tokens that language models read and wrote for it are counted, also if it fails.

    Raises `LimitReachedError`, and `UnavailableError` if it has limits and they cannot be checked.
    """
    admission = meter.admit(key)
    answered = answer()
    with _logged():
        meter.spend(key.project, key.id, current.spent())
    with _logged():
        admission.settle(SETTLING_SECONDS)
    return {**answered, "headers": {**_headers(admission.window), **answered["headers"]}}


def count_spent(meter: Meter, job: Job, tokens: int) -> None:
    """Count the tokens that a worker's step of a job took for the key that asked for the job."""
    if job.key_id:
        with _logged():
            meter.spend(job.project, job.key_id, tokens)


@contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except (UnavailableError, TimeoutError) as error:
        logger.warning(
            "What a request used is not counted",
            reason=type(error).__name__,
            correlation_id=current.correlation_id(),
        )


def _headers(window: Window | None) -> dict[str, str]:
    if window is None:
        return {}
    return {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.left),
        "X-RateLimit-Reset": str(int(window.resets_at.timestamp())),
    }
