"""Everything the service can refuse to do.

RecollectError
├── InvalidRequestError        the caller must change the request
├── ForbiddenError             the key may not do this
├── NotFoundError              no such thing in the caller's project
├── ConflictError              somebody else changed it first, or it may not be changed
├── IdempotencyMismatchError   the idempotency key was used with another body
├── LimitReachedError          the key, or its project, has used up what it may
├── UnavailableError           a dependency failed; the same call may work later
├── ModelAnswerError           a language model answered, but nothing that can be used
└── DefectError                we asked a dependency for what it can never do
"""

from datetime import datetime


class RecollectError(Exception):
    """Base of every refusal; its text is safe to show to the caller."""


class InvalidRequestError(RecollectError):
    """The caller must change the request."""


class ForbiddenError(RecollectError):
    """The caller's key is good, and does not open this."""


class NotFoundError(RecollectError):
    """No such thing in the caller's project; also said of things of other projects."""


class ConflictError(RecollectError):
    """Somebody else changed it first, or it may not be changed; read it again."""


class IdempotencyMismatchError(RecollectError):
    """The idempotency key belongs to a request with another body."""


class LimitReachedError(RecollectError):
    """The key, or its project, has used up its `limit`; in `retry_after` seconds it starts anew."""

    def __init__(self, message: str, *, limit: int, resets_at: datetime, retry_after: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.resets_at = resets_at
        self.retry_after = retry_after


class UnavailableError(RecollectError):
    """A dependency failed; the same call may work later."""


class ModelAnswerError(RecollectError):
    """A language model answered, but nothing that can be used; it may do better the next time."""


class DefectError(RecollectError):
    """We asked a dependency for what it can never do; repeating it will not help."""
