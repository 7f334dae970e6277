"""Having memories that could not be read into the graph be read again."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from datetime import datetime

from recollect.ports.graph_outbox import GraphOutbox, SetAside
from recollect.ports.queue import WakeUps

PAGE = 500
"""Changes that are taken up before their owners are woken."""
MAX_PAGES = 100


@dataclass(frozen=True)
class RedriveGraph:
    """Take up again what the graph writer has set aside, in all projects."""

    outbox: GraphOutbox
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self) -> list[SetAside]:
        """Return the changes of memories that await the graph writer again, with the old reasons.

        What is set aside meanwhile once more is left there. Repeating it is safe, and goes on with
        what is left: at most 50,000 changes are taken up at once.
        """
        taken: dict[Hashable, SetAside] = {}
        for _ in range(MAX_PAGES):
            page = self.outbox.aside(limit=PAGE)
            new = {_change(each): each for each in page if _change(each) not in taken}
            if not new:
                break
            self._take_up(new.values())
            taken |= new
        return list(taken.values())

    def _take_up(self, aside: Collection[SetAside]) -> None:
        for each in aside:
            self.outbox.take_up(each, at=self.now())
        for owner in sorted({each.owner for each in aside}):
            self.wake_ups.read_graph(owner)


def _change(aside: SetAside) -> Hashable:
    """Return which change of which memory it is, wherever that is kept."""
    return aside.owner, aside.unread.memory_id, aside.unread.version
