"""What callers send and get about users, agents, apps and runs."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, StrictStr
from typing_extensions import TypedDict

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.answers import HistoryAnswer
from recollect.entrypoints.models import ENTITY_IDS
from recollect.entrypoints.presenters import history_answers
from recollect.entrypoints.turns import JsonObject
from recollect.entrypoints.urls import subject_kind_from
from recollect.usecases.take_stock import HistoryPage, Stock


class EntityBody(BaseModel):
    """The body that says something of an entity."""

    user_id: StrictStr | None = None
    agent_id: StrictStr | None = None
    app_id: StrictStr | None = None
    run_id: StrictStr | None = None
    metadata: JsonObject | None = Field(None, description="Kept instead of what was there.")

    def subject(self, kind: SubjectKind) -> Subject:
        """Return whom it names; raise `InvalidRequestError` unless it is one of this kind."""
        given = {name: getattr(self, name) for name in ENTITY_IDS}
        name = given.pop(f"{kind}_id")
        if name is None or any(each is not None for each in given.values()):
            message = f"{kind}_id, and no other entity, must be given"
            raise InvalidRequestError(message)
        return Subject.of(kind, name)


class EntityFilterAnswer(TypedDict):
    """A parameter of the list of entities; no values stand for any text."""

    name: str
    values: list[str]


class EntityFiltersAnswer(TypedDict):
    """By what entities can be listed."""

    filters: list[EntityFilterAnswer]


class StatsAnswer(TypedDict):
    """How much there is; unless `count_exact`, there are more memories."""

    total_memories: int
    count_exact: bool
    total_users: int
    total_agents: int
    total_apps: int
    total_runs: int


class HistoryPageAnswer(TypedDict):
    """What happened to one page of memories; `count` are the memories, not their changes."""

    count: int
    count_exact: bool
    next: str | None
    previous: str | None
    results: list[HistoryAnswer]


def kinds_from(texts: Sequence[str]) -> list[SubjectKind]:
    """Return the kinds that are asked for, all if none are; raise `InvalidRequestError`."""
    asked = [part.strip().lower() for text in texts for part in text.split(",")]
    kinds = {subject_kind_from(part) for part in asked if part}
    return [kind for kind in SubjectKind if kind in kinds or not kinds]


def entity_filters_answer() -> EntityFiltersAnswer:
    """Return by what entities can be listed."""
    return {
        "filters": [
            {"name": "type", "values": [kind.value for kind in SubjectKind]},
            {"name": "search", "values": []},
        ]
    }


def stats_answer(stock: Stock) -> StatsAnswer:
    """Return how much there is."""
    return {
        "total_memories": stock.memories,
        "count_exact": stock.is_exact,
        **_totals(stock),  # type: ignore[typeddict-item]
    }


def history_page_answer(
    page: HistoryPage, following: str | None, previous: str | None
) -> HistoryPageAnswer:
    """Return what happened to memories, the last of each first."""
    return {
        "count": page.count,
        "count_exact": page.is_count_exact,
        "next": following,
        "previous": previous,
        "results": [
            row for history in page.histories for row in reversed(history_answers(history))
        ],
    }


def _totals(stock: Stock) -> dict[str, Any]:
    return {f"total_{kind}s": stock.subjects[kind] for kind in SubjectKind}
