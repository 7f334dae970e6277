"""The life of a job: accepted once, worked on by one at a time, finished or failed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from recollect.domain.errors import RecollectError, UnavailableError
from recollect.domain.jobs import UNFINISHED, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Episode, Json
from recollect.domain.requests import ErasedRequest, JobRequest
from recollect.ports.jobs import Jobs
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, ErasedError, FencedError, Record

LEASE = timedelta(seconds=60)
"""How long a job may commit nothing before somebody else takes it over: twice the HTTP limit."""

RESUMED_LEASE = timedelta(minutes=5)
"""As long as a worker may run: slow models must not let the next one take over."""

UNHEARD = timedelta(minutes=10)
"""A job that waits so long may have been forgotten: who accepted it may have died before a worker
was woken."""
WOKEN_EVERY = timedelta(hours=1)
"""Later it is likelier to wait in a long queue, where another wake-up is of no use."""
UNTOLD = timedelta(minutes=1)
"""Until a worker is woken again if that could not be done."""

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
"""Between attempts at what failed for now: with `MAX_ATTEMPTS`, an outage may last half a day."""

MAX_ATTEMPTS = 20
"""Workers must not be sent for ever to a job that they die of or that never gets on."""

Work = Callable[[Job], Job]
"""Carries a job on, committing its progress, and returns it in a final status."""


@dataclass(frozen=True)
class WorkOnJobs:
    """Accept work under a job and carry it out, so that no piece of it is done twice."""

    jobs: Jobs
    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    is_late: Callable[[], bool] = lambda: False
    """Tells whether what is left of a job should be handed over, for the time is nearly up."""
    asked_with: Callable[[], str | None] = lambda: None
    """Returns the id of the key whose request is being answered."""

    def hand_over(self, job: Job, episode: Episode | None = None) -> Job:
        """Leave a job as it is to a worker, behind what waits already; return it so."""
        return self._woken(self._leave(job, episode, UNHEARD))

    def requeue(self, project: str, job_id: str, *, is_long_line: bool = False) -> bool:
        """Wake a worker for an abandoned job, and again later if none takes it; tell whether.

        Not if it has ended by now, or nobody can be woken: it is abandoned still then. In a long
        line, what nobody has begun is left to its turn for longer: a second message for each of
        100,000 would keep SQS from seeing what comes behind them.
        """
        job = self.jobs.get(project, job_id)
        if job is None or job.status not in UNFINISHED:
            return False
        has_its_turn = is_long_line and job.started_at is None
        if not has_its_turn and not self.wake_ups.work(job):
            return False
        now = self.now()
        # Afterwards: to wake twice is harmless. A worker may have taken it already.
        self.jobs.postpone(job, now=now, until=now + WOKEN_EVERY)
        return True

    def put_off(self, job: Job, error: RecollectError) -> Job:
        """Leave a job as it is stored, with why, to be taken up after a while; return it so.

        Not as the caller knows it: a commit whose answer was lost may have been made. The more
        have tried and got nowhere, the longer the pause.
        """
        stored = self.jobs.get(job.project, job.id) or job
        pause = min(FIRST_PAUSE * 2 ** (job.tries - 1), LONGEST_PAUSE)
        return self._leave(replace(stored, attempt=job.attempt, error=str(error)), None, pause)

    def rest(self, job: Job, pause: timedelta) -> Job:
        """Leave a job as it is while it waits for others, to be taken up after a pause.

        It may do so as often as it likes: that is no failure. Returns it so.
        """
        return self._leave(replace(job, tries=0), None, pause)

    def _woken(self, job: Job) -> Job:
        if not self.wake_ups.work(job):
            # It is kept, whatever becomes of this.
            with suppress(RecollectError):
                self._leave(job, None, UNTOLD)
        return job

    def _leave(self, job: Job, episode: Episode | None, pause: timedelta) -> Job:
        waiting, now = replace(job, status=JobStatus.PENDING), self.now()
        change = Change(
            at=now,
            lease_end=now + pause,
            episode=episode,
            job=waiting,
            said_by=job.said_by if episode else None,
        )
        self.record.commit(job.project, change)
        return waiting

    def start(self, request: JobRequest, key: IdempotencyKey | None, work: Work) -> Job:
        """Return the finished job, or the earlier job of the same idempotency key.

        A job that failed or was abandoned is tried again with its key. Raises what the work
        raises, after writing it into the job, `IdempotencyMismatchError`, and `ErasedError` if what
        was asked for with the key was erased.
        """
        now = self.now()
        job = replace(self._new(request, now), status=JobStatus.RUNNING, started_at=now)
        accepted = _not_emptied(self.jobs.accept(job, key, lease_end=now + LEASE))
        if accepted.id == job.id:
            return self._carry_out(job, work)
        mine = self._claimed(accepted, LEASE)
        return self._carry_out(mine, work) if mine else accepted

    def accept(
        self,
        request: JobRequest,
        key: IdempotencyKey | None,
        *,
        asked_at: datetime | None = None,
        message_id: str | None = None,
        job_id: str | None = None,
        notes: Mapping[str, Json] = MappingProxyType({}),
    ) -> Job:
        """Return the job as it waits for a worker, or the earlier job of the same key as it is.

        An earlier job that failed is tried again, unless this one would have its id: then nothing
        changes. For `asked_at`, `message_id` and `notes` see `Job`; `job_id` is its id, a new one
        unless given. Raises `IdempotencyMismatchError`.
        """
        now = self.now()
        new = replace(self._new(request, now), tries=0, asked_at=asked_at, message_id=message_id)
        job = replace(new, id=job_id or new.id, notes=dict(notes))
        accepted = _not_emptied(self.jobs.accept(job, key, lease_end=now + UNHEARD))
        if accepted.id == job.id or accepted.started_at is None:
            # Who accepted an earlier one may have died before a worker was woken.
            return self._woken(accepted)
        if accepted.status is not JobStatus.FAILED:
            return accepted
        again = self._claimed(accepted, LEASE)
        return self.hand_over(again) if again else accepted

    def _new(self, request: JobRequest, now: datetime) -> Job:
        return Job(
            id=self.new_id(),
            project=request.project,
            request=request,
            status=JobStatus.PENDING,
            created_at=now,
            key_id=self.asked_with(),
        )

    def resume(self, job: Job, work: Work) -> Job | None:
        """Finish a job that waits, failed or was abandoned; None if it is done or in other hands.

        None as well if the time is up: another worker is woken. Raises what the work raises, and
        `UnavailableError` after `MAX_ATTEMPTS` that got nowhere: the job has failed then, until it
        is asked for again.
        """
        if self.is_late():
            self._woken(job)
            return None
        mine = self._claimed(job, RESUMED_LEASE)
        if mine is None:
            return None
        if mine.tries > MAX_ATTEMPTS:
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
        if isinstance(error, ErasedError):
            failed = replace(failed.emptied(now), attempt=job.attempt)
        # Whoever has taken the job over tells how it ends.
        with suppress(FencedError):
            self.record.commit(job.project, Change(at=now, job=failed))


def _not_emptied(job: Job) -> Job:
    """Return the job; raise `ErasedError` if what it was asked for was erased."""
    if isinstance(job.request, ErasedRequest):
        raise ErasedError.of_subject()
    return job
