"""Add: remember the messages of a conversation, verbatim or as facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import (
    AddRequest,
    Decision,
    Draft,
    Fact,
    IdempotencyKey,
    Job,
    JobStatus,
)
from recollect.domain.memory import Episode, Json, Message, checked_text
from recollect.ports.models import Extractor
from recollect.ports.queue import WakeUps
from recollect.ports.record import (
    Change,
    ClockMovedError,
    Record,
    Scopes,
    TextTakenError,
    VersionMovedError,
)
from recollect.usecases.decisions import DecideDrafts, Step, Thoughts
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

MAX_LOST_RACES_INFERRED = 3
"""Each costs another decision."""
MAX_LOST_RACES_VERBATIM = 50
"""Every lost race means that another add committed; verbatim ones cost no model call."""
MAX_MESSAGES = 2_000
"""Every message may become a memory with a copy of the metadata: bounds what one request writes."""
EMBEDDED_TOGETHER = 96
"""Texts of a plan that are looked up and embedded at once, whatever fits into a commit: as many as
the models take that take several."""
SYSTEM_ROLES = frozenset({"system", "developer"})


@dataclass(frozen=True)
class AddMemories:
    """Remember messages under a job: extract or take verbatim, decide, commit, wake the index."""

    record: Record
    scopes: Scopes
    work: WorkOnJobs
    extractor: Extractor
    decide: DecideDrafts
    wake_ups: WakeUps
    now: Callable[[], datetime]

    def __call__(self, request: AddRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the job with what was remembered, or the earlier job of the same key.

        It is PENDING if too many others wrote to the scope or the time was up; maintenance carries
        it on then.
        Repeating it with a key changes nothing; a job that failed is tried again. Raises
        `InvalidRequestError` before anything is stored, `IdempotencyMismatchError`, or
        `UnavailableError` when a model or the scope cannot be used now.
        """
        _check(request)
        return self.work.start(request, key, self._carry_out)

    def resume(self, job: Job) -> Job | None:
        """Finish a job that failed or was abandoned; None if it is done or in other hands."""
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job) -> Job:
        request = job.request
        if not isinstance(request, AddRequest):
            raise TypeError(type(request))
        job = self._planned(job, request)
        thoughts = self.decide.think()
        try:
            while job.status is JobStatus.RUNNING:
                if self.work.is_late():
                    return self.work.hand_over(job)
                job = self._committed_next(job, request, thoughts)
        finally:
            # Once for all parts, and also for those before a failure.
            if any(outcome.decision is not Decision.NONE for outcome in job.outcomes):
                keys = [subject.key for subject in request.scope.subjects]
                self.wake_ups.index(job.project, keys)
        return job

    def _planned(self, job: Job, request: AddRequest) -> Job:
        if job.plan is not None:
            return job
        drafts, notes = self._drafts(request, job)
        job = replace(job, plan=drafts, notes=notes)
        if len(drafts) > self.record.room_for([request.scope] * len(drafts)):
            self.record.commit(job.project, Change(at=self.now(), job=job))
        return job

    def _drafts(self, request: AddRequest, job: Job) -> tuple[tuple[Draft, ...], dict[str, Json]]:
        if request.infer:
            said_at = request.said_at or job.created_at
            extraction = self.extractor.extract(request.messages, said_at=said_at)
            return tuple(map(Draft, extraction.facts)), dict(extraction.notes)
        facts = [_verbatim(message) for message in request.messages if _is_said(message)]
        turns = self.scopes.reserve_turns(request.scope, len(facts))
        return tuple(map(Draft, facts, turns)), {}

    def _committed_next(self, job: Job, request: AddRequest, thoughts: Thoughts) -> Job:
        for _ in range(MAX_LOST_RACES_INFERRED if request.infer else MAX_LOST_RACES_VERBATIM):
            try:
                return self._commit(job, request, thoughts)
            except (TextTakenError, ClockMovedError, VersionMovedError):
                continue
        # Too many write to the scope at once.
        return self.work.hand_over(job)

    def _commit(self, job: Job, request: AddRequest, thoughts: Thoughts) -> Job:
        plan = job.plan or ()
        count = self.record.room_for([request.scope] * (len(plan) - job.done))
        end = -(-(job.done + count) // EMBEDDED_TOGETHER) * EMBEDDED_TOGETHER
        clock = self.scopes.clock(request.scope) if request.infer else None
        steps = self.decide(job, request, plan[job.done : end], count, thoughts)
        after = self._after(job, request, steps, count)
        now = self.now()
        change = Change(
            at=now,
            lease_end=now + LEASE,
            writes=tuple(step.write for step in steps if step.write),
            expected_clocks={request.scope.key: clock} if clock is not None else None,
            episode=_episode(job, request) if job.done == 0 else None,
            job=after,
        )
        self.record.commit(job.project, change)
        return after

    def _after(self, job: Job, request: AddRequest, steps: Sequence[Step], count: int) -> Job:
        after = replace(
            job,
            done=job.done + count,
            outcomes=(*job.outcomes, *(step.outcome for step in steps)),
        )
        if after.done < len(job.plan or ()):
            return after
        return replace(
            after,
            status=JobStatus.SUCCEEDED,
            completed_at=self.now(),
            request=replace(request, messages=()),
            plan=None,
        )


def _check(request: AddRequest) -> None:
    said = [message for message in request.messages if _is_said(message)]
    if not said:
        message = "messages must contain at least one message with text"
        raise InvalidRequestError(message)
    if len(request.messages) > MAX_MESSAGES:
        message = f"messages must be at most {MAX_MESSAGES} an add; send them in several"
        raise InvalidRequestError(message)
    if not request.infer:
        for turn in said:
            checked_text(turn.content)


def _is_said(message: Message) -> bool:
    return message.role not in SYSTEM_ROLES and bool(message.content.strip())


def _verbatim(message: Message) -> Fact:
    return Fact(
        text=checked_text(message.content),
        role=message.role,
        actor=message.name,
        attributed_to=message.name or message.role,
    )


def _episode(job: Job, request: AddRequest) -> Episode:
    turns = [draft.turn.number for draft in job.plan or () if draft.turn]
    return Episode(
        id=job.id,
        scope=request.scope,
        messages=request.messages,
        first_turn=min(turns, default=0),
        said_at=request.said_at or job.created_at,
    )
