"""The graph store that needs none: the record's own adjacency, which costs nothing when idle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.ports.graph import GraphRecord

RELATIONS_READ = 1_000
"""Of one entity: the record knows no order by mentions, so the best are picked from these."""
EVERY_RELATION = 1_000_000
"""More than an entity can have."""
ENTITIES_PER_PAGE = 100


@dataclass(frozen=True)
class RecordGraphStore:
    """Answers from what is committed, so that it is never behind and cannot drift."""

    record: GraphRecord

    def apply(
        self, owner: Owner, entities: Sequence[Entity], relations: Sequence[Relation]
    ) -> None:
        """Do nothing: what is applied was read from the record, where it still is."""

    def near(
        self, owner: Owner, entity_ids: Sequence[str], *, hops: int, fan_out: int
    ) -> list[Triple]:
        """Return triples up to `hops` away; of those with equal mentions the lowest ids first.

        The best are those of the first 1,000 relations that the record tells of an entity.
        """

        def expand(frontier: Sequence[str]) -> list[Triple]:
            found = self.record.around(owner, frontier, limit=RELATIONS_READ)
            return _best(found, frontier, fan_out=fan_out)

        return reached(entity_ids, expand, hops=hops)

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity and relation of the owner, read page by page."""
        versions: dict[str, int] = {}
        after: str | None = None
        while page := self.record.page(owner, after=after, limit=ENTITIES_PER_PAGE):
            after = page[-1].id
            ids = [each.id for each in page]
            around = self.record.around(owner, ids, limit=EVERY_RELATION)
            versions.update((each.id, each.version) for each in page)
            versions.update((each.triple.id, each.version) for each in around)
        return versions

    def erase(self, owner: Owner) -> None:
        """Do nothing: whoever erases the owner erases the record, and there is no copy of it."""


def reached(
    entity_ids: Sequence[str], expand: Callable[[Sequence[str]], list[Triple]], *, hops: int
) -> list[Triple]:
    """Return the triples that are found by expanding these entities, then those they lead to.

    Each triple and each entity once; `expand` is called once a hop, never with nothing.
    """
    found: dict[Triple, None] = {}
    passed: set[str] = set()
    frontier = list(dict.fromkeys(entity_ids))
    for _ in range(hops):
        if not frontier:
            break
        passed.update(frontier)
        triples = expand(frontier)
        found.update(dict.fromkeys(triples))
        ends = dict.fromkeys(end for triple in triples for end in triple.ends)
        frontier = [end for end in ends if end not in passed]
    return list(found)


def _best(
    relations: Sequence[Relation], entity_ids: Sequence[str], *, fan_out: int
) -> list[Triple]:
    """Return the triples that are believed, at most `fan_out` at each entity."""
    believed = [each for each in relations if each.belief]
    believed.sort(key=lambda each: (-each.mentions, each.triple.id))
    kept: dict[Triple, None] = {}
    for entity_id in entity_ids:
        own = (each.triple for each in believed if entity_id in each.triple.ends)
        kept.update(dict.fromkeys([*own][:fan_out]))
    return list(kept)
