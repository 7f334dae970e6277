"""The conditions that filters are made of, each on one thing that a memory has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from itertools import chain
from typing import Literal, TypeAlias

from recollect.domain.filters.logic import AllOf, AnyOf, Filter, all_of, narrowness
from recollect.domain.filters.values import Span, same_json
from recollect.domain.memory import Json, Memory
from recollect.domain.subjects import Scope, Subject, SubjectKind

TimeAttribute: TypeAlias = Literal["created_at", "updated_at", "expires_on"]
"""The times of a `Memory` that a filter can look at."""
Trait: TypeAlias = Literal["actor", "role", "kind"]
"""What a `Memory` has one text of, if any: who said it, as what, and the kind of memory."""


@dataclass(frozen=True)
class SubjectIn(Filter):
    """The memory belongs to one of these subjects."""

    subjects: frozenset[Subject]

    def matches(self, memory: Memory) -> bool:
        """Tell whether one of the memory's subjects is among these."""
        return any(subject in self.subjects for subject in memory.scope.subjects)

    def named_subjects(self) -> frozenset[Subject]:
        """Return these subjects."""
        return self.subjects


@dataclass(frozen=True)
class HasSubject(Filter):
    """The memory belongs to some subject of this kind."""

    kind: SubjectKind

    def matches(self, memory: Memory) -> bool:
        """Tell whether the memory has such a subject."""
        return memory.scope.name_of(self.kind) is not None


@dataclass(frozen=True)
class InScope(Filter):
    """The memory belongs to exactly the subjects of this scope; the project is not looked at."""

    scope: Scope

    def matches(self, memory: Memory) -> bool:
        """Tell whether the memory's set of subjects is this one."""
        return memory.scope.key == self.scope.key

    def named_subjects(self) -> frozenset[Subject]:
        """Return the narrowest subject of the scope."""
        return frozenset({min(self.scope.subjects, key=narrowness)})


@dataclass(frozen=True)
class IdIn(Filter):
    """The memory has one of these ids."""

    ids: frozenset[str]

    def matches(self, memory: Memory) -> bool:
        """Tell whether the memory's id is among these."""
        return memory.id in self.ids


@dataclass(frozen=True)
class TraitIn(Filter):
    """The memory's actor, role or kind is one of these."""

    trait: Trait
    values: frozenset[str]

    def matches(self, memory: Memory) -> bool:
        """Tell whether what the memory has is among these."""
        return getattr(memory, self.trait) in self.values


@dataclass(frozen=True)
class IsSet(Filter):
    """The memory has any categories, any metadata, an expiration date, or this trait."""

    attribute: Literal["categories", "metadata", "expires_on"] | Trait

    def matches(self, memory: Memory) -> bool:
        """Tell whether the attribute is neither null nor empty."""
        return bool(getattr(memory, self.attribute))


class Comparison(StrEnum):
    """How a time may lie to a span."""

    EQ = "eq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


_LIES: Mapping[Comparison, Callable[[datetime, Span], bool]] = {
    Comparison.EQ: lambda at, span: span.first <= at <= span.last,
    Comparison.GT: lambda at, span: at > span.last,
    Comparison.GTE: lambda at, span: at >= span.first,
    Comparison.LT: lambda at, span: at < span.first,
    Comparison.LTE: lambda at, span: at <= span.last,
}


@dataclass(frozen=True)
class TimeIs(Filter):
    """A time of the memory lies within a span (eq), after its end, from its start on, ...

    A missing time lies nowhere.
    """

    attribute: TimeAttribute
    comparison: Comparison
    span: Span

    def matches(self, memory: Memory) -> bool:
        """Compare the memory's time, a date as the start of its day in UTC."""
        at = _time_of(memory, self.attribute)
        return at is not None and _LIES[self.comparison](at, self.span)


@dataclass(frozen=True)
class Unexpired(Filter):
    """The memory has no last day, or it is not over at this time."""

    now: datetime

    def matches(self, memory: Memory) -> bool:
        """Tell whether the memory is still in force."""
        return not memory.is_expired(self.now)


@dataclass(frozen=True)
class TextIs(Filter):
    """The memory says exactly this."""

    text: str

    def matches(self, memory: Memory) -> bool:
        """Tell whether the texts are equal."""
        return memory.text == self.text


