"""The routes of exports, which only keys of the whole project open, and of summaries."""

from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.bootstrap import current
from recollect.entrypoints.caller import caller
from recollect.entrypoints.export_answers import (
    ExportAnswer,
    SummaryAnswer,
    export_answer,
    exported_answer,
    summary_answers,
)
from recollect.entrypoints.export_bodies import ExportBody, ExportReadBody, SummaryBody
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.metrics import count_job, count_tokens
from recollect.entrypoints.urls import export_id_from
from recollect.usecases.export_memories import ExportMemories, ReadExport
from recollect.usecases.summarise_memories import SummariseMemories
from recollect.usecases.thoughts import usage_notes


@dataclass(frozen=True)
class ExportRoutes:
    """What makes exports."""

    export: ExportMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer it."""
        app.post("/v1/exports", summary="Export memories", status_code=201)(self.post_export)

    def post_export(self, body: Annotated[ExportBody, Body()]) -> ExportAnswer:
        """Have what memories say be written down in an object of a schema of the caller's own."""
        job = self.export(body.request(caller.project), caller.idempotency_key)
        # An earlier request's job has cost this one nothing.
        if current.spent():
            count_job(job)
        return export_answer(job)


@dataclass(frozen=True)
class ExportReadRoutes:
    """What shows exports, and sums up."""

    read_export: ReadExport
    summarise: SummariseMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.post("/v1/exports/get", summary="Read an export")(self.post_export_get)
        app.post("/v1/summary", summary="Sum up memories")(self.post_summary)

    def post_export_get(self, body: Annotated[ExportReadBody, Body()]) -> dict[str, Any]:
        """Return the object of an export, or how far it is; without an id, the filters' last."""
        caller.refuse_idempotency_key()
        project, given = caller.project, body.memory_export_id
        if given is None:
            return exported_answer(self.read_export.latest(project, body.wanted_filters()))
        return exported_answer(self.read_export(project, export_id_from(given)))

    def post_summary(self, body: Annotated[SummaryBody, Body()]) -> list[SummaryAnswer]:
        """Return a few sentences on what memories say, in a list that is empty without any."""
        caller.refuse_idempotency_key()
        access = caller.access
        summary = self.summarise(access.project, body.matching(access))
        if summary:
            count_tokens({**usage_notes(summary.usage), "extractor": summary.model})
        return summary_answers(summary)
