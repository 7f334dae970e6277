"""What clients of the hosted platform's first two versions send."""

from pydantic import Field, StrictBool, StrictStr

from recollect.entrypoints.models import AddBody
from recollect.entrypoints.questions import ListBody, NamedBody, SearchBody

WRAPPED = "v1.1"
"""The `output_format` whose answers are objects; every other one's are lists."""


class FirstAddBody(AddBody):
    """The body of an add of the first version."""

    async_mode: bool | None = Field(
        None, description="Answer with the job to follow unless this is false."
    )
    output_format: StrictStr | None = Field(
        None, description=f"`{WRAPPED}` answers with an object instead of a list."
    )

    @property
    def is_awaited(self) -> bool:
        """Tell whether the caller wants the results, not the job to follow."""
        return self.async_mode is False


class SecondSearchBody(NamedBody, SearchBody):
    """The body of a search of the second version."""

    output_format: StrictStr | None = Field(
        None, description=f"`{WRAPPED}` answers with an object instead of a list."
    )
    filter_memories: bool | None = Field(
        None, description="Changes nothing: filters always decide what is found."
    )


class FirstSearchBody(SecondSearchBody):
    """The body of a search of the first version."""

    only_metadata_based_search: bool | None = Field(
        None, description="List what the filters let through, last created first, unranked."
    )


class NamedListBody(NamedBody, ListBody):
    """The body of a list in which entities may also be named beside the filters."""

    enable_graph: StrictBool | None = Field(
        None, description="Answer with an object that has relations of the memories, too."
    )
