"""What callers get: the keys of mem0's `Memory`, and ours besides."""

import hashlib
from typing import Any, TypeAlias, cast

from recollect.domain.jobs import Job
from recollect.entrypoints.answers import (
    HistoryAnswer,
    MemoryAnswer,
    OutcomeAnswer,
    RelationAnswer,
    SearchAnswer,
)
from recollect.entrypoints.graph_outcomes import graph_outcome_answer
from recollect.entrypoints.presenters import add_answer
from recollect.usecases.follow_graph import GraphOutcome

Answer: TypeAlias = dict[str, Any]

NAMES = ("user_id", "agent_id", "app_id", "run_id", "actor_id", "role")
"""Left out where there is none."""
OF_MEMORIES = (
    *("categories", "expiration_date", "valid_from", "valid_to", "salience", "memory_type"),
    *("attributed_to", "immutable", "version", "event_id"),
)
OF_RESULTS = (
    *("id", "memory", "event", "previous_memory", "actor_id", "role"),
    *("attributed_to", "categories", "reason"),
)
OF_RELATIONS = ("source", "source_type", "relationship", "target_type", "score", "memory_ids")
OF_HISTORY = (
    *("id", "memory_id", "old_memory", "new_memory", "event", "created_at", "updated_at"),
    *("is_deleted", "actor_id", "role"),
    *("version", "event_id", "prompt_version", "valid_from", "valid_to"),
)


def memory_item(answer: MemoryAnswer, *, has_score: bool = True) -> Answer:
    """Return a memory; a `score` that nobody asked for is None, as mem0 has it."""
    text = answer["memory"]
    shown = cast("Answer", answer)
    return {
        "id": answer["id"],
        "memory": text,
        "hash": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
        "metadata": answer["metadata"] or None,
        **({"score": answer.get("score")} if has_score else {}),
        "created_at": answer["created_at"],
        "updated_at": answer["updated_at"],
        **{name: shown[name] for name in NAMES if shown[name] is not None},
        **{name: shown[name] for name in OF_MEMORIES},
    }


def found(answer: SearchAnswer) -> Answer:
    """Return what a search found; `relations` only if the graph was asked."""
    shown: Answer = {**answer, "results": [memory_item(each) for each in answer["results"]]}
    if "relations" in answer:
        shown["relations"] = [_relation(each) for each in answer["relations"]]
    return shown


def added(job: Job, graph: GraphOutcome | None = None) -> Answer:
    """Return what an add did, and what it did to the graph if that was waited for.

    `PENDING` if too many others wrote at the same time; so is `graph_status` then, or while a model
    cannot be reached.
    """
    answer = add_answer(job)
    of_graph: Answer = {}
    if graph:
        of_graph = {"graph_status": str(graph.status), "relations": graph_outcome_answer(graph)}
    return {
        "results": [_result(each) for each in answer["results"]],
        "status": str(answer["status"]),
        "event_id": answer["event_id"],
        **of_graph,
    }


def history_row(answer: HistoryAnswer) -> Answer:
    """Return one event of a memory."""
    shown = cast("Answer", answer)
    return {name: shown[name] for name in OF_HISTORY}


def _relation(answer: RelationAnswer) -> Answer:
    """Return a relation; mem0's `Memory` calls its target the destination."""
    shown = cast("Answer", answer)
    return {"destination": shown["target"], **{name: shown[name] for name in OF_RELATIONS}}


def _result(answer: OutcomeAnswer) -> Answer:
    shown = cast("Answer", answer)
    names = [name for name in OF_RESULTS if name != "previous_memory" or shown["event"] == "UPDATE"]
    return {name: shown[name] for name in names}
