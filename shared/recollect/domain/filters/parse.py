"""Reads filters as callers write them: the hosted clients' version 2 and 3 grammar."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters.conditions import (
    CategoryContains,
    CategoryIn,
    Comparison,
    HasSubject,
    IdIn,
    IsSet,
    MetadataContains,
    MetadataHas,
    MetadataIs,
    SubjectIn,
    TextContains,
    TextIs,
    TimeAttribute,
    TimeIs,
    Trait,
    TraitIn,
    subject_is,
)
from recollect.domain.filters.logic import EVERYTHING, NOTHING, Filter, Not, all_of, any_of
from recollect.domain.filters.values import Span, checked_json
from recollect.domain.memory import Json, MemoryKind
from recollect.domain.subjects import Subject, SubjectKind

_Reader: TypeAlias = Callable[[Json], Filter]

_SHOWN_OPERATOR_LENGTH = 40
"""Characters of a refused operator that its error repeats."""


def parse_filter(raw: object) -> Filter:
    """Return the filter that the JSON value stands for; `EVERYTHING` for null and `{}`.

    Keys beside each other must all hold. `"*"` as a value means "is set"; `ne` holds where
    nothing is set, too. Empty lists mean what logic says: all of nothing is everything, any of
    nothing is nothing. Raises `InvalidRequestError` for any value outside of the grammar.
    """
    return EVERYTHING if raw is None else _clause(checked_json(raw))


def _clause(raw: Json) -> Filter:
    if not isinstance(raw, Mapping):
        message = "A filter, and each clause in AND, OR and NOT, must be an object"
        raise InvalidRequestError(message)
    return all_of(_entry(key, value) for key, value in raw.items())


def _entry(key: str, value: Json) -> Filter:
    match key:
        case "AND":
            return all_of(_clause(each) for each in _list(key, value))
        case "OR":
            return any_of(_clause(each) for each in _list(key, value))
        case "NOT":
            clauses = value if isinstance(value, list) else [value]
            return all_of(Not(_clause(each)) for each in clauses)
    read = _FIELDS.get(_ALIASES.get(key, key))
    if read is None:
        raise InvalidRequestError(_UNKNOWN_KEY)
    return read(value)


@dataclass(frozen=True)
class _Field:
    """How the conditions on one field are written."""

    name: str
    is_set: Filter
    """What a bare `"*"` means."""
    bare: _Reader
    operators: Mapping[str, _Reader]

    def __call__(self, raw: Json) -> Filter:
        """Return the condition; several operators must all hold."""
        if raw == "*":
            return self.is_set
        if not isinstance(raw, Mapping):
            return self.bare(raw)
        if not raw:
            message = f"{self.name} must not be an empty object; {self._allowed}"
            raise InvalidRequestError(message)
        return all_of(self._reader(operator)(operand) for operator, operand in raw.items())

    def _reader(self, operator: str) -> _Reader:
        reader = self.operators.get(operator)
        if reader is None:
            shown = ascii(operator[:_SHOWN_OPERATOR_LENGTH])
            message = f"{self.name} does not support the operator {shown}; {self._allowed}"
            raise InvalidRequestError(message)
        return reader

    @property
    def _allowed(self) -> str:
        return f"allowed: {', '.join(self.operators) or 'a bare value'}"


def _subject_field(kind: SubjectKind) -> _Field:
    name = f"{kind}_id"
    is_set = HasSubject(kind)

    def one(value: Json) -> Filter:
        return is_set if value == "*" else subject_is(Subject.of(kind, value))

    def among(value: Json) -> Filter:
        names = _list(f"in of {name}", value)
        return SubjectIn(frozenset(Subject.of(kind, each) for each in names))

    return _Field(name, is_set, one, {"eq": one, "ne": _negated(one), "in": among})


def _trait_field(name: str, trait: Trait, read: Callable[[Json], str]) -> _Field:
    is_set = IsSet(trait)

    def one(value: Json) -> Filter:
        return is_set if value == "*" else TraitIn(trait, frozenset({read(value)}))

    def among(value: Json) -> Filter:
        values = frozenset(map(read, _list(f"in of {name}", value)))
        return TraitIn(trait, values) if values else NOTHING

    return _Field(name, is_set, one, {"eq": one, "ne": _negated(one), "in": among})


def _kind(value: Json) -> str:
    try:
        return MemoryKind(_text("kind", value).removesuffix("_memory"))
    except ValueError as error:
        message = f"kind must be one of {', '.join(MemoryKind)}, each with or without _memory"
        raise InvalidRequestError(message) from error


def _time_field(name: str, attribute: TimeAttribute, is_set: Filter = EVERYTHING) -> _Field:
    def compared(comparison: Comparison, value: Json) -> Filter:
        span = Span.of(name, value)
        if attribute == "expires_on":
            span = Span.day(span.first.date())
        return TimeIs(attribute, comparison, span)

    bare = partial(compared, Comparison.EQ)
    ordered = (Comparison.GT, Comparison.GTE, Comparison.LT, Comparison.LTE)
    operators: dict[str, _Reader] = {each: partial(compared, each) for each in ordered}
    operators["ne"] = _negated(bare)
    operators["in"] = lambda value: any_of(map(bare, _list(f"in of {name}", value)))
    return _Field(name, is_set, bare, operators)


def _text_field(name: str, *, bare: str, allowed: Iterable[str]) -> _Field:
    readers: dict[str, _Reader] = {
        "eq": lambda value: TextIs(_text(name, value).strip()),
        "contains": lambda value: TextContains(_text(name, value), ignore_case=False),
        "icontains": lambda value: TextContains(_text(name, value), ignore_case=True),
    }
    return _Field(name, EVERYTHING, readers[bare], {each: readers[each] for each in allowed})


def _categories_field() -> _Field:
    name = "categories"

    def bare(value: Json) -> Filter:
        return _one_of(CategoryIn, name, value if isinstance(value, list) else [value])

    def among(value: Json) -> Filter:
        return _one_of(CategoryIn, name, _list(f"in of {name}", value))

    def containing(value: Json) -> Filter:
        return CategoryContains(_text(name, value))

    return _Field(name, IsSet("categories"), bare, {"in": among, "contains": containing})


def _memory_ids_field() -> _Field:
    def among(value: Json) -> Filter:
        return _one_of(IdIn, "memory_ids", _list("memory_ids", value))

    return _Field("memory_ids", EVERYTHING, among, {"in": among})


def _metadata(raw: Json) -> Filter:
    """Return the condition on metadata; `{"eq": "*"}` asks for an asterisk itself."""
    if raw == "*":
        return IsSet("metadata")
    if not isinstance(raw, Mapping) or not raw:
        message = "metadata must be an object with at least one key"
        raise InvalidRequestError(message)
    return all_of(_metadata_field(key)(value) for key, value in raw.items())


def _metadata_field(key: str) -> _Field:
    equal = partial(MetadataIs, key)
    operators: dict[str, _Reader] = {
        "eq": equal,
        "ne": _negated(equal),
        "contains": partial(MetadataContains, key),
    }
    return _Field("metadata", MetadataHas(key), equal, operators)


def _negated(read: _Reader) -> _Reader:
    return lambda value: Not(read(value))


def _list(what: str, value: Json) -> list[Json]:
    if not isinstance(value, list):
        message = f"{what} must be a list"
        raise InvalidRequestError(message)
    return value


def _text(name: str, value: Json) -> str:
    if not isinstance(value, str) or not value.strip():
        message = f"{name} takes texts that are not empty"
        raise InvalidRequestError(message)
    return value


def _one_of(
    condition: Callable[[frozenset[str]], Filter], name: str, values: Iterable[Json]
) -> Filter:
    texts = frozenset(_text(name, each) for each in values)
    return condition(texts) if texts else NOTHING


_FIELDS: Mapping[str, _Reader] = {
    "user_id": _subject_field(SubjectKind.USER),
    "agent_id": _subject_field(SubjectKind.AGENT),
    "app_id": _subject_field(SubjectKind.APP),
    "run_id": _subject_field(SubjectKind.RUN),
    "created_at": _time_field("created_at", "created_at"),
    "updated_at": _time_field("updated_at", "updated_at"),
    "timestamp": _time_field("timestamp", "created_at"),
    "expiration_date": _time_field("expiration_date", "expires_on", IsSet("expires_on")),
    "text": _text_field("text", bare="eq", allowed=("eq", "contains", "icontains")),
    "categories": _categories_field(),
    "metadata": _metadata,
    "keywords_search": _text_field("keywords_search", bare="icontains", allowed=()),
    "memory_ids": _memory_ids_field(),
    "keywords": _text_field("keywords", bare="icontains", allowed=("contains", "icontains")),
    "actor_id": _trait_field("actor_id", "actor", partial(_text, "actor_id")),
    "role": _trait_field("role", "role", partial(_text, "role")),
    "kind": _trait_field("kind", "kind", _kind),
}
_ALIASES = {
    "userId": "user_id",
    "agentId": "agent_id",
    "appId": "app_id",
    "runId": "run_id",
    "memory_type": "kind",
}
"""As mem0's guide for TypeScript writes them, and as an add names the kind."""

_UNKNOWN_KEY = (
    "Top-level key must be a logical operator or an allowed field: "
    f"{['AND', 'OR', 'NOT', *_FIELDS]}"
)
