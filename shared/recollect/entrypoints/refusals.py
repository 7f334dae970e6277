"""How the service refuses: the one mapping of errors to HTTP, in the shape all clients read."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from recollect.bootstrap import current
from recollect.domain.errors import (
    ConflictError,
    DefectError,
    ForbiddenError,
    IdempotencyMismatchError,
    InvalidRequestError,
    LimitReachedError,
    ModelAnswerError,
    NotFoundError,
    RecollectError,
    UnavailableError,
)

STATUS: dict[type[RecollectError], int] = {
    InvalidRequestError: 400,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    IdempotencyMismatchError: 422,
    LimitReachedError: 429,
    UnavailableError: 503,
    DefectError: 500,
    ModelAnswerError: 502,
}
RETRIED = (UnavailableError, ModelAnswerError)
"""Errors that the same request may not meet again."""
RETRY_AFTER_SECONDS = 2

logger = Logger()


def error_response(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> Response[dict[str, str]]:
    """Return an error in the shape that every mem0 client can read."""
    body = {"detail": text, "error": text, "message": text}
    return Response(status, "application/json", body, dict(headers or {}))


def refuse(error: RecollectError) -> Response[dict[str, str]]:
    """Return the answer to what the service refuses."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    return error_response(status, str(error), _headers(error))


def refuse_invalid(error: RequestValidationError) -> Response[dict[str, str]]:
    """Return the answer to a request that is not as its route declares."""
    return error_response(400, "; ".join(_explain(error.errors())) or "Invalid request")


def refuse_encoding(_: UnicodeDecodeError) -> Response[dict[str, str]]:
    """Return the answer to a body in another encoding."""
    return error_response(400, "The body is not UTF-8")


def refuse_route(_: NoRouteError) -> Response[dict[str, str]]:
    """Return the answer to a path or method that no route takes."""
    return error_response(404, "There is no such route")


def report(error: Exception) -> Response[dict[str, str]]:
    """Log a defect and return the answer that tells nothing of it.

    An exception's own text may hold what the caller sent, so only its type and place are logged.
    """
    logger.error(
        "A request failed for a reason that is ours",
        error_type=type(error).__qualname__,
        frames=traceback.format_tb(error.__traceback__),
        correlation_id=current.correlation_id(),
    )
    return error_response(500, "Something went wrong on our side")


def _headers(error: RecollectError) -> dict[str, str]:
    if isinstance(error, LimitReachedError):
        return {
            "Retry-After": str(error.retry_after),
            "X-RateLimit-Limit": str(error.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(error.resets_at.timestamp())),
        }
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, RETRIED) else {}


def _explain(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{_place(error['loc'])}: {error.get('msg', error['type'])}" for error in errors[:5]]


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc[1:]) or "body"
