"""What callers ask of all that is remembered: searches and lists, the same in every version."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import Filter, Within, is_scoped, parse_filter, subject_is
from recollect.domain.keys import Access
from recollect.domain.memory import Memory
from recollect.entrypoints.models import ENTITY_IDS, Fraction, Whole
from recollect.entrypoints.paging import Page
from recollect.entrypoints.times import Timestamp, time_from
from recollect.entrypoints.turns import JsonObject
from recollect.ports.record import MemoryPage
from recollect.usecases.read_memories import ListMemories
from recollect.usecases.search_memories import MAX_RESULTS, SearchMemories, SearchResult

DEFAULT_RESULTS = 10
DEFAULT_THRESHOLD = 0.1
_TOLERATED = "Read and ignored."


class FilteredBody(BaseModel):
    """What every search and list has in common. Unknown fields are ignored."""

    model_config = ConfigDict(extra="allow")

    filters: JsonObject | None = Field(
        None,
        description="Which memories; must name an entity, or `*` for any of a kind.",
        examples=[{"AND": [{"user_id": "ada"}, {"created_at": {"gte": "2026-01-01"}}]}],
    )
    fields: list[StrictStr] | None = Field(None, description="Keys to return of each memory.")
    categories: list[StrictStr] | None = None
    metadata: JsonObject | None = Field(None, description="As `metadata` in filters.")
    show_expired: bool | None = False
    latest_only: bool | None = Field(
        None,
        description="Changes nothing: a memory is its latest text, and earlier ones its history.",
    )
    include_merged: bool | None = Field(
        None, description="Changes nothing: memories are not merged."
    )

    def matching(self, access: Access) -> Filter:
        """Return which memories are asked for; raise `InvalidRequestError`."""
        parts = [self._given_filters(), *self._names(), *self._conditions()]
        if self.metadata:
            parts.append({"metadata": self.metadata})
        if self.categories:
            parts.append({"categories": {"in": self.categories}})
        return scoped({"AND": parts}, access)

    def _given_filters(self) -> Mapping[str, Any]:
        return self.filters or {}

    def _names(self) -> Sequence[JsonObject]:
        """Return a condition for each entity named beside the filters, where that is allowed."""
        extra = self.model_extra or {}
        if misplaced := [name for name in ENTITY_IDS if extra.get(name) is not None]:
            message = f"{', '.join(misplaced)} must be given inside filters"
            raise InvalidRequestError(message)
        return []

    def _conditions(self) -> Sequence[JsonObject]:
        """Return what else a memory must be."""
        return []


class NamedBody(FilteredBody):
    """The same where entities may also be named beside the filters."""

    user_id: StrictStr | None = None
    agent_id: StrictStr | None = None
    app_id: StrictStr | None = None
    run_id: StrictStr | None = None

    def _names(self) -> Sequence[JsonObject]:
        given = {name: getattr(self, name) for name in ENTITY_IDS}
        return [{name: value} for name, value in given.items() if value is not None]


class SearchBody(FilteredBody):
    """The body of a search."""

    query: StrictStr
    top_k: Whole | None = Field(None, description="At most so many results, 1 to 1000.")
    limit: Whole | None = Field(None, description="The same as top_k.")
    threshold: Fraction | None = Field(
        None, description=f"Least score, 0 to 1; {DEFAULT_THRESHOLD} if not given."
    )
    explain: bool | None = Field(default=False, description="Tell what each score is made of.")
    enable_graph: StrictBool | None = Field(
        None, description="Look in the graph as well; as the project has set if not given."
    )
    reference_date: Timestamp | None = Field(
        None,
        description="When it is asked: where 'last summer' is seen from, and what relations held;"
        " unix s or ISO 8601, now if not given.",
    )
    keyword_search: bool | None = Field(
        None, description="Changes nothing: every search is for meaning and for words."
    )
    rerank: bool | None = Field(
        None,
        description="Have the configured reranker read the best results again; without one, or when"
        " it is late, they stay as they were ranked.",
    )
    output_format: StrictStr | None = Field(None, description=_TOLERATED)

    @property
    def result_limit(self) -> int:
        """At most so many results."""
        asked = self.top_k if self.top_k is not None else self.limit
        return DEFAULT_RESULTS if asked is None else asked

    @property
    def prompt_tokens(self) -> int | None:
        """For how many tokens there is room in a prompt, if a text for one is asked for."""
        return None

    @property
    def least_score(self) -> float:
        """The score that a result must reach."""
        return DEFAULT_THRESHOLD if self.threshold is None else self.threshold

    @property
    def reference_at(self) -> datetime | None:
        """When relations are to have held, None for now; raises `InvalidRequestError`."""
        return time_from(self.reference_date, "reference_date")


class PromptSearchBody(SearchBody):
    """The body of a search that can be answered with a text for a prompt, too."""

    include_context: bool | None = Field(
        default=False, description="Return what was found also as a text for a prompt."
    )
    max_tokens: Whole | None = Field(
        None,
        description="Return, as context, the most useful memories that about so many tokens have"
        " room for, in the order of time, also of those that are not among the results.",
    )

    @property
    def prompt_tokens(self) -> int | None:
        """For how many tokens there is room in a prompt."""
        return self.max_tokens


class ListBody(FilteredBody):
    """The body of a list."""

    page: Whole | None = None
    page_size: Whole | None = None
    start_date: Timestamp | None = None
    end_date: Timestamp | None = None
    keywords: StrictStr | None = None

    def _conditions(self) -> Sequence[JsonObject]:
        conditions: list[JsonObject] = []
        if self.start_date is not None:
            conditions.append({"created_at": {"gte": self.start_date}})
        if self.end_date is not None:
            conditions.append({"created_at": {"lte": self.end_date}})
        if self.keywords:
            conditions.append({"keywords": {"icontains": self.keywords}})
        return conditions


def scoped(filters: JsonObject, access: Access) -> Filter:
    """Return what filters and the key let through; raise `InvalidRequestError`.

    The filters must name an entity, or `*` for any of a kind.
    """
    matching = parse_filter(access.narrowed(filters))
    if not is_scoped(matching):
        message = (
            "One of the filters: app_id, user_id, agent_id, run_id is required! Give at least one"
            " in filters."
        )
        raise InvalidRequestError(message)
    return matching


def found(search: SearchMemories, body: SearchBody, access: Access) -> SearchResult:
    """Return what a search asks for and the key lets through; raise as the search does."""
    matching, own = body.matching(access), access.subject
    return search(
        access.project,
        body.query,
        Within((subject_is(own), matching)) if own else matching,
        limit=body.result_limit,
        threshold=body.least_score,
        show_expired=bool(body.show_expired),
        with_graph=body.enable_graph,
        at=body.reference_at,
        with_reranker=bool(body.rerank),
        max_tokens=body.prompt_tokens,
    )


def unranked(
    list_memories: ListMemories, body: FilteredBody, access: Access, limit: int
) -> list[Memory]:
    """Return the first of what is asked for and the key lets through, last created first.

    Raises as the list does, and `InvalidRequestError` for more than a search may find.
    """
    if not 1 <= limit <= MAX_RESULTS:
        message = f"top_k must be between 1 and {MAX_RESULTS}"
        raise InvalidRequestError(message)
    return list_memories.first(
        access.project, body.matching(access), limit=limit, show_expired=bool(body.show_expired)
    )


def listed(
    list_memories: ListMemories, body: FilteredBody, access: Access, page: Page
) -> MemoryPage:
    """Return the page of what is asked for and the key lets through; raise as the list does."""
    return list_memories(
        access.project,
        body.matching(access),
        page=page.number,
        page_size=page.size,
        after=page.after,
        show_expired=bool(body.show_expired),
    )
