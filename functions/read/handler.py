"""Everything that only reads: lists, memories, history, episodes, entities, jobs, keys, project."""

from typing import Annotated, Any, TypeAlias

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.entrypoints import answers, graph_answers, presenters
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import ListBody, owner_from
from recollect.entrypoints.paging import GraphPage, Page
from recollect.entrypoints.project_settings import PROJECT, check_own, project_answer
from recollect.entrypoints.urls import job_id_from, memory_id_from

logger = Logger()
app = HttpApp(bootstrap.check_key())
list_memories = bootstrap.list_memories()
read_memory = bootstrap.read_memory()
list_subjects = bootstrap.list_subjects()
read_job = bootstrap.read_job()
follow_graph = bootstrap.graphs.follow_graph()
list_keys = bootstrap.list_keys()
read_project = bootstrap.read_project()
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
    return presenters.ping_answer(app.project)


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
    found = list_memories(
        app.project,
        body.matching(),
        page=asked.number,
        page_size=asked.size,
        after=asked.after,
        show_expired=body.show_expired,
    )
    return asked.answer(app.address, found, body.fields)


@app.get("/v1/memories/<memory_id>", summary="Read a memory")
def get_memory(memory_id: str) -> answers.MemoryAnswer:
    """Return one memory, expired or not."""
    return presenters.memory_answer(read_memory(app.project, memory_id_from(memory_id)))


@app.get("/v1/memories/<memory_id>/history", summary="Read a memory's history")
def get_history(memory_id: str) -> list[answers.HistoryAnswer]:
    """Return what happened to a memory, oldest first, also after its deletion."""
    return presenters.history_answers(read_memory.history(app.project, memory_id_from(memory_id)))


@app.get("/v1/memories/<memory_id>/episode", summary="Read where a memory came from")
def get_episode(memory_id: str) -> answers.EpisodeAnswer:
    """Return the messages of the add that a memory came from."""
    return presenters.episode_answer(read_memory.episode(app.project, memory_id_from(memory_id)))


@app.get("/v1/episodes/<event_id>", summary="Read the messages of an add")
def get_episode_of_job(event_id: str) -> answers.EpisodeAnswer:
    """Return the messages of an add, as long as they are kept, whatever became of its memories."""
    return presenters.episode_answer(read_memory.episode_of_job(app.project, job_id_from(event_id)))


@app.get("/v1/entities", summary="List entities")
def get_entities(
    page: Annotated[int | None, Query()] = None,
    page_size: Annotated[int | None, Query()] = None,
) -> answers.EntityPageAnswer:
    """Return the users, agents, apps and runs that have memories."""
    asked = Page.asked(page, page_size, None)
    found = list_subjects(app.project, page=asked.number, page_size=asked.size)
    return asked.entities(app.address, found, app.project)


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
    owner = owner_from(app.project, **names)
    asked = GraphPage.asked(page_size, cursor)
    found = browse_graph.entities(owner, after=asked.after, limit=asked.size)
    return asked.entities(app.address, names, found)


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
        owner_from(app.project, **names),
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
        owner_from(app.project, **names),
        true_at=graph_answers.moment_from(true_at, "true_at"),
        known_at=graph_answers.moment_from(known_at, "known_at"),
        after=asked.place,
        limit=asked.size,
    )
    return asked.relations(app.address, names, found)


@app.get("/v1/event/<event_id>", summary="Follow a job")
def get_event(event_id: str) -> answers.JobAnswer:
    """Return how far a job is and what it did."""
    job = read_job(app.project, job_id_from(event_id))
    return presenters.job_answer(job, follow_graph(job))


@app.get("/v1/keys", summary="List API keys")
def get_keys() -> answers.KeysAnswer:
    """Return the project's keys without the keys themselves."""
    return {"results": [presenters.key_answer(key) for key in list_keys(app.project)]}


@app.get(PROJECT, summary="Read the project")
def get_project(org_id: str, project_id: str) -> answers.ProjectAnswer:
    """Return what the key's project has set; both ids are its name."""
    check_own(app.project, org_id, project_id)
    return project_answer(app.project, read_project(app.project))


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
