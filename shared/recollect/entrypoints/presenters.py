"""Turns what the use cases return into what callers get."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from recollect.domain.jobs import Decision, Job, JobStatus, Outcome
from recollect.domain.memory import Episode, Memory, Message
from recollect.domain.recall import recalled
from recollect.domain.relevance import Relevance
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.entrypoints.answers import (
    AddAnswer,
    EntityAnswer,
    EntityPageAnswer,
    EpisodeAnswer,
    HistoryAnswer,
    MemoryAnswer,
    MessageAnswer,
    OutcomeAnswer,
    PingAnswer,
    SearchAnswer,
)
from recollect.entrypoints.graph_outcomes import relation_answer, relation_lines
from recollect.entrypoints.times import time_text, time_text_or_none
from recollect.ports.record import SubjectEntry
from recollect.usecases.read_memories import MemoryHistory, SubjectPage
from recollect.usecases.search_memories import Found, SearchResult

QUEUED = "Memory processing has been queued for background execution"
STORED = "Memories stored successfully"
COMPONENTS = {"keyword": "bm25"}
"""What callers know some components of a score by."""
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
        "structured_attributes": structured_attributes(memory.created_at),
        "valid_from": time_text_or_none(memory.valid_from),
        "valid_to": time_text_or_none(memory.valid_to),
        "salience": memory.salience,
        "kind": memory.kind,
        "memory_type": f"{memory.kind}_memory",
        "role": memory.role,
        "actor_id": memory.actor,
        "attributed_to": memory.attributed_to,
        "immutable": memory.is_immutable,
        "version": memory.version,
        "event_id": memory.episode_id,
        "replaced_by": None,
        "synthesized": False,
        "lifecycle_state": "active",
        "feedback": memory.feedback.verdict if memory.feedback else None,
        "feedback_reason": memory.feedback.reason if memory.feedback else None,
    }
    if fields is None:
        return answer
    return {key: answer[key] for key in answer if key in {"id", *fields}}  # type: ignore[literal-required, return-value]


def search_answer(
    result: SearchResult, fields: Sequence[str] | None, *, explain: bool, include_context: bool
) -> SearchAnswer:
    """Return what a search found, on request also as a text that can be put into a prompt."""
    answer: SearchAnswer = {
        "results": [
            _found(found, fields, explain=explain, has_graph=result.relations is not None)
            for found in result.found
        ],
        "degraded": list(result.degraded),
    }
    if result.relations is not None:
        answer["relations"] = list(map(relation_answer, result.relations))
    if result.context is not None:
        answer["context"] = result.context.text
        answer["context_tokens"] = result.context.tokens
        answer["all_tokens"] = result.context.all_tokens
    elif include_context:
        relations = relation_lines(result.relations or ())
        answer["context"] = recalled([*(_line(each.memory) for each in result.found), *relations])
    return answer


def _found(
    found: Found, fields: Sequence[str] | None, *, explain: bool, has_graph: bool
) -> MemoryAnswer:
    """Return a memory with its score, on request with what that is made of."""
    answer = memory_answer(found.memory, fields)
    answer["score"] = round(found.score.score, 4)
    if found.rerank_score is not None:
        answer["rerank_score"] = round(found.rerank_score, 4)
    if explain:
        answer["score_breakdown"] = _breakdown(found.score, has_graph=has_graph)
    return answer


def _breakdown(score: Relevance, *, has_graph: bool) -> dict[str, float]:
    parts = {COMPONENTS.get(name, name): part for name, part in score.components.items()}
    of_graph = {"graph": score.graph} if has_graph else {}
    every = {**parts, **of_graph, "decay": score.decay}
    return {name: round(part, 4) for name, part in every.items()}


def add_answer(job: Job, *, is_awaited: bool = True) -> AddAnswer:
    """Return what an add did; only the job to follow if it is not done, or nobody waits for it."""
    is_done = is_awaited and job.status is JobStatus.SUCCEEDED
    return {
        "message": STORED if is_done else QUEUED,
        "status": job.status if is_done else JobStatus.PENDING,
        "event_id": job.id,
        "results": [outcome_answer(outcome) for outcome in job.outcomes] if is_done else [],
    }


def history_answers(history: MemoryHistory) -> list[HistoryAnswer]:
    """Return a memory's history, oldest event first; each holds until the next one does."""
    memory = history.memory
    ends = [event.valid_from for event, _ in history.events[1:]]
    return [
        {
            "id": str(uuid5(UUID(event.memory_id), str(event.version))),
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
            "prompt_version": event.prompt_version,
            "valid_from": time_text_or_none(event.valid_from),
            "valid_to": time_text_or_none(valid_to),
            "created_at": time_text(history.events[0][0].at),
            "updated_at": time_text(event.at),
        }
        for (event, messages), valid_to in zip(history.events, [*ends, None], strict=True)
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
        "count": page.count,
        "next": following,
        "previous": previous,
        "results": [entity_answer(entry, project) for entry in page.subjects],
        "total_users": page.totals[SubjectKind.USER],
        "total_agents": page.totals[SubjectKind.AGENT],
        "total_apps": page.totals[SubjectKind.APP],
        "total_runs": page.totals[SubjectKind.RUN],
    }


def _line(memory: Memory) -> str:
    return f"- {_day(memory.created_at)}: {memory.text}{''.join(_validity(memory))}"


def _validity(memory: Memory) -> Iterator[str]:
    if memory.valid_from:
        yield f" (from {_day(memory.valid_from)})"
    if memory.valid_to:
        yield f" (until {_day(memory.valid_to)})"


def _day(time: datetime) -> str:
    return time.astimezone(UTC).date().isoformat()


def _names(scope: Scope) -> dict[str, str | None]:
    names = {f"{kind}_id": scope.name_of(kind) for kind in SubjectKind}
    return {**names, "session_id": names["run_id"]}


def structured_attributes(time: datetime) -> dict[str, Any]:
    """Return the parts of a time that clients of the platform filter by."""
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


def outcome_answer(outcome: Outcome) -> OutcomeAnswer:
    """Return what became of one message or fact."""
    text, previous = outcome.text, outcome.previous_text
    if outcome.decision is Decision.DELETE:
        # Its own text is the reason: the fact that contradicts, or the wish to forget.
        text = previous = previous or text
    return {
        "id": outcome.memory_id,
        "memory": text,
        "event": outcome.decision.value,
        "data": {"memory": text},
        "previous_memory": previous,
        "role": outcome.role,
        "actor_id": outcome.actor,
        "attributed_to": outcome.attributed_to,
        "categories": list(outcome.categories),
        "reason": outcome.reason,
    }


def _message(message: Message) -> MessageAnswer:
    return {
        "role": message.role,
        "content": message.content,
        "name": message.name,
        "said_at": time_text(message.said_at) if message.said_at else None,
        "attachments": [
            {"kind": each.kind, "text": each.text, "url": each.url} for each in message.attachments
        ],
    }


def entity_answer(entry: SubjectEntry, project: str) -> EntityAnswer:
    """Return a user, agent, app or run."""
    subject: Subject = entry.subject
    return {
        "id": subject.name,
        "name": subject.name,
        "type": subject.kind,
        "owner": project,
        "total_memories": entry.memories,
        "metadata": dict(entry.metadata),
        "created_at": time_text(entry.created_at),
        "updated_at": time_text(entry.updated_at),
    }
