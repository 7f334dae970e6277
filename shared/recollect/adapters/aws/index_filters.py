"""Filters as OpenSearch queries that never lose a match.

Most conditions translate exactly. Of the few that do not, there is a query for at least what they
match and one for at most that; what is not among the latter is at least the negation. Whoever
asks decides the filter itself on what is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import singledispatch
from typing import Any, TypeAlias

from recollect.adapters.aws.index_marks import (
    HAS_TRAIT_MARKS,
    TRAITS,
    asked_grams,
    asked_prefix,
    mark,
    place,
)
from recollect.domain.filters import Filter, Unexpired
from recollect.domain.filters.conditions import (
    CategoryContains,
    CategoryIn,
    Comparison,
    HasSubject,
    IdIn,
    InScope,
    IsSet,
    MetadataContains,
    MetadataHas,
    MetadataIs,
    SubjectIn,
    TextContains,
    TextIs,
    TimeIs,
    TraitIn,
)
from recollect.domain.filters.logic import AllOf, AnyOf, Not
from recollect.domain.filters.values import Span
from recollect.domain.subjects import Subject

Query: TypeAlias = dict[str, Any]

EVERYTHING: Query = {"match_all": {}}
NOTHING: Query = {"match_none": {}}

MAX_GRAMS = 12
"""Grams of one part that are asked for, from all over it: more hardly narrow any further."""
MAX_CLAUSES = 400
"""Conditions in a query; the engine refuses more than 1,024 together with the words searched for
(`indices.query.bool.max_clause_count`)."""

_EXPIRES: Query = {"exists": {"field": "expires_on"}}
_UNMARKED: Query = {"bool": {"must_not": [{"terms": {"marks": [mark(*HAS_TRAIT_MARKS)]}}]}}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bounds:
    """A query for at least what a condition matches, and one for at most that."""

    most: Query
    least: Query


def translation(project: str, matching: Filter) -> Bounds:
    """Return the queries for a project's memories that match; equal if they are exact.

    A filter of more than `MAX_CLAUSES` conditions is narrowed to the subjects it names.
    """
    bounds = translate(matching)
    if _count(bounds.most) > MAX_CLAUSES:
        return _roughly(held_by(project, matching.named_subjects()))
    return _all_bounds([_exactly(_of_project(project)), bounds])


def held_by(project: str, subjects: frozenset[Subject] | None) -> Query:
    """Return the query for the memories of these subjects, or of the whole project for None."""
    if subjects is None:
        return _of_project(project)
    return _all([_of_project(project), _of_subjects(subjects)])


def microseconds(at: datetime) -> int:
    """Return a time as it is stored: since 1970, exact in all years that Python knows."""
    return (at - _EPOCH) // timedelta(microseconds=1)


@singledispatch
def translate(_: Filter) -> Bounds:
    """Return the queries for a condition; for one that is not known, everything."""
    return _roughly(EVERYTHING)


@translate.register
def _all_of(condition: AllOf) -> Bounds:
    return _all_bounds(map(translate, condition.parts))


@translate.register
def _any_of(condition: AnyOf) -> Bounds:
    parts = [translate(part) for part in condition.parts]
    return Bounds(_any(part.most for part in parts), _any(part.least for part in parts))


@translate.register
def _not(condition: Not) -> Bounds:
    part = translate(condition.part)
    return Bounds(_none(part.least), _none(part.most))


@translate.register
def _subject_in(condition: SubjectIn) -> Bounds:
    return _exactly(_of_subjects(condition.subjects))


@translate.register
def _has_subject(condition: HasSubject) -> Bounds:
    return _marked(mark("kind", condition.kind))


@translate.register
def _in_scope(condition: InScope) -> Bounds:
    return _marked(mark("scope", condition.scope.key))


@translate.register
def _id_in(condition: IdIn) -> Bounds:
    return _exactly({"terms": {"memory_id": sorted(condition.ids)}})


@translate.register
def _is_set(condition: IsSet) -> Bounds:
    if condition.attribute == "expires_on":
        return _exactly(_EXPIRES)
    is_marked = _marked(mark("set", condition.attribute))
    return _of_trait(is_marked.most) if condition.attribute in TRAITS else is_marked


@translate.register
def _trait_in(condition: TraitIn) -> Bounds:
    marks = (mark("trait", condition.trait, value) for value in condition.values)
    return _of_trait(_marked(*marks).most)


@translate.register
def _time_is(condition: TimeIs) -> Bounds:
    limits = _limits(condition.comparison, condition.span)
    return _exactly({"range": {condition.attribute: limits}})


@translate.register
def _unexpired(condition: Unexpired) -> Bounds:
    today = datetime.combine(condition.now.astimezone(UTC).date(), time.min, UTC)
    lasting = {"range": {"expires_on": {"gte": microseconds(today)}}}
    return _exactly(_any([_none(_EXPIRES), lasting]))


@translate.register
def _text_is(condition: TextIs) -> Bounds:
    return _marked(mark("text", condition.text))


@translate.register
def _text_contains(condition: TextContains) -> Bounds:
    return _roughly(_containing(place("text"), condition.part))


@translate.register
def _category_in(condition: CategoryIn) -> Bounds:
    return _marked(*(mark("category", name) for name in condition.names))


@translate.register
def _category_contains(condition: CategoryContains) -> Bounds:
    return _roughly(_containing(place("category"), condition.part))


@translate.register
def _metadata_has(condition: MetadataHas) -> Bounds:
    return _marked(mark("has", condition.key))


@translate.register
def _metadata_is(condition: MetadataIs) -> Bounds:
    return _marked(mark("metadata", condition.key, condition.value))


@translate.register
def _metadata_contains(condition: MetadataContains) -> Bounds:
    in_a_list = _marked(mark("item", condition.key, condition.value))
    if not isinstance(condition.value, str):
        return in_a_list
    in_a_text = _containing(place("metadata", condition.key), condition.value)
    return Bounds(_any([in_a_list.most, in_a_text]), in_a_list.least)


def _limits(comparison: Comparison, span: Span) -> dict[str, int]:
    first, last = microseconds(span.first), microseconds(span.last)
    match comparison:
        case Comparison.EQ:
            return {"gte": first, "lte": last}
        case Comparison.GT:
            return {"gt": last}
        case Comparison.GTE:
            return {"gte": first}
        case Comparison.LT:
            return {"lt": first}
        case Comparison.LTE:
            return {"lte": last}


def _containing(where: str, part: str) -> Query:
    grams = asked_grams(where, part)
    if not grams:
        return {"prefix": {"grams": asked_prefix(where, part)}}
    step = -(-len(grams) // MAX_GRAMS)
    return _all({"term": {"grams": gram}} for gram in grams[::step])


def _of_project(project: str) -> Query:
    return {"term": {"project": project}}


def _of_subjects(subjects: Iterable[Subject]) -> Query:
    return {"terms": {"subjects": sorted(subject.key for subject in subjects)}}


def _marked(*marks: str) -> Bounds:
    return _exactly({"terms": {"marks": sorted(marks)}})


def _of_trait(query: Query) -> Bounds:
    """Return the query's bounds: what was indexed before traits were marked may have it, too."""
    return Bounds(_any([query, _UNMARKED]), query)


