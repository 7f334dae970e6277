"""The search indices that the contract suites run on, whichever engine is behind them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import boto3
import pytest
from opensearchpy import NotFoundError, OpenSearch

from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.adapters.local.database import Database
from recollect.adapters.local.index import INDEX_SCHEMA, LocalIndex
from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.testing.indexes import Build, Indexed, Projected, Refreshed
from tests.contract.opensearch_stub import running_stub, serverless
from tests.engines import endpoint

MODEL = "test"
"""The model of the embeddings that `a_memory` makes."""
RESIDENT_BYTES = 100_000_000


Adapter: TypeAlias = Callable[[Path], AbstractContextManager[Build]]


@contextmanager
def local(folder: Path) -> Iterator[Build]:
    def build(dimensions: int) -> Indexed:
        database = Database(folder / f"index-{dimensions}.db", INDEX_SCHEMA)
        index = LocalIndex(database, max_resident_bytes=RESIDENT_BYTES)
        return Indexed(index, LocalIndexBuilds(database))

    yield cache(build)


@contextmanager
def managed(_: Path) -> Iterator[Build]:
    """Build indices on a managed domain's engine."""
    with _indices(endpoint("opensearch")) as build:
        yield build


@contextmanager
def collection(_: Path) -> Iterator[Build]:
    """Build indices on an engine that refuses what a serverless collection refuses."""
    with (
        running_stub(endpoint("opensearch"), serverless) as stub,
        _indices(stub.url, versioning="none") as build,
    ):
        yield build


@contextmanager
def projected(folder: Path) -> Iterator[Build]:
    """Build such indices with a record beside them."""
    with collection(folder) as build:

        def with_record(dimensions: int) -> Indexed:
            indexed = build(dimensions)
            return replace(indexed, index=Projected(indexed.index))

        yield cache(with_record)


ADAPTERS = [
    pytest.param(local, id="local"),
    pytest.param(managed, id="opensearch", marks=pytest.mark.engines),
    pytest.param(projected, id="serverless", marks=pytest.mark.engines),
]
"""What keeps every promise of a `MemoryIndex`, with a record where it takes one."""


def some_settings(**changes: Any) -> IndexSettings:  # noqa: ANN401 - whatever it has
    """Return settings with a prefix that nobody else has."""
    defaults: dict[str, Any] = {
        "prefix": f"test-{uuid4().hex[:12]}",
        "model": MODEL,
        "dimensions": 2,
        "engine": "lucene",
        "refresh_seconds": 30,
    }
    return IndexSettings(**{**defaults, **changes})


@contextmanager
def a_client(url: str, *, seconds: float = 30) -> Iterator[OpenSearch]:
    session = boto3.Session()
    with closing(
        opensearch_client(url, auth="none", session=session, timeout_seconds=seconds)
    ) as client:
        yield client


def no_sleep(seconds: float) -> None:
    assert seconds > 0


@contextmanager
def _indices(url: str, **changes: Any) -> Iterator[Build]:  # noqa: ANN401 - as in some_settings
    prefixes: list[str] = []
    with a_client(url) as client, a_client(endpoint("opensearch")) as engine:

        def build(dimensions: int) -> Indexed:
            settings = some_settings(dimensions=dimensions, **changes)
            prefixes.append(settings.prefix)
            index = OpenSearchIndex(client, settings, no_sleep)
            return Indexed(
                Refreshed(index, partial(refresh, engine, settings.prefix)),
                OpenSearchIndexBuilds(client, settings, no_sleep),
            )

        yield cache(build)
        for prefix in prefixes:
            drop(engine, prefix)


def refresh(engine: OpenSearch, prefix: str) -> None:
    """Show what was written to the indices with this prefix, whoever wrote it."""
    with suppress(NotFoundError):
        engine.indices.refresh(index=f"{prefix}-all")


def drop(engine: OpenSearch, prefix: str) -> None:
    """Drop the indices with this prefix."""
    for name in engine.indices.get(index=f"{prefix}-*"):
        engine.indices.delete(index=name)
