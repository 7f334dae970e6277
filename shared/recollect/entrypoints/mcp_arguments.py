"""What the tools of the MCP endpoint take: the hosted server's arguments, and their meaning."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, Field, StrictBool, StrictStr, ValidationError

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import is_scoped, parse_filter
from recollect.domain.keys import Access
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.models import ENTITY_IDS, AddBody, UpdateBody, Whole
from recollect.entrypoints.questions import ListBody, PromptSearchBody
from recollect.entrypoints.turns import JsonObject, MessageBody

FILTERS = (
    "Which memories: conditions on user_id, agent_id, app_id, run_id, created_at, categories,"
    ' metadata or keywords, joined by AND, OR and NOT, such as {"AND": [{"user_id": "ada"},'
    ' {"created_at": {"gte": "2026-01-01"}}]}. Without an entity, those of the default user.'
)

MOST_PROBLEMS = 5

_Arguments = TypeVar("_Arguments", bound=BaseModel)
Filters: TypeAlias = Annotated[JsonObject | None, Field(description=FILTERS)]


class NamedArguments(BaseModel):
    """The names of entities, none of which has to be given."""

    user_id: StrictStr | None = Field(None, description="The user it is about.")
    agent_id: StrictStr | None = Field(None, description="The agent it is about.")
    app_id: StrictStr | None = Field(None, description="The app it is about.")
    run_id: StrictStr | None = Field(None, description="The run, or session, it is about.")

    @property
    def names(self) -> dict[str, str]:
        """What is given, as `user_id`, `agent_id`, `app_id` and `run_id`."""
        given = {field: getattr(self, field) for field in ENTITY_IDS}
        return {field: name for field, name in given.items() if name is not None}

    def names_or(self, default: str, access: Access) -> dict[str, str]:
        """Return what is given; if nothing is, the default user, or what the key is bound to."""
        if self.names:
            return self.names
        subject = access.subject or Subject.of(SubjectKind.USER, default)
        return {f"{subject.kind}_id": subject.name}


class AddArguments(NamedArguments):
    """What `add_memory` takes."""

    text: StrictStr | None = Field(None, description="What to remember, if not messages.")
    messages: list[MessageBody] | None = Field(
        None, description="A conversation to remember from, instead of text."
    )
    metadata: JsonObject | None = Field(None, description="Kept with each memory.")
    infer: bool = Field(default=True, description="Extract facts; false keeps what is said.")
    enable_graph: StrictBool | None = Field(None, description="Read it for the graph as well.")

    def body(self, default: str, access: Access) -> AddBody:
        """Return the add that is meant; raise `InvalidRequestError` if it says nothing."""
        if not (self.messages or self.text):
            message = "One of text and messages is required"
            raise InvalidRequestError(message)
        return AddBody(
            messages=self.messages or [MessageBody(content=self.text or "")],
            metadata=self.metadata,
            infer=self.infer,
            enable_graph=self.enable_graph,
            **self.names_or(default, access),
        )


class SearchArguments(BaseModel):
    """What `search_memories` takes."""

    query: StrictStr = Field(description="What to look for, as a question or in key words.")
    filters: Filters = None
    limit: Whole | None = Field(None, description="At most so many results, 1 to 1000; else 10.")
    top_k: Whole | None = Field(None, description="The same as limit.")
    enable_graph: StrictBool | None = Field(None, description="Look in the graph as well.")
    max_tokens: Whole | None = Field(
        None,
        description="Answer also a text, context: the most useful memories that about so many"
        " tokens have room for, 1 to 100,000, in the order of time, beyond limit as well.",
    )

    def body(self, default: str, access: Access) -> PromptSearchBody:
        """Return the search that is meant; raise `InvalidRequestError` for unknown filters."""
        return PromptSearchBody(
            query=self.query,
            filters=_scoped(self.filters, default, access),
            limit=self.limit,
            top_k=self.top_k,
            enable_graph=self.enable_graph,
            max_tokens=self.max_tokens,
        )


class PageArguments(BaseModel):
    """Which page of a list is meant."""

    page: Whole | None = Field(None, description="From 1, which it is if not given.")
    page_size: Whole | None = Field(None, description="1 to 200; 100 if not given.")


class ListArguments(PageArguments):
    """What `get_memories` takes."""

    filters: Filters = None

    def body(self, default: str, access: Access) -> ListBody:
        """Return the list that is meant; raise `InvalidRequestError` for unknown filters."""
        return ListBody(filters=_scoped(self.filters, default, access))


class MemoryArguments(BaseModel):
    """Which memory is meant."""

    memory_id: StrictStr = Field(description="The memory's UUID.")


class UpdateArguments(MemoryArguments):
    """What `update_memory` takes."""

    text: StrictStr = Field(description="What the memory is to say.")
    metadata: JsonObject | None = Field(None, description="Stays as it is if not given.")

    def changes(self) -> MemoryChanges:
        """Return what is to change; raise `InvalidRequestError`."""
        return UpdateBody(text=self.text, metadata=self.metadata).changes()


class DeleteAllArguments(NamedArguments):
    """What `delete_all_memories` takes."""

    def filters(self, default: str, access: Access) -> JsonObject:
        """Return the filters of what is to go, which names one entity of each kind given.

        Raises `InvalidRequestError` for `*`: what a model can call deletes across no users.
        """
        names = self.names_or(default, access)
        subjects = [Subject.of(ENTITY_IDS[field], name) for field, name in names.items()]
        return {"AND": [{f"{subject.kind}_id": subject.name} for subject in subjects]}


class EntityArguments(NamedArguments):
    """What `delete_entities` takes."""

    entity_type: SubjectKind | None = Field(None, description="With entity_id: the other way.")
    entity_id: StrictStr | None = Field(None, description="The name of an entity of that type.")

    @property
    def subject(self) -> Subject:
        """The entity that is to go.

        Raises `InvalidRequestError` unless exactly one is named, without a default.
        """
        named = [Subject.of(ENTITY_IDS[field], name) for field, name in self.names.items()]
        if self.entity_type is not None and self.entity_id is not None:
            named.append(Subject.of(self.entity_type, self.entity_id))
        if len(named) != 1:
            message = "Exactly one entity must be named"
            raise InvalidRequestError(message)
        return named[0]


class EventArguments(BaseModel):
    """Which job is meant."""

    event_id: StrictStr = Field(description="The UUID that an add or a delete has answered.")


def checked(arguments: type[_Arguments], values: Mapping[str, Any]) -> _Arguments:
    """Return what a tool was called with; raise `InvalidRequestError` for what it does not take."""
    try:
        return arguments.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
        raise InvalidRequestError("; ".join(told)) from error


def _scoped(filters: Mapping[str, Any] | None, default: str, access: Access) -> JsonObject:
    """Return filters that name an entity: as given, or of the key's own, or of the default user."""
    given = dict(filters or {})
    if access.subject is not None or is_scoped(parse_filter(given)):
        return given
    return {"AND": [given, {"user_id": default}]}
