"""Writing graphs to their projections anew from the record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import UnavailableError
from recollect.domain.graph import Owner
from recollect.ports.graph import GraphRecord
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.keys import Keys
from recollect.usecases.project_graph import ProjectGraph
from recollect.usecases.walking import Progress, graph_pages, owners_of


@dataclass(frozen=True)
class RenewGraph:
    """Have an owner's whole graph written to its projections again."""

    outbox: GraphOutbox
    project: ProjectGraph
    now: Callable[[], datetime]

    def __call__(self, owner: Owner, *, at_once: bool = True) -> bool:
        """Tell whether it is written by now; if not, whoever projects graphs will do it.

        That is so if a projection cannot be used from here, or it need not be `at_once`.
        """
        self.outbox.project_again(owner, at=self.now())
        if not at_once:
            return False
        try:
            self.project(owner)
        except UnavailableError:
            return False
        return True


@dataclass(frozen=True)
class Rebuilt:
    """How much was written to the projections, and how many owners' graphs are still to be."""

    entities: int
    relations: int
    left: int


@dataclass(frozen=True)
class RebuildGraph:
    """Write the graphs of all owners of every project to the graph store and the entity index.

    No model is asked and nothing is embedded: the record holds all there is. While an owner's graph
    is written, searches may find a part of it.
    """

    keys: Keys
    graph: GraphRecord
    renew: RenewGraph

    def __call__(self, progress: Progress) -> Rebuilt:
        """Return what was written. What breaks off is begun again: repeating it is safe.

        Once a projection cannot be used from here, the graphs that are left are marked only, so
        that the service's own projector writes them. What projections have of an owner whom the
        record does not know (any more) stays: nothing tells of whom that could be.
        """
        entities = relations = left = 0
        for project in self.keys.projects():
            for owner in owners_of(self.graph, project):
                if not self.renew(owner, at_once=not left):
                    left += 1
                    continue
                for some, between in graph_pages(self.graph, owner):
                    entities += len(some)
                    relations += len(between)
                    progress("entities and relations written", len(some) + len(between))
        return Rebuilt(entities, relations, left)
