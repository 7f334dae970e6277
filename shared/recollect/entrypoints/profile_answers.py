"""Profiles as the mem0 clients ask for them, and the one thing that is said of them: not enabled.

A profile would be a summary of all that is known of a user. None are made here, so there is
nothing to keep: every answer follows from the request alone.
"""

from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, StrictBool, StrictStr
from typing_extensions import TypedDict

from recollect.domain.errors import InvalidRequestError, NotFoundError
from recollect.domain.subjects import Subject, SubjectKind

NOT_ENABLED: Final = "not_enabled"
NO_JOB: Final = "00000000-0000-0000-0000-000000000000"
"""The id of the job that was not started."""
STATUS_URL: Final = f"/v2/profiles/jobs/{NO_JOB}/"
NotEnabled: TypeAlias = Literal["not_enabled"]


class ProfileAnswer(TypedDict):
    """What is summarised of a user: nothing."""

    profile: None
    status: NotEnabled
    entity_type: Literal["user"]
    entity_id: str
    updated_at: None
    generation_count: int


class ProfileJobAnswer(TypedDict):
    """What became of a wish for profiles, in the words of both operations."""

    job_id: str
    status: NotEnabled
    status_url: str
    operation: str
    entity_type: Literal["user"]
    entity_count_reserved: int
    sampled: int
    entity_ids: list[str]
    event_id: None
    replayed: bool


class ProfileJobStateAnswer(TypedDict):
    """How far a job is that was not started."""

    job_id: str
    status: NotEnabled
    total: int
    completed: int
    succeeded: int
    failed: int
    skipped: int
    enumeration_complete: bool


class ProfileJobPageAnswer(TypedDict):
    """A job, under the name that clients read."""

    job: ProfileJobStateAnswer


class ProfileSettingAnswer(TypedDict):
    """What profiles of one kind of entity would be like."""

    schema: None
    custom_instructions: None


class ProfileSettingsAnswer(TypedDict):
    """A project's settings of profiles."""

    enabled: bool
    capabilities: dict[str, bool]
    entities: dict[str, ProfileSettingAnswer]


class ProfileJobBody(BaseModel):
    """The body that asks for profiles: of one user, or of a sample of them."""

    operation: Literal["trigger", "sample"]
    entity_type: Literal["user"] = "user"
    entity_id: StrictStr | None = Field(None, description="Whose, for the operation trigger.")
    limit: int | None = Field(None, ge=1, le=10, description="How many users, for a sample.")

    def user(self) -> Subject | None:
        """Return whose profile is wanted, if one user's; raise `InvalidRequestError`."""
        if self.operation == "sample":
            return None
        return Subject.of(SubjectKind.USER, self.entity_id)


class ProfileSettingBody(BaseModel):
    """What profiles of one kind of entity should be like."""

    schema_: dict[str, Any] | None = Field(None, alias="schema")
    custom_instructions: StrictStr | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether it asks for nothing that would have to be kept."""
        return not (self.schema_ or self.custom_instructions)


class ProfileSettingsBody(BaseModel):
    """The body that changes the settings of profiles."""

    enabled: StrictBool | None = None
    entities: dict[Literal["user"], ProfileSettingBody] = Field(default_factory=dict)

    def check(self) -> None:
        """Raise `InvalidRequestError` unless it leaves everything as it is."""
        if self.enabled or not all(each.is_empty for each in self.entities.values()):
            message = "Profiles are not available here: they can neither be enabled nor configured"
            raise InvalidRequestError(message)


def profile_answer(user: Subject) -> ProfileAnswer:
    """Return the answer to who asks for a user's profile."""
    return {
        "profile": None,
        "status": NOT_ENABLED,
        "entity_type": "user",
        "entity_id": user.name,
        "updated_at": None,
        "generation_count": 0,
    }


def profile_job_answer(operation: str) -> ProfileJobAnswer:
    """Return the answer to who asks for profiles to be made."""
    return {
        "job_id": NO_JOB,
        "status": NOT_ENABLED,
        "status_url": STATUS_URL,
        "operation": operation,
        "entity_type": "user",
        "entity_count_reserved": 0,
        "sampled": 0,
        "entity_ids": [],
        "event_id": None,
        "replayed": False,
    }


def profile_job_page_answer(job_id: str) -> ProfileJobPageAnswer:
    """Return how far a job is; raise `NotFoundError` for any but the one that was not started."""
    if job_id != NO_JOB:
        message = "Profile job not found"
        raise NotFoundError(message)
    return {
        "job": {
            "job_id": NO_JOB,
            "status": NOT_ENABLED,
            "total": 0,
            "completed": 0,
            "succeeded": 0,
            "failed": 0,
            "skipped": 0,
            "enumeration_complete": True,
        }
    }


def profile_settings_answer() -> ProfileSettingsAnswer:
    """Return the settings, which are the same for every project."""
    return {
        "enabled": False,
        "capabilities": {"user": False},
        "entities": {"user": {"schema": None, "custom_instructions": None}},
    }
