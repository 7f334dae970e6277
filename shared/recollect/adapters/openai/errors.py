"""What goes wrong with servers that speak the OpenAI protocol, in the domain's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from recollect.domain.errors import UnavailableError


@contextmanager
def openai_errors(named: str, *, setting: str, expected: str) -> Iterator[None]:
    """Raise `UnavailableError` for whatever keeps a server from a usable answer.

    `named` begins its sentence, `setting` chose the model, `expected` is what the answer should
    have been. Texts of httpx and of the server are not repeated: they can hold the address, the
    key when it is malformed, and what was asked.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        message = f"{named} {_refusal(error.response, setting)}"
        raise UnavailableError(message) from error
    except httpx.TimeoutException as error:
        message = f"{named} did not answer in time"
        raise UnavailableError(message) from error
    except httpx.HTTPError as error:
        message = f"{named} cannot be reached ({type(error).__name__})"
        raise UnavailableError(message) from error
    except ValidationError as error:
        message = f"{named} did not answer with {expected}"
        raise UnavailableError(message) from error


def _refusal(response: httpx.Response, setting: str) -> str:
    answer = f"answered {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{answer}: check RECOLLECT_OPENAI_API_KEY"
    if response.status_code == HTTPStatus.NOT_FOUND:
        return f"{answer}: check {setting} and RECOLLECT_OPENAI_URL"
    return answer