def _exactly(query: Query) -> Bounds:
    return Bounds(query, query)


def _roughly(query: Query) -> Bounds:
    return Bounds(query, NOTHING)


def _all_bounds(parts: Iterable[Bounds]) -> Bounds:
    known = list(parts)
    return Bounds(_all(part.most for part in known), _all(part.least for part in known))


def _all(queries: Iterable[Query]) -> Query:
    parts = [query for query in queries if query != EVERYTHING]
    if NOTHING in parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"filter": parts}} if parts else EVERYTHING


def _any(queries: Iterable[Query]) -> Query:
    parts = [query for query in queries if query != NOTHING]
    if EVERYTHING in parts:
        return EVERYTHING
    any_part = {"bool": {"should": parts, "minimum_should_match": 1}}
    return parts[0] if len(parts) == 1 else any_part if parts else NOTHING


def _none(query: Query) -> Query:
    """Return the query for everything but what this one finds."""
    if query == EVERYTHING:
        return NOTHING
    return EVERYTHING if query == NOTHING else {"bool": {"must_not": [query]}}


def _count(query: Query) -> int:
    """Return how many conditions a query has."""
    if "bool" not in query:
        return 1
    clauses = (
        part for parts in query["bool"].values() if isinstance(parts, list) for part in parts
    )
    return sum(map(_count, clauses))
