"""The graph of one owner: who and what its memories speak of, and how these belong together."""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from recollect.domain.memory import Embedding, Memory
from recollect.domain.subjects import Scope

USER_TYPE = "user"
"""Of the entity that stands for the owner: whoever shares its name is somebody else."""
UNKNOWN_TYPE = "thing"
MAX_NAME_LENGTH = 200
MAX_LABEL_LENGTH = 64
"""Characters of a type or a predicate."""
MAX_SUPPORT = 200
"""Memories that a relation remembers to say so: an item of a table can have 400 KB, and a commit of
many relations 4 MB."""
MAX_BELIEFS = 50
"""What one relation remembers of its own past: the first beliefs are forgotten first."""

_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, order=True)
class Owner:
    """Whose graph it is: the owner of a scope, by its project and the key of its subject."""

    project: str
    key: str

    @classmethod
    def of(cls, scope: Scope) -> "Owner":
        """Return the owner of a scope."""
        return cls(scope.project, scope.owner.key)


@dataclass(frozen=True, kw_only=True)
class Entity:
    """Somebody or something that memories of one owner mention.

    `name` is as it was first written; name and `type` in their normal form make the id. Without
    `mentions` by living memories it is known of old only. `version` grows by one with every change
    from `first_version` on.
    """

    owner: Owner
    name: str
    type: str
    mentions: int
    recorded_at: datetime
    version: int = 1
    embedding: Embedding | None = None

    @cached_property
    def id(self) -> str:
        """The same for everybody who finds this name and type in this owner's memories."""
        return entity_id(self.owner, self.name, self.type)


@dataclass(frozen=True)
class Alias:
    """Another name of an entity: what has the id `id` by its own name is `entity_id`.

    Decided once, so that reading a memory again decides nothing.
    """

    id: str
    entity_id: str
    name: str
    recorded_at: datetime


@dataclass(frozen=True, order=True)
class Triple:
    """A relation by its ends (ids of entities) and its predicate, in the normal form."""

    source: str
    predicate: str
    target: str

    @cached_property
    def id(self) -> str:
        """A hash of the three; no two owners' are equal, since ids of entities are not."""
        return _digest([self.source, self.predicate, self.target])

    @property
    def ends(self) -> tuple[str, ...]:
        """The entities that it joins, which may be one."""
        return tuple(dict.fromkeys((self.source, self.target)))


