"""How OpenSearch's index is built anew: its aliases, and whoever comes in between."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from opensearchpy import OpenSearch

from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.domain.errors import ConflictError
from recollect.domain.memory import Embedding
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_memory, a_scope, a_vector
from recollect.testing.indexes import Indexed, Refreshed, found, held, near, rebuild
from tests.contract.indexes import a_client, drop, no_sleep, refresh, some_settings
from tests.contract.opensearch_stub import Reply, Request, running_stub
from tests.engines import endpoint

pytestmark = pytest.mark.engines


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


@pytest.fixture
def engine() -> Iterator[OpenSearch]:
    with a_client(endpoint("opensearch")) as client:
        yield client


@pytest.fixture
def prefix(engine: OpenSearch) -> Iterator[str]:
    prefix = some_settings().prefix
    yield prefix
    drop(engine, prefix)


def test_there_is_one_index_behind_the_aliases(
    engine: OpenSearch, prefix: str, scope: Scope
) -> None:
    settings = some_settings(prefix=prefix)
    builds = OpenSearchIndexBuilds(engine, settings, no_sleep)
    builds.prepare()
    [first] = engine.indices.get(index=f"{prefix}-all")

    for number in (2, 3):
        indexed = Indexed(OpenSearchIndex(engine, settings, no_sleep), builds)
        rebuild(indexed, [a_memory(scope)])

        # A number is never used again: a late write must not get into the wrong index.
        [built] = engine.indices.get(index=f"{prefix}-*")
        assert first.endswith("-000001")
        assert built == first.replace("-000001", f"-00000{number}")
        for alias in ("read", "write", "all"):
            assert list(engine.indices.get(index=f"{prefix}-{alias}")) == [built]


def test_all_who_come_first_make_one_index(engine: OpenSearch, prefix: str) -> None:
    settings = some_settings(prefix=prefix)
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(OpenSearchIndexBuilds(engine, settings, no_sleep).prepare) for _ in range(8)
        ]
    for each in tries:
        each.result()

    assert len(engine.indices.get(index=f"{prefix}-*")) == 1


@pytest.mark.parametrize("step", ["prepare", "begin"])
@pytest.mark.parametrize("asked", range(3))
def test_two_that_come_at_once_make_one_index(
    engine: OpenSearch, prefix: str, step: str, asked: int
) -> None:
    """The second does all it has to do while the first is between two of its requests."""
    settings = some_settings(prefix=prefix)
    second = OpenSearchIndexBuilds(engine, settings, no_sleep)
    if step == "begin":
        second.prepare()

    def come_first(_: Request) -> Reply | None:
        getattr(second, step)()
        return None

    with running_stub(endpoint("opensearch")) as stub, a_client(stub.url) as client:
        stub.next.extend([*[lambda _: None] * asked, come_first])
        getattr(OpenSearchIndexBuilds(client, settings, no_sleep), step)()

    assert len(engine.indices.get(index=f"{prefix}-*")) == {"prepare": 1, "begin": 2}[step]


def test_two_that_begin_at_once_fill_one_build(
    engine: OpenSearch, prefix: str, scope: Scope
) -> None:
    settings = some_settings(prefix=prefix)
    both = [OpenSearchIndexBuilds(engine, settings, no_sleep) for _ in range(2)]
    memories = [a_memory(scope, "tea") for _ in range(2)]
    for builds in both:
        builds.begin()

    for builds, memory in zip(both, memories, strict=True):
        builds.put(scope.project, [memory])
    both[0].finish()

    index = OpenSearchIndex(engine, settings, no_sleep)
    assert found(index, scope) == {memory.id for memory in memories}


def test_indices_of_others_are_left_alone(engine: OpenSearch, prefix: str) -> None:
    ours = OpenSearchIndexBuilds(engine, some_settings(prefix=prefix), no_sleep)
    theirs = OpenSearchIndexBuilds(engine, some_settings(prefix=f"{prefix}-dev"), no_sleep)
    engine.indices.create(index=f"{prefix}-logs-000001")
    for builds in (theirs, ours):
        builds.prepare()
    theirs.begin()

    ours.begin()
    ours.finish()

    assert len(engine.indices.get(index=f"{prefix}-dev-all")) == 2
    assert engine.indices.exists(index=f"{prefix}-logs-000001")


@pytest.mark.parametrize("moment", ["begin", "fill", "finish"])
def test_no_write_that_meets_a_build_is_lost(
    engine: OpenSearch, prefix: str, scope: Scope, moment: str
) -> None:
    """The write has looked the alias up; before it is sent, the build goes so far."""
    settings = some_settings(prefix=prefix)
    builds = OpenSearchIndexBuilds(engine, settings, no_sleep)
    old, new = a_memory(scope, "tea"), a_memory(scope, "tea")
    OpenSearchIndex(engine, settings, no_sleep).put(scope.project, [old])

    def build(_: Request) -> Reply | None:
        builds.begin()
        if moment != "begin":
            builds.put(scope.project, [old, new])
        if moment == "finish":
            builds.finish()
        return None

    with running_stub(endpoint("opensearch")) as stub, a_client(stub.url) as client:
        late = OpenSearchIndex(client, settings, no_sleep)
        stub.next.extend([lambda _: None, build])
        late.put(scope.project, [new])
    # Filled in only now, what was read of the record after the build had begun.
    if moment == "begin":
        builds.put(scope.project, [old, new])
    builds.finish()

    index = OpenSearchIndex(engine, settings, no_sleep)
    assert held(index, scope) == sorted([(old.id, 1), (new.id, 1)])
    assert len(engine.indices.get(index=f"{prefix}-*")) == 1


def test_the_model_is_changed_without_a_break(
    engine: OpenSearch, prefix: str, scope: Scope
) -> None:
    old, new = some_settings(prefix=prefix), some_settings(prefix=prefix, model="b", dimensions=3)
    searching, refreshed = (
        Refreshed(OpenSearchIndex(engine, settings, no_sleep), lambda: refresh(engine, prefix))
        for settings in (old, new)
    )
    memory = a_memory(scope, "tea", vector=(1, 0))
    embedded = replace(memory, embedding=Embedding.of("b", a_vector(0, 0, 1)))
    searching.put(scope.project, [memory])
    builds = OpenSearchIndexBuilds(engine, new, no_sleep)

    builds.begin()
    builds.put(scope.project, [embedded])
    assert near(searching, scope, 1, 0) == {memory.id}
    assert near(refreshed, scope, 0, 0, 1) == set()
    assert found(refreshed, scope) == {memory.id}
    builds.finish()

    assert near(refreshed, scope, 0, 0, 1) == {memory.id}
    # Functions that have the old model still find words.
    assert near(searching, scope, 1, 0) == set()
    assert found(searching, scope) == {memory.id}


def test_a_build_for_a_model_that_was_not_kept_is_given_up(
    engine: OpenSearch, prefix: str, scope: Scope
) -> None:
    other = OpenSearchIndexBuilds(
        engine, some_settings(prefix=prefix, model="b", dimensions=3), no_sleep
    )
    settings = some_settings(prefix=prefix)
    index = OpenSearchIndex(engine, settings, no_sleep)
    memory = a_memory(scope, "tea", vector=(1, 0))
    index.put(scope.project, [memory])
    other.begin()

    rebuild(Indexed(index, OpenSearchIndexBuilds(engine, settings, no_sleep)), [memory])

    assert near(index, scope, 1, 0) == {memory.id}
    assert len(engine.indices.get(index=f"{prefix}-*")) == 1
    with pytest.raises(ConflictError, match="not being built"):
        other.put(scope.project, [memory])
