"""What users of mem0's open-source server send."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from recollect.entrypoints.models import Whole
from recollect.entrypoints.open_source_filters import with_metadata
from recollect.entrypoints.questions import NamedBody, SearchBody

OPEN_SOURCE_RESULTS = 20
"""The default of mem0's open source 2.x."""


class OpenSourceSearchBody(NamedBody, SearchBody):
    """The body of a search; ids beside the filters are deprecated there."""

    top_k: Whole | None = Field(
        None, description=f"At most so many results, 1 to 1000; {OPEN_SOURCE_RESULTS} if not given."
    )

    @property
    def result_limit(self) -> int:
        """At most so many results."""
        asked = self.top_k if self.top_k is not None else self.limit
        return OPEN_SOURCE_RESULTS if asked is None else asked

    def _given_filters(self) -> Mapping[str, Any]:
        return with_metadata(self.filters or {})
