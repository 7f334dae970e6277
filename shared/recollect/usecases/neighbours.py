"""Finding the turns around memories in their conversations."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.domain.surroundings import NEIGHBOURS
from recollect.ports.record import Record, Scopes

MOST_CENTRES = 200
"""Memories whose neighbours are read: at most 800, which are eight batches of the record."""


@dataclass(frozen=True)
class FindNeighbours:
    """Read the turns before and after memories, whoever added them and whenever.

    Their ids are computed, so that it takes one round of reading.
    """

    record: Record
    scopes: Scopes

    def __call__(
        self, project: str, memories: Sequence[Memory], known: Collection[str]
    ) -> list[Memory]:
        """Return the `NEIGHBOURS` turns on both sides of each memory that are not known yet.

        Of the first `MOST_CENTRES` memories that are turns. They may be of another session.
        """
        centres = [each for each in memories if each.turn is not None][:MOST_CENTRES]
        turns = defaultdict[Scope, set[int]](set)
        for memory in centres:
            turns[memory.scope].update(_around(memory.turn or 0))
        ids = [
            turn_id
            for scope, numbers in turns.items()
            for turn_id in self.scopes.turns_at(scope, sorted(numbers))
            if turn_id not in known
        ]
        return list(self.record.get(project, ids).values()) if ids else []


def _around(turn: int) -> range:
    return range(max(turn - NEIGHBOURS, 0), turn + NEIGHBOURS + 1)
