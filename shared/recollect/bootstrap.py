"""Composition root: the only module that reads the environment or picks an adapter.

Every factory is cached, so that one execution environment builds each object once, and only those
that its function asks for. Adapters are imported inside the factories to keep cold starts short.
"""

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from recollect.domain.errors import InvalidRequestError
from recollect.domain.keys import KEY_PREFIX
from recollect.ports.models import Embedder
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.candidates import FindCandidates
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.decisions import DecideDrafts
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.manage_keys import CheckKey, CreateKey, ListKeys, RevokeKey
from recollect.usecases.project_changes import Maintain, ProjectChanges
from recollect.usecases.read_memories import ListMemories, ListSubjects, ReadJob, ReadMemory
from recollect.usecases.search_memories import SearchMemories
from recollect.usecases.work_on_jobs import WorkOnJobs

if TYPE_CHECKING:
    from recollect.adapters.local.store import LocalStore
    from recollect.adapters.local.wake_ups import LocalWakeUps

KEY_BYTES = 24
EMBEDDING_TIMEOUT_SECONDS = 10.0
_CHOSEN: Final[dict[str, Any]] = {}
"""What the command line chose over the environment."""


class Settings(BaseSettings):
    """What is configured, each as an environment variable with the prefix `RECOLLECT_`.

    `edition` has no default: a function that silently fell back to a file would lose data.
    """

    model_config = SettingsConfigDict(env_prefix="RECOLLECT_", frozen=True)

    edition: Literal["local"]
    data: Path = Path("recollect.db")
    embedder: str = "bundled"
    """`bundled`, `openai` (any server that speaks its protocol), or `package.module:factory`."""
    openai_url: str = "http://127.0.0.1:11434/v1"
    openai_api_key: str = ""
    embedding_model: str = ""
    embedding_dimensions: int = 0
    resident_megabytes: int = 512
    """Memory that the local index may use for subjects it has in memory."""


