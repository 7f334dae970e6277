"""What callers send: bodies as the mem0 clients write them, and their meaning in our words."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
)
from pydantic_core import PydanticCustomError

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import Filter, is_scoped, parse_filter
from recollect.domain.jobs import AddRequest
from recollect.domain.memory import Message, checked_metadata
from recollect.domain.subjects import Scope, SubjectKind
from recollect.usecases.change_memory import MemoryChanges

ENTITY_IDS = {f"{kind}_id": kind for kind in SubjectKind}
DEFAULT_RESULTS = 10
DEFAULT_THRESHOLD = 0.1
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Years of a timestamp: wide enough for anything remembered, and milliseconds taken for seconds
fall outside."""


def _optional_text(value: object) -> object:
    return value if value is not None else ""


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        kind, message = "number_type", "Input should be a number"
        raise PydanticCustomError(kind, message)
    return value


JsonObject: TypeAlias = dict[str, Any]
Timestamp: TypeAlias = StrictInt | StrictFloat | StrictStr
Whole: TypeAlias = Annotated[int, BeforeValidator(_no_boolean)]
"""A whole number, also as the text that some form-driven clients send."""
Fraction: TypeAlias = Annotated[float, BeforeValidator(_no_boolean)]


class MessageBody(BaseModel):
    """One turn of a conversation."""

    role: Annotated[StrictStr, Field(min_length=1, max_length=64)] = "user"
    content: Annotated[
        StrictStr | list[JsonObject] | JsonObject, BeforeValidator(_optional_text)
    ] = ""
    name: Annotated[StrictStr, Field(max_length=256)] | None = None

    def message(self) -> Message:
        """Return the turn; raise `InvalidRequestError` for parts that are not text."""
        return Message(self.role, _text(self.content), self.name or None)


def _turns(messages: object) -> object:
    """Return what a client sent as a list of turns; one text is a turn of the user."""
    turns = messages if isinstance(messages, list) else [messages]
    return [{"content": turn} if isinstance(turn, str) else turn for turn in turns]


class AddBody(BaseModel):
    """The body of an add. Unknown fields are ignored."""

    messages: Annotated[
        list[MessageBody],
        BeforeValidator(
            _turns, json_schema_input_type=StrictStr | MessageBody | list[StrictStr | MessageBody]
        ),
    ]
    user_id: StrictStr | None = None
    agent_id: StrictStr | None = None
    app_id: StrictStr | None = None
    run_id: StrictStr | None = None
    filters: JsonObject | None = Field(None, description="Entity ids may be given here instead.")
    metadata: JsonObject | None = None
    infer: bool = Field(default=True, description="Extract facts; false keeps messages verbatim.")
    timestamp: Timestamp | None = Field(None, description="When it was said: unix s or ISO 8601.")
    expiration_date: StrictStr | None = Field(None, description="Last day, YYYY-MM-DD, in UTC.")
    immutable: bool = False

    def request(self, project: str) -> AddRequest:
        """Return what is to be remembered; raise `InvalidRequestError`."""
        given = {name: getattr(self, name) for name in ENTITY_IDS}
        return AddRequest(
            scope=Scope.of(project, _names(given, self.filters or {})),
            messages=tuple(turn.message() for turn in self.messages),
            infer=self.infer,
            metadata=checked_metadata(self.metadata or {}),
            said_at=time_from(self.timestamp) if self.timestamp is not None else None,
            expires_on=day_from(self.expiration_date) if self.expiration_date is not None else None,
            is_immutable=self.immutable,
        )


class _FilteredBody(BaseModel):
    """What search and list have in common."""

    model_config = ConfigDict(extra="allow")

    filters: JsonObject | None = Field(
        None,
        description="Which memories; must name an entity, or `*` for any of a kind.",
        examples=[{"AND": [{"user_id": "ada"}, {"created_at": {"gte": "2026-01-01"}}]}],
    )
    fields: list[StrictStr] | None = Field(None, description="Keys to return of each memory.")
    categories: list[StrictStr] | None = None
    show_expired: bool = False

    def _filter(self, more: Sequence[Mapping[str, Any]] = ()) -> Filter:
        extra = self.model_extra or {}
        if misplaced := [name for name in ENTITY_IDS if extra.get(name) is not None]:
            message = f"{', '.join(misplaced)} must be given inside filters"
            raise InvalidRequestError(message)
        parts = [self.filters or {}, *more]
        if self.categories:
            parts.append({"categories": {"in": self.categories}})
        matching = parse_filter({"AND": parts})
        if not is_scoped(matching):
            message = (
                "One of the filters: app_id, user_id, agent_id, run_id is required! Give at"
                " least one in filters."
            )
            raise InvalidRequestError(message)
        return matching