@dataclass(frozen=True)
class TextContains(Filter):
    """These characters stand in the memory's text, case and all unless it is ignored."""

    part: str
    ignore_case: bool

    def matches(self, memory: Memory) -> bool:
        """Tell whether the part stands in the text."""
        if self.ignore_case:
            return self.part.casefold() in memory.text.casefold()
        return self.part in memory.text


@dataclass(frozen=True)
class CategoryIn(Filter):
    """The memory has one of these categories."""

    names: frozenset[str]

    def matches(self, memory: Memory) -> bool:
        """Tell whether one of the memory's categories is among these."""
        return any(category in self.names for category in memory.categories)


@dataclass(frozen=True)
class CategoryContains(Filter):
    """These characters, in any case, stand in the name of one of the memory's categories."""

    part: str

    def matches(self, memory: Memory) -> bool:
        """Tell whether the part stands in a category."""
        part = self.part.casefold()
        return any(part in category.casefold() for category in memory.categories)


@dataclass(frozen=True)
class MetadataHas(Filter):
    """The metadata holds something but null under this key."""

    key: str

    def matches(self, memory: Memory) -> bool:
        """Tell whether the key has a value."""
        return memory.metadata.get(self.key) is not None


@dataclass(frozen=True)
class MetadataIs(Filter):
    """The metadata holds this JSON value under this key; 1 is 1.0 but not true."""

    key: str
    value: Json

    def matches(self, memory: Memory) -> bool:
        """Tell whether the key is there and its value the same."""
        return self.key in memory.metadata and same_json(self.value, memory.metadata[self.key])


@dataclass(frozen=True)
class MetadataContains(Filter):
    """Under this key the metadata holds a list with this value, or a text in which it stands."""

    key: str
    value: Json

    def matches(self, memory: Memory) -> bool:
        """Tell whether the value is contained; in anything but a text or list it is not."""
        stored = memory.metadata.get(self.key)
        if isinstance(stored, str):
            return isinstance(self.value, str) and self.value in stored
        return isinstance(stored, list | tuple) and any(
            same_json(self.value, each) for each in stored
        )


def subject_is(subject: Subject) -> Filter:
    """Match the memories of this subject, whomever else they belong to."""
    return SubjectIn(frozenset({subject}))


def in_scope(scope: Scope) -> Filter:
    """Match the memories that belong to exactly the subjects of this scope."""
    return InScope(scope)


def created_between(start: datetime | None, end: datetime | None) -> Filter:
    """Match what was said from `start` to `end`, both included, None being open; with offsets."""
    bounds = ((Comparison.GTE, start), (Comparison.LTE, end))
    return all_of(
        TimeIs("created_at", comparison, Span(bound, bound))
        for comparison, bound in bounds
        if bound is not None
    )


def of_one_subject(condition: Filter) -> tuple[Subject, Unexpired | None] | None:
    """Return the one subject, and the expiry, that a filter is about, if it is about no more."""
    match condition.parts if isinstance(condition, AllOf) else (condition,):
        case [SubjectIn(subjects)] if len(subjects) == 1:
            return next(iter(subjects)), None
        case [SubjectIn(subjects), Unexpired() as unexpired] if len(subjects) == 1:
            return next(iter(subjects)), unexpired
        case _:
            return None


def of_subjects(condition: Filter) -> tuple[Subject, ...]:
    """Return the subjects that all matches have, if a filter asks for nothing else; else none."""
    match condition:
        case SubjectIn(subjects) if len(subjects) == 1:
            return tuple(subjects)
        case AllOf(parts):
            named = [of_subjects(part) for part in parts]
            return tuple(chain(*named)) if all(named) else ()
        case _:
            return ()


def is_scoped(condition: Filter) -> bool:
    """Tell whether every match must have a subject that is named, or be of a kind that is.

    What stands under a negation does not count.
    """
    match condition:
        case AllOf(parts):
            return any(is_scoped(part) for part in parts)
        case AnyOf(parts):
            return bool(parts) and all(is_scoped(part) for part in parts)
        case _:
            return isinstance(condition, SubjectIn | HasSubject | InScope)


def _time_of(memory: Memory, attribute: TimeAttribute) -> datetime | None:
    if attribute == "created_at":
        return memory.created_at
    if attribute == "updated_at":
        return memory.updated_at
    day = memory.expires_on
    return None if day is None else datetime.combine(day, time.min, UTC)
