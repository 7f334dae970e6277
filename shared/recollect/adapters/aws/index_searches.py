"""The searches that one request asks of the engine, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from opensearchpy import OpenSearch
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from recollect.adapters.aws.index_documents import load_terms
from recollect.adapters.aws.index_filters import Query
from recollect.adapters.aws.opensearch import opensearch_errors, refusal
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Vector
from recollect.domain.ranking import TermStatistics

Search: TypeAlias = dict[str, Any]

MAX_HITS = 10_000
"""Of one search (`index.max_result_window`, and the most neighbours there may be)."""
LEAST_NEIGHBOURS = 100
"""Followed on the graph however few are wanted: of a handful it often misses the nearest."""
PAUSES = (0.05, 0.2)
"""Seconds before each repetition of searches that an overloaded engine turned away."""

_TOO_MANY = 429
_SERVER_ERROR = 500


class Fields(BaseModel):
    """What a search asked for of one document; each is a list to the engine."""

    id: tuple[str] = Field(validation_alias=AliasChoices("memory_id", "entity_id"))
    version: tuple[int] = (0,)
    terms_read: tuple[str] = ("",)


class Hit(BaseModel):
    """One document that was found."""

    fields: Fields

    @property
    def id(self) -> str:
        """The id of the memory, or of the entity."""
        return self.fields.id[0]

    @property
    def version(self) -> int:
        """Its version."""
        return self.fields.version[0]

    @property
    def terms(self) -> list[str]:
        """The terms of the memory's text."""
        return load_terms(self.fields.terms_read[0])


class _Total(BaseModel):
    value: int


class _Hits(BaseModel):
    hits: list[Hit]
    total: _Total = _Total(value=0)


class _Bucket(BaseModel):
    doc_count: int


class _Aggregation(BaseModel):
    value: float = 0.0
    buckets: list[_Bucket] = []


class _Shards(BaseModel):
    failed: int


class _Error(BaseModel):
    type: str
    index: str = ""


class Found(BaseModel):
    """What one search found."""

    model_config = ConfigDict(hide_input_in_errors=True)

    status: int
    timed_out: bool = False
    shards: _Shards = Field(_Shards(failed=0), alias="_shards")
    error: _Error | None = None
    hits: _Hits = _Hits(hits=[])
    aggregations: Mapping[str, _Aggregation] = {}

    @property
    def is_turned_away(self) -> bool:
        """Whether the same search may work in a moment."""
        return self.status == _TOO_MANY or self.status >= _SERVER_ERROR

    def statistics(self, terms: Sequence[str]) -> TermStatistics:
        """Return what a `count_terms` search of these terms found."""
        if not self.aggregations:
            return TermStatistics(0, 0.0, dict.fromkeys(terms, 0))
        documents = self.hits.total.value
        length = self.aggregations["length"].value
        counted = self.aggregations["terms"].buckets if terms else []
        counts = [bucket.doc_count for bucket in counted]
        frequencies = dict(zip(terms, counts, strict=True))
        return TermStatistics(documents, length / documents if documents else 0.0, frequencies)


class _Answer(BaseModel):
    responses: list[Found]


def nearest(
    field: str, vector: Vector, matching: Query, limit: int, ids: str = "memory_id"
) -> Search:
    """Return the search for the nearest vectors of the field among what matches."""
    knn = {
        "vector": vector.tolist(),
        "k": max(limit, LEAST_NEIGHBOURS),
        "filter": matching,
        # The index may still be another model's: then nothing is near.
        "ignore_unmapped": True,
    }
    return search_for({"knn": {field: knn}}, limit, ids)


def best_worded(terms: Sequence[str], matching: Query, limit: int) -> Search:
    """Return the search for the texts that match and have any of the terms, with their terms."""
    words = [{"term": {"terms": term}} for term in terms]
    query = {"bool": {"filter": [matching], "should": words, "minimum_should_match": 1}}
    return search_for(query, limit, "memory_id", "terms_read")


def count_terms(terms: Sequence[str], among: Query) -> Search:
    """Return the search that counts memories, their terms, and those that have each term."""
    aggregations: Query = {"length": {"sum": {"field": "length"}}}
    if terms:
        counted = [{"term": {"terms": term}} for term in terms]
        aggregations["terms"] = {"filters": {"filters": counted}}
    return {"size": 0, "track_total_hits": True, "query": among, "aggs": aggregations}


def in_id_order(matching: Query, after: str | None, limit: int, ids: str = "memory_id") -> Search:
    """Return the search for what matches by the field of its ids, those behind `after`."""
    search = search_for(matching, limit, ids, "version")
    search["sort"] = [{ids: "asc"}]
    return search | ({"search_after": [after]} if after is not None else {})


def ask(
    client: OpenSearch, alias: str, searches: Sequence[Search], sleep: Callable[[float], None]
) -> list[Found]:
    """Do all searches in one request and return what each found, nothing if there is no index.

    Without searches nothing is asked. Raises `UnavailableError` unless all of them could look at
    everything.
    """
    if not searches:
        return []
    found = _ask(client, alias, searches)
    for pause in PAUSES:
        if not any(each.is_turned_away for each in found):
            break
        sleep(pause)
        found = _ask(client, alias, searches)
    if all(each.error and each.error.index == alias for each in found):
        return [Found(status=each.status, _shards=_Shards(failed=0)) for each in found]
    for each in found:
        if each.error:
            raise UnavailableError(refusal(each.status, each.error.type))
        if each.timed_out or each.shards.failed:
            message = "The search index could not look at all memories"
            raise UnavailableError(message)
    return found


def _ask(client: OpenSearch, alias: str, searches: Sequence[Search]) -> list[Found]:
    body = [line for search in searches for line in ({}, search)]
    with opensearch_errors():
        found = _Answer.model_validate(client.msearch(body=body, index=alias)).responses
    if len(found) != len(searches):
        message = "The search index did not answer every search"
        raise UnavailableError(message)
    return found


def search_for(query: Query, limit: int, *fields: str) -> Search:
    """Return the search for what matches the query, with these fields of it."""
    return {
        "query": query,
        "size": min(limit, MAX_HITS),
        "track_total_hits": False,
        # What is answered is read from columns: stored fields take the engine five times as long.
        "stored_fields": "_none_",
        "docvalue_fields": list(fields),
    }
