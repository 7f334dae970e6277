"""The stored form of jobs, the same in every record."""

from recollect.adapters.stored import Document, time_in, time_of, time_or_none, time_text
from recollect.adapters.stored_requests import dump_request, load_request
from recollect.domain.jobs import Decision, Draft, Fact, Job, JobStatus, Outcome, Turn
from recollect.domain.memory import MemoryKind


def dump_job(job: Job) -> Document:
    """Return a job as a document."""
    return {
        "id": job.id,
        "request": dump_request(job.request),
        "status": job.status,
        "created_at": time_text(job.created_at),
        "read": job.read,
        "plan": [_dump_draft(draft) for draft in job.plan] if job.plan is not None else None,
        "done": job.done,
        "attempt": job.attempt,
        "started_at": time_or_none(job.started_at),
        "completed_at": time_or_none(job.completed_at),
        "outcomes": [_dump_outcome(outcome) for outcome in job.outcomes],
        "error": job.error,
        "notes": job.notes,
        "result": job.result,
        "key_id": job.key_id,
        "asked_at": time_or_none(job.asked_at),
        "message_id": job.message_id,
        "tries": job.tries,
        "got_to": job.got_to,
    }


def load_job(project: str, document: Document) -> Job:
    """Return the job that `dump_job` wrote."""
    plan = document["plan"]
    return Job(
        id=document["id"],
        project=project,
        request=load_request(project, document["request"]),
        status=JobStatus(document["status"]),
        created_at=time_of(document["created_at"]),
        read=document["read"],
        plan=tuple(map(_load_draft, plan)) if plan is not None else None,
        done=document["done"],
        attempt=document["attempt"],
        started_at=time_in(document["started_at"]),
        completed_at=time_in(document["completed_at"]),
        outcomes=tuple(_load_outcome(outcome) for outcome in document["outcomes"]),
        error=document["error"],
        notes=document["notes"],
        # Absent where the release before exports wrote it.
        result=document.get("result"),
        # Absent where the release before the worker wrote it.
        key_id=document.get("key_id"),
        asked_at=time_in(document.get("asked_at")),
        message_id=document.get("message_id"),
        tries=document.get("tries", 1),
        got_to=document.get("got_to", 0),
    )


def _dump_outcome(outcome: Outcome) -> Document:
    return {
        "decision": outcome.decision,
        "memory_id": outcome.memory_id,
        "text": outcome.text,
        "previous_text": outcome.previous_text,
        "role": outcome.role,
        "actor": outcome.actor,
        "attributed_to": outcome.attributed_to,
        "categories": outcome.categories,
        "reason": outcome.reason,
        "message": outcome.message,
    }


def _load_outcome(document: Document) -> Outcome:
    return Outcome(
        decision=Decision(document["decision"]),
        memory_id=document["memory_id"],
        text=document["text"],
        previous_text=document["previous_text"],
        role=document["role"],
        actor=document["actor"],
        attributed_to=document["attributed_to"],
        categories=tuple(document["categories"]),
        reason=document["reason"],
        message=document["message"],
    )


def _dump_draft(draft: Draft) -> Document:
    fact = draft.fact
    return {
        "text": fact.text,
        "role": fact.role,
        "actor": fact.actor,
        "attributed_to": fact.attributed_to,
        "kind": fact.kind,
        "categories": fact.categories,
        "message": fact.message,
        "said_at": time_or_none(fact.said_at),
        "valid_from": time_or_none(fact.valid_from),
        "valid_to": time_or_none(fact.valid_to),
        "salience": fact.salience,
        "quote": fact.quote,
        "prompt_version": fact.prompt_version,
        "turn": [draft.turn.number, draft.turn.memory_id] if draft.turn else None,
    }


def _load_draft(document: Document) -> Draft:
    turn = document["turn"]
    fact = Fact(
        text=document["text"],
        role=document["role"],
        actor=document["actor"],
        attributed_to=document["attributed_to"],
        kind=MemoryKind(document["kind"]),
        categories=tuple(document["categories"]),
        message=document["message"],
        said_at=time_in(document["said_at"]),
        valid_from=time_in(document["valid_from"]),
        valid_to=time_in(document["valid_to"]),
        salience=document["salience"],
        quote=document["quote"],
        prompt_version=document["prompt_version"],
    )
    return Draft(fact, Turn(*turn) if turn else None)
