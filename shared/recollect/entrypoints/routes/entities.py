"""The routes of users, agents, apps and runs."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.answers import DeleteAllAnswer, EntityAnswer, EntityPageAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.entity_answers import (
    EntityBody,
    EntityFiltersAnswer,
    entity_filters_answer,
    kinds_from,
)
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.paging import Page
from recollect.entrypoints.presenters import DELETING, entity_answer
from recollect.entrypoints.urls import subject_kind_from
from recollect.usecases.describe_subjects import DescribeSubject
from recollect.usecases.erase_subject import EraseSubject
from recollect.usecases.read_memories import ListSubjects


@dataclass(frozen=True)
class EntityReadRoutes:
    """What lists entities."""

    list_subjects: ListSubjects

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get("/v1/entities", summary="List entities")(self.get_entities)
        app.get("/v1/entities/filters", summary="Tell how entities are listed")(self.get_filters)

    def get_entities(
        self,
        *,
        page: Annotated[int | None, Query()] = None,
        page_size: Annotated[int | None, Query()] = None,
        type: Annotated[  # noqa: A002 - the protocol's name
            list[str] | None, Query(description="user, agent, app, run.")
        ] = None,
        entity_type: Annotated[list[str] | None, Query(description="The same as type.")] = None,
        search: Annotated[
            str | None, Query(description="A part of the name, whatever the case of its letters.")
        ] = None,
    ) -> EntityPageAnswer:
        """Return the users, agents, apps and runs that have memories."""
        access, types = caller.access, [*(type or ()), *(entity_type or ())]
        kept = [*(("type", each) for each in types), *([("search", search)] if search else ())]
        asked = Page.asked(page, page_size, None, kept=kept)
        found = self.list_subjects(
            access.project,
            page=asked.number,
            page_size=asked.size,
            kinds=kinds_from(types),
            named=(search or "").strip(),
            within=access.subject,
        )
        return asked.entities(caller.address, found, access.project)

    def get_filters(self) -> EntityFiltersAnswer:
        """Return by what entities can be listed: the parameters of the list."""
        return entity_filters_answer()


@dataclass(frozen=True)
class EntityRoutes:
    """What says something of entities, and deletes them."""

    describe_subject: DescribeSubject
    erase_subject: EraseSubject

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them; to be added behind routes below an entity's own."""
        for path, post in (
            ("/v1/users", self.post_user),
            ("/v1/agents", self.post_agent),
            ("/v1/apps", self.post_app),
            ("/v1/runs", self.post_run),
        ):
            kind = path.removeprefix("/v1/").removesuffix("s")
            app.post(path, summary=f"Describe one {kind}", status_code=201)(post)
        first = "/v1/entities/<entity_type>/<entity_name>"
        app.delete(first, summary="Delete an entity by its id", deprecated=True)(
            self.delete_entity_by_id
        )
        entity = "/v2/entities/<entity_type>/<entity_name>"
        app.delete(entity, summary="Delete an entity")(self.delete_entity)

    def post_user(self, body: Annotated[EntityBody, Body()]) -> EntityAnswer:
        """Keep metadata of a user, who is listed once there are memories."""
        return self._described(SubjectKind.USER, body)

    def post_agent(self, body: Annotated[EntityBody, Body()]) -> EntityAnswer:
        """Keep metadata of an agent, which is listed once there are memories."""
        return self._described(SubjectKind.AGENT, body)

    def post_app(self, body: Annotated[EntityBody, Body()]) -> EntityAnswer:
        """Keep metadata of an app, which is listed once there are memories."""
        return self._described(SubjectKind.APP, body)

    def post_run(self, body: Annotated[EntityBody, Body()]) -> EntityAnswer:
        """Keep metadata of a run, which is listed once there are memories."""
        return self._described(SubjectKind.RUN, body)

    def delete_entity(self, entity_type: str, entity_name: str) -> DeleteAllAnswer:
        """Erase an entity, with everything that was said of it or came of that, for good.

        What is said of it afterwards lives on. The event ends once nothing is left, also in the
        search index, and shows a receipt then. Slashes in the name may stand as they are.
        """
        subject = Subject.of(subject_kind_from(entity_type), entity_name)
        job = self.erase_subject(caller.access, subject, caller.idempotency_key)
        return {"message": DELETING, "event_id": job.id}

    def delete_entity_by_id(self, entity_type: str, entity_name: str) -> DeleteAllAnswer:
        """Delete an entity by the id that the list of entities tells: its name."""
        return self.delete_entity(entity_type, entity_name)

    def _described(self, kind: SubjectKind, body: EntityBody) -> EntityAnswer:
        caller.refuse_idempotency_key()
        access = caller.access
        subject = access.checked(body.subject(kind))
        entry = self.describe_subject(access.project, subject, body.metadata or {})
        return entity_answer(entry, access.project)
