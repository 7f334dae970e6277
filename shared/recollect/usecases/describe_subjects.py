"""Saying something of subjects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.memory import Json, checked_metadata
from recollect.domain.subjects import Subject
from recollect.ports.record import SubjectEntry
from recollect.ports.subjects import Subjects


@dataclass(frozen=True)
class DescribeSubject:
    """Keep what a caller says of a subject."""

    subjects: Subjects
    now: Callable[[], datetime]

    def __call__(
        self, project: str, subject: Subject, metadata: Mapping[str, Json]
    ) -> SubjectEntry:
        """Return the subject as it is known now; what was said of it before is gone.

        Raises `InvalidRequestError` for metadata that is too large.
        """
        return self.subjects.describe(project, subject, checked_metadata(metadata), at=self.now())
