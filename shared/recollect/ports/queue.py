"""Wake-ups after a commit, and messages that nobody can handle."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from recollect.domain.graph import Owner
from recollect.domain.jobs import Job
from recollect.ports.letters import Origin


class WakeUps(Protocol):
    """Tells those who work behind queues who has news; losing one loses nothing but time."""

    def work(self, job: Job) -> bool:
        """Say that a job waits for a worker, behind those that wait in the same lane.

        False if that is lost.
        """
        ...

    def waiting(self) -> int:
        """Return about how many jobs wait for a worker, if one that is told of twice waits twice.

        0 otherwise, and if nobody can tell.
        """
        ...

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        ...

    def read_graph(self, owner: Owner) -> None:
        """Say that this owner has changes that the graph writer has not read."""
        ...

    def project_graph(self, owner: Owner) -> None:
        """Say that this owner's graph has commits that its projections have not confirmed."""
        ...

    def deliver(
        self,
        project: str,
        webhook_id: str,
        delivery_ids: Sequence[str],
        *,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Say that deliveries to a webhook are due, or will be after a delay (15 min at most)."""
        ...


class DeadLetters(Protocol):
    """Keeps messages that cannot be handled, until a person has looked at them."""

    def bury(self, message: str, reason: str, origin: Origin | None = None) -> None:
        """Keep a message as it was, why it cannot be handled, and where it came from if it did.

        Raises `UnavailableError` if it cannot be kept: then it must not be forgotten either.
        """
        ...
