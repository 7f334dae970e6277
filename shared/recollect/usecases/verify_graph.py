"""Comparing the projections of graphs with the record, as numbers."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from recollect.domain.graph import Owner
from recollect.ports.graph import EntityIndex, GraphRecord, GraphStore
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.keys import Keys
from recollect.usecases.rebuild_graph import RenewGraph
from recollect.usecases.walking import Progress, graph_versions, in_time, owners_of, projects_of

ALL_FRESH = 1_000_000
"""More commits than an owner ever has of late."""
STORE, INDEX = "graph store", "entity index"

Place: TypeAlias = tuple[str, str]
"""A projection, and the id of an entity or a relation."""
Versions: TypeAlias = tuple[int | None, int | None]
"""In the record and in a projection; None where it is not."""


@dataclass(frozen=True, kw_only=True)
class GraphReport:
    """How the projections of a project's graphs differ from its record.

    `entities` and `relations` are in the record. Of these, some are `missing` in the graph store or
    the entity index, or `outdated`: there in another version. `ghosts` are there but not in the
    record. What is wrong in both counts twice. `pending` of these three will be set right by
    commits that a projection has not confirmed, or does not show yet; the rest is drift.

    `repaired` owners' graphs were written again; others are `left` to whoever projects graphs,
    since a projection could not be used from here.
    """

    project: str
    entities: int = 0
    relations: int = 0
    missing: int = 0
    outdated: int = 0
    ghosts: int = 0
    pending: int = 0
    repaired: int = 0
    left: int = 0

    @property
    def drift(self) -> int:
        """How much is wrong in a projection and will stay so; 0 means equal."""
        return self.missing + self.outdated + self.ghosts - self.pending


@dataclass(frozen=True)
class VerifyGraph:
    """Compare ids and versions in the graph store and the entity index with the record's.

    While all are in use; versions of one owner are held in memory. Owners are taken from the
    record: what a projection has of somebody else's cannot be reached, and is not noticed.
    """

    keys: Keys
    graph: GraphRecord
    outbox: GraphOutbox
    store: GraphStore
    index: EntityIndex
    renew: RenewGraph
    is_late: Callable[[], bool] = lambda: False
    """Tells whether there is no time left; what was begun then raises `OutOfTimeError`."""

    def __call__(
        self, progress: Progress, project: str | None = None, *, repair: bool = False
    ) -> list[GraphReport]:
        """Return a report for every project, by name, or for one; raise `NotFoundError`.

        With `repair`, the whole graph of an owner with drift is written to both projections again.
        Raises `UnavailableError` if a projection cannot be asked.
        """
        wanted = projects_of(self.keys, project)
        return [self.verified(progress, each, repair=repair) for each in wanted]

    def verified(self, progress: Progress, project: str, *, repair: bool = False) -> GraphReport:
        """Return the report of a project that there is; raise `UnavailableError` as above."""
        numbers: Counter[str] = Counter()
        for owner in in_time(owners_of(self.graph, project), self.is_late):
            found = self._compared(owner)
            numbers.update(found.numbers())
            progress("entities and relations compared", found.entities + found.relations)
            if repair and found.lasting:
                numbers["repaired" if self.renew(owner) else "left"] += 1
        return GraphReport(project=project, **numbers)

    def _compared(self, owner: Owner) -> "_Differences":
        found = self._look(owner)
        if not found.wrong or self.outbox.unprojected(owner, limit=1):
            return found
        # Asked before the second look: what is fresh no more by then is shown.
        fresh = {(INDEX, an_id) for an_id in self.outbox.fresh(owner, limit=ALL_FRESH)}
        again = self._look(owner)
        # What is wrong otherwise than before was changed in between.
        same = dict(found.wrong.items() & again.wrong.items())
        return replace(again, lasting=frozenset(same.keys() - fresh))

    def _look(self, owner: Owner) -> "_Differences":
        entities, relations = graph_versions(self.graph, owner)
        stored = _differences(STORE, entities | relations, self.store.held(owner))
        indexed = _differences(INDEX, entities, self.index.held(owner))
        return _Differences(len(entities), len(relations), stored | indexed)


@dataclass(frozen=True)
class _Differences:
    """How much of an owner's graph is in the record, and what is not the same elsewhere."""

    entities: int
    relations: int
    wrong: Mapping[Place, Versions]
    lasting: frozenset[Place] = frozenset()
    """What of it is not pending."""

    def numbers(self) -> Mapping[str, int]:
        """Return the numbers of a report."""
        return {
            **Counter(map(_kind, self.wrong.values())),
            "entities": self.entities,
            "relations": self.relations,
            "pending": len(self.wrong) - len(self.lasting),
        }


def _differences(
    projection: str, known: Mapping[str, int], held: Mapping[str, int]
) -> dict[Place, Versions]:
    return {
        (projection, an_id): (known.get(an_id), held.get(an_id))
        for an_id in known.keys() | held.keys()
        if known.get(an_id) != held.get(an_id)
    }


def _kind(versions: Versions) -> str:
    known, held = versions
    if held is None:
        return "missing"
    return "ghosts" if known is None else "outdated"
