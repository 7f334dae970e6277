"""Pages of lists: what was asked for, and the links to the pages around."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.answers import EntityPageAnswer, MemoryPageAnswer
from recollect.entrypoints.graph_answers import (
    GRAPH_ID,
    GraphEntityPageAnswer,
    GraphRelationPageAnswer,
    graph_entity_answer,
    graph_relation_answers,
)
from recollect.entrypoints.presenters import entities_answer, memory_answer
from recollect.entrypoints.times import time_text
from recollect.entrypoints.urls import memory_id_from
from recollect.ports.record import MemoryPage, Position
from recollect.usecases.browse_graph import EntityPage, Place, RelationPage
from recollect.usecases.read_memories import SubjectPage

DEFAULT_PAGE_SIZE = 100


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins, and what the first one counted."""

    position: Position
    count: int
    is_count_exact: bool

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Return the cursor that `text` wrote; raise `InvalidRequestError` for anything else."""
        try:
            time, memory_id, count, exact = base64.urlsafe_b64decode(text).decode().split("|")
            at = datetime.fromisoformat(time).astimezone(UTC)
            position = Position(at, memory_id_from(memory_id))
            return cls(position, int(count), exact == "1")
        except (ValueError, OverflowError, binascii.Error, InvalidRequestError) as error:
            raise _invalid_cursor() from error

    def text(self) -> str:
        """Return it as an opaque text for a URL."""
        at, memory_id = time_text(self.position.created_at), self.position.memory_id
        raw = f"{at}|{memory_id}|{self.count}|{self.is_count_exact:d}"
        return base64.urlsafe_b64encode(raw.encode()).decode()


@dataclass(frozen=True)
class Page:
    """The page that a caller asked for; its links say what is `kept` of the query as well."""

    number: int
    size: int
    cursor: Cursor | None
    kept: Sequence[tuple[str, str]] = ()

    @classmethod
    def asked(
        cls,
        number: int | None,
        size: int | None,
        cursor: str | None,
        *,
        kept: Sequence[tuple[str, str]] = (),
    ) -> "Page":
        """Return the page with the defaults filled in; raise `InvalidRequestError`."""
        return cls(
            1 if number is None else number,
            DEFAULT_PAGE_SIZE if size is None else size,
            Cursor.of(cursor) if cursor else None,
            kept,
        )

    @property
    def after(self) -> Position | None:
        """The position behind which the page begins, if it was reached through a link."""
        return self.cursor.position if self.cursor else None

    def answer(
        self, address: str, found: MemoryPage, fields: Sequence[str] | None
    ) -> MemoryPageAnswer:
        """Return a page of memories; following `next` costs the same on every page."""
        count, is_exact = found.count, found.is_count_exact
        if self.cursor:
            count, is_exact = self.cursor.count, self.cursor.is_count_exact
        following = None
        if found.has_more:
            last = found.memories[-1]
            cursor = Cursor(Position(last.created_at, last.id), count, is_exact)
            following = self._link(address, self.number + 1, cursor)
        return {
            "count": count,
            "count_exact": is_exact,
            "next": following,
            "previous": self._previous(address),
            "results": [memory_answer(memory, fields) for memory in found.memories],
        }

    def entities(self, address: str, found: SubjectPage, project: str) -> EntityPageAnswer:
        """Return a page of entities."""
        has_more = self.number * self.size < found.count
        return entities_answer(found, project, *self.links(address, has_more=has_more))

    def links(self, address: str, *, has_more: bool) -> tuple[str | None, str | None]:
        """Return where the next and the previous page are, as far as there are any."""
        following = self._link(address, self.number + 1) if has_more else None
        return following, self._previous(address)

    def _previous(self, address: str) -> str | None:
        return self._link(address, self.number - 1) if self.number > 1 else None

    def _link(self, address: str, number: int, cursor: Cursor | None = None) -> str:
        query = [*self.kept, ("page", str(number)), ("page_size", str(self.size))]
        if cursor:
            query.append(("cursor", cursor.text()))
        return f"{address}?{urlencode(query)}"


@dataclass(frozen=True)
class GraphPage:
    """The page of a graph that a caller asked for; pages have no numbers."""

    size: int
    place: Place | None

    @classmethod
    def asked(cls, size: int | None, cursor: str | None) -> "GraphPage":
        """Return the page with the defaults filled in; raise `InvalidRequestError`."""
        return cls(
            DEFAULT_PAGE_SIZE if size is None else size, _place_from(cursor) if cursor else None
        )

    @property
    def after(self) -> str | None:
        """The entity behind which the page begins, if it was reached through a link."""
        return self.place.entity_id if self.place else None

    def entities(
        self, address: str, names: Mapping[str, str | None], found: EntityPage
    ) -> GraphEntityPageAnswer:
        """Return a page of entities of whom the names name."""
        place = Place(found.after) if found.after else None
        return {
            "next": self._link(address, names, place),
            "results": [graph_entity_answer(each) for each in found.entities],
        }

    def relations(
        self, address: str, names: Mapping[str, str | None], found: RelationPage
    ) -> GraphRelationPageAnswer:
        """Return a page of relations; all pages tell of the times that the first one did."""
        times = {
            "true_at": time_text(found.as_of.true_at),
            "known_at": time_text(found.as_of.known_at),
        }
        return {
            "next": self._link(address, {**names, **times}, found.after),
            "results": graph_relation_answers(found.relations),
        }

    def _link(
        self, address: str, query: Mapping[str, str | None], place: Place | None
    ) -> str | None:
        if place is None:
            return None
        given = {name: text for name, text in query.items() if text is not None}
        raw = f"{place.entity_id}|{place.relation_id or ''}"
        cursor = base64.urlsafe_b64encode(raw.encode()).decode()
        return f"{address}?{urlencode({**given, 'page_size': self.size, 'cursor': cursor})}"


def _place_from(cursor: str) -> Place:
    try:
        entity_id, relation_id = base64.urlsafe_b64decode(cursor).decode().split("|")
    except (ValueError, binascii.Error) as error:
        raise _invalid_cursor() from error
    if not all(GRAPH_ID.fullmatch(each) for each in (entity_id, relation_id or entity_id)):
        raise _invalid_cursor()
    return Place(entity_id, relation_id or None)


def _invalid_cursor() -> InvalidRequestError:
    return InvalidRequestError("Invalid cursor.")