@cache
def settings() -> Settings:
    """Return the configuration; raise `InvalidRequestError` in one line if it cannot be used."""
    try:
        return Settings(**_CHOSEN)
    except ValidationError as error:
        problems = "; ".join(
            f"RECOLLECT_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        message = f"Recollect is not configured: {problems}"
        raise InvalidRequestError(message) from error


@cache
def add_memories() -> AddMemories:
    """Return the use case behind adds."""
    from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor

    store = _store()
    decide = DecideDrafts(
        store.scopes, _embedder(), RuleBasedDecider(), _candidates(), _now, _new_id
    )
    return AddMemories(
        store.record, store.scopes, _work(), RuleBasedExtractor(), decide, _wake_ups(), _now
    )


@cache
def search_memories() -> SearchMemories:
    """Return the use case behind searches."""
    return SearchMemories(_embedder(), _candidates(), _now)


@cache
def list_memories() -> ListMemories:
    """Return the use case behind lists."""
    return ListMemories(_store().listing, _now)


@cache
def read_memory() -> ReadMemory:
    """Return the use case behind reads by id."""
    return ReadMemory(_store().record)


@cache
def list_subjects() -> ListSubjects:
    """Return the use case behind the list of entities."""
    return ListSubjects(_store().listing)


@cache
def read_job() -> ReadJob:
    """Return the use case behind events."""
    return ReadJob(_store().jobs)


@cache
def update_memory() -> UpdateMemory:
    """Return the use case behind updates by id."""
    return UpdateMemory(_store().record, _embedder(), _wake_ups(), _now, _new_id)


@cache
def delete_memory() -> DeleteMemory:
    """Return the use case behind deletes by id."""
    return DeleteMemory(_store().record, _wake_ups(), _now, _new_id)


@cache
def delete_memories() -> DeleteMemories:
    """Return the use case behind deletes of everything."""
    store = _store()
    return DeleteMemories(store.record, store.listing, _work(), _wake_ups(), _now)


@cache
def project_changes() -> ProjectChanges:
    """Return the use case that brings the index to the record's state."""
    store = _store()
    return ProjectChanges(store.outbox, store.record, store.index)


@cache
def maintain() -> Maintain:
    """Return the use case that drives on what was left behind."""
    store = _store()
    return Maintain(store.outbox, store.jobs, _wake_ups(), add_memories(), delete_memories(), _now)


@cache
def check_key() -> CheckKey:
    """Return the use case that tells which project a key opens."""
    return CheckKey(_store().keys)


@cache
def create_key() -> CreateKey:
    """Return the use case that makes keys."""
    return CreateKey(_store().keys, _now, _new_id, _new_secret)


@cache
def list_keys() -> ListKeys:
    """Return the use case that lists keys."""
    return ListKeys(_store().keys)


@cache
def revoke_key() -> RevokeKey:
    """Return the use case that revokes keys."""
    return RevokeKey(_store().keys, _now)


@contextmanager
def local_edition(data: Path) -> Iterator["LocalStore"]:
    """Build everything on this data file inside the block, whatever the environment says.

    Yields the opened store and closes it at the end. Not for two threads at once. Raises
    `UnavailableError` if the file cannot be used.
    """
    _CHOSEN.update(edition="local", data=data)
    _forget()
    try:
        store = _store()
        try:
            store.open()
            yield store
        finally:
            store.database.close()
    finally:
        _CHOSEN.clear()
        _forget()


def embedding_model() -> str:
    """Return the name of the model that makes the vectors."""
    return _embedder().model


def local_store() -> "LocalStore":
    """Return the local edition's data file, for the commands that look after it."""
    return _store()


def local_wake_ups() -> "LocalWakeUps":
    """Return this process's wake-ups, for the worker that answers them."""
    return _wake_ups()


@cache
def _store() -> "LocalStore":
    from recollect.adapters.local.store import LocalStore

    return LocalStore(
        settings().data,
        embedding_model=_embedder().model,
        resident_bytes=settings().resident_megabytes * 1024 * 1024,
    )


@cache
def _wake_ups() -> "LocalWakeUps":
    from recollect.adapters.local.wake_ups import LocalWakeUps

    return LocalWakeUps()


@cache
def _candidates() -> FindCandidates:
    store = _store()
    return FindCandidates(store.index, store.record, store.outbox)


@cache
def _work() -> WorkOnJobs:
    store = _store()
    return WorkOnJobs(store.jobs, store.record, _now, _new_id)


@cache
def _embedder() -> Embedder:
    name = settings().embedder
    if name == "bundled":
        from recollect.adapters.local.embedder import BundledEmbedder

        return BundledEmbedder()
    if name == "openai":
        return _openai_embedder()
    return _third_party(name)


def _openai_embedder() -> Embedder:
    import httpx

    from recollect.adapters.openai.embedder import OpenAIEmbedder

    chosen = settings()
    if not chosen.embedding_model or chosen.embedding_dimensions < 1:
        message = (
            "RECOLLECT_EMBEDDER=openai needs RECOLLECT_EMBEDDING_MODEL and"
            " RECOLLECT_EMBEDDING_DIMENSIONS"
        )
        raise InvalidRequestError(message)
    client = httpx.Client(
        base_url=chosen.openai_url,
        headers={"Authorization": f"Bearer {chosen.openai_api_key}"},
        timeout=EMBEDDING_TIMEOUT_SECONDS,
        transport=httpx.HTTPTransport(retries=2),
    )
    return OpenAIEmbedder(
        client, model=chosen.embedding_model, dimensions=chosen.embedding_dimensions
    )


def _third_party(name: str) -> Embedder:
    module, _, factory = name.partition(":")
    try:
        build: Callable[[], Embedder] = getattr(import_module(module), factory)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"RECOLLECT_EMBEDDER={name} is neither bundled, openai nor package.module:factory"
        raise InvalidRequestError(message) from error
    return build()


def _forget() -> None:
    for factory in list(globals().values()):
        if hasattr(factory, "cache_clear"):
            factory.cache_clear()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


def _new_secret() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
