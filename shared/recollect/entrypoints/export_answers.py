"""The form of exports and summaries, as the mem0 clients read them."""

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from recollect.domain.jobs import Job, JobStatus
from recollect.usecases.summarise_memories import Summary

RECEIVED = "Memory export request received. The export will be ready in a few seconds."
NOT_READY = "The export is not ready yet; ask for it again in a few seconds."


class ExportAnswer(TypedDict):
    """The export to ask for; its job is followed as every other."""

    message: str
    id: str
    status: str


class SummaryAnswer(TypedDict):
    """What some memories say, how many they are, and whether others are left out.

    `method` tells whether a language model wrote it, or it is the memories' own texts.
    """

    summary: str
    method: Literal["model", "texts"]
    memories: int
    is_cut: bool


def export_answer(job: Job) -> ExportAnswer:
    """Return that an export is under way, or done."""
    return {"message": RECEIVED, "id": job.id, "status": job.status}


def exported_answer(job: Job) -> dict[str, Any]:
    """Return the object that was asked for; while its job is not done, how far that is."""
    if job.status is JobStatus.SUCCEEDED and isinstance(job.result, Mapping):
        return dict(job.result)
    return {"message": NOT_READY, "id": job.id, "status": JobStatus.PENDING}


def summary_answers(summary: Summary | None) -> list[SummaryAnswer]:
    """Return the summary as a list, which is empty if there is nothing to sum up."""
    if summary is None:
        return []
    return [
        {
            "summary": summary.text,
            "method": summary.method.value,
            "memories": summary.memories,
            "is_cut": summary.is_cut,
        }
    ]
