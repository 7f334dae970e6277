"""Going through all memories of a project, while others change them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Memory
from recollect.ports.record import Listing, Position

PAGE = 500
"""Memories that are held at once."""
FIRST = Position(datetime.max.replace(tzinfo=UTC), "~")
"""Before every memory; from a position on, nobody counts."""

Progress: TypeAlias = Callable[[str, int], None]
"""Is told what was just done, and to how many memories."""


def pages(listing: Listing, project: str) -> Iterator[tuple[Memory, ...]]:
    """Yield the project's living memories, expired ones too, last created first.

    What is added meanwhile is left out; what is given another time may be left out or come twice.
    """
    position, has_more = FIRST, True
    while has_more:
        page = listing.memories(project, EVERYTHING, limit=PAGE, after=position)
        if page.memories:
            yield page.memories
            position = Position(page.memories[-1].created_at, page.memories[-1].id)
        has_more = page.has_more
