"""What became of everything that was to be imported."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recollect.domain.graph import Entity
from recollect.domain.memory import Episode
from recollect.ports.archive import (
    DeletedMemory,
    Described,
    KeptMemory,
    NamedAlias,
    NamedRelation,
    NotTaken,
)

MAX_TOLD = 1_000
"""Problems that a report tells one by one; the others are counted."""
NAMES: Mapping[type[Any], str] = {
    Described: "subjects",
    Entity: "entities",
    NamedAlias: "aliases",
    NamedRelation: "relations",
    KeptMemory: "memories",
    DeletedMemory: "deleted memories",
    Episode: "episodes",
}
"""What each kind of thing is called in reports."""


@dataclass
class ImportReport:
    """What became of everything: by the names of kinds, how many are new, and how many were here.

    `conflicts` are here in another state, or cannot be stored, each with its reason, at most
    `MAX_TOLD` of `conflict_count`. `owners_to_read` is of how many owners a graph was here that
    says something else: what is imported of theirs is read for that one.
    """

    imported: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    conflicts: list[NotTaken] = field(default_factory=list)
    conflict_count: int = 0
    owners_to_read: int = 0

    def add_conflict(self, place: str, reason: str) -> None:
        """Note that a thing was not imported, and why."""
        self.conflict_count += 1
        if len(self.conflicts) < MAX_TOLD:
            self.conflicts.append(NotTaken(place, reason))
