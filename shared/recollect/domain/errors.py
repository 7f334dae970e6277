"""Everything the service can refuse to do.

RecollectError
├── InvalidRequestError        the caller must change the request
├── NotFoundError              no such thing in the caller's project
├── ConflictError              somebody else changed it first, or it may not be changed
├── IdempotencyMismatchError   the idempotency key was used with another body
├── UnavailableError           a dependency failed; the same call may work later
├── ModelAnswerError           a language model answered, but nothing that can be used
└── DefectError                we asked a dependency for what it can never do
"""


class RecollectError(Exception):
    """Base of every refusal; its text is safe to show to the caller."""


class InvalidRequestError(RecollectError):
    """The caller must change the request."""


class NotFoundError(RecollectError):
    """No such thing in the caller's project; also said of things of other projects."""


class ConflictError(RecollectError):
    """Somebody else changed it first, or it may not be changed; read it again."""


class IdempotencyMismatchError(RecollectError):
    """The idempotency key belongs to a request with another body."""


class UnavailableError(RecollectError):
    """A dependency failed; the same call may work later."""


class ModelAnswerError(RecollectError):
    """A language model answered, but nothing that can be used; it may do better the next time."""


class DefectError(RecollectError):
    """We asked a dependency for what it can never do; repeating it will not help."""
