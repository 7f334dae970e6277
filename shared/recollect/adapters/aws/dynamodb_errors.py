"""What boto3 raises for a DynamoDB table in our words; the only place that knows its errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from recollect.domain.errors import DefectError, UnavailableError

TRANSIENT_REASONS = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""Reasons for which DynamoDB cancels a transaction that may succeed when it is made again. Single
calls that are throttled or fail, and transactions still in progress, botocore repeats by itself."""
CONDITION_FAILED = "ConditionalCheckFailed"


class ConditionFailedError(Exception):
    """The condition of a single write did not hold; nothing was written.

    Unless the call `is_repeated`: an earlier try, whose answer was lost, may have written.
    """

    def __init__(self, *, is_repeated: bool) -> None:
        super().__init__()
        self.is_repeated = is_repeated


class ItemBusyError(Exception):
    """A transaction was under way on the same item."""


class CancelledError(Exception):
    """A transaction was not carried out, for one reason a step, `None` where it has none."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(reasons)
        self.reasons = reasons


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn what boto3 raises for a table into our errors."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            tries = error.response["ResponseMetadata"].get("RetryAttempts", 0)
            raise ConditionFailedError(is_repeated=tries > 0) from error
        if code == "TransactionConflictException":
            raise ItemBusyError from error
        if code == "TransactionCanceledException":
            raise _cancelled(error, table) from error
        if code == "ValidationException":
            message = f"The table {table} was asked for what it cannot do"
            raise DefectError(message) from error
        message = f"The table {table} cannot be used now: {code}"
        raise UnavailableError(message) from error
    except BotoCoreError as error:
        message = f"The table {table} cannot be reached: {type(error).__name__}"
        raise UnavailableError(message) from error


def _cancelled(error: ClientError, table: str) -> Exception:
    reasons = [str(reason["Code"]) for reason in error.response.get("CancellationReasons", [])]
    unknown = set(reasons) - TRANSIENT_REASONS - {CONDITION_FAILED, "None"}
    if unknown:
        return UnavailableError(f"The table {table} refused a change: {', '.join(sorted(unknown))}")
    return CancelledError(reasons)


def overloaded(table: str) -> UnavailableError:
    """Return the error for a table that has refused every try."""
    return UnavailableError(f"The table {table} is overloaded; try again")
