"""What is configured, from the environment and the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from recollect.domain.errors import InvalidRequestError, UnavailableError

LONGEST_REFRESH_SECONDS = 30
CHOSEN: Final[dict[str, Any]] = {}
"""What the command line chose over the environment."""


class Settings(BaseSettings):
    """What is configured, each as an environment variable with the prefix `RECOLLECT_`.

    `edition` has no default: a function that silently fell back to a file would lose data.
    """

    model_config = SettingsConfigDict(env_prefix="RECOLLECT_", frozen=True)

    edition: Literal["local", "aws"]

    embedder: str = "bundled"
    """`bundled`, `bedrock`, `openai` (any server that speaks its protocol), or
    `package.module:factory`."""
    embedding_model: str = ""
    embedding_dimensions: int = Field(default=0, ge=0)
    language_model: str = "rules"
    """What reads conversations: `rules` (no model), `bedrock`, `openai`, or
    `package.module:factory`."""
    chat_model: str = ""
    openai_url: str = "http://127.0.0.1:11434/v1"
    openai_api_key: str = ""
    openai_api_key_secret: str = ""
    """ARN of the key in Secrets Manager, instead of the key itself."""

    data: Path = Path("recollect.db")
    resident_megabytes: int = 512
    """Memory that the local index may use for subjects it has in memory."""

    record_table: str = ""
    control_table: str = ""
    bucket: str = ""
    """For what is too large for an item of a table."""
    index_queue_url: str = ""
    dead_letters_url: str = ""
    """The queue for messages to the index queue's function that it cannot handle."""
    opensearch_url: str = ""
    opensearch_auth: Literal["es", "aoss", "none"] = "es"
    """Whom requests are signed for: a domain, a serverless collection, or not at all."""
    opensearch_engine: Literal["faiss", "lucene"] = "faiss"
    opensearch_index: str = "recollect"
    """Prefix of the names of indexes and aliases."""
    opensearch_refresh_seconds: int = Field(default=30, ge=1, le=LONGEST_REFRESH_SECONDS)
    """How long the index may take to show what was written."""


@cache
def settings() -> Settings:
    """Return the configuration; raise `InvalidRequestError` in one line if it cannot be used."""
    try:
        return Settings(**CHOSEN)
    except ValidationError as error:
        problems = "; ".join(
            f"RECOLLECT_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        message = f"Recollect is not configured: {problems}"
        raise InvalidRequestError(message) from error


def configured(name: str) -> str:
    """Return a setting without which what was asked for cannot be built."""
    value = str(getattr(settings(), name) or "")
    if not value:
        message = f"Recollect is not configured: RECOLLECT_{name.upper()} is not set"
        raise InvalidRequestError(message)
    return value


def configured_number(name: str) -> int:
    """Return a number without which what was asked for cannot be built."""
    return int(configured(name))


@contextmanager
def part(extra: str) -> Iterator[None]:
    """Say how an optional part is installed if it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed: pip install 'recollect[{extra}]'"
        raise UnavailableError(message) from error
