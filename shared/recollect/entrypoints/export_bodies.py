"""What callers send for exports and summaries."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel, Field, StrictStr

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import Filter
from recollect.domain.keys import Access
from recollect.domain.memory import Json
from recollect.domain.requests import ExportRequest
from recollect.entrypoints.models import Wish
from recollect.entrypoints.questions import scoped
from recollect.entrypoints.turns import JsonObject
from recollect.entrypoints.urls import object_from

FILTERS = Field(
    None,
    description="Which memories; must name an entity, or `*` for any of a kind.",
    examples=[{"AND": [{"user_id": "ada"}]}],
)
Filters: TypeAlias = JsonObject | None


class ExportBody(BaseModel):
    """The body that asks for an export. Unknown fields are ignored."""

    json_schema: JsonObject | StrictStr = Field(
        alias="schema",
        description="JSON Schema of an object, as pydantic writes it, or the same as text.",
    )
    filters: Filters = FILTERS
    export_instructions: Wish | None = Field(None, description="What it is to say, and how.")

    def request(self, project: str) -> ExportRequest:
        """Return what is to be exported; raise `InvalidRequestError`."""
        given = self.json_schema
        return ExportRequest(
            project=project,
            filters=self.filters or {},
            schema=object_from("schema", given) if isinstance(given, str) else given,
            instructions=self.export_instructions or "",
        )


class ExportReadBody(BaseModel):
    """The body that asks for what an export came to: by its id, or else by its filters."""

    memory_export_id: StrictStr | None = None
    filters: Filters = FILTERS

    def wanted_filters(self) -> Mapping[str, Json]:
        """Return the filters of the export; raise `InvalidRequestError` if there are none."""
        if not self.filters:
            message = "memory_export_id or filters must say which export"
            raise InvalidRequestError(message)
        return self.filters


class SummaryBody(BaseModel):
    """The body that asks for a summary. Unknown fields are ignored."""

    filters: Filters = FILTERS

    def matching(self, access: Access) -> Filter:
        """Return which memories are summed up; raise `InvalidRequestError`."""
        return scoped(self.filters or {}, access)
