"""What callers get to know of the graph: what an add did to it, and what answers a question."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

from recollect.domain.graph import USER_TYPE, Entity
from recollect.entrypoints.answers import GraphOutcomeAnswer, RelationAnswer, TripleAnswer
from recollect.entrypoints.times import time_text_or_none
from recollect.usecases.follow_graph import GraphOutcome, NamedTriple
from recollect.usecases.search_graph import FoundRelation

MOST_LINES = 10
"""Relations in a text for a prompt, whose memories are there as well."""
THE_USER = "the user"


def graph_outcome_answer(outcome: GraphOutcome) -> GraphOutcomeAnswer:
    """Return the relations that an add states, and those that it ended."""
    return {
        "added_entities": list(map(_triple, outcome.added)),
        "deleted_entities": list(map(_triple, outcome.ended)),
    }


def _triple(triple: NamedTriple) -> TripleAnswer:
    return {"source": triple.source, "relationship": triple.predicate, "target": triple.target}


def relation_answer(found: FoundRelation) -> RelationAnswer:
    """Return a relation that answers a question."""
    return {
        "source": found.source.name,
        "source_type": found.source.type,
        "relationship": found.relation.triple.predicate,
        "target": found.target.name,
        "target_type": found.target.type,
        "score": round(found.score, 4),
        "valid_from": time_text_or_none(found.belief.valid_from),
        "valid_to": time_text_or_none(found.belief.valid_to),
        "memory_ids": list(found.memory_ids),
    }


def relation_lines(found: Iterable[FoundRelation]) -> list[str]:
    """Return the first relations for a prompt, a line each: what is so, and from when to when."""
    return [f"- {_sentence(each)}" for each in islice(found, MOST_LINES)]


def _sentence(found: FoundRelation) -> str:
    predicate = found.relation.triple.predicate.replace("_", " ")
    source = _spoken(found.source)
    if source == THE_USER:
        source = THE_USER.capitalize()
    since = _day(", since", found.belief.valid_from)
    until = _day(", until", found.belief.valid_to)
    return f"{source} {predicate} {_spoken(found.target)}{since}{until}"


def _spoken(entity: Entity) -> str:
    return THE_USER if entity.type == USER_TYPE else entity.name


def _day(word: str, time: datetime | None) -> str:
    return f"{word} {time.astimezone(UTC).date().isoformat()}" if time else ""
