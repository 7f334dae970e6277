"""The graph: its truth in the record, the stores that answer from it, and what reads memories."""

from collections.abc import Collection, Mapping, Sequence
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

    Entities and relations whose ids are `created` are new, at any version; the others are the ones
    that were read with the version one higher. Aliases are new. `sources` are the memories that
    were read, and at which version; None for one that is gone, which it stays. `done` are no longer
    unread. Nothing is in it twice.
    """

    at: datetime
    created: frozenset[str] = frozenset()
    entities: tuple[Entity, ...] = ()
    aliases: tuple[Alias, ...] = ()
    relations: tuple[Relation, ...] = ()
    readings: tuple[Reading, ...] = ()
    sources: Mapping[str, int | None]
    done: tuple[Unread, ...] = ()

    @property
    def size(self) -> int:
        """How many things it writes or checks, both ends of a relation counted."""
        ends = sum(len(each.triple.ends) for each in self.relations)
        others = (self.entities, self.aliases, self.readings, self.sources, self.done)
        return ends + sum(map(len, others))


class GraphRecord(Protocol):
    """The truth about owners' graphs, in the record; reads see every commit that was answered."""

    def owners(self, project: str, *, after: Owner | None, limit: int) -> list[Owner]:
        """Return owners of the project that have a graph, in a stable order, behind this one.

        The newest may be missing for a moment.
        """
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

        That is when an entity, a relation or an alias is not at the version before, a source is at
        another version, or one of `done` is not unread any more.
        """
        ...

    def reread(self, owner: Owner, memories: Mapping[str, int], *, at: datetime) -> None:
        """Forget what the graph has of these memories (id -> version), and have them read again."""
        ...

    def erase(self, owner: Owner, *, at: datetime) -> bool:
        """Remove everything of the owner's graph, for good, and what was read in gone memories.

        Returns whether there was anything; then the whole graph is unprojected. What is committed
        meanwhile may stay, or lose parts. Repeating it is safe, and finishes what broke off. Living
        memories that are in the graph have to be read again.
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

        Each once, those of the first hop before the others. Of each entity that is passed the
        `fan_out` with most mentions; of those that the first hop reaches, only the first `fan_out`
        are passed in their turn, by the order of its relations: most mentions first, then by id.
        Raises `UnavailableError`.
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

        The index is asked once, however many queries there are. Raises `UnavailableError`.
        """
        ...

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity of the owner."""
        ...

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        """Remove everything of the owner but these ids, for good; raise `UnavailableError`.

        What was removed may be put again at a later version only.
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