@dataclass(frozen=True)
class Support:
    """A living memory that says so: when it was said, and from when to when it holds, if said.

    Of those that were said at one time, the last that was `learned_at` counts.
    """

    memory_id: str
    said_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    learned_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether it says of no end."""
        return self.valid_to is None

    @property
    def known_at(self) -> datetime:
        """When it is known to hold, if it is open: when it was said, or when it is to begin."""
        return max(self.said_at, self.valid_from or self.said_at)

    @property
    def told(self) -> tuple[datetime, datetime]:
        """When it was said and learned: the order in which statements were made."""
        return self.said_at, self.learned_at or self.said_at


@dataclass(frozen=True)
class Belief:
    """What was held of a relation from `recorded_at` until `retracted_at`: when it was true.

    The ends `valid_to` and `retracted_at` are outside; None is open. What `is_past` was so until
    `valid_to`, though the memory that said so has been told better since.
    """

    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime
    retracted_at: datetime | None = None
    is_past: bool = False

    def is_true(self, at: datetime) -> bool:
        """Tell whether it holds then, in the world."""
        return not (self.valid_from and at < self.valid_from) and not (
            self.valid_to and at >= self.valid_to
        )

    def is_held(self, at: datetime) -> bool:
        """Tell whether we held it then."""
        return self.recorded_at <= at and (self.retracted_at is None or at < self.retracted_at)


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Two entities of an owner and what one is to the other.

    `support` are the memories that say so; without any, it is retracted. `beliefs`, oldest first,
    are what we have held of it; beside the last only past ones can still be held. An exclusive one
    ends those of the same source and predicate that hold before it ("lives in" does, "likes" does
    not).
    """

    owner: Owner
    triple: Triple
    support: tuple[Support, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    is_exclusive: bool = False
    version: int = 1

    @property
    def mentions(self) -> int:
        """How many living memories are known to say so."""
        return len(self.support)

    @property
    def belief(self) -> Belief | None:
        """What is held by its support; None if the relation is retracted."""
        last = self.beliefs[-1] if self.beliefs else None
        return None if last is None or last.is_past or last.retracted_at else last

    def held(self, *, at: datetime, known_at: datetime) -> Belief | None:
        """Return what was held of it at one time that was true at another, the last of several."""
        held = (each for each in reversed(self.beliefs) if each.is_held(known_at))
        return next((each for each in held if each.is_true(at)), None)

    def holds(self, *, at: datetime, known_at: datetime) -> bool:
        """Tell whether, by what was known at one time, it was true at another."""
        return self.held(at=at, known_at=known_at) is not None

    def last_said_by(self, count: int) -> list[str]:
        """Return the ids of at most `count` memories that say so, those that said it last first."""
        newest = sorted(self.support, key=lambda each: (each.said_at, each.memory_id), reverse=True)
        return [each.memory_id for each in newest[:count]]

    def supported(self, support: Support) -> "Relation":
        """Return it with this memory among those that say so, once; the last 200 are kept."""
        others = self.without(support.memory_id).support
        return replace(self, support=(*others, support)[-MAX_SUPPORT:])

    def without(self, memory_id: str) -> "Relation":
        """Return it without this memory's support."""
        kept = tuple(each for each in self.support if each.memory_id != memory_id)
        return replace(self, support=kept)

    def retracted(self, now: datetime) -> "Relation":
        """Return it with nothing held by its support any more."""
        current = self.belief
        if current is None:
            return self
        closed = replace(current, retracted_at=now)
        return replace(self, beliefs=(*self.beliefs[:-1], closed))

    def superseded(self, at: datetime, now: datetime) -> "Relation":
        """Return it retracted, but held to have been so until `at`, when something else began."""
        current = self.belief
        if current is None or (current.valid_from and current.valid_from >= at):
            return self.retracted(now)
        until = min(current.valid_to or at, at)
        past = Belief(current.valid_from, until, now, is_past=True)
        return replace(self, beliefs=(*self.retracted(now).beliefs, past))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the graph has of one memory, as it was at `version`: what a change takes back.

    `ended` are relations whose end it brought, and those that nobody says any more since it does
    not: for whoever wants to know what an add did.
    """

    memory_id: str
    version: int
    entities: tuple[str, ...] = ()
    triples: tuple[Triple, ...] = ()
    ended: tuple[Triple, ...] = ()

    def is_of(self, memory: Memory) -> bool:
        """Tell whether it is what the memory says now, and not what it said before."""
        return (self.memory_id, self.version) == (memory.id, memory.version)


def first_version(at: datetime) -> int:
    """Return the version of what comes to be then: milliseconds since 1970.

    What is erased and comes to be again is newer than all that was, wherever that is still kept.
    """
    return int(at.timestamp() * 1000)


def entity_id(owner: Owner, name: str, kind: str) -> str:
    """Return the id of what has this name and type in an owner's graph."""
    return _digest([owner.project, owner.key, normal_name(name), label(kind)])


def normal_name(name: str) -> str:
    """Return the form in which names are compared: Unicode form, case, spaces and marks apart."""
    folded = unicodedata.normalize("NFKC", name[:MAX_NAME_LENGTH]).casefold()
    return _NO_LETTERS.sub(" ", folded).strip() or folded.strip()


def label(words: str) -> str:
    """Return a type or a predicate in its normal form: `lives_in` for "Lives in"."""
    folded = unicodedata.normalize("NFKC", words[:MAX_NAME_LENGTH]).casefold()
    return _NO_LETTERS.sub("_", folded).strip("_")[:MAX_LABEL_LENGTH].strip("_")


def _digest(value: object) -> str:
    canonical = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()[:32]
