"""The life of a job: accepted once, worked on by one at a time, finished or failed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recollect.domain.errors import RecollectError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, Job, JobRequest, JobStatus
from recollect.domain.memory import Episode
from recollect.ports.record import Change, FencedError, Jobs, Record

LEASE = timedelta(seconds=60)
"""How long a job may commit nothing before somebody else takes it over: twice the HTTP limit."""

RESUMED_LEASE = timedelta(minutes=5)
"""As long as who resumes jobs may run: slow models must not let the next run take over."""

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
"""Between attempts at what failed for now: with `MAX_ATTEMPTS`, an outage may last half a day."""

MAX_ATTEMPTS = 20
"""Maintenance must not be sent for ever to a job that it dies of or never gets done."""

Work = Callable[[Job], Job]
"""Carries a job on, committing its progress, and returns it in a final status."""


@dataclass(frozen=True)
class WorkOnJobs:
    """Accept work under a job and carry it out, so that no piece of it is done twice."""

    jobs: Jobs
    record: Record
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    is_late: Callable[[], bool] = lambda: False
    """Tells whether what is left of a job should be handed over, for the time is nearly up."""

    def hand_over(self, job: Job, episode: Episode | None = None) -> Job:
        """Leave a job as it is to whoever resumes abandoned jobs, in order; return it so."""
        return self._leave(job, episode, timedelta(0))

    def put_off(self, job: Job, error: RecollectError) -> Job:
        """Hand a job over as it is stored, with why, to be resumed after a while; return it so.

        Not as the caller knows it: a commit whose answer was lost may have been made. The more
        attempts there were, the longer the pause.
        """
        stored = self.jobs.get(job.project, job.id) or job
        pause = min(FIRST_PAUSE * 2 ** (job.attempt - 1), LONGEST_PAUSE)
        return self._leave(replace(stored, attempt=job.attempt, error=str(error)), None, pause)

    def _leave(self, job: Job, episode: Episode | None, pause: timedelta) -> Job:
        waiting, now = replace(job, status=JobStatus.PENDING), self.now()
        change = Change(at=now, lease_end=now + pause, episode=episode, job=waiting)
        self.record.commit(job.project, change)
        return waiting

    def start(self, request: JobRequest, key: IdempotencyKey | None, work: Work) -> Job:
        """Return the finished job, or the earlier job of the same idempotency key.

        A job that failed or was abandoned is tried again with its key. Raises what the work
        raises, after writing it into the job, and `IdempotencyMismatchError`.
        """
        now = self.now()
        job = Job(
            id=self.new_id(),
            project=request.project,
            request=request,
            status=JobStatus.RUNNING,
            created_at=now,
            started_at=now,
        )
        accepted = self.jobs.accept(job, key, lease_end=now + LEASE)
        if accepted.id == job.id:
            return self._carry_out(job, work)
        mine = self._claimed(accepted, LEASE)
        return self._carry_out(mine, work) if mine else accepted

    def resume(self, job: Job, work: Work) -> Job | None:
        """Finish an abandoned job; None if it is done or in other hands.

        Raises what the work raises, and `UnavailableError` after `MAX_ATTEMPTS`: the job has
        failed then, until the caller repeats the request with its key.
        """
        if self.is_late():
            # Another run has the time that this one has not; an attempt is not used up.
            return None
        mine = self._claimed(job, RESUMED_LEASE)
        if mine is None:
            return None
        if mine.attempt > MAX_ATTEMPTS:
            message = f"Given up after {MAX_ATTEMPTS} attempts; the same request may work later"
            error = UnavailableError(message)
            self._fail(mine, error)
            raise error
        return self._carry_out(mine, work)

    def _claimed(self, job: Job, lease: timedelta) -> Job | None:
        now = self.now()
        return self.jobs.claim(job.project, job.id, now=now, lease_end=now + lease)

    def _carry_out(self, job: Job, work: Work) -> Job:
        try:
            return work(job)
        except FencedError:
            return self.jobs.get(job.project, job.id) or job
        except RecollectError as error:
            self._fail(job, error)
            raise

    def _fail(self, job: Job, error: RecollectError) -> None:
        now = self.now()
        current = self.jobs.get(job.project, job.id) or job
        failed = replace(
            current,
            attempt=job.attempt,
            status=JobStatus.FAILED,
            error=str(error),
            completed_at=now,
        )
        # Whoever has taken the job over tells how it ends.
        with suppress(FencedError):
            self.record.commit(job.project, Change(at=now, job=failed))
