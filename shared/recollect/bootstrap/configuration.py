"""What is configured, from the environment and by who builds, and what was built from it."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from recollect.domain.errors import InvalidRequestError, UnavailableError

LONGEST_REFRESH_SECONDS = 30

_Arguments = ParamSpec("_Arguments")
_Built = TypeVar("_Built")


@dataclass(frozen=True, eq=False)
class _Assembly:
    """What was chosen over the environment, what has been built from that, and what closes it."""

    choices: Mapping[str, Any] = field(default_factory=dict)
    built: dict[Hashable, Any] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)


_OF_PROCESS: Final = [_Assembly()]
"""The last one is what every thread builds from that has chosen nothing itself."""
_CHOSEN: ContextVar[_Assembly | None] = ContextVar("chosen", default=None)


class Settings(BaseSettings):
    """What is configured, each as an environment variable with the prefix `RECOLLECT_`.

    `edition` has no default: a function that silently fell back to a file would lose data.
    """

    model_config = SettingsConfigDict(env_prefix="RECOLLECT_", frozen=True)

    edition: Literal["local", "aws"]

    embedder: str = "bundled"
    """`bundled`, `minilm`, `bedrock`, `openai` (any server that speaks its protocol), or
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
    embedding_url: str = ""
    """Where the embedder `openai` is, and its key, if not where the language model is."""
    embedding_api_key: str = ""
    rerank_model: str = ""
    """What reads the best of a search's results again, if anything: a model on Bedrock, or the
    model's name where there is `rerank_url`."""
    rerank_url: str = ""
    """The whole address of an endpoint like Cohere's or Jina's `/rerank`, and its key."""
    rerank_key: str = ""

    mcp_origins: str = ""
    """Origins of web pages that may call /mcp, with commas between; a browser names them."""

    data: Path = Path("recollect.db")
    resident_megabytes: int = 512
    """Memory that the local index may use for subjects it has in memory."""

    record_table: str = ""
    control_table: str = ""
    bucket: str = ""
    """For what is too large for an item of a table."""
    backup_days: int = Field(default=35, ge=0)
    """For how long tables are kept as they were: DynamoDB's point-in-time recovery, unless copies
    are made besides."""
    graph: Literal["none", "record", "neptune"] | None = None
    """Where graphs are searched: in the record itself, in Neptune, or nowhere. Unless it is set, in
    the record of the local edition, and nowhere on AWS."""
    neptune_url: str = ""
    neptune_auth: Literal["iam", "none"] = "iam"
    index_queue_url: str = ""
    worker_queue_url: str = ""
    graph_queue_url: str = ""
    graph_projection_queue_url: str = ""
    webhook_queue_url: str = ""
    ingest_queue_url: str = ""
    object_queue_url: str = ""
    dead_letters_url: str = ""
    """The queue for messages to a queue's function that it cannot handle."""
    ingest_project: str = ""
    """The project that all messages of the queue for users' messages are for."""
    opensearch_url: str = ""
    opensearch_auth: Literal["es", "aoss", "none"] = "es"
    """Whom requests are signed for: a domain, a serverless collection, or not at all."""
    opensearch_engine: Literal["faiss", "lucene"] = "faiss"
    opensearch_index: str = "recollect"
    """Prefix of the names of indexes and aliases."""
    opensearch_refresh_seconds: int = Field(default=30, ge=1, le=LONGEST_REFRESH_SECONDS)
    """How long the index may take to show what was written."""


@contextmanager
def choosing(**choices: object) -> Iterator[ExitStack]:
    """Let the factories called inside the block build anew, from these before the environment.

    Only in the thread of the block; others go on with what they have. What is built lasts longer
    than the block: yields what closes it.
    """
    assembly = _Assembly(choices)
    token = _CHOSEN.set(assembly)
    try:
        yield assembly.closing
    finally:
        _CHOSEN.reset(token)


@contextmanager
def choosing_for_all(**choices: object) -> Iterator[ExitStack]:
    """Do as `choosing` for every thread that has chosen nothing itself, and close it at the end."""
    with choosing(**choices) as closing, closing:
        assembly = _assembly()
        _OF_PROCESS.append(assembly)
        try:
            yield closing
        finally:
            _OF_PROCESS.remove(assembly)


def _assembly() -> _Assembly:
    return _CHOSEN.get() or _OF_PROCESS[-1]


def closed_at_the_end(close: Callable[[], None]) -> None:
    """Have this called when what is being built is not needed any more."""
    _assembly().closing.callback(close)


def once(factory: Callable[_Arguments, _Built]) -> Callable[_Arguments, _Built]:
    """Have a factory build one object for each of its arguments, a configuration."""

    @wraps(factory)
    def build(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Built:
        built = _assembly().built
        key = (factory, args, *kwargs.items())
        if key not in built:
            built[key] = factory(*args, **kwargs)
        found: _Built = built[key]
        return found

    return build


def later(factory: Callable[[], _Built]) -> Callable[[], _Built]:
    """Return the factory for a call by any thread, with the configuration of now."""
    assembly = _assembly()

    def build() -> _Built:
        token = _CHOSEN.set(assembly)
        try:
            return factory()
        finally:
            _CHOSEN.reset(token)

    return build


@once
def settings() -> Settings:
    """Return the configuration; raise `InvalidRequestError` in one line if it cannot be used."""
    try:
        return Settings(**_assembly().choices)
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


def variable(name: str) -> str:
    """Return an environment variable of another program, such as a provider's key, or nothing."""
    return os.environ.get(name, "")


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
