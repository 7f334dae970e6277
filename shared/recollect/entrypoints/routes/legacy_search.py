"""Searches of the hosted platform's first two versions."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.entrypoints.answers import MemoryAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.legacy_answers import (
    RelatedAnswer,
    first_search_answer,
    unranked_answer,
)
from recollect.entrypoints.legacy_bodies import FirstSearchBody, SecondSearchBody
from recollect.entrypoints.questions import found, unranked
from recollect.usecases.read_memories import ListMemories
from recollect.usecases.search_memories import SearchMemories


@dataclass(frozen=True)
class LegacySearchRoutes:
    """Both search as the third version does, and answer with lists unless told otherwise."""

    search: SearchMemories
    list_memories: ListMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        first, second = "Find memories (version 1)", "Find memories (version 2)"
        app.post("/v1/memories/search", summary=first)(self.post_first_search)
        app.post("/v2/memories/search", summary=second)(self.post_second_search)

    def post_first_search(
        self, body: Annotated[FirstSearchBody, Body()]
    ) -> list[MemoryAnswer] | RelatedAnswer:
        """Return the memories of an entity that answer a question best, or those alone that fit."""
        if body.only_metadata_based_search:
            memories = unranked(self.list_memories, body, caller.access, limit=body.result_limit)
            return unranked_answer(memories, body)
        return first_search_answer(found(self.search, body, caller.access), body)

    def post_second_search(
        self, body: Annotated[SecondSearchBody, Body()]
    ) -> list[MemoryAnswer] | RelatedAnswer:
        """Return the memories that answer a question best; the filters must name an entity."""
        return first_search_answer(found(self.search, body, caller.access), body)
