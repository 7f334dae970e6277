"""Members of a project, as the mem0 clients read and write them."""

from collections.abc import Mapping

from pydantic import BaseModel, Field, StrictStr
from typing_extensions import TypedDict

from recollect.domain.keys import Role


class MemberBody(BaseModel):
    """The body that adds a member."""

    email: StrictStr = Field(description="Whom it is about; no mail is sent.")
    role: Role = Field(Role.READER, description="READER may only read.")


class RoleBody(BaseModel):
    """The body that changes a member's role."""

    email: StrictStr = Field(description="Whom it is about.")
    role: Role = Field(description="READER may only read; the member's keys follow.")


class MemberAnswer(TypedDict):
    """A member of a project; both names are the e-mail address."""

    email: str
    username: str
    role: str


class MembersAnswer(TypedDict):
    """The members of a project."""

    members: list[MemberAnswer]


def member_answers(members: Mapping[str, Role]) -> list[MemberAnswer]:
    """Return members as callers read them, in the order of their addresses."""
    return [
        {"email": email, "username": email, "role": role} for email, role in sorted(members.items())
    ]
