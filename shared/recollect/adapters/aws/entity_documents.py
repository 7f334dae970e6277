"""Entities as the documents of an index, and the searches for them."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from recollect.adapters.aws.index_bulk import Operation
from recollect.adapters.aws.index_documents import hashed, stored_vector, versioned
from recollect.adapters.aws.index_family import (
    ANSWERED,
    COMPARED,
    SEARCHED,
    IndexSettings,
    Versioning,
    own_alias,
    vector_field,
)
from recollect.adapters.aws.index_filters import Query
from recollect.adapters.aws.index_queries import MAX_WORDS
from recollect.adapters.aws.index_searches import Search, in_id_order, nearest, search_for
from recollect.domain.graph import Entity, Owner
from recollect.domain.memory import Vector
from recollect.domain.text import TERMS_VERSION, terms
from recollect.ports.graph import EntityQuery

ENTITY_FIELDS: Mapping[str, Any] = {
    "owner": SEARCHED,
    "entity_id": {"type": "keyword", "index": False},
    # That of the entity and of its terms: see `_stamp`.
    "version": ANSWERED,
    "mentions": COMPARED,
    # The different terms of the name, and how many they are; the name itself is in the record.
    "terms": SEARCHED,
    "length": ANSWERED,
}

_ID = "entity_id"
_TERMS_VERSIONS = 1_000
"""More than there will ever be."""
_LEAST_SCORE = 0.500001
"""Of what is near: the engine's score is (1 + cosine) / 2, and at right angles nothing is alike.
The millionth is for rounding."""
_ID_DECIDES = {_ID: "desc"}
"""Among equals the order is the local edition's."""


def put_operations(
    name: str, owner: Owner, entities: Iterable[Entity], settings: IndexSettings
) -> list[Operation]:
    """Return what stores the entities in an index, the newest version of each.

    It replaces the same version with the terms of an older release.
    """
    newest = {each.id: each for each in sorted(entities, key=attrgetter("version"))}
    return [
        Operation(
            {
                "index": _target(name, owner, each.id)
                | versioned(_stamp(each.version), settings.versioning)
            },
            _document(owner, each, settings),
        )
        for each in newest.values()
    ]


def version_of(stamp: int) -> int:
    """Return the version of the entity that a document is of, 0 if its terms are not of ours."""
    version, of_terms = divmod(stamp, _TERMS_VERSIONS)
    return version if of_terms == TERMS_VERSION else 0


def removal_operations(
    name: str, owner: Owner, held: Mapping[str, int], versioning: Versioning
) -> list[Operation]:
    """Return what removes entities (id -> stamp) unless they are at a later version by now.

    The version that is removed is remembered, whatever its terms: only later ones can come back.
    """
    return [
        Operation(
            {
                "delete": _target(name, owner, entity_id)
                | versioned(_last_stamp(stamp), versioning, "external_gte")
            }
        )
        for entity_id, stamp in held.items()
    ]


def searches_for(owner: Owner, query: EntityQuery, settings: IndexSettings) -> list[Search]:
    """Return the searches for a query, by the vector before those by words; there may be none."""
    mentioned = {"bool": {"filter": [_of(owner), {"range": {"mentions": {"gt": 0}}}]}}
    return [
        *_near(query.vector, mentioned, query.limit, settings),
        *_named(list(dict.fromkeys(query.terms))[:MAX_WORDS], mentioned, query.limit),
    ]


def page_of(owner: Owner, after: str | None, limit: int) -> Search:
    """Return the search for all entities of an owner by their ids, those behind `after`."""
    return in_id_order(_of(owner), after, limit, _ID)


def _near(vector: Vector, matching: Query, limit: int, settings: IndexSettings) -> list[Search]:
    if len(vector) != settings.dimensions or not vector.any():
        return []
    search = nearest(vector_field(settings.model), vector, matching, limit, _ID)
    return [search | {"min_score": _LEAST_SCORE, "sort": [{"_score": "desc"}, _ID_DECIDES]}]


def _named(words: Iterable[str], matching: Query, limit: int) -> list[Search]:
    """Return the search for most words first, then for the shortest names, so most fully named."""
    each_counts_one = [{"constant_score": {"filter": {"term": {"terms": word}}}} for word in words]
    if not each_counts_one:
        return []
    query = {
        "bool": {"filter": [matching], "should": each_counts_one, "minimum_should_match": 1},
    }
    order = [{"_score": "desc"}, {"length": "asc"}, _ID_DECIDES]
    return [search_for(query, limit, _ID) | {"sort": order}]


def _of(owner: Owner) -> Query:
    return {"term": {"owner": hashed(owner.project, owner.key)}}


def _stamp(version: int) -> int:
    """Return the version of a document: the entity's and, where that is the same, of its terms."""
    return version * _TERMS_VERSIONS + TERMS_VERSION


def _last_stamp(stamp: int) -> int:
    """Return the last one that a document of the same entity's version can have."""
    return stamp - stamp % _TERMS_VERSIONS + _TERMS_VERSIONS - 1


def _target(name: str, owner: Owner, entity_id: str) -> dict[str, Any]:
    return {"_index": own_alias(name), "_id": hashed(owner.project, owner.key, entity_id)}


def _document(owner: Owner, entity: Entity, settings: IndexSettings) -> Mapping[str, Any]:
    words = sorted(set(terms(entity.name)))
    document = {
        "owner": hashed(owner.project, owner.key),
        "entity_id": entity.id,
        "version": _stamp(entity.version),
        "mentions": entity.mentions,
        "terms": words,
        "length": len(words),
    }
    embedding = entity.embedding
    if embedding is None or embedding.model != settings.model:
        return document
    if len(embedding.vector()) != settings.dimensions:
        return document
    return document | stored_vector(embedding)
