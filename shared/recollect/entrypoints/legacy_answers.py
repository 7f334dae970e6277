"""What clients of the hosted platform's first two versions get: lists, or objects if asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NotRequired, TypeAlias

from typing_extensions import TypedDict

from recollect.domain.jobs import Job, JobStatus, Outcome
from recollect.domain.memory import Memory
from recollect.entrypoints.answers import MemoryAnswer, OutcomeAnswer, RelationAnswer
from recollect.entrypoints.graph_answers import GraphRelationAnswer
from recollect.entrypoints.legacy_bodies import (
    WRAPPED,
    FirstAddBody,
    FirstSearchBody,
    SecondSearchBody,
)
from recollect.entrypoints.presenters import (
    QUEUED,
    memory_answer,
    outcome_answer,
    search_answer,
    structured_attributes,
)
from recollect.entrypoints.times import time_from
from recollect.usecases.search_memories import SearchResult


class QueuedAnswer(TypedDict):
    """The job to follow."""

    message: str
    status: str
    event_id: str


class FirstOutcomeAnswer(OutcomeAnswer):
    """What became of one message or fact; the attributes are of the time when it was said."""

    structured_attributes: dict[str, Any]


FirstResults: TypeAlias = list[FirstOutcomeAnswer | QueuedAnswer]


class FirstAddAnswer(TypedDict):
    """What an add did, or the job to follow, in an object."""

    results: FirstResults


class RelatedAnswer(TypedDict):
    """What was found, and the relations that answer the question if the graph was asked."""

    results: list[MemoryAnswer]
    relations: list[RelationAnswer]
    degraded: list[str]


class ListedAnswer(TypedDict):
    """Memories: one page if pages were asked for, with relations if the graph was."""

    count: NotRequired[int]
    count_exact: NotRequired[bool]
    next: NotRequired[str | None]
    previous: NotRequired[str | None]
    results: list[MemoryAnswer]
    relations: NotRequired[list[GraphRelationAnswer]]


def first_add_answer(job: Job, body: FirstAddBody) -> FirstResults | FirstAddAnswer:
    """Return what an add did; only the job to follow if it is not done, or nobody waits for it."""
    is_done = body.is_awaited and job.status is JobStatus.SUCCEEDED
    results: FirstResults = _results(job, body) if is_done else [_queued(job)]
    return {"results": results} if body.output_format == WRAPPED else results


def first_search_answer(
    result: SearchResult, body: FirstSearchBody | SecondSearchBody
) -> list[MemoryAnswer] | RelatedAnswer:
    """Return what was found, best first; an object if that, or the graph, was asked for."""
    answer = search_answer(result, body.fields, explain=bool(body.explain), include_context=False)
    if not _is_wrapped(body):
        return answer["results"]
    return {
        "results": answer["results"],
        "relations": answer.get("relations", []),
        "degraded": answer["degraded"],
    }


def unranked_answer(
    memories: Sequence[Memory], body: FirstSearchBody
) -> list[MemoryAnswer] | RelatedAnswer:
    """Return memories without scores, in the same forms."""
    results = [memory_answer(memory, body.fields) for memory in memories]
    return {"results": results, "relations": [], "degraded": []} if _is_wrapped(body) else results


def _is_wrapped(body: FirstSearchBody | SecondSearchBody) -> bool:
    return body.output_format == WRAPPED or bool(body.enable_graph)


def _queued(job: Job) -> QueuedAnswer:
    return {"message": QUEUED, "status": JobStatus.PENDING, "event_id": job.id}


def _results(job: Job, body: FirstAddBody) -> FirstResults:
    return [
        {
            **outcome_answer(outcome),
            "structured_attributes": structured_attributes(_said_at(job, body, outcome)),
        }
        for outcome in job.outcomes
    ]


def _said_at(job: Job, body: FirstAddBody, outcome: Outcome) -> datetime:
    # A job that is done has no messages any more.
    own = None if outcome.message is None else time_from(body.messages[outcome.message].timestamp)
    return own or time_from(body.timestamp) or job.created_at
