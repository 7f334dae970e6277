"""The stored form of jobs, the same in every record."""

from datetime import date

from recollect.adapters.stored import (
    Document,
    dump_message,
    load_message,
    scope_of,
    time_in,
    time_of,
    time_or_none,
    time_text,
)
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import (
    AddRequest,
    Decision,
    DeleteAllRequest,
    Draft,
    Fact,
    Job,
    JobStatus,
    Outcome,
    Turn,
)
from recollect.domain.memory import MemoryKind


def dump_job(job: Job) -> Document:
    """Return a job as a document."""
    return {
        "id": job.id,
        "request": _dump_request(job.request),
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
    }


def load_job(project: str, document: Document) -> Job:
    """Return the job that `dump_job` wrote."""
    plan = document["plan"]
    return Job(
        id=document["id"],
        project=project,
        request=_load_request(project, document["request"]),
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


def _dump_request(request: AddRequest | DeleteAllRequest) -> Document:
    if isinstance(request, DeleteAllRequest):
        return {"type": "delete_all", "filters": request.filters}
    return {
        "type": "add",
        "subjects": request.scope.pairs,
        "messages": [dump_message(message) for message in request.messages],
        "infer": request.infer,
        "metadata": request.metadata,
        "said_at": time_or_none(request.said_at),
        "reference_at": time_or_none(request.reference_at),
        "expires_on": request.expires_on.isoformat() if request.expires_on else None,
        "is_immutable": request.is_immutable,
        "kind": request.kind,
        "is_graphed": request.is_graphed,
        "guidance": dump_guidance(request.guidance),
    }


def _load_request(project: str, document: Document) -> AddRequest | DeleteAllRequest:
    if document["type"] == "delete_all":
        return DeleteAllRequest(project=project, filters=document["filters"])
    expires_on, kind = document["expires_on"], document["kind"]
    return AddRequest(
        scope=scope_of(project, document["subjects"]),
        messages=tuple(map(load_message, document["messages"])),
        infer=document["infer"],
        metadata=document["metadata"],
        said_at=time_in(document["said_at"]),
        reference_at=time_in(document["reference_at"]),
        expires_on=date.fromisoformat(expires_on) if expires_on else None,
        is_immutable=document["is_immutable"],
        kind=MemoryKind(kind) if kind else None,
        # Absent where the release before the graph wrote it.
        is_graphed=document.get("is_graphed"),
        guidance=load_guidance(document["guidance"]),
    )


def dump_guidance(guidance: Guidance) -> Document | None:
    """Return wishes as a document; None if there are none."""
    wishes = {name: wish for name, wish in vars(guidance).items() if wish}
    return wishes or None


def load_guidance(document: Document | None) -> Guidance:
    """Return the wishes that `dump_guidance` wrote."""
    return Guidance(**document or {})
