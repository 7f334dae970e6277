"""What is left of a project once its memories are deleted, and has to go too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from recollect.domain.jobs import Job, JobStatus
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.domain.subjects import Subject
from recollect.domain.webhooks import ProjectWebhooks
from recollect.ports.archive import Archive
from recollect.ports.erasure import Erasures, Remains
from recollect.ports.keys import Keys
from recollect.ports.record import Episodes
from recollect.ports.subjects import Subjects
from recollect.ports.webhooks import Webhooks
from recollect.usecases.empty_jobs import EmptyJobs
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.manage_keys import change_keys
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.manage_webhooks import change_webhooks
from recollect.usecases.walking import by_places

ENDED_UP_TO = "ended_up_to"
EMPTIED_UP_TO = "emptied_up_to"
"""The notes of a job that is handed over between subjects, or between jobs: where to go on."""
PAGE = 100


@dataclass(frozen=True)
class EndProject:
    """Remove what is left of all subjects and jobs, then webhooks and settings, then all keys.

    Their messages, graphs, metadata and the histories of their memories; what was asked for by then
    and has waited is refused. Of jobs, nothing is left of what they were asked and came to.
    """

    subjects: Subjects
    episodes: Episodes
    erasures: Erasures
    archive: Archive
    remains: Remains
    empty_jobs: EmptyJobs
    erase_graph: EraseGraph
    change_project: ChangeProject
    keys: Keys
    webhooks: Webhooks
    now: Callable[[], datetime]
    is_late: Callable[[], bool]

    def __call__(self, job: Job) -> Job:
        """Return the job as it is, or PENDING if the time was up; repeating it is safe.

        The keys are the last to go: until then whoever asked can follow the job.
        """
        for part in (self._end_subjects, self._empty_jobs):
            after = part(job)
            if after.status is JobStatus.PENDING:
                return after
        # Whoever takes the name next must not tell them anything.
        change_webhooks(self.webhooks, job.project, ProjectWebhooks.without_any)
        self.change_project(job.project, _cleared)
        change_keys(self.keys, job.project, self._revoked)
        return job

    def _end_subjects(self, job: Job) -> Job:
        place = str(job.notes.get(ENDED_UP_TO, ""))
        while some := self.subjects.known(job.project, limit=PAGE, after=place):
            for place, subject in some.items():
                self._end(job.project, subject)
                if self.is_late():
                    return replace(job, status=JobStatus.PENDING, notes={ENDED_UP_TO: place})
        return job

    def _empty_jobs(self, job: Job) -> Job:
        place: str | None = str(job.notes.get(EMPTIED_UP_TO, ""))
        while place is not None:
            place = self.empty_jobs.all_but(job, place)
            if place is not None and self.is_late():
                return replace(job, status=JobStatus.PENDING, notes={EMPTIED_UP_TO: place})
        return job

    def _end(self, project: str, subject: Subject) -> None:
        now = self.now()
        self.erasures.mark(project, subject, at=now)
        place: str | None = ""
        while place is not None:
            place = self.erasures.refuse(project, subject, at=now, after=place)
        place = ""
        while place is not None:
            place = self.episodes.remove(project, [subject], before=self.now(), after=place)
        self.erase_graph(project, subject)
        self.subjects.forget(project, subject)
        self._strip(project, subject)

    def _strip(self, project: str, subject: Subject) -> None:
        for some in by_places(partial(self.archive.deleted, project, subject, limit=PAGE)):
            self.remains.strip(project, list(some.values()))

    def _revoked(self, key: ApiKey) -> ApiKey:
        return key if key.revoked_at else replace(key, revoked_at=self.now())


def _cleared(settings: ProjectSettings) -> ProjectSettings:
    """Return the defaults; what limits the project is not its own to clear."""
    return ProjectSettings(limits=settings.limits, version=settings.version)