class SearchBody(_FilteredBody):
    """The body of a search."""

    query: StrictStr
    top_k: Whole | None = Field(None, description="At most so many results, 1 to 1000.")
    limit: Whole | None = Field(None, description="The same as top_k.")
    threshold: Fraction | None = Field(None, description="Least score, 0 to 1; 0.1 if not given.")
    metadata: JsonObject | None = None
    explain: bool = Field(default=False, description="Tell what each score is made of.")

    @property
    def result_limit(self) -> int:
        """At most so many results."""
        asked = self.top_k if self.top_k is not None else self.limit
        return DEFAULT_RESULTS if asked is None else asked

    @property
    def least_score(self) -> float:
        """The score that a result must reach."""
        return DEFAULT_THRESHOLD if self.threshold is None else self.threshold

    def matching(self) -> Filter:
        """Return which memories may be found; raise `InvalidRequestError`."""
        return self._filter([{"metadata": self.metadata}] if self.metadata else [])


class ListBody(_FilteredBody):
    """The body of a list."""

    page: Whole | None = None
    page_size: Whole | None = None
    start_date: Timestamp | None = None
    end_date: Timestamp | None = None
    keywords: StrictStr | None = None

    def matching(self) -> Filter:
        """Return which memories are listed; raise `InvalidRequestError`."""
        more: list[JsonObject] = []
        if self.start_date is not None:
            more.append({"created_at": {"gte": self.start_date}})
        if self.end_date is not None:
            more.append({"created_at": {"lte": self.end_date}})
        if self.keywords:
            more.append({"keywords": {"icontains": self.keywords}})
        return self._filter(more)


class UpdateBody(BaseModel):
    """The body of an update; what is not given stays as it is."""

    text: StrictStr | None = None
    metadata: JsonObject | None = None
    timestamp: Timestamp | None = None
    expiration_date: StrictStr | None = Field(None, description="null removes the last day.")

    def changes(self) -> MemoryChanges:
        """Return what is to change; raise `InvalidRequestError`."""
        given = "expiration_date" in self.model_fields_set
        return MemoryChanges(
            text=self.text,
            metadata=checked_metadata(self.metadata) if self.metadata is not None else None,
            said_at=time_from(self.timestamp) if self.timestamp is not None else None,
            expires_on=day_from(self.expiration_date) if self.expiration_date is not None else None,
            clears_expiry=given and self.expiration_date is None,
        )


class KeyBody(BaseModel):
    """The body that makes a key."""

    name: StrictStr = "key"


def time_from(value: Timestamp) -> datetime:
    """Return the time of unix seconds or an ISO text; without an offset it is UTC."""
    try:
        time = (
            datetime.fromisoformat(value)
            if isinstance(value, str)
            else datetime.fromtimestamp(value, UTC)
        )
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = "timestamp must be unix seconds or an ISO 8601 time"
        raise InvalidRequestError(message) from error
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        message = f"timestamp must lie in the years {FIRST_YEAR} to {LAST_YEAR} (unix seconds)"
        raise InvalidRequestError(message)
    return time


def day_from(text: str) -> date:
    """Return the day of an expiration date."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        message = "expiration_date must be a day such as 2030-12-31"
        raise InvalidRequestError(message) from error


def _names(given: Mapping[str, object], filters: Mapping[str, object]) -> dict[SubjectKind, object]:
    names: dict[SubjectKind, object] = {}
    for field, kind in ENTITY_IDS.items():
        # mem0's guide for TypeScript writes userId in filters.
        written = (given.get(field), filters.get(field), filters.get(f"{kind}Id"))
        values = [value for value in written if value is not None]
        if any(value != values[0] for value in values):
            message = f"{field} is given twice with different values"
            raise InvalidRequestError(message)
        if values:
            names[kind] = values[0]
    return names


def _text(content: str | list[JsonObject] | JsonObject) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "\n".join(_part_text(part) for part in parts)


def _part_text(part: JsonObject) -> str:
    text = part.get("text")
    if part.get("type", "text") == "text" and isinstance(text, str):
        return text
    shown = ascii(part.get("type"))[:40]
    message = f"Message parts of type {shown} are not supported; send text"
    raise InvalidRequestError(message)
