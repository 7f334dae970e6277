"""The indices of one deployment: their names, aliases and mapping."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError, RequestError
from pydantic import BaseModel

from recollect.adapters.aws.index_terms import has_our_terms, ours
from recollect.adapters.aws.opensearch import opensearch_errors
from recollect.domain.memory import Embedding

Engine: TypeAlias = Literal["faiss", "lucene"]
Versioning: TypeAlias = Literal["external", "none"]

GC_DELETES = "10m"
"""How long a removal is remembered: far longer than the two minutes that a projector can be late
with what it has read of the record before."""
SHARDS = 1
"""A shard holds millions of memories, and statistics and neighbours are best in one."""
REPLICAS = "0-2"
"""As many as there are other nodes, at most two: a domain with standby demands three copies."""

_ALREADY_EXISTS = "resource_already_exists_exception"
_SLUG_LENGTH = 40


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """How a deployment's memories are indexed.

    `prefix` begins the names of its indices and aliases. `model` is the embedder's, as it is
    stamped on embeddings. `refresh_seconds` is how late a change may be seen. Serverless
    collections take `versioning="none"`: they refuse versions of the caller's and any say in
    shards and refreshing.
    """

    prefix: str
    model: str
    dimensions: int
    engine: Engine
    refresh_seconds: int
    versioning: Versioning = "external"


@dataclass(frozen=True)
class Member:
    """An index of the deployment."""

    name: str
    aliases: frozenset[str]

    def holds_vectors_of(self, embedding: Embedding) -> bool:
        """Tell whether the index is of the model that made this."""
        return f"-{slug(embedding.model)}-" in self.name

    @property
    def own_alias(self) -> str:
        """The name to write by.

        No index can be called so, for its capital letter: unlike a write by the index's name, one
        that comes after the index was dropped makes no new index, but fails.
        """
        return own_alias(self.name)

    @property
    def number(self) -> int:
        """Counts the deployment's indices."""
        return int(self.name.rpartition("-")[2])


class _Aliases(BaseModel):
    aliases: dict[str, Any]


class IndexFamily:
    """Makes, finds and drops the indices of one deployment.

    Every one is behind the alias `all`, by which alone they are found: a pattern of names could
    match those of others. What is searched is behind `read`, what is written behind `write`.
    Their numbers only grow, so that no name is ever used twice.
    """

    def __init__(self, client: OpenSearch, settings: IndexSettings) -> None:
        self._client = client
        self._settings = settings
        self._has_ours: dict[str, bool] = {}
        self.read = f"{settings.prefix}-read"
        self.write = f"{settings.prefix}-write"
        self.all = f"{settings.prefix}-all"

    def members(self, alias: str) -> list[Member]:
        """Return the indices behind an alias, the oldest first; none if there is no such alias."""
        found = aliases_behind(self._client, alias)
        members = [Member(name, aliases) for name, aliases in found.items()]
        return sorted(members, key=lambda member: member.number)

    def writable(self) -> list[Member]:
        """Return the indices that take every change; makes the first one if there is none."""
        found = self.members(self.write)
        if not found:
            known = self.members(self.all)
            if not any(self.write in member.aliases for member in known):
                self._create(known, [self.read, self.write])
            found = self.members(self.write)
        return found

    def set_refresh_interval(self) -> None:
        """Have every index show changes as late as is configured; collections choose themselves."""
        for member in self.members(self.all):
            set_refresh_interval(self._client, member.name, self._settings)

    def is_outdated(self) -> bool:
        """Tell whether what is searched has terms that this release would not compute."""
        return not all(self._has_our_terms(member) for member in self.members(self.read))

    def building(self) -> Member | None:
        """Return the index that is written but not read yet, of the configured model.

        One that was begun by a release with other terms is none: it is dropped with the others.
        """
        return self._unread(self.members(self.write))

    def begin(self) -> None:
        """Make an index that is written but not read yet, unless `building` returns one."""
        known = self.members(self.all)
        if self._unread(known) is None:
            self._create(known, [self.write])

    def _unread(self, members: Iterable[Member]) -> Member | None:
        model = f"-{slug(self._settings.model)}-"
        unread = [
            member
            for member in members
            if model in member.name
            and self.write in member.aliases
            and self.read not in member.aliases
            and self._has_our_terms(member)
        ]
        return unread[-1] if unread else None

    def _has_our_terms(self, member: Member) -> bool:
        # For an index this never changes.
        if member.name not in self._has_ours:
            self._has_ours[member.name] = has_our_terms(self._client, member.name)
        return self._has_ours[member.name]

    def _create(self, known: Iterable[Member], aliases: Iterable[str]) -> None:
        """Make the index that comes after the known ones, empty and behind these aliases.

        Its number is that of whoever else has seen that it is missing: one of them makes it.
        """
        number = max((member.number for member in known), default=0) + 1
        name = f"{self._settings.prefix}-{slug(self._settings.model)}-{number:06}"
        make_index(self._client, name, self._settings, _FIELDS, (*aliases, self.all))

    def refresh(self, member: Member) -> None:
        """Make visible what was written to an index."""
        with opensearch_errors():
            self._client.indices.refresh(index=member.name)

    def switch_to(self, member: Member) -> None:
        """Have this index alone read and written, at once."""
        outdated = [each for each in self.members(self.all) if each.name != member.name]
        removals = [
            {"remove": {"index": each.name, "alias": alias}}
            for each in outdated
            for alias in (self.read, self.write)
            if alias in each.aliases
        ]
        addition = {"add": {"index": member.name, "alias": self.read}}
        with opensearch_errors():
            self._client.indices.update_aliases(body={"actions": [*removals, addition]})

    def drop_unused(self) -> None:
        """Drop the indices that are neither read nor written."""
        unused = [
            member.name
            for member in self.members(self.all)
            if not member.aliases & {self.read, self.write}
        ]
        for name in unused:
            with opensearch_errors(), suppress(NotFoundError):
                self._client.indices.delete(index=name)


