"""Going through all memories of a project, or an owner's graph, while others change them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from recollect.domain.filters import EVERYTHING, Filter
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.memory import Memory
from recollect.ports.graph import GraphRecord
from recollect.ports.record import Listing, Position

PAGE = 500
"""Memories that are held at once."""
ENTITIES_PER_PAGE = 100
EVERY_RELATION = 1_000_000
"""More than an entity can have."""
FIRST = Position(datetime.max.replace(tzinfo=UTC), "~")
"""Before every memory; from a position on, nobody counts."""

Progress: TypeAlias = Callable[[str, int], None]
"""Is told what was just done, and to how many memories."""


def pages(listing: Listing, project: str) -> Iterator[tuple[Memory, ...]]:
    """Yield the project's living memories, as `matching_pages` does."""
    return matching_pages(listing, project, EVERYTHING)


def matching_pages(
    listing: Listing, project: str, matching: Filter
) -> Iterator[tuple[Memory, ...]]:
    """Yield the project's living memories that match, expired ones too, last created first.

    What is added meanwhile is left out; what is given another time may be left out or come twice.
    """
    position, has_more = FIRST, True
    while has_more:
        page = listing.memories(project, matching, limit=PAGE, after=position)
        if page.memories:
            yield page.memories
            position = Position(page.memories[-1].created_at, page.memories[-1].id)
        has_more = page.has_more


def entity_pages(graph: GraphRecord, owner: Owner) -> Iterator[list[Entity]]:
    """Yield the owner's entities, page by page."""
    after: str | None = None
    while entities := graph.page(owner, after=after, limit=ENTITIES_PER_PAGE):
        yield entities
        after = entities[-1].id


def graph_pages(graph: GraphRecord, owner: Owner) -> Iterator[tuple[list[Entity], list[Relation]]]:
    """Yield the owner's entities, page by page, with the relations that begin at them."""
    for entities in entity_pages(graph, owner):
        ids = {each.id for each in entities}
        around = graph.around(owner, sorted(ids), limit=EVERY_RELATION)
        yield entities, [each for each in around if each.triple.source in ids]
