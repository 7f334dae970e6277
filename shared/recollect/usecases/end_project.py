"""What is left of a project once its memories are deleted, and has to go too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.jobs import Job, JobStatus
from recollect.domain.keys import ApiKey
from recollect.domain.projects import ProjectSettings
from recollect.domain.subjects import Subject
from recollect.domain.webhooks import ProjectWebhooks
from recollect.ports.keys import Keys
from recollect.ports.record import Episodes
from recollect.ports.subjects import Subjects
from recollect.ports.webhooks import Webhooks
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.manage_keys import change_keys
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.manage_webhooks import change_webhooks

ENDED_UP_TO = "ended_up_to"
"""The note of a job that is handed over between subjects: where to go on."""
PAGE = 100


@dataclass(frozen=True)
class EndProject:
    """Remove messages, graphs and metadata of all subjects, webhooks, settings, then all keys."""

    subjects: Subjects
    episodes: Episodes
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
        place = str(job.notes.get(ENDED_UP_TO, ""))
        while some := self.subjects.known(job.project, limit=PAGE, after=place):
            for place, subject in some.items():
                self._end(job.project, subject)
                if self.is_late():
                    return replace(job, status=JobStatus.PENDING, notes={ENDED_UP_TO: place})
        # Whoever takes the name next must not tell them anything.
        change_webhooks(self.webhooks, job.project, ProjectWebhooks.without_any)
        self.change_project(job.project, _cleared)
        change_keys(self.keys, job.project, self._revoked)
        return job

    def _end(self, project: str, subject: Subject) -> None:
        place: str | None = ""
        while place is not None:
            place = self.episodes.remove(project, [subject], before=self.now(), after=place)
        self.erase_graph(project, subject)
        self.subjects.forget(project, subject)

    def _revoked(self, key: ApiKey) -> ApiKey:
        return key if key.revoked_at else replace(key, revoked_at=self.now())


def _cleared(settings: ProjectSettings) -> ProjectSettings:
    """Return the defaults; what limits the project is not its own to clear."""
    return ProjectSettings(limits=settings.limits, version=settings.version)
