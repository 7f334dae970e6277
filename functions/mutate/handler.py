"""Everything that changes what is there: updates, deletes, keys, the project."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.domain.jobs import DeleteAllRequest
from recollect.entrypoints import answers, presenters
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import KeyBody, UpdateBody
from recollect.entrypoints.project_settings import PROJECT, ProjectBody, check_own
from recollect.entrypoints.urls import delete_filters, memory_id_from

logger = Logger()
app = HttpApp(bootstrap.check_key())
update_memory = bootstrap.update_memory()
delete_memory = bootstrap.delete_memory()
delete_memories = bootstrap.delete_memories()
create_key = bootstrap.create_key()
revoke_key = bootstrap.revoke_key()
change_project = bootstrap.change_project()


@app.put("/v1/memories/<memory_id>", summary="Change a memory")
def put_memory(memory_id: str, body: Annotated[UpdateBody, Body()]) -> answers.MemoryAnswer:
    """Change a memory and return it; 409 if somebody else changed it at the same time."""
    app.refuse_idempotency_key()
    memory = update_memory(app.project, memory_id_from(memory_id), body.changes())
    return presenters.memory_answer(memory)


@app.delete("/v1/memories/<memory_id>", summary="Delete a memory")
def delete_one(memory_id: str) -> answers.MessageOnly:
    """Delete a memory; its history stays."""
    app.refuse_idempotency_key()
    delete_memory(app.project, memory_id_from(memory_id))
    return {"message": "Memory deleted successfully!"}


@app.delete("/v1/memories", summary="Delete all memories of entities")
def delete_all(
    *,
    user_id: Annotated[str | None, Query()] = None,  # noqa: ARG001 - read from the raw query
    agent_id: Annotated[str | None, Query()] = None,  # noqa: ARG001
    app_id: Annotated[str | None, Query()] = None,  # noqa: ARG001
    run_id: Annotated[str | None, Query()] = None,  # noqa: ARG001
    filters: Annotated[str | None, Query()] = None,  # noqa: ARG001
    metadata: Annotated[str | None, Query()] = None,  # noqa: ARG001
) -> answers.DeleteAllAnswer:
    """Delete what belongs to all the given entities; `*` stands for any of a kind."""
    request = DeleteAllRequest(project=app.project, filters=delete_filters(app.current_event.query))
    job = delete_memories(request, app.idempotency_key)
    return {"message": presenters.DELETING, "event_id": job.id}


@app.post("/v1/keys", summary="Make an API key")
def post_key(body: Annotated[KeyBody, Body()]) -> answers.KeyAnswer:
    """Make another key for the project; the key itself is shown only now."""
    app.refuse_idempotency_key()
    return presenters.key_answer(*create_key(app.project, body.name))


@app.delete("/v1/keys/<key_id>", summary="Revoke an API key")
def delete_key(key_id: str) -> answers.KeyAnswer:
    """Revoke a key of the project."""
    app.refuse_idempotency_key()
    return presenters.key_answer(revoke_key(app.project, key_id))


@app.patch(PROJECT, summary="Change the project")
def patch_project(
    org_id: str, project_id: str, body: Annotated[ProjectBody, Body()]
) -> answers.MessageOnly:
    """Change what is given of what the key's project has set; seen by all within a minute."""
    app.refuse_idempotency_key()
    check_own(app.project, org_id, project_id)
    change_project(app.project, body.applied_to)
    return {"message": "Project updated successfully"}


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
