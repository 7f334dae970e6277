"""What callers send: bodies as the mem0 clients write them, and their meaning in our words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictStr,
)
from pydantic_core import PydanticCustomError

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import InvalidRequestError
from recollect.domain.graph import Owner
from recollect.domain.guidance import (
    MAX_CATEGORIES,
    MAX_CATEGORY_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    MAX_WISH_LENGTH,
    Guidance,
)
from recollect.domain.keys import Access
from recollect.domain.memory import MemoryKind, checked_metadata
from recollect.domain.requests import AddRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.entrypoints.times import Timestamp, day_from, time_from
from recollect.entrypoints.turns import JsonObject, Turns, messages_from

ENTITY_IDS = {f"{kind}_id": kind for kind in SubjectKind}
EVERY_ENTITY: JsonObject = {"OR": [{name: "*"} for name in ENTITY_IDS]}
"""The filters of a whole project: every memory has at least one entity."""
PROCEDURAL = "procedural_memory"


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        kind, message = "number_type", "Input should be a number"
        raise PydanticCustomError(kind, message)
    return value


def _category(value: object) -> object:
    if isinstance(value, str):
        return {value: ""}
    if not isinstance(value, dict):
        kind, message = "category_type", 'Expected a dictionary of items but got type "{type}"'
        raise PydanticCustomError(kind, message, {"type": type(value).__name__})
    return value


MemoryType: TypeAlias = Literal["procedural_memory", "semantic_memory", "episodic_memory"]
Wish: TypeAlias = Annotated[StrictStr, Field(max_length=MAX_WISH_LENGTH)]
Category: TypeAlias = Annotated[
    dict[
        Annotated[StrictStr, Field(min_length=1, max_length=MAX_CATEGORY_LENGTH)],
        Annotated[StrictStr, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None,
    ],
    BeforeValidator(_category, json_schema_input_type=StrictStr | dict[str, str | None]),
]
Categories: TypeAlias = Annotated[list[Category], Field(max_length=MAX_CATEGORIES)]
Whole: TypeAlias = Annotated[int, BeforeValidator(_no_boolean)]
"""A whole number, also as the text that some form-driven clients send."""
Fraction: TypeAlias = Annotated[float, BeforeValidator(_no_boolean)]


class AddBody(BaseModel):
    """The body of an add. Unknown fields are ignored."""

    messages: Turns
    user_id: StrictStr | None = None
    agent_id: StrictStr | None = None
    app_id: StrictStr | None = None
    run_id: StrictStr | None = None
    filters: JsonObject | None = Field(None, description="Entity ids may be given here instead.")
    metadata: JsonObject | None = None
    infer: bool | None = Field(
        default=True, description="Extract facts; false keeps messages verbatim."
    )
    memory_type: MemoryType | None = Field(
        None, description="Of all memories of this add; procedural_memory needs an agent_id."
    )
    custom_instructions: Wish | None = Field(None, description="What to remember, or not.")
    agent_custom_instructions: Wish | None = Field(None, description="The same for the agent.")
    includes: Wish | None = None
    excludes: Wish | None = None
    prompt: Wish | None = Field(
        None, description="How to summarise a procedure; else the same as custom_instructions."
    )
    custom_categories: Categories | None = Field(None, description="name: description, or names.")
    timestamp: Timestamp | None = Field(None, description="When it was said: unix s or ISO 8601.")
    reference_date: Timestamp | None = Field(
        None, description='What "yesterday" is counted from, if not from when it was said.'
    )
    observation_datetime: Timestamp | None = Field(None, description="As reference_date.")
    observation_date: Timestamp | None = Field(None, description="As reference_date.")
    expiration_date: StrictStr | None = Field(None, description="Last day, YYYY-MM-DD, in UTC.")
    immutable: bool | None = False
    enable_graph: StrictBool | None = Field(
        None, description="Read it for the graph; as the project has set if not given."
    )
    async_mode: bool | None = Field(
        None, description="Answer with the job to follow instead of its results."
    )

    @property
    def is_awaited(self) -> bool:
        """Tell whether the caller wants the results, not the job to follow."""
        return not self.async_mode

    def request(self, access: Access) -> AddRequest:
        """Return what is to be remembered; raise `InvalidRequestError`, or `ForbiddenError`."""
        given = {name: getattr(self, name) for name in ENTITY_IDS}
        scope = access.scope(_names(given, self.filters or {}))
        return AddRequest(
            scope=scope,
            messages=messages_from(self.messages),
            infer=self.infer is not False,
            metadata=checked_metadata(self.metadata or {}),
            said_at=time_from(self.timestamp),
            reference_at=self._reference(),
            expires_on=day_from(self.expiration_date),
            is_immutable=bool(self.immutable),
            kind=self._kind(scope),
            is_graphed=self.enable_graph,
            guidance=self._guidance(),
        )

    def _reference(self) -> datetime | None:
        names = ("reference_date", "observation_datetime", "observation_date")
        times = (time_from(getattr(self, name), name) for name in names)
        return next((time for time in times if time), None)

    def _kind(self, scope: Scope) -> MemoryKind | None:
        if self.memory_type is None:
            return None
        if self.memory_type == PROCEDURAL and scope.name_of(SubjectKind.AGENT) is None:
            message = f"memory_type {PROCEDURAL} needs an agent_id"
            raise InvalidRequestError(message)
        return MemoryKind(self.memory_type.removesuffix("_memory"))

    def _guidance(self) -> Guidance:
        prompt = self.prompt or ""
        is_procedure = self.memory_type == PROCEDURAL
        return Guidance(
            instructions=self.custom_instructions or ("" if is_procedure else prompt),
            agent_instructions=self.agent_custom_instructions or "",
            includes=self.includes or "",
            excludes=self.excludes or "",
            categories=categories_from(self.custom_categories or []),
            extraction_prompt=prompt if is_procedure else "",
        )


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
            said_at=time_from(self.timestamp),
            expires_on=day_from(self.expiration_date),
            clears_expiry=given and self.expiration_date is None,
        )


def owner_from(access: Access, **names: str | None) -> Owner:
    """Return whose graph is meant; raise `InvalidRequestError` unless exactly one is named.

    The names are given as `user_id`, `agent_id`, `app_id` and `run_id`. Raises `ForbiddenError`
    for a graph that is out of the key's reach.
    """
    given = {ENTITY_IDS[field]: name for field, name in names.items() if name is not None}
    if len(given) != 1:
        message = f"Exactly one of {', '.join(ENTITY_IDS)} must say whose graph it is"
        raise InvalidRequestError(message)
    [(kind, name)] = given.items()
    return Owner(access.project, access.checked(Subject.of(kind, name)).key)


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


def categories_from(several: Sequence[Mapping[str, str | None]]) -> dict[str, str] | None:
    """Return a catalogue of categories, name -> description; None for an empty one."""
    named = {name: text or "" for each in several for name, text in each.items()}
    return named or None