def aliases_behind(client: OpenSearch, alias: str) -> dict[str, frozenset[str]]:
    """Return the indices behind an alias with all their aliases; none if there is no such alias."""
    with opensearch_errors():
        try:
            answer = client.indices.get_alias(index=alias)
        except NotFoundError:
            return {}
        return {
            name: frozenset(_Aliases.model_validate(entry).aliases)
            for name, entry in answer.items()
        }


def make_index(
    client: OpenSearch,
    name: str,
    settings: IndexSettings,
    fields: Mapping[str, Any],
    aliases: Iterable[str],
) -> None:
    """Make an index for these fields and the vector's, behind these aliases and its own.

    One that is there already stays as it is.
    """
    body = {
        **_definition(settings, fields),
        "aliases": {alias: {} for alias in (*aliases, own_alias(name))},
    }
    with opensearch_errors():
        try:
            client.indices.create(index=name, body=body)
        except RequestError as error:
            if error.error != _ALREADY_EXISTS:
                raise


def set_refresh_interval(client: OpenSearch, name: str, settings: IndexSettings) -> None:
    """Have an index show changes as late as is configured; collections choose themselves."""
    if settings.versioning == "none":
        return
    interval = {"index": {"refresh_interval": f"{settings.refresh_seconds}s"}}
    with opensearch_errors():
        client.indices.put_settings(index=name, body=interval)


def vector_field(model: str) -> str:
    """Return the field that holds vectors of a model; an index has that of its own only."""
    return f"vector-{slug(model)}"


def slug(model: str) -> str:
    """Return a model's name as a part of names of indices, different for different models."""
    readable = re.sub("[^a-z0-9]+", "-", model.lower())[:_SLUG_LENGTH].strip("-")
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{readable}-{digest}"


def own_alias(name: str) -> str:
    """Return the name to write to an index by; see `Member.own_alias`."""
    return f"{name}-Own"


def _definition(settings: IndexSettings, fields: Mapping[str, Any]) -> dict[str, Any]:
    index: dict[str, Any] = {"knn": True}
    if settings.versioning == "external":
        index |= {
            "number_of_shards": SHARDS,
            "auto_expand_replicas": REPLICAS,
            "refresh_interval": f"{settings.refresh_seconds}s",
            "gc_deletes": GC_DELETES,
        }
    method = {"name": "hnsw", "engine": settings.engine, "space_type": "cosinesimil"}
    vector = {"type": "knn_vector", "dimension": settings.dimensions, "method": method}
    properties = {**fields, vector_field(settings.model): vector}
    # Nothing reads the document as it came: everything is answered from the fields.
    mappings = {
        "_meta": ours(),
        "dynamic": "strict",
        "_source": {"enabled": False},
        "properties": properties,
    }
    return {"settings": {"index": index}, "mappings": mappings}


SEARCHED: dict[str, Any] = {"type": "keyword", "doc_values": False}
"""Of a field that is only searched for."""
COMPARED: dict[str, Any] = {"type": "long"}
ANSWERED: dict[str, Any] = {"type": "long", "index": False}
"""Of a number that is only answered or sorted by."""

_FIELDS: dict[str, Any] = {
    "project": SEARCHED,
    "memory_id": {"type": "keyword"},
    "version": ANSWERED,
    "subjects": SEARCHED,
    "marks": SEARCHED,
    "grams": SEARCHED,
    "created_at": COMPARED,
    "updated_at": COMPARED,
    "expires_on": COMPARED,
    # Our own terms, so that both editions take texts apart alike.
    "terms": {"type": "text", "analyzer": "whitespace"},
    "terms_read": {"type": "binary", "doc_values": True},
    "length": ANSWERED,
}
