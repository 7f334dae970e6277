"""Lists of the hosted platform's first two versions, and of one entity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.domain.errors import InvalidRequestError
from recollect.domain.subjects import Subject
from recollect.entrypoints.answers import EntityAnswer, MemoryAnswer, MemoryPageAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.graph_answers import graph_relation_answers
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.legacy_answers import ListedAnswer
from recollect.entrypoints.legacy_bodies import NamedListBody
from recollect.entrypoints.paging import DEFAULT_PAGE_SIZE, Page
from recollect.entrypoints.presenters import entity_answer, memory_answer
from recollect.entrypoints.questions import listed
from recollect.entrypoints.urls import object_from, subject_kind_from
from recollect.ports.record import MemoryPage
from recollect.usecases.browse_graph import BrowseGraph
from recollect.usecases.read_memories import MAX_PAGE_SIZE, ListMemories
from recollect.usecases.read_subjects import ReadSubjects

OF_PAGES = frozenset({"page", "page_size", "cursor"})


@dataclass(frozen=True)
class LegacyListRoutes:
    """Lists as the third version does, without pages unless they are asked for.

    To be added last: names of entities take all that is left of a path.
    """

    list_memories: ListMemories
    read_subjects: ReadSubjects
    browse_graph: BrowseGraph

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        entity = "<entity_type>/<entity_name>"
        app.post("/v2/memories", summary="List memories (version 2)")(self.post_second_list)
        app.get("/v1/memories", summary="List memories (version 1)")(self.get_first_list)
        app.get(f"/v1/memories/{entity}", summary="List memories of an entity")(self.get_of_entity)
        app.get(f"/v2/entities/{entity}", summary="Read an entity")(self.get_entity)

    def post_second_list(
        self,
        body: Annotated[NamedListBody, Body()],
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> list[MemoryAnswer] | ListedAnswer:
        """Return memories that the filters let through; a page of them if one is asked for."""
        number = body.page if page is None else page
        size = body.page_size if page_size is None else page_size
        asked = Page.asked(number, size, cursor)
        return self._answer(body, asked, is_paged=_any(number, size, cursor))

    def get_first_list(
        self,
        *,
        user_id: Annotated[str | None, Query()] = None,
        agent_id: Annotated[str | None, Query()] = None,
        app_id: Annotated[str | None, Query()] = None,
        run_id: Annotated[str | None, Query()] = None,
        keywords: Annotated[str | None, Query()] = None,
        categories: Annotated[list[str] | None, Query(description="Or one text: a,b.")] = None,
        fields: Annotated[list[str] | None, Query(description="Or one text: a,b.")] = None,
        metadata: Annotated[str | None, Query(description="A JSON object.")] = None,
        start_date: Annotated[str | None, Query()] = None,
        end_date: Annotated[str | None, Query()] = None,
        show_expired: Annotated[bool, Query()] = False,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE,
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
        enable_graph: Annotated[bool, Query(description="Tell of relations, too.")] = False,
    ) -> list[MemoryAnswer] | ListedAnswer:
        """Return the memories of all the given entities; a page of them if one is asked for."""
        body = NamedListBody(
            user_id=user_id,
            agent_id=agent_id,
            app_id=app_id,
            run_id=run_id,
            keywords=keywords,
            categories=_split(categories),
            fields=_split(fields),
            metadata=object_from("metadata", metadata) if metadata else None,
            start_date=start_date,
            end_date=end_date,
            show_expired=show_expired,
            enable_graph=enable_graph,
        )
        size = limit if page_size is None else page_size
        asked = Page.asked(page, size, cursor, kept=_kept())
        return self._answer(body, asked, is_paged=_any(page, page_size, cursor))

    def get_of_entity(
        self,
        entity_type: str,
        entity_name: str,
        *,
        show_expired: Annotated[bool, Query()] = False,
        page: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> MemoryPageAnswer:
        """Return a page of an entity's memories; slashes in its name may stand as they are."""
        try:
            kind = subject_kind_from(entity_type)
        except InvalidRequestError as error:
            raise NoRouteError from error
        body = NamedListBody(show_expired=show_expired, **{f"{kind}_id": entity_name})
        asked = Page.asked(page, None, cursor, kept=_kept())
        return asked.answer(caller.address, self._listed(body, asked), None)

    def get_entity(self, entity_type: str, entity_name: str) -> list[EntityAnswer]:
        """Return a user, agent, app or run that has memories, alone in a list."""
        access = caller.access
        subject = access.checked(Subject.of(subject_kind_from(entity_type), entity_name))
        return [entity_answer(self.read_subjects.one(access.project, subject), access.project)]

    def _answer(
        self, body: NamedListBody, asked: Page, *, is_paged: bool
    ) -> list[MemoryAnswer] | ListedAnswer:
        found = self._listed(body, asked)
        memories = [memory_answer(memory, body.fields) for memory in found.memories]
        if not (is_paged or body.enable_graph):
            return memories
        answer: ListedAnswer = {"results": memories}
        if is_paged:
            answer = cast("ListedAnswer", asked.answer(caller.address, found, body.fields))
        if body.enable_graph:
            access = caller.access
            views = self.browse_graph.among(access.project, body.matching(access))
            answer["relations"] = graph_relation_answers(views)
        return answer

    def _listed(self, body: NamedListBody, asked: Page) -> MemoryPage:
        return listed(self.list_memories, body, caller.access, asked)


def _any(*asked: object) -> bool:
    return any(each is not None for each in asked)


def _kept() -> tuple[tuple[str, str], ...]:
    """Return what the links of a page must say as well: the query without what is of pages."""
    query = caller.event.query
    return tuple((name, value) for name in query if name not in OF_PAGES for value in query[name])


def _split(texts: Sequence[str] | None) -> list[str] | None:
    """Return the texts of a repeated parameter, or of one that a client joined with commas."""
    if texts is None:
        return None
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
