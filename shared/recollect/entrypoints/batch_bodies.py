"""What callers send to change or delete many memories, and what they get."""

from collections.abc import Sequence

from pydantic import BaseModel, Field, StrictStr
from typing_extensions import TypedDict

from recollect.domain.changes import MemoryChanges
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.keys import Access
from recollect.domain.memory import checked_metadata
from recollect.domain.requests import BatchDeleteRequest, BatchUpdateRequest
from recollect.entrypoints.turns import JsonObject
from recollect.entrypoints.urls import memory_id_from
from recollect.usecases.change_memories import check_batch

IN_PROGRESS = "Batch {} in progress. This may take some time."


class NamedMemory(BaseModel):
    """One memory of a batch."""

    memory_id: StrictStr


class ChangedMemory(NamedMemory):
    """One memory of a batch and what to change of it; what is not given stays as it is."""

    text: StrictStr | None = None
    metadata: JsonObject | None = Field(None, description="Merged into what is there.")

    def changes(self) -> MemoryChanges:
        """Return what is to change; raise `InvalidRequestError`."""
        metadata = None if self.metadata is None else checked_metadata(self.metadata)
        return MemoryChanges(text=self.text, metadata=metadata)


class BatchUpdateBody(BaseModel):
    """The body that changes many memories."""

    memories: list[ChangedMemory] = Field(description="1 to 1000, each once.")

    def request(self, access: Access) -> BatchUpdateRequest:
        """Return what is to be done; raise `InvalidRequestError`."""
        ids = _ids(self.memories)
        check_batch(ids, "updated")
        changes = {an_id: each.changes() for an_id, each in zip(ids, self.memories, strict=True)}
        return BatchUpdateRequest(project=access.project, changes=changes, subject=access.subject)


class BatchDeleteBody(BaseModel):
    """The body that deletes many memories."""

    memories: list[NamedMemory] = Field(description="1 to 1000, each once.")

    def request(self, access: Access) -> BatchDeleteRequest:
        """Return what is to be done; raise `InvalidRequestError`."""
        ids = _ids(self.memories)
        check_batch(ids, "deleted")
        return BatchDeleteRequest(project=access.project, memory_ids=ids, subject=access.subject)


class BatchAnswer(TypedDict):
    """What a batch did, or the job to follow."""

    message: str
    event_id: str
    status: str


def batch_answer(job: Job, name: str, counted_as: str) -> BatchAnswer:
    """Return how many memories were updated or deleted; while it is PENDING, that it is."""
    is_done = job.status is JobStatus.SUCCEEDED
    done = f"Successfully {counted_as} {job.notes.get(counted_as)} memories"
    return {
        "message": done if is_done else IN_PROGRESS.format(name),
        "event_id": job.id,
        "status": job.status if is_done else JobStatus.PENDING,
    }


def _ids(memories: Sequence[NamedMemory]) -> tuple[str, ...]:
    return tuple(memory_id_from(each.memory_id) for each in memories)
