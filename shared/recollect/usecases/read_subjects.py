"""Reading what is known of subjects, one or all of them at once."""

from dataclasses import dataclass

from recollect.domain.errors import NotFoundError
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import Listing, SubjectEntry

MAX_SUBJECTS = 10_000
"""As many memories as mem0's open-source server looks through for its list of entities."""


@dataclass(frozen=True)
class ReadSubjects:
    """Read the users, agents, apps and runs that have memories, without pages."""

    listing: Listing

    def one(self, project: str, subject: Subject) -> SubjectEntry:
        """Return what is known of a subject; raise `NotFoundError` if it has no memories."""
        entry = self.listing.subject(project, subject)
        if entry is None:
            message = "Entity not found!"
            raise NotFoundError(message)
        return entry

    def all(self, project: str, *, within: Subject | None = None) -> list[SubjectEntry]:
        """Return the first `MAX_SUBJECTS`, first created first; none but itself `within` one."""
        if within is None:
            return self.listing.subjects(project, list(SubjectKind), limit=MAX_SUBJECTS)
        entry = self.listing.subject(project, within)
        return [entry] if entry else []
