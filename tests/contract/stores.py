"""The records that the contract suites run on, whichever engine is behind them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier
from typing import TypeAlias, TypeVar
from uuid import uuid4

import pytest

from recollect.adapters.local.store import LocalStore
from tests.aws import dynamo_store
from tests.builders import a_key
from tests.store import Store

THREADS = 16
MEGABYTE = 1024 * 1024

Result = TypeVar("Result")


def local_store(path: Path) -> LocalStore:
    """Return the store in this file, opened."""
    store = LocalStore(path, embedding_model="test", resident_bytes=16 * MEGABYTE)
    store.open()
    return store


@contextmanager
def local(folder: Path) -> Iterator[Store]:
    store = local_store(folder / "recollect.db")
    yield store
    store.database.close()


@contextmanager
def dynamodb(_folder: Path) -> Iterator[Store]:
    with dynamo_store() as store:
        yield store


Build: TypeAlias = Callable[[Path], AbstractContextManager[Store]]
"""Opens a store that may keep files in a folder."""

ADAPTERS = [
    pytest.param(local, id="local"),
    pytest.param(dynamodb, id="dynamodb", marks=pytest.mark.engines),
]


def a_project(store: Store) -> str:
    """Return a project that no other test has seen, so that tests can share one store."""
    project = f"project-{uuid4().hex}"
    store.keys.create(project, a_key(project), key_hash=uuid4().hex)
    return project


def at_once(call: Callable[[int], Result]) -> list[Result]:
    """Return what the call returns in each of 16 threads, given the thread's number."""
    ready = Barrier(THREADS)

    def together(number: int) -> Result:
        ready.wait()
        return call(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(together, range(THREADS)))
