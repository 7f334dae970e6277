"""Telling those behind queues what was committed."""

from collections.abc import Sequence

from recollect.domain.graph import Owner
from recollect.ports.queue import WakeUps
from recollect.ports.record import MemoryWrite


def wake(wake_ups: WakeUps, project: str, writes: Sequence[MemoryWrite]) -> None:
    """Have the index, and the graph where it has to hear of it, follow these writes."""
    keys = {subject.key for write in writes for subject in write.scope.subjects}
    wake_ups.index(project, sorted(keys))
    for owner in sorted({Owner.of(write.scope) for write in writes if write.is_graphed}):
        wake_ups.read_graph(owner)
