"""Everything that only reads: lists, memories, history, episodes, entities, jobs, keys, project."""

from typing import Annotated, Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import metering, providers, subjects, webhooks
from recollect.entrypoints import answers, graph_answers, presenters
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.memory_views import MemoryViewAnswer, memory_view
from recollect.entrypoints.models import owner_from
from recollect.entrypoints.paging import GraphPage, Page
from recollect.entrypoints.questions import ListBody, listed
from recollect.entrypoints.routes import documentation
from recollect.entrypoints.routes.entities import EntityReadRoutes
from recollect.entrypoints.routes.events import EventRoutes
from recollect.entrypoints.routes.exports import ExportReadRoutes
from recollect.entrypoints.routes.keys import KeyReadRoutes
from recollect.entrypoints.routes.legacy_lists import LegacyListRoutes
from recollect.entrypoints.routes.members import MemberReadRoutes
from recollect.entrypoints.routes.open_source_reads import OpenSourceReadRoutes
from recollect.entrypoints.routes.profiles import ProfileReadRoutes
from recollect.entrypoints.routes.projects import ProjectReadRoutes
from recollect.entrypoints.routes.stock import StockRoutes
from recollect.entrypoints.routes.usage import UsageRoutes
from recollect.entrypoints.routes.webhooks import WebhookReadRoutes
from recollect.entrypoints.urls import job_id_from, memory_id_from

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter(), without_key=documentation.PATHS)
documentation.DocumentationRoutes().add_to(app)
EventRoutes(
    bootstrap.jobs.read_job(), bootstrap.jobs.list_jobs(), bootstrap.graphs.follow_graph()
).add_to(app)
StockRoutes(subjects.count_memories(), subjects.list_histories()).add_to(app)
EntityReadRoutes(bootstrap.list_subjects()).add_to(app)
ProjectReadRoutes(bootstrap.projects.read_project()).add_to(app)
KeyReadRoutes(bootstrap.keys.list_keys()).add_to(app)
MemberReadRoutes(bootstrap.keys.manage_members()).add_to(app)
ProfileReadRoutes().add_to(app)
ExportReadRoutes(bootstrap.exports.read_export(), bootstrap.exports.summarise_memories()).add_to(
    app
)
UsageRoutes(metering.read_usage()).add_to(app)
WebhookReadRoutes(webhooks.manage_webhooks(), webhooks.list_deliveries()).add_to(app)
list_memories = bootstrap.list_memories()
read_memory = bootstrap.read_memory()
browse_graph = bootstrap.graphs.browse_graph()

Named: TypeAlias = Annotated[str | None, Query(description="Whose graph: one of the four.")]
TrueAt: TypeAlias = Annotated[
    str | None, Query(description="What was true then: a day, ISO 8601 or unix seconds; else now.")
]
KnownAt: TypeAlias = Annotated[
    str | None, Query(description="By what was known then, in the same forms; else by now.")
]


@app.get("/v1/ping", summary="Check a key")
def get_ping() -> answers.PingAnswer:
    """Tell which project the key opens."""
    return presenters.ping_answer(caller.access.project)


@app.post("/v3/memories", summary="List memories")
def post_list(
    body: Annotated[ListBody, Body()],
    page: Annotated[int | None, Query()] = None,
    page_size: Annotated[int | None, Query()] = None,
    cursor: Annotated[str | None, Query()] = None,
) -> answers.MemoryPageAnswer:
    """Return memories that the filters let through, last created first, page by page."""
    asked = Page.asked(
        body.page if page is None else page,
        body.page_size if page_size is None else page_size,
        cursor,
    )
    found = listed(list_memories, body, caller.access, asked)
    return asked.answer(caller.address, found, body.fields)


@app.get("/v1/memories/<memory_id>", summary="Read a memory")
def get_memory(
    memory_id: str, *, include_history: Annotated[bool, Query()] = False
) -> MemoryViewAnswer:
    """Return one memory, expired or not, on request with what happened to it."""
    access, an_id = caller.access, memory_id_from(memory_id)
    memory = read_memory(access.project, an_id, within=access.subject)
    if not include_history:
        return memory_view(memory, None)
    return memory_view(memory, read_memory.history(access.project, an_id, within=access.subject))


@app.get("/v1/memories/<memory_id>/history", summary="Read a memory's history")
def get_history(memory_id: str) -> list[answers.HistoryAnswer]:
    """Return what happened to a memory, oldest first, also after its deletion."""
    access, an_id = caller.access, memory_id_from(memory_id)
    history = read_memory.history(access.project, an_id, within=access.subject)
    return presenters.history_answers(history)


@app.get("/v1/memories/<memory_id>/episode", summary="Read where a memory came from")
def get_episode(memory_id: str) -> answers.EpisodeAnswer:
    """Return the messages of the add that a memory came from."""
    access, an_id = caller.access, memory_id_from(memory_id)
    episode = read_memory.episode(access.project, an_id, within=access.subject)
    return presenters.episode_answer(episode)


@app.get("/v1/episodes/<event_id>", summary="Read the messages of an add")
def get_episode_of_job(event_id: str) -> answers.EpisodeAnswer:
    """Return the messages of an add, as long as they are kept, whatever became of its memories."""
    access, job_id = caller.access, job_id_from(event_id)
    episode = read_memory.episode_of_job(access.project, job_id, within=access.subject)
    return presenters.episode_answer(episode)


@app.get("/v1/graph/entities", summary="List who and what memories speak of")
def get_graph_entities(
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
    found = browse_graph.entities(owner, after=asked.after, limit=asked.size)
    return asked.entities(caller.address, names, found)


@app.get("/v1/graph/entities/<entity_id>", summary="Read an entity of a graph")
def get_graph_entity(
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
    view = browse_graph.entity(
        owner_from(caller.access, **names),
        graph_answers.entity_id_from(entity_id),
        true_at=graph_answers.moment_from(true_at, "true_at"),
        known_at=graph_answers.moment_from(known_at, "known_at"),
    )
    return graph_answers.graph_entity_view_answer(view)


@app.get("/v1/graph/relations", summary="List relations")
def get_graph_relations(
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
    """Return the relations of an owner's graph, as they were then and as that was known then."""
    names = {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}
    asked = GraphPage.asked(page_size, cursor)
    found = browse_graph.relations(
        owner_from(caller.access, **names),
        true_at=graph_answers.moment_from(true_at, "true_at"),
        known_at=graph_answers.moment_from(known_at, "known_at"),
        after=asked.place,
        limit=asked.size,
    )
    return asked.relations(caller.address, names, found)


OpenSourceReadRoutes(
    list_memories, read_memory, subjects.read_subjects(), providers.providers()
).add_to(app)
# The last of all: names of entities take whatever is left of a path.
LegacyListRoutes(list_memories, subjects.read_subjects(), browse_graph).add_to(app)


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
