"""Saying something of subjects, and having them go with all that belongs to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.jobs import DeleteAllRequest, IdempotencyKey, Job
from recollect.domain.keys import Access
from recollect.domain.memory import Json, checked_metadata
from recollect.domain.subjects import Subject
from recollect.ports.record import SubjectEntry
from recollect.ports.subjects import Subjects
from recollect.usecases.delete_memories import DeleteMemories


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


@dataclass(frozen=True)
class DeleteSubject:
    """Delete what belongs to a subject: its memories, their messages, its graph, its metadata."""

    delete_memories: DeleteMemories

    def __call__(self, access: Access, subject: Subject, key: IdempotencyKey | None = None) -> Job:
        """Return the job, as `DeleteMemories` does; an unknown subject has nothing to delete.

        Raises `ForbiddenError` if the subject is out of reach.
        """
        access.checked(subject)
        request = DeleteAllRequest(
            project=access.project,
            filters={f"{subject.kind}_id": subject.name},
            subject=access.subject,
            ends_subject=True,
        )
        return self.delete_memories(request, key)
