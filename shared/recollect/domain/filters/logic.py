"""What a filter is, and how filters combine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject, SubjectKind

_NARROWEST_FIRST = (SubjectKind.RUN, SubjectKind.USER, SubjectKind.AGENT, SubjectKind.APP)


class Filter(Protocol):
    """A claim about memories; deciding it never fails."""

    def matches(self, memory: Memory) -> bool:
        """Tell whether the claim holds for this memory."""
        ...

    def named_subjects(self) -> frozenset[Subject] | None:
        """Return subjects of which every matching memory has at least one, as few as is known.

        An empty set means that nothing matches; None that no such set is known.
        """
        return None


@dataclass(frozen=True)
class AllOf(Filter):
    """Every part holds; of no parts, so does everything."""

    parts: tuple[Filter, ...]

    def matches(self, memory: Memory) -> bool:
        """Tell whether every part holds."""
        return all(part.matches(memory) for part in self.parts)

    def named_subjects(self) -> frozenset[Subject] | None:
        """Return the smallest set that a part knows; of equally small ones, the narrowest."""
        named = [part.named_subjects() for part in self.parts]
        known = (subjects for subjects in named if subjects is not None)
        return min(known, key=_breadth, default=None)


@dataclass(frozen=True)
class Within(AllOf):
    """The same for somebody who sees no more than the first part lets through.

    What is counted for a search, such as in how many memories a word is, is counted among what the
    named subjects have: by naming others nobody may learn what these have.
    """

    def named_subjects(self) -> frozenset[Subject] | None:
        """Return what the first part knows, however few the others do."""
        return self.parts[0].named_subjects()


@dataclass(frozen=True)
class AnyOf(Filter):
    """At least one part holds; of no parts, none does."""

    parts: tuple[Filter, ...]

    def matches(self, memory: Memory) -> bool:
        """Tell whether a part holds."""
        return any(part.matches(memory) for part in self.parts)

    def named_subjects(self) -> frozenset[Subject] | None:
        """Return the subjects of all parts if every part knows its own."""
        named = [part.named_subjects() for part in self.parts]
        known = [subjects for subjects in named if subjects is not None]
        return frozenset().union(*known) if len(known) == len(named) else None


@dataclass(frozen=True)
class Not(Filter):
    """The part does not hold."""

    part: Filter

    def matches(self, memory: Memory) -> bool:
        """Tell whether the part fails."""
        return not self.part.matches(memory)


EVERYTHING: Final = AllOf(())
"""Matches every memory."""
NOTHING: Final = AnyOf(())
"""Matches no memory."""


def all_of(parts: Iterable[Filter]) -> Filter:
    """Return what holds where every part does; `EVERYTHING` for no parts."""
    narrowing = tuple(part for part in parts if part != EVERYTHING)
    return narrowing[0] if len(narrowing) == 1 else AllOf(narrowing)


def any_of(parts: Iterable[Filter]) -> Filter:
    """Return what holds where at least one part does; `NOTHING` for no parts."""
    alternatives = tuple(parts)
    return alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives)


def both(first: Filter, second: Filter) -> Filter:
    """Return what holds where the two do."""
    return all_of((first, second))


def narrowness(subject: Subject) -> int:
    """Rank a subject by how few memories its kind holds: a run the fewest, an app the most."""
    return _NARROWEST_FIRST.index(subject.kind)


def _breadth(subjects: frozenset[Subject]) -> tuple[int, int]:
    return len(subjects), max(map(narrowness, subjects), default=0)
