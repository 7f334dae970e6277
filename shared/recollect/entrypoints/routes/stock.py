"""The routes that look over all that a project has."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from recollect.domain.filters import parse_filter
from recollect.entrypoints.caller import caller
from recollect.entrypoints.entity_answers import (
    HistoryPageAnswer,
    StatsAnswer,
    history_page_answer,
    stats_answer,
)
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import ENTITY_IDS
from recollect.entrypoints.paging import Page
from recollect.usecases.take_stock import CountMemories, ListHistories


@dataclass(frozen=True)
class StockRoutes:
    """What counts, and what tells of all memories at once."""

    count_memories: CountMemories
    list_histories: ListHistories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them; to be added before routes to one memory."""
        app.get("/v1/stats", summary="Count what there is")(self.get_stats)
        app.get("/v1/memories/events", summary="List what happened")(self.get_histories)

    def get_stats(self) -> StatsAnswer:
        """Return how many memories, users, agents, apps and runs there are.

        Searches are not counted, so nothing is told of them.
        """
        access = caller.access
        return stats_answer(self.count_memories(access.project, within=access.subject))

    def get_histories(
        self,
        *,
        user_id: Annotated[str | None, Query()] = None,
        agent_id: Annotated[str | None, Query()] = None,
        app_id: Annotated[str | None, Query()] = None,
        run_id: Annotated[str | None, Query()] = None,
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query(description="Memories, 1 to 100.")] = None,
    ) -> HistoryPageAnswer:
        """Return the histories of memories, last created first, each with its last change first.

        Of those that are there: what became of deleted ones tells the history of each. The
        messages that a change came from are in the memory's own history, too.
        """
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        given = {name: names[name] for name in ENTITY_IDS if names[name] is not None}
        access = caller.access
        asked = Page.asked(page, page_size, None, kept=[(k, v) for k, v in given.items() if v])
        found = self.list_histories(
            access.project,
            parse_filter(access.narrowed({"AND": [{name: given[name]} for name in given]})),
            page=asked.number,
            page_size=asked.size,
        )
        return history_page_answer(found, *asked.links(caller.address, has_more=found.has_more))
