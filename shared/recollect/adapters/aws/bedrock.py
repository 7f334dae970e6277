"""What all calls of Bedrock share: how a client is made, and what its errors mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from recollect.domain.errors import InvalidRequestError, UnavailableError

PARALLEL_CALLS = 8
"""Texts embedded at the same time where a model takes one a call.

An account may make 100 calls of Titan a second and one takes about 0.1 s: eight at a time stay
below that. The client needs as many connections.
"""
CONNECT_SECONDS = 2.0

_BUSY = "is busy, its quota is used up"
_FAILED = "failed"
_NO_ACCESS = (
    "may not be used with these credentials: allow bedrock:InvokeModel on it, and access to it in"
    " the Bedrock console"
)
_MEANINGS: Mapping[str, str] = {
    "AccessDeniedException": _NO_ACCESS,
    "ExpiredTokenException": "cannot be asked, the AWS credentials have expired",
    "InternalServerException": _FAILED,
    "ModelErrorException": _FAILED,
    "ModelNotReadyException": "is being started",
    "ModelTimeoutException": "took too long",
    "ResourceNotFoundException": "does not exist in this region, or its use was not requested yet",
    "ServiceQuotaExceededException": _BUSY,
    "ServiceUnavailableException": "is not there at the moment",
    "ThrottlingException": _BUSY,
    "UnrecognizedClientException": "cannot be asked, the AWS credentials are not valid",
}
_MISTAKES: Mapping[str, str] = {
    "identifier is invalid": "does not exist in this region",
    "on-demand throughput": (
        "is called through an inference profile only: name it by the profile's id, such as us.…"
    ),
    "temperature": "takes no temperature",
    "top_p": "takes no top_p",
    "toolChoice": "cannot be made to use a tool, which answers depend on",
    "tool use": "cannot use tools, which answers depend on",
}
"""What Bedrock says, in part, of requests that it finds invalid, and what that means here."""
_UNREADABLE = (ResponseParserError, UnicodeDecodeError, AttributeError, TypeError)
"""How botocore's parser fails on an answer that is no JSON, not UTF-8, or not an object."""
_TOO_LONG = ("too long", "too many input tokens", "maximum context", "exceed context limit")


@dataclass(frozen=True)
class Named:
    """A model for error messages: what it is, and the setting that chose it."""

    kind: str
    model: str
    setting: str

    def __str__(self) -> str:
        """Return the beginning of a sentence about it."""
        return f"The {self.kind} {self.model}"


def client_config(*, read_seconds: float, attempts: int) -> Config:
    """Return the configuration for a `bedrock-runtime` client.

    Throttled, failed and late calls are made so many times by the client itself, each for at most
    `read_seconds`: together they have to stay below the 30 s of an HTTP API. The mode is adaptive,
    as AWS advises for throttled models, which also slows a client down:
    https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
    """
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "adaptive", "total_max_attempts": attempts},
        max_pool_connections=PARALLEL_CALLS,
    )


@contextmanager
def bedrock_errors(model: Named) -> Iterator[None]:
    """Raise `UnavailableError` for whatever keeps a model from answering.

    Or `InvalidRequestError` for what is too long for it. Texts of AWS are read, never repeated:
    they can quote what was asked.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(model, error) from error
    except (ReadTimeoutError, ConnectTimeoutError) as error:
        message = f"{model} did not answer in time"
        raise UnavailableError(message) from error
    except NoCredentialsError as error:
        message = f"{model} cannot be asked: there are no AWS credentials"
        raise UnavailableError(message) from error
    except BotoCoreError as error:
        message = f"{model} cannot be reached ({type(error).__name__})"
        raise UnavailableError(message) from error
    except _UNREADABLE as error:
        message = f"{model} did not answer in Bedrock's format"
        raise UnavailableError(message) from error


def _refusal(model: Named, error: ClientError) -> InvalidRequestError | UnavailableError:
    code = error.response["Error"]["Code"]
    said = error.response["Error"].get("Message", "")
    if code == "ValidationException":
        if any(words in said.casefold() for words in _TOO_LONG):
            return InvalidRequestError(f"{model} cannot read that much at once; send less")
        found = (meaning for words, meaning in _MISTAKES.items() if words in said)
        meaning = next(found, "finds the request invalid")
    else:
        meaning = _MEANINGS.get(code, "cannot be used now")
    return UnavailableError(f"{model} {meaning} ({code}; {model.setting} chooses the model)")
