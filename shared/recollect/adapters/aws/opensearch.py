"""The OpenSearch client, and OpenSearch's errors in our words."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection
from opensearchpy.exceptions import (
    ConnectionError as NoConnectionError,
)
from opensearchpy.exceptions import (
    ConnectionTimeout,
    SerializationError,
    TransportError,
)
from pydantic import ValidationError

from recollect.domain.errors import UnavailableError

if TYPE_CHECKING:
    import boto3

Auth: TypeAlias = Literal["es", "aoss", "none"]
"""The service that requests are signed for: a managed domain, a serverless collection, or none."""

MAX_RETRIES = 2
RETRIED_STATUSES = (429, 502, 503, 504)
"""Overload and a missing backend. The library repeats at once, without a pause."""
CONNECTIONS = 10
"""Kept open at once; a function needs one, the local server one a thread."""

_ERROR_TYPE = re.compile("[a-z_]+_exception")


def opensearch_client(
    url: str, *, auth: Auth, session: "boto3.Session", timeout_seconds: float
) -> OpenSearch:
    """Return a client of the domain or collection at this URL; nothing is sent yet.

    `timeout_seconds` bounds each of up to three attempts, so that a third of the function's
    time-out is the most that makes sense. Raises `UnavailableError` if requests are to be signed
    and the session has no credentials.
    """
    # At DEBUG the library logs whole requests: words and vectors of memories.
    logging.getLogger("opensearch").setLevel(logging.WARNING)
    return OpenSearch(
        hosts=[url],
        http_auth=_signer(auth, session),
        connection_class=Urllib3HttpConnection,
        timeout=timeout_seconds,
        max_retries=MAX_RETRIES,
        retry_on_status=RETRIED_STATUSES,
        retry_on_timeout=True,
        pool_maxsize=CONNECTIONS,
    )


@contextmanager
def opensearch_errors() -> Iterator[None]:
    """Raise `UnavailableError` for whatever keeps the engine from a usable answer.

    The engine's own words are not repeated: they can quote documents.
    """
    try:
        yield
    except ConnectionTimeout as error:
        message = "The search index did not answer in time"
        raise UnavailableError(message) from error
    except NoConnectionError as error:
        message = f"The search index cannot be reached ({type(error.info).__name__})"
        raise UnavailableError(message) from error
    except TransportError as error:
        raise UnavailableError(refusal(error.status_code, error.error)) from error
    # The library's reader of errors fails with an AttributeError on JSON that is no object.
    except (SerializationError, ValidationError, AttributeError) as error:
        message = "The search index did not answer in a form that is understood"
        raise UnavailableError(message) from error


def refusal(status: int | str, error_type: object) -> str:
    """Return what to say of an error status, with the type if it is one rather than a text."""
    is_type = isinstance(error_type, str) and _ERROR_TYPE.fullmatch(error_type)
    return f"The search index answered {status}{f' ({error_type})' if is_type else ''}"


def _signer(auth: Auth, session: "boto3.Session") -> Urllib3AWSV4SignerAuth | None:
    if auth == "none":
        return None
    credentials = session.get_credentials()
    if credentials is None:
        message = "There are no AWS credentials to sign requests to the search index with"
        raise UnavailableError(message)
    # The signer freezes them for each request, so that rotated ones are picked up.
    return Urllib3AWSV4SignerAuth(credentials, session.region_name, auth)
