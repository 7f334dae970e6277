"""Subjects that were erased: that nothing of them comes back, and nothing of them is left."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from recollect.domain.jobs import Job
from recollect.domain.subjects import Subject


class Erasures(Protocol):
    """Keeps for good when each subject was erased, but never its name.

    What is kept here is not part of what a restored backup of the record brings back.
    """

    def mark(self, project: str, subject: Subject, *, at: datetime) -> None:
        """Note that the subject was erased at that time, unless it was erased later, too."""
        ...

    def refuse(
        self, project: str, subject: Subject, *, at: datetime, after: str = ""
    ) -> str | None:
        """Have every `Change` be refused whose `said_by` is not after that time.

        To be called once that is marked. As many scopes as take a moment: returns the place to go
        on `after`, None at the end. What was committed until then, unrefused, can be read then.
        """
        ...

    def marks(self, project: str, *, limit: int, after: str = "") -> dict[str, datetime]:
        """Return subject key -> when it was erased, in the order of keys, behind this key."""
        ...


class Remains(Protocol):
    """Removes for good what other ports keep of what was deleted, done or said.

    Repeating any of it is safe, and finishes what broke off.
    """

    def strip(self, project: str, memory_ids: Sequence[str]) -> None:
        """Leave of what happened to deleted memories only that they were deleted, without texts.

        When searches showed them is forgotten, too.
        """
        ...

    def remove(self, project: str, subject: Subject, places: Mapping[str, str]) -> None:
        """Remove the history and the tombstones of memories that an `Archive` has as deleted.

        By their places among those of this subject. To be called once the index has forgotten them.
        """
        ...

    def count_episodes(
        self, project: str, subject: Subject, *, before: datetime, after: str = ""
    ) -> tuple[int, str | None]:
        """Return how many episodes from before then the next scopes of the subject have.

        And the place to go on `after`, None at the end.
        """
        ...

    def empty(self, job: Job) -> None:
        """Store a job that was emptied, whatever it has become since; its episode goes."""
        ...

    def forget(
        self, project: str, subject: Subject, *, at: datetime, now: datetime, after: str = ""
    ) -> str | None:
        """Forget the name of a subject that was known at that time, and what was said of it.

        If it has memories, it is known since `now`. As many scopes as take a moment: returns the
        place to go on `after`, None at the end.
        """
        ...

    def overwrite(self) -> bool:
        """Overwrite the places where what was removed was; False while somebody uses them."""
        ...
