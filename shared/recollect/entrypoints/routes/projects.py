"""The routes of projects, which only keys of the whole project open.

A project is an organisation of its own, and goes by one id as both.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, StrictStr
from typing_extensions import TypedDict

from recollect.domain.jobs import JobStatus
from recollect.domain.requests import DeleteAllRequest
from recollect.entrypoints.answers import DeleteAllAnswer, MessageOnly, ProjectAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.models import EVERY_ENTITY
from recollect.entrypoints.presenters import DELETING
from recollect.entrypoints.project_settings import (
    PROJECT,
    ProjectBody,
    check_own,
    project_answer,
)
from recollect.usecases.create_project import CreateProject
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.manage_projects import ChangeProject, ReadProject

ORGANIZATIONS: Final = "/api/v1/orgs/organizations"
ORGANIZATION: Final = f"{ORGANIZATIONS}/<org_id>"
PROJECTS: Final = f"{ORGANIZATION}/projects"


class OrganizationAnswer(TypedDict):
    """The organisation that a project is."""

    org_id: str
    name: str
    description: str | None


class NewProjectBody(BaseModel):
    """The body that makes a project."""

    name: StrictStr
    description: StrictStr | None = None


class NewProjectAnswer(TypedDict):
    """A new project, and its first key, which is shown only now."""

    message: str
    org_id: str
    project_id: str
    api_key: str


@dataclass(frozen=True)
class ProjectReadRoutes:
    """What shows the key's project."""

    read_project: ReadProject

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get(ORGANIZATIONS, summary="List organisations")(self.get_organizations)
        app.get(ORGANIZATION, summary="Read the organisation")(self.get_organization)
        app.get(PROJECTS, summary="List projects")(self.get_projects)
        app.get(PROJECT, summary="Read the project")(self.get_project)

    def get_organizations(self) -> list[OrganizationAnswer]:
        """Return the one that the key's project is."""
        return [self._organization()]

    def get_organization(self, org_id: str) -> OrganizationAnswer:
        """Return the organisation that the key's project is."""
        check_own(caller.project, org_id)
        return self._organization()

    def get_projects(self, org_id: str) -> list[ProjectAnswer]:
        """Return the key's project, alone in a list."""
        check_own(caller.project, org_id)
        return [self._project()]

    def get_project(self, org_id: str, project_id: str) -> ProjectAnswer:
        """Return what the key's project has set; both ids are its own."""
        check_own(caller.project, org_id, project_id)
        return self._project()

    def _project(self) -> ProjectAnswer:
        return project_answer(caller.project, self.read_project(caller.project), caller.key.role)

    def _organization(self) -> OrganizationAnswer:
        settings = self.read_project(caller.project)
        return {
            "org_id": caller.project,
            "name": settings.name or caller.project,
            "description": settings.description,
        }


@dataclass(frozen=True)
class ProjectRoutes:
    """What makes, changes and deletes projects."""

    create_project: CreateProject
    change_project: ChangeProject
    delete_memories: DeleteMemories

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.post(PROJECTS, summary="Make a project")(self.post_project)
        app.patch(PROJECT, summary="Change the project")(self.patch_project)
        app.delete(PROJECT, summary="Delete the project")(self.delete_project)

    def post_project(
        self, org_id: str, body: Annotated[NewProjectBody, Body()]
    ) -> NewProjectAnswer:
        """Make a project with an id of its own, which this key does not open; 403 for limited keys.

        Its first key, an owner's, is shown only now.
        """
        caller.refuse_idempotency_key()
        check_own(caller.project, org_id)
        key, secret = self.create_project(caller.key, body.name, body.description)
        return {
            "message": "Project created successfully",
            "org_id": key.project,
            "project_id": key.project,
            "api_key": secret,
        }

    def patch_project(
        self, org_id: str, project_id: str, body: Annotated[ProjectBody, Body()]
    ) -> MessageOnly:
        """Change what is given of what the key's project has set; seen by all within a minute."""
        caller.refuse_idempotency_key()
        check_own(caller.project, org_id, project_id)
        self.change_project(caller.project, body.applied_to)
        return {"message": "Project updated successfully"}

    def delete_project(self, org_id: str, project_id: str) -> DeleteAllAnswer:
        """Delete all memories of the key's project, then its settings, and revoke all its keys.

        Keys may be trusted for up to a minute more. If the time is up it goes on after the answer.
        """
        check_own(caller.project, org_id, project_id)
        request = DeleteAllRequest(project=caller.project, filters=EVERY_ENTITY, ends_project=True)
        job = self.delete_memories(request, caller.idempotency_key)
        is_done = job.status is JobStatus.SUCCEEDED
        return {
            "message": "Project deleted successfully" if is_done else DELETING,
            "event_id": job.id,
        }
