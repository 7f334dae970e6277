"""Lists of jobs, which callers know as events: what may be asked for, and what is answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired

from typing_extensions import TypedDict

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Json
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    ErasedRequest,
    EraseRequest,
    ExportRequest,
    IngestRequest,
    JobRequest,
)
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.answers import GraphOutcomeAnswer, OutcomeAnswer
from recollect.entrypoints.graph_outcomes import graph_outcome_answer
from recollect.entrypoints.presenters import outcome_answer
from recollect.entrypoints.times import time_text, time_text_or_none
from recollect.usecases.erase_subject import PLACE
from recollect.usecases.follow_graph import GraphOutcome, GraphStatus
from recollect.usecases.ingest_tally import TALLY
from recollect.usecases.read_jobs import JobFilter, JobPage

EVENT_TYPES: Mapping[type[JobRequest], str] = {
    AddRequest: "ADD",
    DeleteAllRequest: "DELETE_ALL",
    BatchUpdateRequest: "UPDATE",
    BatchDeleteRequest: "DELETE",
    ExportRequest: "EXPORT",
    EraseRequest: "ERASE",
    ErasedRequest: "ERASED",
    IngestRequest: "INGEST",
}
"""What callers know each kind of job as."""
BOOKMARKS: Mapping[type[JobRequest], str] = {EraseRequest: PLACE, IngestRequest: TALLY}
"""The note in which a worker finds where to go on; it tells nobody else anything."""
SEARCH = "SEARCH"
"""What callers may look for and never find: a search is no job."""


class ReceiptAnswer(TypedDict):
    """What an erasure has removed, and when; unless that is unknown, when no backup has it left.

    Histories are those of deleted memories; jobs were emptied of what they held.
    """

    memories: int
    histories: int
    episodes: int
    jobs: int
    asked_at: str
    done_at: str
    backups_expire_at: str | None


class JobAnswer(TypedDict):
    """How far a job is and what it did; `relations` once the graph has followed it.

    A `receipt` of an erasure once nothing is left.
    """

    id: str
    event_type: str
    status: str
    payload: dict[str, Any]
    metadata: dict[str, Any]
    results: list[OutcomeAnswer]
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    latency: float | None
    graph_status: str | None
    relations: NotRequired[GraphOutcomeAnswer]
    receipt: NotRequired[ReceiptAnswer]
    error: str | None


class EventPageAnswer(TypedDict):
    """One page of events; unless `count_exact`, there are more than `count`."""

    count: int
    count_exact: bool
    next: str | None
    previous: str | None
    results: list[JobAnswer]


def job_filter(
    event_types: Sequence[str], statuses: Sequence[str], within: Subject | None
) -> JobFilter:
    """Return which jobs are asked for; raise `InvalidRequestError` for what there is not.

    Several types or states may be given, with commas or one by one.
    """
    types = _several("event_type", event_types, {*EVENT_TYPES.values(), SEARCH})
    states = _several("status", statuses, set(JobStatus))
    requests: list[type[JobRequest]] = [
        request for request, name in EVENT_TYPES.items() if name in types
    ]
    return JobFilter(
        requests=frozenset(requests) if types else None,
        statuses=frozenset(map(JobStatus, states)) if states else None,
        within=within,
    )


def job_answer(job: Job, graph: GraphOutcome | None) -> JobAnswer:
    """Return a job's state, and what it did to the graph if it is for it."""
    ended = job.completed_at
    took = (ended - (job.started_at or job.created_at)).total_seconds() * 1000 if ended else None
    scope = job.request.scope if isinstance(job.request, AddRequest) else None
    user = scope.name_of(SubjectKind.USER) if scope else None
    bookmark = BOOKMARKS.get(type(job.request))
    answer: JobAnswer = {
        "id": job.id,
        "event_type": EVENT_TYPES[type(job.request)],
        "status": job.status,
        "payload": {},
        "metadata": {name: note for name, note in job.notes.items() if name != bookmark},
        "results": [{**outcome_answer(outcome), "user_id": user} for outcome in job.outcomes],
        "created_at": time_text(job.created_at),
        "updated_at": time_text(ended or job.started_at or job.created_at),
        "started_at": time_text_or_none(job.started_at),
        "completed_at": time_text_or_none(ended),
        "latency": took,
        "graph_status": graph.status if graph else None,
        "error": job.error,
    }
    if isinstance(job.request, EraseRequest) and isinstance(job.result, Mapping):
        answer["receipt"] = receipt_answer(job.result)
    if graph and graph.status is GraphStatus.SUCCEEDED:
        answer["relations"] = graph_outcome_answer(graph)
    return answer


def receipt_answer(receipt: Mapping[str, Json]) -> ReceiptAnswer:
    """Return what an erasure has removed; without a word of what that was."""
    told: Any = receipt
    expire_at = told["backups_expire_at"]
    return {
        "memories": told["memories"],
        "histories": told["histories"],
        "episodes": told["episodes"],
        "jobs": told["jobs"],
        "asked_at": _time(told["asked_at"]),
        "done_at": _time(told["done_at"]),
        "backups_expire_at": _time(expire_at) if expire_at else None,
    }


def event_page_answer(
    page: JobPage, following: str | None, previous: str | None
) -> EventPageAnswer:
    """Return one page of events; what one did to the graph, only the event itself tells."""
    return {
        "count": page.count,
        "count_exact": not page.has_more,
        "next": following,
        "previous": previous,
        "results": [job_answer(job, None) for job in page.jobs],
    }


def _time(text: str) -> str:
    return time_text(datetime.fromisoformat(text))


def _several(name: str, texts: Sequence[str], known: set[str]) -> set[str]:
    given = {part.strip().upper() for text in texts for part in text.split(",")}
    asked = given - {""}
    if asked - known:
        message = f"{name} must be one of {', '.join(sorted(known))}"
        raise InvalidRequestError(message)
    return asked
