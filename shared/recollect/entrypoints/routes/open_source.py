"""Adds and searches of mem0's open-source server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.domain.jobs import Job
from recollect.entrypoints.answers import AddAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import AddBody
from recollect.entrypoints.open_source_answers import OpenSourceMemoriesAnswer, open_source_search
from recollect.entrypoints.open_source_bodies import OpenSourceSearchBody
from recollect.entrypoints.presenters import add_answer
from recollect.entrypoints.questions import found
from recollect.usecases.search_memories import SearchMemories


@dataclass(frozen=True)
class OpenSourceAddRoutes:
    """`add` carries out what any version's body asks for."""

    add: Callable[[AddBody], Job]

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        app.post("/memories", summary="Remember messages (open source)")(
            self.post_open_source_memories
        )

    def post_open_source_memories(self, body: Annotated[AddBody, Body()]) -> AddAnswer:
        """Remember a conversation and return what became of it."""
        return add_answer(self.add(body))


@dataclass(frozen=True)
class OpenSourceSearchRoutes:
    """Searches as the third version does."""

    search: SearchMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        app.post("/search", summary="Find memories (open source)")(self.post_open_source_search)

    def post_open_source_search(
        self, body: Annotated[OpenSourceSearchBody, Body()]
    ) -> OpenSourceMemoriesAnswer:
        """Return the memories that answer a question best; any key of metadata may be a filter."""
        result = found(self.search, body, caller.access)
        return open_source_search(
            result, body.fields, threshold=body.least_score, explain=bool(body.explain)
        )
