"""Request bodies: strict JSON, within limits that everything behind can take."""

import json
from itertools import chain
from typing import Any, NoReturn

from recollect.domain.errors import InvalidRequestError

MAX_DEPTH = 100
"""Objects and lists inside each other: far from the recursion limit (1,000 in Python 3.11) of what
reads, copies and writes them, and twice what a filter may have."""


def parse_json(text: str) -> dict[str, Any]:
    """Return a request's body; raise `InvalidRequestError` unless it is an object of real JSON.

    NaN, infinities, numbers beyond a double, and halves of surrogate pairs are not, although
    Python's reader takes them.
    """
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
        _check_depth(body)
        text.encode()
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at character {error.pos}"
        raise InvalidRequestError(message) from error
    except UnicodeEncodeError as error:
        message = "The body contains half of a surrogate pair"
        raise InvalidRequestError(message) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        message = "The body contains a number that cannot be read"
        raise InvalidRequestError(message) from error
    if not isinstance(body, dict):
        message = "The body must be a JSON object"
        raise InvalidRequestError(message)
    return body


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _check_depth(body: object) -> None:
    level, depth = [body], 0
    while level := list(chain.from_iterable(map(_children, level))):
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"The body is nested too deeply: at most {MAX_DEPTH} levels")
