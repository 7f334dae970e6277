"""Everything that changes what is there: updates, deletes, keys, the project."""

from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect import bootstrap
from recollect.bootstrap import metering, subjects, webhooks
from recollect.domain.jobs import DeleteAllRequest
from recollect.entrypoints import answers, presenters
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import UpdateBody
from recollect.entrypoints.routes.batch import BatchRoutes
from recollect.entrypoints.routes.entities import EntityRoutes
from recollect.entrypoints.routes.exports import ExportRoutes
from recollect.entrypoints.routes.feedback import FeedbackRoutes
from recollect.entrypoints.routes.keys import KeyRoutes
from recollect.entrypoints.routes.members import MemberRoutes
from recollect.entrypoints.routes.open_source_changes import OpenSourceChangeRoutes
from recollect.entrypoints.routes.profiles import ProfileWriteRoutes
from recollect.entrypoints.routes.projects import ProjectRoutes
from recollect.entrypoints.routes.webhooks import WebhookRoutes
from recollect.entrypoints.urls import delete_filters, memory_id_from

logger = Logger()
app = HttpApp(bootstrap.check_key(), metering.meter(), writes=True)
ProjectRoutes(
    bootstrap.projects.create_project(),
    bootstrap.projects.change_project(),
    bootstrap.delete_memories(),
).add_to(app)
EntityRoutes(subjects.describe_subject(), subjects.delete_subject()).add_to(app)
BatchRoutes(bootstrap.jobs.update_batch(), bootstrap.jobs.delete_batch()).add_to(app)
KeyRoutes(bootstrap.create_key(), bootstrap.keys.revoke_key(), bootstrap.keys.rotate_key()).add_to(
    app
)
FeedbackRoutes(bootstrap.give_feedback()).add_to(app)
MemberRoutes(bootstrap.keys.manage_members()).add_to(app)
ProfileWriteRoutes().add_to(app)
WebhookRoutes(webhooks.manage_webhooks()).add_to(app)
ExportRoutes(bootstrap.exports.export_memories()).add_to(app)
update_memory = bootstrap.update_memory()
delete_memory = bootstrap.delete_memory()
delete_memories = bootstrap.delete_memories()
OpenSourceChangeRoutes(
    update_memory, delete_memory, delete_memories, subjects.delete_subject()
).add_to(app)


@app.put("/v1/memories/<memory_id>", summary="Change a memory")
def put_memory(memory_id: str, body: Annotated[UpdateBody, Body()]) -> answers.MemoryAnswer:
    """Change a memory and return it; 409 if somebody else changed it at the same time."""
    caller.refuse_idempotency_key()
    access, an_id = caller.access, memory_id_from(memory_id)
    memory = update_memory(access.project, an_id, body.changes(), within=access.subject)
    return presenters.memory_answer(memory)


@app.delete("/v1/memories/<memory_id>", summary="Delete a memory")
def delete_one(
    memory_id: str, *, delete_linked: Annotated[bool, Query()] = False
) -> answers.DeletedAnswer:
    """Delete a memory; its history stays. No memories are linked, so that there is never more."""
    caller.refuse_idempotency_key()
    access = caller.access
    delete_memory(access.project, memory_id_from(memory_id), within=access.subject)
    answer: answers.DeletedAnswer = {"message": "Memory deleted successfully!"}
    if delete_linked:
        answer["cascade_count"] = 0
    return answer


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
    access, asked = caller.access, delete_filters(caller.event.query)
    request = DeleteAllRequest(
        project=access.project, filters=access.narrowed(asked), subject=access.subject
    )
    job = delete_memories(request, caller.idempotency_key)
    return {"message": presenters.DELETING, "event_id": job.id}


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.resolve(event, context)
