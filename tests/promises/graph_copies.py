"""Projections of a graph that keep copies of their own, in memory, as a server does.

The local edition answers from its record, where nothing can be behind or left over. Here it can.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias, cast

from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.adapters.record_graph import RecordGraphStore
from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.ports.graph import EntityQuery, GraphRecord

Kept: TypeAlias = dict[Owner, dict[str, Any]]


@dataclass
class Copy:
    """Entities and relations by owner and id, and the versions that were erased.

    It can be read as a record can, so that the product's own code answers from it.
    """

    entities: Kept = field(default_factory=lambda: defaultdict(dict))
    kept_relations: Kept = field(default_factory=lambda: defaultdict(dict))
    lock: Lock = field(default_factory=Lock)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> list[Entity]:
        with self.lock:
            ids = sorted(each for each in self.entities[owner] if each > (after or ""))
            return [self.entities[owner][each] for each in ids[:limit]]

    def around(self, owner: Owner, entity_ids: Sequence[str], *, limit: int) -> list[Relation]:
        found: dict[str, Relation] = {}
        with self.lock:
            of_owner = sorted(self.kept_relations[owner].items())
        for entity_id in entity_ids:
            near = [each for each in of_owner if entity_id in each[1].triple.ends]
            found.update(near[:limit])
        return list(found.values())

    def as_record(self) -> GraphRecord:
        """Return it as what the product's code reads, which asks nothing else of it."""
        return cast("GraphRecord", self)


@dataclass(frozen=True)
class CopiedStore:
    """A `GraphStore` in memory; like a graph server it remembers nothing of what was erased."""

    copy: Copy = field(default_factory=Copy)

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        with self.copy.lock:
            _keep(self.copy.entities[owner], [(each.id, each) for each in entities])
            known = self.copy.entities[owner].keys()
            assert all(known >= set(each.triple.ends) for each in relations), "an end is missing"
            kept = self.copy.kept_relations[owner]
            _keep(kept, [(each.triple.id, each) for each in relations])

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        return self._answering().near(owner, entity_ids, hops=hops, fan_out=fan_out)

    def held(self, owner: Owner) -> dict[str, int]:
        return self._answering().held(owner)

    def erase(self, owner: Owner) -> None:
        with self.copy.lock:
            self.copy.entities.pop(owner, None)
            self.copy.kept_relations.pop(owner, None)

    def _answering(self) -> RecordGraphStore:
        return RecordGraphStore(self.copy.as_record())


@dataclass(frozen=True)
class CopiedIndex:
    """An `EntityIndex` in memory; like a search engine it remembers the versions that it erased."""

    copy: Copy = field(default_factory=Copy)
    erased: dict[tuple[Owner, str], int] = field(default_factory=dict)

    def put(self, owner: Owner, entities: Sequence[Entity]) -> None:
        with self.copy.lock:
            late = [each for each in entities if each.version > self._erased(owner, each.id)]
            _keep(self.copy.entities[owner], [(each.id, each) for each in late])

    def propose(self, owner: Owner, queries: Sequence[EntityQuery]) -> list[list[str]]:
        return LocalEntityIndex(self.copy.as_record()).propose(owner, queries)

    def held(self, owner: Owner) -> dict[str, int]:
        return LocalEntityIndex(self.copy.as_record()).held(owner)

    def erase(self, owner: Owner, *, keep: Collection[str] = ()) -> None:
        with self.copy.lock:
            for entity_id in self.copy.entities[owner].keys() - set(keep):
                entity = self.copy.entities[owner].pop(entity_id)
                self.erased[owner, entity_id] = entity.version

    def _erased(self, owner: Owner, entity_id: str) -> int:
        return self.erased.get((owner, entity_id), 0)


def _keep(kept: dict[str, Any], items: Iterable[tuple[str, Any]]) -> None:
    for an_id, item in items:
        if an_id not in kept or kept[an_id].version < item.version:
            kept[an_id] = item
