"""The search indices that the contract suites run on, whichever engine is behind them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias
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
from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexBuilds, IndexQuery, MemoryIndex, Proposal
from tests.builders import a_vector
from tests.contract.opensearch_stub import running_stub, serverless
from tests.engines import endpoint

MODEL = "test"
"""The model of the embeddings that `a_memory` makes."""
RESIDENT_BYTES = 100_000_000


@dataclass(frozen=True)
class Indexed:
    """An index and the way to build it anew."""

    index: MemoryIndex
    builds: IndexBuilds


class Build(Protocol):
    """Makes an index of its own for vectors of some dimensions."""

    def __call__(self, dimensions: int) -> Indexed: ...


Adapter: TypeAlias = Callable[[Path], AbstractContextManager[Build]]


@dataclass(frozen=True)
class Refreshed:
    """Shows every change at once: tests do not wait until the engine does."""

    index: MemoryIndex
    refresh: Callable[[], None]

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        self.index.put(project, memories)

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        self.index.remove(project, removals)

    def propose(self, project: str, query: IndexQuery) -> Proposal:
        self.refresh()
        return self.index.propose(project, query)

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        self.refresh()
        return self.index.held(project, after=after, limit=limit)


@dataclass(frozen=True)
class Projected:
    """An index that cannot tell versions apart, used as the service uses any.

    What is written is what the record has now, and what is proposed is read from it.
    """

    index: MemoryIndex
    states: dict[tuple[str, str], Memory | None] = field(default_factory=dict)

    def put(self, project: str, memories: Sequence[Memory]) -> None:
        for memory in memories:
            known = self.states.setdefault((project, memory.id), memory)
            if known and known.version < memory.version:
                self.states[project, memory.id] = memory
        current = [self.states[project, memory.id] for memory in memories]
        self.index.put(project, [memory for memory in current if memory])

    def remove(self, project: str, removals: Mapping[str, int]) -> None:
        self.states.update(dict.fromkeys((project, memory_id) for memory_id in removals))
        self.index.remove(project, removals)

    def propose(self, project: str, query: IndexQuery) -> Proposal:
        found = self.index.propose(project, query)
        current = {each: self.states.get((project, each)) for each in found.memory_ids}
        kept = (each for each, now in current.items() if now and query.matching.matches(now))
        return Proposal(tuple(kept), found.statistics)

    def held(self, project: str, *, after: str | None, limit: int) -> list[tuple[str, int]]:
        return self.index.held(project, after=after, limit=limit)


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


def found(index: MemoryIndex, scope: Scope, words: str = "tea") -> set[str]:
    query = IndexQuery(EVERYTHING, a_vector(0, 0), tuple(terms(words)), 100)
    return set(index.propose(scope.project, query).memory_ids)


def near(index: MemoryIndex, scope: Scope, *numbers: float) -> set[str]:
    query = IndexQuery(EVERYTHING, a_vector(*numbers), (), 100)
    return set(index.propose(scope.project, query).memory_ids)


def held(index: MemoryIndex, scope: Scope, *, limit: int = 100) -> list[tuple[str, int]]:
    """Return what the index says it holds, page by page."""
    entries: list[tuple[str, int]] = []
    while page := index.held(scope.project, after=entries[-1][0] if entries else None, limit=limit):
        assert len(page) <= limit
        entries += page
    return entries


def rebuild(indexed: Indexed, memories: Sequence[Memory]) -> None:
    indexed.builds.begin()
    for memory in memories:
        indexed.builds.put(memory.scope.project, [memory])
    indexed.builds.finish()


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
