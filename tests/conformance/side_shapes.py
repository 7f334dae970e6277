"""What the clients are promised beside memories: projects, webhooks, exports, profiles."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from tests.conformance.shapes import Filled, Moment, Object, Uuid


class Project(TypedDict):
    project_id: Filled
    name: Filled
    description: str | None
    created_at: Moment | None
    updated_at: Moment | None
    members: list[Object]
    usecase: str | None
    memory_depth: str | None
    inclusion_prompt: str | None
    exclusion_prompt: str | None
    custom_categories: list[Object] | None
    custom_instructions: str | None
    agent_custom_instructions: str | None
    update_custom_instructions: str | None
    summary_custom_instructions: str | None
    summary_batch_size: int | None
    summary_max_tokens: int | None
    expiration_date: str | None
    enable_graph: bool
    multilingual: bool
    version: str | None
    is_default: bool
    active_prompt_profile: str | None
    decay: bool
    user_role: Literal["OWNER", "READER"]


class ProjectUpdated(TypedDict):
    message: Literal["Project updated successfully"]


class ProjectCreated(TypedDict):
    message: Filled
    project_id: Filled


class Member(TypedDict):
    email: Filled
    role: Literal["READER", "OWNER"]


class Members(TypedDict):
    members: Annotated[list[Member], Field(min_length=1)]


class Webhook(TypedDict):
    webhook_id: Filled | int
    name: Filled
    url: Filled
    event_types: list[str]
    owner: str | None
    is_active: bool
    project: Filled
    created_at: Moment
    updated_at: Moment


class Exporting(TypedDict):
    id: Uuid
    message: Filled


class Feedback(TypedDict):
    id: Uuid
    feedback: Literal["POSITIVE", "NEGATIVE", "VERY_NEGATIVE"] | None
    feedback_reason: str | None


class Profile(TypedDict):
    profile: Object | None
    status: Literal["not_enabled"]
    entity_type: Literal["user"]
    entity_id: Filled
    updated_at: Moment | None
    generation_count: int


class ProfileJob(TypedDict):
    job_id: Uuid
    status: Literal["not_enabled"]
    status_url: Filled
    operation: Literal["trigger", "sample"]
    entity_type: Literal["user"]
    entity_count_reserved: int
    event_id: Uuid | None
    replayed: bool
    sampled: int
    entity_ids: list[str]


class ProfileJobCounts(TypedDict):
    status: Literal["not_enabled"]
    total: int | None
    completed: int
    succeeded: int
    failed: int
    skipped: int


class ProfileJobState(TypedDict):
    job: ProfileJobCounts


class ProfileSetting(TypedDict):
    schema: Object | None
    custom_instructions: str | None


class ProfileSettings(TypedDict):
    enabled: Literal[False]
    capabilities: Object
    entities: dict[str, ProfileSetting]


Webhooks: TypeAlias = Annotated[list[Webhook], Field(min_length=1)]
Summaries: TypeAlias = list[Object]
