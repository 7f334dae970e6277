"""The routes of graphs: who and what memories speak of, and what they say of each other."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from aws_lambda_powertools.event_handler.openapi.params import Query

from recollect.entrypoints import graph_answers
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import owner_from
from recollect.entrypoints.paging import GraphPage
from recollect.usecases.browse_graph import BrowseGraph

Named: TypeAlias = Annotated[str | None, Query(description="Whose graph: one of the four.")]
TrueAt: TypeAlias = Annotated[
    str | None, Query(description="What was true then: a day, ISO 8601 or unix seconds; else now.")
]
KnownAt: TypeAlias = Annotated[
    str | None, Query(description="By what was known then, in the same forms; else by now.")
]


@dataclass(frozen=True)
class GraphRoutes:
    """What browses graphs."""

    browse_graph: BrowseGraph

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get("/v1/graph/entities", summary="List who and what memories speak of")(
            self.get_graph_entities
        )
        app.get("/v1/graph/entities/<entity_id>", summary="Read an entity of a graph")(
            self.get_graph_entity
        )
        app.get("/v1/graph/relations", summary="List relations")(self.get_graph_relations)

    def get_graph_entities(
        self,
        *,
        user_id: Named = None,
        agent_id: Named = None,
        app_id: Named = None,
        run_id: Named = None,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> graph_answers.GraphEntityPageAnswer:
        """Return the entities of an owner's graph that memories mention, by their ids."""
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        owner = owner_from(caller.access, **names)
        asked = GraphPage.asked(page_size, cursor)
        found = self.browse_graph.entities(owner, after=asked.after, limit=asked.size)
        return asked.entities(caller.address, names, found)

    def get_graph_entity(
        self,
        entity_id: str,
        *,
        user_id: Named = None,
        agent_id: Named = None,
        app_id: Named = None,
        run_id: Named = None,
        true_at: TrueAt = None,
        known_at: KnownAt = None,
    ) -> graph_answers.GraphEntityViewAnswer:
        """Return an entity with its relations, and the memories that support them."""
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        view = self.browse_graph.entity(
            owner_from(caller.access, **names),
            graph_answers.entity_id_from(entity_id),
            true_at=graph_answers.moment_from(true_at, "true_at"),
            known_at=graph_answers.moment_from(known_at, "known_at"),
        )
        return graph_answers.graph_entity_view_answer(view)

    def get_graph_relations(
        self,
        *,
        user_id: Named = None,
        agent_id: Named = None,
        app_id: Named = None,
        run_id: Named = None,
        true_at: TrueAt = None,
        known_at: KnownAt = None,
        page_size: Annotated[int | None, Query()] = None,
        cursor: Annotated[str | None, Query()] = None,
    ) -> graph_answers.GraphRelationPageAnswer:
        """Return an owner's relations, as they were then and as that was known then."""
        names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
        asked = GraphPage.asked(page_size, cursor)
        found = self.browse_graph.relations(
            owner_from(caller.access, **names),
            true_at=graph_answers.moment_from(true_at, "true_at"),
            known_at=graph_answers.moment_from(known_at, "known_at"),
            after=asked.place,
            limit=asked.size,
        )
        return asked.relations(caller.address, names, found)
