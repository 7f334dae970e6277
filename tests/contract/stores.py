"""The records that the contract suites run on, whichever engine is behind them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from recollect.adapters.local.store import LocalStore
from recollect.testing.store import Store
from tests.aws import dynamo_store

MEGABYTE = 1024 * 1024


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
