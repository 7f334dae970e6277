"""The graph store that needs none: the record's own adjacency, which costs nothing when idle."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.domain.graph import Entity, Owner, Relation, Triple
from recollect.ports.graph import GraphRecord
from recollect.usecases.walking import graph_versions

RELATIONS_READ = 1_000
"""Of one entity: the record knows no order by mentions, so the best are picked from these."""


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
        """Return triples 1 or 2 hops away; of each hop those with most mentions, lowest ids first.

        Each hop is one round of reads. The best are those of the first 1,000 relations that the
        record tells of an entity.
        """
        found: dict[Triple, None] = {}
        passed: set[str] = set()
        frontier = list(dict.fromkeys(entity_ids))
        for _ in range(hops):
            if not frontier:
                break
            passed.update(frontier)
            around = self.record.around(owner, frontier, limit=RELATIONS_READ)
            triples = _best(around, frontier, fan_out=fan_out)
            found.update(dict.fromkeys(triples))
            ends = dict.fromkeys(end for triple in triples for end in triple.ends)
            frontier = [end for end in ends if end not in passed][:fan_out]
        return list(found)

    def held(self, owner: Owner) -> dict[str, int]:
        """Return the version of every entity and relation of the owner, read page by page."""
        entities, relations = graph_versions(self.record, owner)
        return entities | relations

    def erase(self, owner: Owner) -> None:
        """Do nothing: whoever erases the owner erases the record, and there is no copy of it."""


def _best(
    relations: Sequence[Relation], entity_ids: Sequence[str], *, fan_out: int
) -> list[Triple]:
    """Return the triples that are believed, at most `fan_out` at each entity, the best first."""
    believed = [each for each in relations if each.belief]
    believed.sort(key=lambda each: (-each.mentions, each.triple.id))
    room = dict.fromkeys(entity_ids, fan_out)
    kept = []
    for relation in believed:
        ends = [end for end in relation.triple.ends if room.get(end)]
        if ends:
            kept.append(relation.triple)
        for end in ends:
            room[end] -= 1
    return kept
