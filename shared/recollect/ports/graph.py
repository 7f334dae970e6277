"""The graph: its truth in the record, the stores that answer from it, and what reads memories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation, Triple
from recollect.domain.memory import Memory, Vector
from recollect.ports.models import Usage


@dataclass(frozen=True)
class Unread:
    """A committed change of a memory that the graph writer has not read yet."""

    id: str
    memory_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class GraphChange:
    """What is committed to an owner's graph at once or not at all.

    Entities and relations are new (version 1) or the ones that were read with the version one
    higher; aliases are new. `sources` are the memories that were read, and at which version: that
    of its deletion for one that is gone. `done` are no longer unread. Nothing is in it twice.
    """

    at: datetime
    entities: tuple[Entity, ...] = ()
    aliases: tuple[Alias, ...] = ()
    relations: tuple[Relation, ...] = ()
    readings: tuple[Reading, ...] = ()
    sources: Mapping[str, int]
    done: tuple[Unread, ...] = ()

    @property
    def size(self) -> int:
        """How many things it writes or checks, both ends of a relation counted."""
        ends = sum(len(each.triple.ends) for each in self.relations)
        others = (self.entities, self.aliases, self.readings, self.sources, self.done)
        return ends + sum(map(len, others))


class GraphRecord(Protocol):
    """The truth about owners' graphs, in the record; reads see every commit that was answered."""

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        """Return changes of the owner's memories that await the graph writer, oldest first.

        Whoever commits a change of a memory that is, or was, in the graph makes one, in the same
        transaction.
        """
        ...

    def stale(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with changes unread since before then, of all projects."""
        ...

    def readings(self, project: str, memory_ids: Sequence[str]) -> dict[str, Reading]:
        """Return what the graph has of these memories, by their ids."""
        ...

    def entities(self, owner: Owner, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Return the owner's entities by these ids, each also by those of its aliases.

        What is an entity by its own id is not meant as another one.
        """
        ...

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        """Return the owner's entities behind this id, mentioned or not, in the order of ids."""
        ...

    def relations(self, owner: Owner, triples: Sequence[Triple]) -> dict[Triple, Relation]:
        """Return the owner's relations among these, retracted ones too."""
        ...

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        """Return relations that begin or end at these entities, each once, retracted ones too.

        At most `limit` for each entity.
        """
        ...

    def room(self) -> int:
        """Return the `GraphChange.size` that a commit can hold at least."""
        ...

    def commit(self, owner: Owner, change: GraphChange) -> None:
        """Store the change; raise `LostRaceError` and store nothing if somebody was faster.

        That is when an entity, a relation or an alias is not at the version before, or a source is
        at another version.
        """
        ...


class GraphStore(Protocol):
    """A projection of the graph that finds what is near; never across owners."""

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        """Store or replace each unless the same or a newer version is there.

        The ends of the relations are among the entities, or were applied before. Repeating it is
        safe. Raises `UnavailableError`.
        """
        ...

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        """Return the triples of relations that are not retracted, up to 1 or 2 hops away.

        At most `fan_out` for each entity that is passed, those with most mentions first; each
        once. The graph is asked at most once a hop. Raises `UnavailableError`.
        """
        ...

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity and relation (by the triple's id) of the owner."""
        ...

    def erase(self, owner: Owner) -> None:
        """Remove everything of the owner, for good; raise `UnavailableError`."""
        ...


@dataclass(frozen=True)
class EntityQuery:
    """What to look for: entities near the vector, or with some of the terms in their names."""

    vector: Vector
    terms: tuple[str, ...]
    limit: int
    """How many entities each way of searching may propose."""


class EntityIndex(Protocol):
    """Finds entities by name or meaning; never across owners, eventually up to date."""

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        """Store or replace each unless the same or a newer version is there."""
        ...

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        """Return ids of mentioned entities, best first and each once, for each query in order.

        The index is asked once, however many queries there are.
        """
        ...


@dataclass(frozen=True)
class NamedEntity:
    """Somebody or something as a text names it; the user is of the type `USER_TYPE`."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A relation that a text states; the times are None unless they are said."""

    source: NamedEntity
    predicate: str
    target: NamedEntity
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Mentioned:
    """What one memory's text speaks of; the ends of its statements are among the entities."""

    entities: tuple[NamedEntity, ...] = ()
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A new relation, in words, and others of the same source and predicate that hold by now."""

    stated: str
    known: tuple[str, ...]


class GraphReader(Protocol):
    """Finds entities and relations in the texts of memories."""

    def read(self, memories: Sequence[Memory]) -> tuple[list[Mentioned], Usage]:
        """Return what each memory speaks of, in order; "I" is the user, or who else said it.

        The user's entity has the name of the memory's owner. One question to a model at most,
        repairs apart, and none without memories. Raises `UnavailableError`, and `ModelAnswerError`
        when the answers make no sense.
        """
        ...

    def exclude(self, rivals: Sequence[Rival]) -> tuple[list[bool], Usage]:
        """Tell of each new relation whether it ends the others: whether only one can hold.

        One question at most; raises as `read` does.
        """
        ...
