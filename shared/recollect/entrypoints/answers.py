"""The form of what callers get, as the mem0 clients read it."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from recollect.entrypoints.member_answers import MemberAnswer


class AttachmentAnswer(TypedDict):
    """A text document, or a picture and what is to be seen on it."""

    kind: Literal["document", "image"]
    text: str
    url: str


class MessageAnswer(TypedDict):
    """One turn of a conversation; `said_at` only if it has a time of its own."""

    role: str
    content: str
    name: str | None
    said_at: str | None
    attachments: list[AttachmentAnswer]


class MemoryAnswer(TypedDict, total=False):
    """One memory; `fields` of the request may leave only some of these keys."""

    id: str
    memory: str
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    session_id: str | None
    metadata: dict[str, Any]
    categories: list[str]
    created_at: str
    updated_at: str
    expiration_date: str | None
    structured_attributes: dict[str, Any]
    valid_from: str | None
    valid_to: str | None
    salience: float | None
    kind: str
    memory_type: str
    role: str | None
    actor_id: str | None
    attributed_to: str | None
    immutable: bool
    version: int
    event_id: str
    replaced_by: str | None
    synthesized: bool
    lifecycle_state: str
    feedback: str | None
    feedback_reason: str | None
    score: float
    rerank_score: float
    score_breakdown: dict[str, float]


class DataAnswer(TypedDict):
    """The memory once more, where some clients look for it."""

    memory: str


class OutcomeAnswer(TypedDict):
    """What became of one message or fact."""

    id: str
    memory: str
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    data: DataAnswer
    previous_memory: str | None
    role: str | None
    actor_id: str | None
    attributed_to: str | None
    categories: list[str]
    reason: str | None
    user_id: NotRequired[str | None]


class AddAnswer(TypedDict):
    """What an add did, or the job to follow."""

    message: str
    status: str
    event_id: str
    results: list[OutcomeAnswer]


class RelationAnswer(TypedDict):
    """A relation that answers a question, and the memories that say so."""

    source: str
    source_type: str
    relationship: str
    target: str
    target_type: str
    score: float
    valid_from: str | None
    valid_to: str | None
    memory_ids: list[str]


class SearchAnswer(TypedDict):
    """What was found, best first, and which parts of the service could not help.

    `relations` are there if the graph was asked. `context` is the memories, and the best of the
    relations, as a text for a prompt, if it was asked for. With `max_tokens` it is what those have
    room for, without relations; `context_tokens` is about how many it takes, `all_tokens` about how
    many all that the named entities remember would take.
    """

    results: list[MemoryAnswer]
    relations: NotRequired[list[RelationAnswer]]
    degraded: list[str]
    context: NotRequired[str]
    context_tokens: NotRequired[int]
    all_tokens: NotRequired[int]


class MemoryPageAnswer(TypedDict):
    """One page of a list."""

    count: int
    count_exact: bool
    next: str | None
    previous: str | None
    results: list[MemoryAnswer]


class HistoryAnswer(TypedDict):
    """One event of a memory's history; its text held, in the world, between the valid times."""

    id: str
    memory_id: str
    event: Literal["ADD", "UPDATE", "DELETE"]
    input: list[MessageAnswer]
    old_memory: str | None
    new_memory: str | None
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    session_id: str | None
    metadata: dict[str, Any]
    categories: list[str]
    version: int
    event_id: str
    actor_id: str | None
    role: str | None
    is_deleted: bool
    prompt_version: str | None
    valid_from: str | None
    valid_to: str | None
    created_at: str
    updated_at: str


class EpisodeAnswer(TypedDict):
    """The messages of one add."""

    event_id: str
    messages: list[MessageAnswer]
    created_at: str


class EntityAnswer(TypedDict):
    """A user, agent, app or run that has memories."""

    id: str
    name: str
    type: str
    owner: str
    total_memories: int
    metadata: dict[str, Any]
    created_at: str
    updated_at: str


class EntityPageAnswer(TypedDict):
    """One page of entities, and how many of each kind there are."""

    count: int
    next: str | None
    previous: str | None
    results: list[EntityAnswer]
    total_users: int
    total_agents: int
    total_apps: int
    total_runs: int


class TripleAnswer(TypedDict):
    """A relation in words."""

    source: str
    relationship: str
    target: str


class GraphOutcomeAnswer(TypedDict):
    """The relations that an add states, and those that it ended."""

    added_entities: list[TripleAnswer]
    deleted_entities: list[TripleAnswer]


class MessageOnly(TypedDict):
    """A word that it is done."""

    message: str


class DeletedAnswer(MessageOnly):
    """A word that it is done; `cascade_count` tells, if asked, what else was deleted: nothing."""

    cascade_count: NotRequired[int]


class DeleteAllAnswer(TypedDict):
    """The job of a delete-all."""

    message: str
    event_id: str


class PingAnswer(TypedDict):
    """Which project the key opens."""

    status: Literal["ok"]
    org_id: str
    project_id: str
    user_email: str


class LimitsAnswer(TypedDict):
    """What may be used in a minute or a day of UTC; null is without limit."""

    requests_per_minute: int | None
    tokens_per_day: int | None


class ProjectAnswer(TypedDict):
    """What a project has set; the members that nothing here stands behind are null or defaults."""

    org_id: str
    project_id: str
    name: str
    description: str | None
    custom_instructions: str | None
    agent_custom_instructions: str | None
    inclusion_prompt: str | None
    exclusion_prompt: str | None
    custom_categories: list[dict[str, str]] | None
    custom_fact_extraction_prompt: str | None
    custom_update_memory_prompt: str | None
    redaction: bool
    redaction_patterns: list[str]
    episode_days: int | None
    limits: LimitsAnswer
    created_at: str | None
    updated_at: str | None
    members: list[MemberAnswer]
    usecase: str | None
    usecase_setting: str | None
    memory_depth: str | None
    update_custom_instructions: str | None
    summary_custom_instructions: str | None
    summary_batch_size: int | None
    summary_max_tokens: int | None
    expiration_date: str | None
    retrieval_criteria: list[dict[str, Any]] | None
    enable_graph: bool
    multilingual: bool
    decay: bool
    version: str | None
    is_default: bool
    active_prompt_profile: str | None
    user_role: str
