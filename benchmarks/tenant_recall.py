"""What a small tenant finds among 20,000 memories of others, and how fast, on OpenSearch.

The same 20 vectors, asked for in four ways: as this service asks, by its own words too; with the
tenant's filter beside the nearest neighbours (as mem0's adapter does it) or in a filtered alias,
which both sort out others' memories after these have taken the places; and all own ones exactly.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import boto3
import numpy as np
from opensearchpy import OpenSearch

from benchmarks.corpus import questions, sentences
from benchmarks.measuring import milliseconds, rate
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_family import IndexSettings, vector_field
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.domain.filters import subject_is
from recollect.domain.memory import Embedding, Memory, Vector
from recollect.domain.ranking import unit
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery
from recollect.testing.builders import a_memory, a_scope

OWN = 20
OTHERS = 20_000
TENANTS = 20
DIMENSIONS = 384
TOP = 10
QUERIES = 100
BATCH = 500
MODEL = f"random-{DIMENSIONS}"


def measure() -> dict[str, Any]:
    """Return the recall of each way of asking, and what a search takes at 20,000 memories."""
    chance = np.random.default_rng(1)
    big = a_scope("big", user="big")
    own = _memories(a_scope("own", user="own"), OWN, chance)
    with _index() as (client, settings):
        index = OpenSearchIndex(client, settings, time.sleep)
        indexed = rate(OTHERS, lambda: _fill(index, chance, big))
        index.put("own", own)
        client.indices.refresh(index=f"{settings.prefix}-all")
        vectors = [_vector(chance) for _ in range(QUERIES)]
        return {
            "own": OWN,
            "others": OTHERS,
            "dimensions": DIMENSIONS,
            "indexed_per_second": indexed,
            "recall_of_own_top_10": _recalls(client, settings, index, own, vectors),
            "search": {
                "20 of 20,000": milliseconds(_searches(index, own[0].scope, vectors)),
                "20,000 in one project": milliseconds(_searches(index, big, vectors)),
            },
        }


@contextmanager
def _index() -> Iterator[tuple[OpenSearch, IndexSettings]]:
    settings = IndexSettings(
        prefix=f"bench-{uuid.uuid4().hex[:12]}",
        model=MODEL,
        dimensions=DIMENSIONS,
        engine="lucene",
        refresh_seconds=30,
    )
    url = os.environ.get("RECOLLECT_OPENSEARCH_URL", "http://127.0.0.1:9200")
    with closing(
        opensearch_client(url, auth="none", session=boto3.Session(), timeout_seconds=60)
    ) as client:
        try:
            yield client, settings
        finally:
            for name in client.indices.get(index=f"{settings.prefix}-all", ignore=[404]):
                client.indices.delete(index=name)


def _fill(index: OpenSearchIndex, chance: np.random.Generator, scope: Scope) -> None:
    memories = _memories(scope, OTHERS, chance)
    for start in range(0, OTHERS, BATCH):
        index.put(scope.project, memories[start : start + BATCH])


def _memories(scope: Scope, count: int, chance: np.random.Generator) -> list[Memory]:
    texts = sentences(count)
    return [
        a_memory(scope, next(texts), embedding=Embedding.of(MODEL, _vector(chance)))
        for _ in range(count)
    ]


def _vector(chance: np.random.Generator) -> Vector:
    return unit(chance.standard_normal(DIMENSIONS).astype(np.float32))


def _searches(
    index: OpenSearchIndex, scope: Scope, vectors: Sequence[Vector]
) -> Iterator[Callable[[], object]]:
    for vector, question in zip(vectors, questions(7, QUERIES), strict=True):
        query = IndexQuery(subject_is(scope.owner), vector, tuple(terms(question)), 60)
        yield lambda query=query: index.propose(scope.project, [query])  # type: ignore[misc]


def _recalls(
    client: OpenSearch,
    settings: IndexSettings,
    index: OpenSearchIndex,
    own: Sequence[Memory],
    vectors: Sequence[Vector],
) -> dict[str, float]:
    scope = own[0].scope
    mine = {"term": {"project": scope.project}}
    filtered = f"{settings.prefix}-filtered"
    [name] = client.indices.get(index=f"{settings.prefix}-read")
    client.indices.put_alias(index=name, name=filtered, body={"filter": mine})

    def as_the_service_does(vector: Vector) -> list[str]:
        query = IndexQuery(subject_is(scope.owner), vector, (), TOP)
        [proposal] = index.propose(scope.project, [query])
        return list(proposal.memory_ids)

    def knn(vector: Vector) -> dict[str, Any]:
        # mem0 asks for twice as many neighbours as it wants.
        return {"knn": {vector_field(MODEL): {"vector": vector.tolist(), "k": 2 * TOP}}}

    def beside(vector: Vector) -> list[str]:
        query = {"bool": {"must": knn(vector), "filter": [mine]}}
        return _ids(client, f"{settings.prefix}-read", query)

    def through_an_alias(vector: Vector) -> list[str]:
        return _ids(client, filtered, knn(vector))

    ways = {
        "filter inside the nearest neighbours": as_the_service_does,
        "filter beside them (mem0)": beside,
        "filtered alias": through_an_alias,
    }
    return {name: _recall(way, own, vectors) for name, way in ways.items()}


def _ids(client: OpenSearch, name: str, query: dict[str, Any]) -> list[str]:
    body = {"query": query, "size": TOP, "docvalue_fields": ["memory_id"], "_source": False}
    hits = client.search(index=name, body=body)["hits"]["hits"]
    return [hit["fields"]["memory_id"][0] for hit in hits]


def _recall(
    ask: Callable[[Vector], list[str]], own: Sequence[Memory], vectors: Sequence[Vector]
) -> float:
    """Return the share of the own nearest that is found, over all queries."""
    stored = np.stack([memory.embedding.vector() for memory in own if memory.embedding])
    found = 0
    for vector in vectors:
        nearest = np.argsort(-(stored @ vector))[:TOP]
        found += len({own[place].id for place in nearest} & set(ask(vector)[:TOP]))
    return round(found / (TOP * len(vectors)), 4)
