"""Turns what the use cases return into what callers get."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from recollect.domain.jobs import AddRequest, Job, JobStatus, Outcome
from recollect.domain.keys import ApiKey
from recollect.domain.memory import Episode, Memory, Message
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.entrypoints.answers import (
    AddAnswer,
    EntityAnswer,
    EntityPageAnswer,
    EpisodeAnswer,
    HistoryAnswer,
    JobAnswer,
    KeyAnswer,
    MemoryAnswer,
    MessageAnswer,
    OutcomeAnswer,
    PingAnswer,
)
from recollect.ports.record import SubjectEntry
from recollect.usecases.read_memories import MemoryHistory, SubjectPage
from recollect.usecases.search_memories import Found

QUEUED = "Memory processing has been queued for background execution"
STORED = "Memories stored successfully"
DELETING = "Delete in progress. This may take some time."


def ping_answer(project: str) -> PingAnswer:
    """Return which project a key opens; the clients refuse to start without both ids."""
    return {
        "status": "ok",
        "org_id": project,
        "project_id": project,
        "user_email": f"{project}@recollect.invalid",
    }


def memory_answer(memory: Memory, fields: Sequence[str] | None = None) -> MemoryAnswer:
    """Return a memory as clients read it, cut to some fields if they asked for that."""
    answer: MemoryAnswer = {
        "id": memory.id,
        "memory": memory.text,
        **_names(memory.scope),  # type: ignore[typeddict-item]
        "metadata": dict(memory.metadata),
        "categories": list(memory.categories),
        "created_at": time_text(memory.created_at),
        "updated_at": time_text(memory.updated_at),
        "expiration_date": memory.expires_on.isoformat() if memory.expires_on else None,
        "structured_attributes": _structured(memory.created_at),
        "kind": memory.kind,
        "role": memory.role,
        "actor_id": memory.actor,
        "attributed_to": memory.attributed_to,
        "immutable": memory.is_immutable,
        "version": memory.version,
        "event_id": memory.episode_id,
        "replaced_by": None,
        "synthesized": False,
        "lifecycle_state": "active",
    }
    if fields is None:
        return answer
    return {key: answer[key] for key in answer if key in {"id", *fields}}  # type: ignore[literal-required, return-value]


def found_answer(found: Found, fields: Sequence[str] | None, *, explain: bool) -> MemoryAnswer:
    """Return a search result: the memory, its score, and on request what the score is made of."""
    answer = memory_answer(found.memory, fields)
    answer["score"] = round(found.score.score, 4)
    if explain:
        answer["score_breakdown"] = {
            "semantic": round(found.score.semantic, 4),
            "bm25": round(found.score.keyword, 4),
        }
    return answer


def add_answer(job: Job) -> AddAnswer:
    """Return what an add did; while its job is in other hands, only the job to follow."""
    is_done = job.status is JobStatus.SUCCEEDED
    return {
        "message": STORED if is_done else QUEUED,
        "status": job.status if is_done else JobStatus.PENDING,
        "event_id": job.id,
        "results": [_outcome(outcome) for outcome in job.outcomes] if is_done else [],
    }


def history_answers(history: MemoryHistory) -> list[HistoryAnswer]:
    """Return a memory's history, oldest event first."""
    memory = history.memory
    return [
        {
            "id": f"{event.memory_id}:{event.version}",
            "memory_id": event.memory_id,
            "event": event.action.value,
            "input": [_message(message) for message in messages],
            "old_memory": event.old_text,
            "new_memory": event.new_text,
            **_names(event.scope),  # type: ignore[typeddict-item]
            "metadata": dict(memory.metadata) if memory else {},
            "categories": list(memory.categories) if memory else [],
            "version": event.version,
            "event_id": event.cause,
            "actor_id": event.actor,
            "role": event.role,
            "is_deleted": event.new_text is None,
            "created_at": time_text(history.events[0][0].at),
            "updated_at": time_text(event.at),
        }
        for event, messages in history.events
    ]


def episode_answer(episode: Episode) -> EpisodeAnswer:
    """Return the messages of one add."""
    return {
        "event_id": episode.id,
        "messages": [_message(message) for message in episode.messages],
        "created_at": time_text(episode.said_at),
    }


def entities_answer(
    page: SubjectPage, project: str, following: str | None, previous: str | None
) -> EntityPageAnswer:
    """Return one page of entities."""
    return {
        "count": sum(page.totals.values()),
        "next": following,
        "previous": previous,
        "results": [_entity(entry, project) for entry in page.subjects],
        "total_users": page.totals[SubjectKind.USER],
        "total_agents": page.totals[SubjectKind.AGENT],
        "total_apps": page.totals[SubjectKind.APP],
        "total_runs": page.totals[SubjectKind.RUN],
    }


def job_answer(job: Job) -> JobAnswer:
    """Return a job's state."""
    ended = job.completed_at
    took = (ended - (job.started_at or job.created_at)).total_seconds() * 1000 if ended else None
    return {
        "id": job.id,
        "event_type": "ADD" if isinstance(job.request, AddRequest) else "DELETE_ALL",
        "status": job.status,
        "payload": {},
        "metadata": dict(job.notes),
        "results": [_outcome(outcome) for outcome in job.outcomes],
        "created_at": time_text(job.created_at),
        "updated_at": time_text(ended or job.started_at or job.created_at),
        "started_at": time_text(job.started_at) if job.started_at else None,
        "completed_at": time_text(ended) if ended else None,
        "latency": took,
        "graph_status": None,
        "error": job.error,
    }


def key_answer(key: ApiKey, secret: str | None = None) -> KeyAnswer:
    """Return what is known of a key, with the key itself if it was just made."""
    answer: KeyAnswer = {
        "id": key.id,
        "name": key.name,
        "project_id": key.project,
        "created_at": time_text(key.created_at),
        "revoked_at": time_text(key.revoked_at) if key.revoked_at else None,
    }
    if secret is not None:
        answer["key"] = secret
    return answer


def time_text(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _names(scope: Scope) -> dict[str, str | None]:
    names = {f"{kind}_id": scope.name_of(kind) for kind in SubjectKind}
    return {**names, "session_id": names["run_id"]}


def _structured(time: datetime) -> dict[str, Any]:
    utc = time.astimezone(UTC)
    return {
        "year": utc.year,
        "month": utc.month,
        "day": utc.day,
        "hour": utc.hour,
        "minute": utc.minute,
        "quarter": (utc.month + 2) // 3,
        "is_weekend": utc.isoweekday() > 5,  # noqa: PLR2004 - Friday
        "day_of_week": utc.strftime("%A").lower(),
        "day_of_year": utc.timetuple().tm_yday,
        "week_of_year": utc.isocalendar().week,
    }


def _outcome(outcome: Outcome) -> OutcomeAnswer:
    return {
        "id": outcome.memory_id,
        "memory": outcome.text,
        "event": outcome.decision.value,
        "data": {"memory": outcome.text},
        "previous_memory": outcome.previous_text,
        "role": outcome.role,
        "actor_id": outcome.actor,
        "attributed_to": outcome.attributed_to,
        "categories": list(outcome.categories),
        "reason": outcome.reason,
    }


def _message(message: Message) -> MessageAnswer:
    return {"role": message.role, "content": message.content, "name": message.name}


def _entity(entry: SubjectEntry, project: str) -> EntityAnswer:
    subject: Subject = entry.subject
    return {
        "id": subject.name,
        "name": subject.name,
        "type": subject.kind,
        "owner": project,
        "total_memories": entry.memories,
        "metadata": {},
        "created_at": time_text(entry.created_at),
        "updated_at": time_text(entry.updated_at),
    }
