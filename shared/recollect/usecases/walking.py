"""Going through projects, their memories and graphs, all of them, while others change them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias, TypeVar

from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.domain.filters import EVERYTHING, Filter
from recollect.domain.graph import Entity, Owner, Relation
from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject
from recollect.ports.graph import GraphRecord
from recollect.ports.keys import Keys
from recollect.ports.record import Listing, Position
from recollect.ports.subjects import Subjects

PAGE = 500
"""Memories that are held at once."""
OWNERS_PER_PAGE = 500
ENTITIES_PER_PAGE = 100
SUBJECTS_PER_PAGE = 500
EVERY_RELATION = 1_000_000
"""More than an entity can have."""
FIRST = Position(datetime.max.replace(tzinfo=UTC), "~")
"""Before every memory; from a position on, nobody counts."""

Progress: TypeAlias = Callable[[str, int], None]
"""Is told what was just done, and to how many memories."""

Found = TypeVar("Found")


class OutOfTimeError(UnavailableError):
    """There was no time to look at all of it."""


def in_time(found: Iterable[Found], is_late: Callable[[], bool]) -> Iterator[Found]:
    """Yield these while there is time for them; raise `OutOfTimeError` once there is none."""
    for each in found:
        if is_late():
            message = "There was no time to look at all of it"
            raise OutOfTimeError(message)
        yield each


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


def by_places(read: Callable[..., dict[str, Found]]) -> Iterator[dict[str, Found]]:
    """Yield pages of place -> thing: `read` is called with the last place that was seen as `after`.

    Until it returns none.
    """
    after = ""
    while found := read(after=after):
        yield found
        after = next(reversed(found))


def known_subjects(subjects: Subjects, project: str) -> Iterator[Subject]:
    """Yield all that ever had memories or messages, or were described."""
    for found in by_places(partial(subjects.known, project, limit=SUBJECTS_PER_PAGE)):
        yield from found.values()


def projects_of(keys: Keys, project: str | None) -> Sequence[str]:
    """Return all projects, by name, or this one alone; raise `NotFoundError` if there is none."""
    projects = keys.projects()
    if project is None:
        return projects
    if project not in projects:
        message = "There is no such project"
        raise NotFoundError(message)
    return [project]


def owners_of(graph: GraphRecord, project: str) -> Iterator[Owner]:
    """Yield the owners of the project that have a graph; the newest may be missing."""
    after: Owner | None = None
    while page := graph.owners(project, after=after, limit=OWNERS_PER_PAGE):
        yield from page
        after = page[-1]


def entity_pages(
    graph: GraphRecord, owner: Owner, limit: int | None = None
) -> Iterator[list[Entity]]:
    """Yield the owner's entities, page by page: so many at once, or as many as walks do."""
    after: str | None = None
    while entities := graph.page(owner, after=after, limit=limit or ENTITIES_PER_PAGE):
        yield entities
        after = entities[-1].id


def graph_pages(graph: GraphRecord, owner: Owner) -> Iterator[tuple[list[Entity], list[Relation]]]:
    """Yield the owner's entities, page by page, with the relations that begin at them."""
    for entities in entity_pages(graph, owner):
        ids = {each.id for each in entities}
        around = graph.around(owner, sorted(ids), limit=EVERY_RELATION)
        yield entities, [each for each in around if each.triple.source in ids]


def graph_versions(graph: GraphRecord, owner: Owner) -> tuple[dict[str, int], dict[str, int]]:
    """Return the versions of the owner's entities, and of its relations by their triples' ids."""
    entities: dict[str, int] = {}
    relations: dict[str, int] = {}
    for some, between in graph_pages(graph, owner):
        entities.update((each.id, each.version) for each in some)
        relations.update((each.triple.id, each.version) for each in between)
    return entities, relations
