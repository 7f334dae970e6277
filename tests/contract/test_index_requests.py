"""What the index on OpenSearch sends: how many requests, how large, and what is not in them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import UNSEEN_SECONDS, OpenSearchIndexBuilds
from recollect.adapters.aws.index_bulk import MAX_BYTES, MAX_OPERATIONS
from recollect.adapters.aws.index_queries import MAX_SINGLE_WORDS, MAX_WORDS
from recollect.domain.filters import EVERYTHING, in_scope, parse_filter, subject_is
from recollect.domain.memory import MAX_TEXT_BYTES, Embedding
from recollect.domain.questions import Question
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery
from recollect.testing.builders import (
    a_change,
    a_memory,
    a_scope,
    a_vector,
    adding,
    deleting,
    updating,
)
from recollect.testing.store import a_project
from recollect.usecases.candidates import FindCandidates
from tests.contract.indexes import a_client, drop, no_sleep, refresh, some_settings
from tests.contract.opensearch_stub import OpenSearchStub, running_stub, serverless
from tests.contract.stores import local
from tests.engines import endpoint

pytestmark = pytest.mark.engines

SETTINGS = some_settings()
BARE = some_settings(versioning="none")


@pytest.fixture
def stub() -> Iterator[OpenSearchStub]:
    with running_stub(endpoint("opensearch")) as stub:
        yield stub
        with a_client(endpoint("opensearch")) as engine:
            drop(engine, SETTINGS.prefix)


@pytest.fixture
def index(stub: OpenSearchStub) -> Iterator[OpenSearchIndex]:
    """An index that is there already; only what comes then is counted."""
    with a_client(stub.url) as client:
        OpenSearchIndexBuilds(client, SETTINGS, no_sleep).prepare()
        stub.requests.clear()
        yield OpenSearchIndex(client, SETTINGS, no_sleep)


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


def sent(stub: OpenSearchStub) -> list[str]:
    return [f"{request.method} {request.path.rpartition('/')[2]}" for request in stub.requests]


def test_a_search_is_one_request(stub: OpenSearchStub, index: OpenSearchIndex) -> None:
    ada = a_scope(user="ada", run="r1")
    matching = parse_filter({"user_id": "ada", "run_id": "r1", "keywords": "tea"})

    index.propose(ada.project, [IndexQuery(matching, a_vector(1, 0), ("tea", "pot"), 60)])
    index.held(ada.project, after=None, limit=10)

    assert sent(stub) == ["POST _msearch", "POST _msearch"]


def test_many_questions_are_one_request(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    words = tuple(f"word{number}" for number in range(MAX_SINGLE_WORDS + 1))
    queries = [IndexQuery(in_scope(scope), a_vector(1, 0), words, 5) for _ in range(25)]

    found = index.propose(scope.project, queries)

    assert len(found) == len(queries)
    assert sent(stub) == ["POST _msearch"]
    # Of each: statistics, neighbours, all words, some words alone.
    assert len(stub.requests[0].lines) == 2 * len(queries) * (3 + MAX_SINGLE_WORDS)


def test_no_questions_ask_nothing(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    assert index.propose(scope.project, []) == []
    assert sent(stub) == []


def test_a_filter_that_nothing_matches_asks_nothing(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    nobody = parse_filter({"user_id": {"in": []}})

    index.propose(scope.project, [IndexQuery(nobody, a_vector(1, 0), ("tea",), 60)])

    assert sent(stub) == []


def test_a_change_is_two_requests_however_many_memories(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    memories = [a_memory(scope, vector=(1, 0)) for _ in range(MAX_OPERATIONS)]

    index.put(scope.project, memories)
    index.remove(scope.project, {memory.id: 2 for memory in memories})

    assert sent(stub) == ["GET _alias", "POST _bulk"] * 2
    assert not any(request.parameters for request in stub.requests)


def test_many_or_large_memories_are_parted(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    text = " ".join(f"{number:x}" for number in range(10**6, 10**6 + MAX_TEXT_BYTES // 7))
    large = [a_memory(scope, text, metadata={"a": text[:-9], "n": number}) for number in range(40)]
    index.put(scope.project, [a_memory(scope) for _ in range(MAX_OPERATIONS + 1)])
    index.put(scope.project, large)

    bulks = [request.body for request in stub.requests if request.path == "/_bulk"]
    counts = [body.count(b'"version_type"') for body in bulks]
    assert counts[:2] == [MAX_OPERATIONS, 1]
    assert len(counts) > 3
    assert sum(counts[2:]) == len(large)
    assert max(map(len, bulks)) <= MAX_BYTES


def test_the_largest_memory_and_the_longest_question_fit(
    index: OpenSearchIndex, scope: Scope
) -> None:
    memory = a_memory(
        scope,
        "\U0002070e" * (MAX_TEXT_BYTES // 4),
        metadata={f"{number}": [number, f"{number}"] for number in range(1_500)},
        categories=tuple(f"category {number}" for number in range(500)),
    )
    index.put(scope.project, [memory])
    words = tuple(f"{number}" for number in range(MAX_WORDS * 4))

    query = IndexQuery(EVERYTHING, a_vector(0, 0), words, 4_000)
    [found] = index.propose(scope.project, [query])

    assert len(found.statistics.frequencies) == len(words)


def test_no_text_and_no_name_is_sent(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    memory = a_memory(scope, "Zebras like running", metadata={"colour": "Ultramarine"})
    named = a_scope(scope.project, user="Klothilde")

    index.put(scope.project, [memory, replace(a_memory(named), categories=("Hippology",))])
    matching = subject_is(named.owner)
    index.propose(scope.project, [IndexQuery(matching, a_vector(1, 0), ("zebra",), 9)])

    bodies = b"".join(request.body for request in stub.requests)
    for said in (b"Zebras like", b"Ultramarine", b"Klothilde", b"Hippology"):
        assert said.lower() not in bodies.lower()


def test_vectors_of_another_model_or_without_direction_are_left_out(
    stub: OpenSearchStub, index: OpenSearchIndex, scope: Scope
) -> None:
    other = replace(a_memory(scope), embedding=Embedding.of("other", a_vector(1, 0)))
    memories = [other, a_memory(scope, vector=(0, 0)), a_memory(scope)]

    index.put(scope.project, [*memories, a_memory(scope, vector=(0, 1))])

    documents = stub.requests[-1].lines[1::2]
    assert [any("vector" in name for name in document) for document in documents] == [
        *(False, False, False),
        True,
    ]


def test_a_serverless_collection_is_waited_for_before_the_switch() -> None:
    slept: list[float] = []
    with (
        running_stub(endpoint("opensearch"), serverless) as stub,
        a_client(stub.url) as client,
        a_client(endpoint("opensearch")) as engine,
    ):
        builds = OpenSearchIndexBuilds(client, BARE, slept.append)
        builds.prepare()
        builds.begin()
        builds.finish()
        drop(engine, BARE.prefix)

    assert slept == [UNSEEN_SECONDS]


def test_what_a_serverless_collection_has_wrong_is_set_right_by_the_record(
    tmp_path: Path,
) -> None:
    with (
        local(tmp_path) as store,
        running_stub(endpoint("opensearch"), serverless) as stub,
        a_client(stub.url) as client,
        a_client(endpoint("opensearch")) as engine,
    ):
        scope = a_scope(a_project(store), user="ada")
        changed, deleted = a_memory(scope, "green tea"), a_memory(scope, "black tea")
        for write in (adding(changed), adding(deleted), deleting(deleted)):
            store.record.commit(scope.project, a_change(write))
        store.record.commit(scope.project, a_change(updating(changed, text="white tea")))
        [current] = store.record.get(scope.project, [changed.id]).values()
        index = OpenSearchIndex(client, BARE, no_sleep)
        index.put(scope.project, [current])
        # Late, by a projector that had read the record before the changes.
        index.put(scope.project, [changed, deleted])
        refresh(engine, BARE.prefix)

        asked = tuple(terms("green black tea"))
        query = IndexQuery(subject_is(scope.owner), a_vector(0, 0), asked, 9)
        [found] = FindCandidates(index, store.record, store.outbox, store.listing)(
            scope.project, query.matching, [Question(query.vector, asked)], limit=9
        )

        [proposed] = index.propose(scope.project, [query])
        assert set(proposed.memory_ids) == {changed.id, deleted.id}
        assert [memory.text for memory in found.memories] == ["white tea"]
        drop(engine, BARE.prefix)
