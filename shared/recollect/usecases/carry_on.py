"""Carrying on jobs that wait for a worker, whatever they were asked to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recollect.domain.errors import RecollectError
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.requests import ErasedRequest, JobRequest
from recollect.ports.jobs import Jobs


@dataclass(frozen=True)
class CarryOn:
    """Resume a job by what it was asked to do; `resume` has what resumes each kind of request."""

    jobs: Jobs
    resume: Mapping[type[JobRequest], Callable[[Job], Job | None]]

    def __call__(self, project: str, job_id: str, *, again: bool = False) -> Job | None:
        """Return the job as it is afterwards; None if there is nothing to do, or others do it.

        A job that has failed is let be, and returned, unless it is to be tried `again`. What a job
        fails of is written into it and not raised; what is raised stopped it for now. Repeating it
        does nothing twice.
        """
        job = self.jobs.get(project, job_id)
        if job is None or isinstance(job.request, ErasedRequest):
            return job
        if job.status is JobStatus.FAILED and not again:
            return job
        try:
            return self.resume[type(job.request)](job)
        except RecollectError:
            failed = self.jobs.get(project, job_id)
            if failed is None or failed.status is not JobStatus.FAILED:
                raise
            return failed
