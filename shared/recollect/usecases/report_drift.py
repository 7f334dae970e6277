"""Telling how far indexes and graphs are from the record, as far as there is time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recollect.ports.keys import Keys
from recollect.usecases.verify_graph import VerifyGraph
from recollect.usecases.verify_index import VerifyIndex
from recollect.usecases.walking import OutOfTimeError

TURN = timedelta(hours=2)
"""For so long each run begins at the same project: a second one, an hour after the first, looks at
what the first one found, which tells what lasts from what was on its way."""
GOLDEN_RATIO = (5**0.5 - 1) / 2
"""Its multiples, without their whole parts, are never far from evenly spread
(https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence): turns that begin there
come to every project soon, however few of them one run can compare, and nothing has to be noted."""


@dataclass(frozen=True)
class Drift:
    """How much has drifted in the projects that were compared; of the others nothing is known.

    `graphs` is None where there are no graphs, or these cannot be reached.
    """

    compared: int
    left: int
    index: int
    graphs: int | None


@dataclass(frozen=True)
class ReportDrift:
    """Compare indexes and graphs with the record, project by project, while there is time.

    A project that is too large for a whole run is never among them: `VerifyIndex` on a machine that
    has the time compares it.
    """

    keys: Keys
    verify_index: VerifyIndex
    verify_graph: VerifyGraph | None
    now: Callable[[], datetime]

    def __call__(self) -> Drift:
        """Return what was found; nothing is changed. Raises `UnavailableError`."""
        projects = self._in_turn()
        found: list[tuple[int, int]] = []
        for project in projects:
            try:
                found.append(self._compared(project))
            except OutOfTimeError:
                break
        return Drift(
            compared=len(found),
            left=len(projects) - len(found),
            index=sum(index for index, _ in found),
            graphs=sum(graph for _, graph in found) if self.verify_graph else None,
        )

    def _in_turn(self) -> Sequence[str]:
        projects = self.keys.projects()
        turn = self.now().timestamp() // TURN.total_seconds()
        first = int(turn * GOLDEN_RATIO % 1 * len(projects))
        return [*projects[first:], *projects[:first]]

    def _compared(self, project: str) -> tuple[int, int]:
        index = self.verify_index.verified(_nobody, project).drift
        if self.verify_graph is None:
            return index, 0
        return index, self.verify_graph.verified(_nobody, project).drift


def _nobody(what: str, count: int) -> None:
    """Nobody watches."""
