"""What goes wrong with model servers that are asked by HTTP, in the domain's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from recollect.domain.errors import UnavailableError


@contextmanager
def server_errors(named: str, *, expected: str, setting: str, url: str, key: str) -> Iterator[None]:
    """Raise `UnavailableError` for whatever keeps a server from a usable answer.

    `named` begins its sentence, and `expected` is what the answer should have been. `setting`,
    `url` and `key` are the names of the settings that chose the model, the address and the key.
    Texts of httpx and of the server are not repeated: they can hold the address, the key when it is
    malformed, and what was asked.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        message = f"{named} {_refusal(error.response, f'{setting} and {url}', key)}"
        raise UnavailableError(message) from error
    except httpx.TimeoutException as error:
        message = f"{named} did not answer in time"
        raise UnavailableError(message) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        # UnicodeError: of a host such as `a..b`, which no name server can be asked for.
        message = f"{named} cannot be reached ({type(error).__name__})"
        raise UnavailableError(message) from error
    except ValidationError as error:
        message = f"{named} did not answer with {expected}"
        raise UnavailableError(message) from error


def _refusal(response: httpx.Response, address: str, key: str) -> str:
    answer = f"answered {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{answer}: check {key}"
    if response.status_code == HTTPStatus.NOT_FOUND:
        return f"{answer}: check {address}"
    return answer
