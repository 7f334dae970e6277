"""What goes wrong with S3, in the words of the ports."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from recollect.domain.errors import RecollectError, UnavailableError

GONE = frozenset(
    {
        "404",
        "412",
        "MethodNotAllowed",  # a version that is a mark of deletion
        "NoSuchKey",
        "NoSuchVersion",
        "PreconditionFailed",
    }
)


@contextmanager
def translated(bucket: str, gone: type[RecollectError]) -> Iterator[None]:
    """Raise `gone` if an object, or its version, is not there, else `UnavailableError`."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in GONE:
            message = f"There is no such version of the object in the bucket {bucket} (any more)"
            raise gone(message) from error
        message = f"The bucket {bucket} cannot be used now: {code}"
        raise UnavailableError(message) from error
    except BotoCoreError as error:
        message = f"The bucket {bucket} cannot be reached: {type(error).__name__}"
        raise UnavailableError(message) from error
