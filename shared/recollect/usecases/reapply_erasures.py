"""Erasing again what a restored record has brought back."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from recollect.ports.erasure import Erasures
from recollect.ports.keys import Keys
from recollect.ports.subjects import Subjects
from recollect.usecases.erase_subject import EraseSubject
from recollect.usecases.walking import by_places, known_subjects, projects_of

PAGE = 500


@dataclass(frozen=True)
class ReapplyErasures:
    """Erase every subject that the record knows and that was erased, as of then.

    What was asked for after a subject's erasure stays. Repeating it is safe.
    """

    keys: Keys
    subjects: Subjects
    erasures: Erasures
    erase: EraseSubject

    def __call__(self, project: str | None = None) -> int:
        """Return how many subjects were erased again, of all projects or of one.

        All is gone from the record then; the rest is left to a worker, as of every erasure. Raises
        `NotFoundError` if there is no such project, and `UnavailableError`.
        """
        begun = 0
        for each in projects_of(self.keys, project):
            marks = self._marks(each)
            for subject in known_subjects(self.subjects, each) if marks else ():
                if subject.key in marks:
                    self.erase.resume(self.erase.again(each, subject, marks[subject.key]))
                    begun += 1
        return begun

    def _marks(self, project: str) -> dict[str, datetime]:
        marks: dict[str, datetime] = {}
        for some in by_places(partial(self.erasures.marks, project, limit=PAGE)):
            marks |= some
        return marks
