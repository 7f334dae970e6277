"""The routes that follow jobs, which callers know as events."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeAlias

from aws_lambda_powertools.event_handler.openapi.params import Query

from recollect.entrypoints.caller import caller
from recollect.entrypoints.event_answers import (
    EventPageAnswer,
    JobAnswer,
    event_page_answer,
    job_answer,
    job_filter,
)
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.paging import Page
from recollect.entrypoints.urls import job_id_from
from recollect.usecases.follow_graph import FollowGraph
from recollect.usecases.read_jobs import LONGEST_WAIT, AwaitJob, ListJobs

Wait: TypeAlias = Annotated[
    float,
    Query(
        ge=0,
        le=LONGEST_WAIT.seconds,
        description="Seconds to wait for the job's end; the answer comes then, or after them.",
    ),
]


@dataclass(frozen=True)
class EventRoutes:
    """What tells how far jobs are."""

    await_job: AwaitJob
    list_jobs: ListJobs
    follow_graph: FollowGraph

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get("/v1/event/<event_id>", summary="Follow a job")(self.get_event)
        app.get("/v1/events", summary="List jobs")(self.get_events)

    def get_event(self, event_id: str, wait: Wait = 0) -> JobAnswer:
        """Return how far a job is and what it did, on request once it has ended."""
        access, waiting = caller.access, timedelta(seconds=wait)
        job_id = job_id_from(event_id)
        job = self.await_job(access.project, job_id, waiting, within=access.subject)
        return job_answer(job, self.follow_graph(job, within=access.subject))

    def get_events(
        self,
        *,
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query()] = None,
        event_type: Annotated[
            list[str] | None,
            Query(description="ADD, UPDATE, DELETE, DELETE_ALL, EXPORT, ERASE, INGEST."),
        ] = None,
        status: Annotated[
            list[str] | None, Query(description="PENDING, RUNNING, SUCCEEDED, FAILED.")
        ] = None,
    ) -> EventPageAnswer:
        """Return the project's jobs of the last 30 days, last created first.

        Changes and deletions of one memory are no jobs. An event's graph_status is told by the
        event itself.
        """
        access, asked_for = caller.access, {"event_type": event_type, "status": status}
        kept = [(name, text) for name, texts in asked_for.items() for text in texts or ()]
        asked = Page.asked(page, page_size, None, kept=kept)
        found = self.list_jobs(
            access.project,
            job_filter(event_type or (), status or (), access.subject),
            page=asked.number,
            page_size=asked.size,
        )
        links = asked.links(caller.address, has_more=found.has_more)
        return event_page_answer(found, *links)
