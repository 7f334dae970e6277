"""What callers say of subjects themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from recollect.domain.memory import Json
from recollect.domain.subjects import Subject
from recollect.ports.record import SubjectEntry


class Subjects(Protocol):
    """Keeps what is said of subjects, whether these have memories or not; lists show it."""

    def describe(
        self, project: str, subject: Subject, metadata: Mapping[str, Json], *, at: datetime
    ) -> SubjectEntry:
        """Keep this of a subject instead of what was kept before; return what is known of it.

        Lists leave it out as before until it has memories.
        """
        ...

    def forget(self, project: str, subject: Subject) -> None:
        """Keep nothing of what was said of the subject; repeating it is safe."""
        ...

    def known(self, project: str, *, limit: int, after: str = "") -> dict[str, Subject]:
        """Return place -> subject for all that ever had memories or messages, or were described.

        In an order of its own, behind the place `after`. It may be that one is found a moment
        after it came to be.
        """
        ...
