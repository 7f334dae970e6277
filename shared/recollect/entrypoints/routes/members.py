"""The routes of a project's members, which only keys of the whole project open."""

from dataclasses import dataclass
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from recollect.entrypoints.answers import MessageOnly
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.member_answers import (
    MemberBody,
    MembersAnswer,
    RoleBody,
    member_answers,
)
from recollect.entrypoints.project_settings import PROJECT, check_own
from recollect.usecases.manage_members import ManageMembers

MEMBERS: Final = f"{PROJECT}/members"


@dataclass(frozen=True)
class MemberReadRoutes:
    """What shows members."""

    members: ManageMembers

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get(MEMBERS, summary="List members")(self.get_members)

    def get_members(self, org_id: str, project_id: str) -> MembersAnswer:
        """Return who may work with the project, by e-mail address."""
        return {"members": member_answers(self.members.list(_own(org_id, project_id)))}


@dataclass(frozen=True)
class MemberRoutes:
    """What changes who the members are."""

    members: ManageMembers

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.post(MEMBERS, summary="Add a member")(self.post_member)
        app.put(MEMBERS, summary="Change a member's role")(self.put_member)
        app.delete(MEMBERS, summary="Remove a member")(self.delete_member)

    def post_member(
        self, org_id: str, project_id: str, body: Annotated[MemberBody, Body()]
    ) -> MessageOnly:
        """Add a member, for whom keys can be made then; 409 if there is one with this address."""
        caller.refuse_idempotency_key()
        self.members.add(_own(org_id, project_id), body.email, body.role)
        return {"message": "User added to the project successfully."}

    def put_member(
        self, org_id: str, project_id: str, body: Annotated[RoleBody, Body()]
    ) -> MessageOnly:
        """Give a member another role; the member's keys follow within a minute."""
        caller.refuse_idempotency_key()
        self.members.change_role(_own(org_id, project_id), body.email, body.role)
        return {"message": "User role updated successfully."}

    def delete_member(
        self, org_id: str, project_id: str, email: Annotated[str, Query()]
    ) -> MessageOnly:
        """Remove a member and revoke the member's keys, which takes up to a minute."""
        caller.refuse_idempotency_key()
        self.members.remove(_own(org_id, project_id), email)
        return {"message": "User removed from the project successfully."}


def _own(org_id: str, project_id: str) -> str:
    check_own(caller.project, org_id, project_id)
    return caller.project
