"""What users of mem0's open-source server get."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired, cast

from typing_extensions import TypedDict

from recollect.domain.memory import Memory
from recollect.domain.relevance import Relevance
from recollect.entrypoints.answers import MemoryAnswer, RelationAnswer
from recollect.entrypoints.graph_outcomes import relation_answer
from recollect.entrypoints.presenters import memory_answer
from recollect.entrypoints.times import time_text
from recollect.ports.record import SubjectEntry
from recollect.usecases.search_memories import SearchResult


class ScoreDetailsAnswer(TypedDict):
    """What a score is made of: here meaning, words and graph, which are weighed, not added."""

    semantic_score: float
    bm25_score: float
    entity_boost: float
    raw_score: float
    max_possible_score: float
    final_score: float
    threshold: float


class OpenSourceMemoryAnswer(MemoryAnswer, total=False):
    """One memory; `hash` is the MD5 of its text."""

    hash: str
    score_details: ScoreDetailsAnswer


class OpenSourceMemoriesAnswer(TypedDict):
    """Several memories; `relations` are there if the graph was asked."""

    results: list[OpenSourceMemoryAnswer]
    relations: NotRequired[list[RelationAnswer]]


class OpenSourceEntityAnswer(TypedDict):
    """A user, agent, app or run that has memories."""

    id: str
    type: str
    total_memories: int
    created_at: str
    updated_at: str


class ProviderAnswer(TypedDict):
    """Who does a part of the work; how it is set up is not told."""

    provider: str


class ConfigurationAnswer(TypedDict):
    """What the service is made of; without `graph_store` there are no graphs."""

    version: str
    vector_store: ProviderAnswer
    llm: ProviderAnswer
    embedder: ProviderAnswer
    graph_store: NotRequired[ProviderAnswer]


def open_source_memory(
    memory: Memory, fields: Sequence[str] | None = None
) -> OpenSourceMemoryAnswer:
    """Return a memory, cut to some fields if they were asked for."""
    digest = hashlib.md5(memory.text.encode(), usedforsecurity=False).hexdigest()
    answer = cast("OpenSourceMemoryAnswer", memory_answer(memory, fields))
    if fields is None or "hash" in fields:
        answer["hash"] = digest
    return answer


def open_source_memories(memories: Iterable[Memory]) -> OpenSourceMemoriesAnswer:
    """Return memories in an object."""
    return {"results": [open_source_memory(memory) for memory in memories]}


def open_source_search(
    result: SearchResult, fields: Sequence[str] | None, *, threshold: float, explain: bool
) -> OpenSourceMemoriesAnswer:
    """Return what was found, best first; with what each score is made of if that was asked."""
    answer: OpenSourceMemoriesAnswer = {"results": []}
    for found in result.found:
        memory = open_source_memory(found.memory, fields)
        memory["score"] = round(found.score.score, 4)
        if explain:
            memory["score_details"] = _details(found.score, threshold)
        answer["results"].append(memory)
    if result.relations is not None:
        answer["relations"] = list(map(relation_answer, result.relations))
    return answer


def open_source_entities(entries: Iterable[SubjectEntry]) -> list[OpenSourceEntityAnswer]:
    """Return entities."""
    return [
        {
            "id": entry.subject.name,
            "type": entry.subject.kind,
            "total_memories": entry.memories,
            "created_at": time_text(entry.created_at),
            "updated_at": time_text(entry.updated_at),
        }
        for entry in entries
    ]


def configuration_answer(providers: Mapping[str, str]) -> ConfigurationAnswer:
    """Return who does what, in the shape of mem0's configurations."""
    answer: ConfigurationAnswer = {
        "version": "v1.1",
        "vector_store": {"provider": providers["vector_store"]},
        "llm": {"provider": providers["llm"]},
        "embedder": {"provider": providers["embedder"]},
    }
    if "graph_store" in providers:
        answer["graph_store"] = {"provider": providers["graph_store"]}
    return answer


def _details(score: Relevance, threshold: float) -> ScoreDetailsAnswer:
    final = round(score.score, 4)
    return {
        "semantic_score": round(score.components["semantic"], 4),
        "bm25_score": round(score.components["keyword"], 4),
        "entity_boost": round(score.graph, 4),
        "raw_score": final,
        "max_possible_score": 1.0,
        "final_score": final,
        "threshold": threshold,
    }
