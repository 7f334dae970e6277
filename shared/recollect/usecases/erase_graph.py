"""Removing an owner's graph for good."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.graph import Owner
from recollect.domain.memory import Memory
from recollect.domain.subjects import Subject
from recollect.ports.graph import GraphRecord
from recollect.ports.queue import WakeUps
from recollect.ports.record import Listing
from recollect.usecases.walking import matching_pages

MAX_TRIES = 10
"""Others may write while it is erased; they need a memory that was added since."""


@dataclass(frozen=True)
class EraseGraph:
    """Remove everything that a subject's graph has: from the record at once, then behind queues.

    Memories that the subject still has, and that are in the graph, are read into it again.
    """

    graph: GraphRecord
    listing: Listing
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, project: str, subject: Subject) -> None:
        """Erase the graph; repeating it is safe, and finishes what broke off.

        Raises `UnavailableError` if others write to it all the time.
        """
        owner = Owner(project, subject.key)
        for _ in range(MAX_TRIES):
            is_any = self.graph.erase(owner, at=self.now())
            # Also if nothing was left to erase: it may have been before, and broken off here.
            is_living = self._reread(owner, subject)
            # What was read in between would be counted twice.
            if not self.graph.page(owner, after=None, limit=1):
                if is_any:
                    self.wake_ups.project_graph(owner)
                if is_living:
                    self.wake_ups.read_graph(owner)
                return
        message = "The graph is being changed by others all the time; try again"
        raise UnavailableError(message)

    def _reread(self, owner: Owner, subject: Subject) -> bool:
        """Have what lives be read again; return whether there is anything."""
        is_any = False
        for memories in self._graphed(owner, subject):
            versions = {memory.id: memory.version for memory in memories}
            self.graph.reread(owner, versions, at=self.now())
            is_any = True
        return is_any

    def _graphed(self, owner: Owner, subject: Subject) -> Iterator[Sequence[Memory]]:
        for memories in matching_pages(self.listing, owner.project, subject_is(subject)):
            graphed = [each for each in memories if each.is_graphed]
            if own := [each for each in graphed if Owner.of(each.scope) == owner]:
                yield own
