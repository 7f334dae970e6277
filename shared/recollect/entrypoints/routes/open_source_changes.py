"""How users of mem0's open-source server change what is there."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.domain.jobs import Job, JobStatus
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Subject
from recollect.entrypoints.answers import DeleteAllAnswer, MessageOnly
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import EVERY_ENTITY, UpdateBody
from recollect.entrypoints.presenters import DELETING
from recollect.entrypoints.urls import delete_filters, memory_id_from, subject_kind_from
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.erase_subject import EraseSubject, is_gone


@dataclass(frozen=True)
class OpenSourceChangeRoutes:
    """The use cases of the hosted protocol in other shapes."""

    update_memory: UpdateMemory
    delete_memory: DeleteMemory
    delete_memories: DeleteMemories
    erase_subject: EraseSubject

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer these."""
        of = "(open source)"
        one, entity = "/memories/<memory_id>", "/entities/<entity_type>/<entity_name>"
        app.put(one, summary=f"Change a memory {of}")(self.put_open_source_memory)
        app.delete(one, summary=f"Delete a memory {of}")(self.delete_open_source_memory)
        app.delete("/memories", summary=f"Delete all memories of entities {of}")(
            self.delete_open_source_memories
        )
        app.delete(entity, summary=f"Delete all memories of an entity {of}")(
            self.delete_open_source_entity
        )
        app.post("/reset", summary=f"Delete all memories {of}")(self.post_reset)

    def put_open_source_memory(
        self, memory_id: str, body: Annotated[UpdateBody, Body()]
    ) -> MessageOnly:
        """Change a memory; 409 if somebody else changed it at the same time."""
        caller.refuse_idempotency_key()
        access, an_id = caller.access, memory_id_from(memory_id)
        self.update_memory(access.project, an_id, body.changes(), within=access.subject)
        return {"message": "Memory updated successfully!"}

    def delete_open_source_memory(self, memory_id: str) -> MessageOnly:
        """Delete a memory; its history stays."""
        caller.refuse_idempotency_key()
        access = caller.access
        self.delete_memory(access.project, memory_id_from(memory_id), within=access.subject)
        return {"message": "Memory deleted successfully"}

    def delete_open_source_memories(
        self,
        *,
        user_id: Annotated[str | None, Query()] = None,  # noqa: ARG002 - read from the raw query
        agent_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
        app_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
        run_id: Annotated[str | None, Query()] = None,  # noqa: ARG002
    ) -> DeleteAllAnswer:
        """Delete what belongs to all the given entities; `*` stands for any of a kind."""
        request = DeleteAllRequest.by(caller.access, delete_filters(caller.event.query))
        job = self.delete_memories(request, caller.idempotency_key)
        return _deleted(job, "All relevant memories deleted")

    def delete_open_source_entity(self, entity_type: str, entity_name: str) -> DeleteAllAnswer:
        """Delete what belongs to an entity; slashes in its name may stand as they are."""
        subject = Subject.of(subject_kind_from(entity_type), entity_name)
        job = self.erase_subject(caller.access, subject, caller.idempotency_key)
        return {"message": "Entity deleted" if is_gone(job) else DELETING, "event_id": job.id}

    def post_reset(self) -> DeleteAllAnswer:
        """Delete every memory of the project."""
        request = DeleteAllRequest(project=caller.project, filters=EVERY_ENTITY)
        return _deleted(self.delete_memories(request, caller.idempotency_key), "All memories reset")


def _deleted(job: Job, message: str) -> DeleteAllAnswer:
    """Return the message if it is true already."""
    is_done = job.status is JobStatus.SUCCEEDED
    return {"message": message if is_done else DELETING, "event_id": job.id}
