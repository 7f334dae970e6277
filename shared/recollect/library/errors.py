"""What a caller in the same process catches: our errors, which are Python's `ValueError` too."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from recollect.domain.errors import InvalidRequestError, NotFoundError

SHOWN_PROBLEMS = 5


class ArgumentError(InvalidRequestError, ValueError):
    """An argument cannot be used; a `ValueError`, as most of mem0's are."""


class MissingMemoryError(NotFoundError, ValueError):
    """There is no such memory; a `ValueError`, as mem0's are."""


@contextmanager
def python_errors() -> Iterator[None]:
    """Raise `ArgumentError` and `MissingMemoryError` for what the core and the bodies refuse."""
    try:
        yield
    except ValidationError as error:
        raise ArgumentError(_told(error)) from None
    except InvalidRequestError as error:
        raise ArgumentError(str(error)) from error
    except NotFoundError as error:
        raise MissingMemoryError(str(error)) from error


def _told(error: ValidationError) -> str:
    # Never quotes what was given: it may be somebody's words.
    problems = error.errors(include_input=False, include_url=False)[:SHOWN_PROBLEMS]
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
