"""What reading memories for the graph has found out, and what of it is kept."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from recollect.domain.graph import Triple, label
from recollect.domain.memory import Memory
from recollect.domain.subjects import MAX_NAME_LENGTH
from recollect.ports.graph import Mentioned, NamedEntity
from recollect.usecases.parts import MAX_CHARACTERS

MAX_STATEMENTS = 12
MAX_ENTITIES = 2 * MAX_STATEMENTS
"""Of one memory, so that what it says fits one commit, and what it said before another one."""


@dataclass
class Notes:
    """What the reader has found out, so that nothing is asked twice."""

    mentioned: dict[tuple[str, int], Mentioned] = field(default_factory=dict)
    """By a memory's id and version; nothing of those that are not to be in the graph."""
    exclusive: dict[Triple, bool] = field(default_factory=dict)

    def of(self, memory: Memory) -> Mentioned:
        """Return what the memory speaks of, as far as it was read."""
        return self.mentioned.get((memory.id, memory.version), Mentioned())

    def named(self, memories: Iterable[Memory]) -> list[NamedEntity]:
        """Return who and what these memories name."""
        return [named for memory in memories for named in self.of(memory).entities]


def readable(memories: Iterable[Memory]) -> Iterator[list[Memory]]:
    """Yield the memories in order, as many at once as a model can read; long ones alone."""
    some: list[Memory] = []
    for memory in memories:
        if some and sum(len(each.text) for each in (*some, memory)) > MAX_CHARACTERS:
            yield some
            some = []
        some.append(memory)
    if some:
        yield some


def bounded(mentioned: Mentioned) -> Mentioned:
    """Return what one commit has room for: the first statements with their ends, then the rest.

    What has no name that can be stored is left out.
    """
    stated = [
        each
        for each in mentioned.statements
        if _is_named(each.source) and _is_named(each.target) and label(each.predicate)
    ]
    statements = tuple(stated[:MAX_STATEMENTS])
    ends = [end for each in statements for end in (each.source, each.target)]
    others = filter(_is_named, mentioned.entities)
    return Mentioned(
        entities=tuple(dict.fromkeys([*ends, *others]))[:MAX_ENTITIES],
        statements=statements,
    )


def _is_named(entity: NamedEntity) -> bool:
    # The user's own name is the longest that there is.
    return bool(entity.name.strip()) and len(entity.name) <= MAX_NAME_LENGTH
