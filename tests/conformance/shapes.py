"""What the clients are promised: the keys that every answer has, and their types.

Only what the protocol documents is named. Answers may have more, which all clients ignore.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict


def _read(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Uuid: TypeAlias = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
Moment: TypeAlias = Annotated[str, AfterValidator(_read)]
Day: TypeAlias = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Filled: TypeAlias = Annotated[str, Field(min_length=1)]
Object: TypeAlias = dict[str, Any]
Number: TypeAlias = int | float


class Message(TypedDict):
    message: Filled


class Deleting(TypedDict):
    message: Literal["Delete in progress. This may take some time."]
    event_id: Uuid


class Moments(TypedDict):
    day: int
    hour: int
    minute: int
    month: int
    year: int
    quarter: int
    day_of_week: Filled
    day_of_year: int
    week_of_year: int
    is_weekend: bool


class Listed(TypedDict):
    id: Uuid
    memory: Filled
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    session_id: str | None
    metadata: Object
    categories: list[str]
    structured_attributes: Moments
    replaced_by: str | None
    synthesized: bool
    expiration_date: Day | None
    created_at: Moment
    updated_at: Moment


class Memory(Listed):
    lifecycle_state: Filled


class Found(TypedDict):
    id: Uuid
    memory: Filled
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    session_id: str | None
    score: Annotated[Number, Field(ge=0, le=1)]
    metadata: Object
    categories: list[str]
    expiration_date: Day | None
    created_at: Moment
    updated_at: Moment


class Hits(TypedDict):
    results: Annotated[list[Found], Field(min_length=1)]


class RelationFields(TypedDict):
    source: Filled
    relationship: Filled


class LegacyHits(Hits):
    relations: NotRequired[list[RelationFields]]


class Page(TypedDict):
    count: int
    next: str | None
    previous: str | None
    results: Annotated[list[Listed], Field(min_length=1)]


class Results(TypedDict):
    """A bare list of the first two versions, as the client wraps it; or a page."""

    results: Annotated[list[Listed], Field(min_length=1)]


class Data(TypedDict):
    memory: Filled


class Change(TypedDict):
    id: Uuid
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    memory: Filled
    data: Data


class Added(TypedDict):
    message: Filled
    status: Literal["SUCCEEDED"]
    event_id: Uuid
    results: Annotated[list[Change], Field(min_length=1)]


class Pending(TypedDict):
    message: Filled
    status: Literal["PENDING"]
    event_id: Uuid


class LegacyPending(TypedDict):
    results: Annotated[list[Pending], Field(min_length=1)]


class LegacyChange(TypedDict):
    id: Uuid
    event: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    memory: Filled
    structured_attributes: Moments


class LegacyAdded(TypedDict):
    results: Annotated[list[LegacyChange], Field(min_length=1)]


class Turn(TypedDict):
    role: Filled
    content: str


class HistoryItem(TypedDict):
    id: Filled
    memory_id: Uuid
    input: list[Turn]
    old_memory: str | None
    new_memory: str | None
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    session_id: str | None
    categories: list[str]
    event: Literal["ADD", "UPDATE", "DELETE"]
    metadata: Object
    created_at: Moment
    updated_at: Moment


class Entity(TypedDict):
    id: Filled
    name: Filled
    type: Literal["user", "agent", "app", "run"]
    owner: str | None
    metadata: Object | None
    created_at: Moment
    updated_at: Moment
    total_memories: int


class Entities(TypedDict):
    count: int
    next: str | None
    previous: str | None
    results: Annotated[list[Entity], Field(min_length=1)]
    total_users: int
    total_agents: int
    total_apps: int
    total_runs: int


class EventResult(TypedDict):
    id: Uuid
    event: Filled
    user_id: str | None
    data: Data


class Event(TypedDict):
    id: Uuid
    event_type: Filled
    status: Literal["PENDING", "RUNNING", "FAILED", "SUCCEEDED"]
    payload: Object | None
    metadata: Object | None
    results: list[EventResult] | None
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    latency: Number | None
    graph_status: str | None
    error: str | None


class Events(TypedDict):
    count: int
    next: str | None
    previous: str | None
    results: Annotated[list[Event], Field(min_length=1)]


class Envelope(TypedDict):
    """What the command line wraps some of its answers in."""

    status: Literal["success"]
    command: Filled
    data: Any


Histories: TypeAlias = Annotated[list[HistoryItem], Field(min_length=1)]


def difference(answer: object, shape: Any) -> str:  # noqa: ANN401 - whatever pydantic takes
    """Return in a line what an answer lacks of a shape; nothing if it has that shape."""
    try:
        TypeAdapter(shape).validate_python(answer, strict=True)
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}"
            for each in error.errors()[:3]
        )
    return ""
