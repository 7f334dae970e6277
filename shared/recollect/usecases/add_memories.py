"""Add: remember the messages of a conversation, verbatim or as facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from recollect.domain.errors import ModelAnswerError, UnavailableError
from recollect.domain.graph import Owner
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Episode, Json, MemoryKind
from recollect.domain.projects import ProjectSettings
from recollect.domain.requests import AddRequest
from recollect.ports.projects import SettingsStore
from recollect.ports.queue import WakeUps
from recollect.ports.record import (
    Change,
    ClockMovedError,
    MemoryWrite,
    Record,
    TextTakenError,
    VersionMovedError,
)
from recollect.usecases.add_checks import check_add
from recollect.usecases.asking import OutOfTimeError
from recollect.usecases.decisions import DecideDrafts
from recollect.usecases.describing import has_pictures
from recollect.usecases.reading import ReadMessages
from recollect.usecases.steps import MAX_DELETIONS, Step
from recollect.usecases.thoughts import Thoughts
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

MAX_LOST_RACES_INFERRED = 3
"""Each may cost another decision."""
MAX_LOST_RACES_VERBATIM = 50
"""Every lost race means that another add committed; verbatim ones cost no model call."""


@dataclass(frozen=True)
class AddMemories:
    """Remember messages under a job: read, decide, commit, part by part; wake the projections.

    `has_graph` tells whether there is somebody who reads memories for a graph.
    """

    record: Record
    work: WorkOnJobs
    read: ReadMessages
    decide: DecideDrafts
    projects: SettingsStore
    wake_ups: WakeUps
    now: Callable[[], datetime]
    has_graph: bool

    def __call__(self, request: AddRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the job with what was remembered, or the earlier job of the same key.

        It is PENDING if too many others wrote to the scope, the time was up, or a model failed
        after a part was remembered; a worker carries it on then. Repeating it with a key changes
        nothing; a job that failed is tried again. Raises `InvalidRequestError` before anything is
        stored or when a model refuses, `IdempotencyMismatchError`, `ModelAnswerError`, or
        `UnavailableError` when a model or the scope cannot be used now.
        """
        return self.work.start(self._wanted(request), key, self._carry_out)

    def accept(
        self,
        request: AddRequest,
        key: IdempotencyKey | None = None,
        *,
        asked_at: datetime | None = None,
        message_id: str | None = None,
        job_id: str | None = None,
        notes: Mapping[str, Json] = MappingProxyType({}),
    ) -> Job:
        """Return the job as it waits for a worker, or the earlier job of the same key as it is.

        For what it takes see `WorkOnJobs.accept`. Raises `InvalidRequestError` before anything is
        stored, and `IdempotencyMismatchError`.
        """
        return self.work.accept(
            self._wanted(request),
            key,
            asked_at=asked_at,
            message_id=message_id,
            job_id=job_id,
            notes=notes,
        )

    def resume(self, job: Job) -> Job | None:
        """Finish a job that waits, failed or was abandoned; None if it is in other hands."""
        return self.work.resume(job, partial(self._carry_out, is_awaited=False))

    def _wanted(self, request: AddRequest) -> AddRequest:
        """Return the request as the project lets it be kept; raise `InvalidRequestError`."""
        is_summary = request.kind is MemoryKind.PROCEDURAL
        wanted = replace(request, infer=request.infer or is_summary)
        check_add(wanted)
        settings = self.projects.get(request.project)
        of_project = settings.guidance
        if is_summary:
            # The project's own prompt is for finding facts.
            of_project = replace(of_project, extraction_prompt="")
        is_graphed = settings.has_graph if request.is_graphed is None else request.is_graphed
        wanted = replace(
            wanted,
            guidance=request.guidance.over(of_project),
            is_graphed=is_graphed and self.has_graph,
        )
        return wanted.redacted(settings.redaction)

    def _carry_out(self, job: Job, *, is_awaited: bool = True) -> Job:
        if not isinstance(job.request, AddRequest):
            raise TypeError(type(job.request))
        progress = _Progress(job, job.request, is_awaited, is_begun=job.plan is not None)
        try:
            while progress.job.status is JobStatus.RUNNING:
                if self.work.is_late():
                    return self._handed_over(progress)
                self._advance(progress)
        except OutOfTimeError:
            return self._handed_over(progress)
        except (UnavailableError, ModelAnswerError) as error:
            # Who waits is told, unless some is remembered: that stays, and the rest follows.
            if is_awaited and not progress.job.outcomes:
                raise
            return self.work.put_off(progress.job, error)
        finally:
            # Once for all parts, and also for those before a failure.
            if any(each.decision is not Decision.NONE for each in progress.job.outcomes):
                keys = [subject.key for subject in job.request.scope.subjects]
                self.wake_ups.index(job.project, keys)
            if progress.is_graphed:
                self.wake_ups.read_graph(Owner.of(job.request.scope))
        return progress.job

    def _advance(self, progress: "_Progress") -> None:
        """Look at the pictures, read the next part, or commit what is left of the one in hand."""
        job, request = progress.job, progress.request
        if has_pictures(request.messages):
            described = self.read.described(request, progress.thoughts)
            # A picture may show what the project wants taken out.
            settings = self.projects.get(job.project)
            progress.request = described.redacted(settings.redaction)
            self._checkpoint(progress, replace(job, request=progress.request))
        elif progress.has_plan():
            self._commit_next(progress)
        else:
            progress.thoughts.begin_part()
            planned = self.read(job, request, progress.thoughts)
            progress.job = planned
            if self._is_long(planned, request):
                self._checkpoint(progress, planned)

    def _is_long(self, job: Job, request: AddRequest) -> bool:
        """Tell whether more than one commit will be needed, so that what was read is kept first."""
        drafts = len(job.plan or ())
        has_more = job.read < len(request.messages)
        return has_more or drafts > self.record.room_for([request.scope] * drafts)

    def _checkpoint(self, progress: "_Progress", job: Job) -> None:
        now = self.now()
        noted = progress.thoughts.noted(job)
        episode = self._episode(progress, job, now)
        lease_end = progress.lease_end(now)
        change = Change(
            at=now,
            lease_end=lease_end,
            episode=episode,
            job=noted,
            said_by=job.said_by if episode else None,
        )
        self.record.commit(job.project, change)
        progress.stored(noted, ())

    def _handed_over(self, progress: "_Progress") -> Job:
        job = progress.thoughts.noted(progress.job)
        return self.work.hand_over(job, self._episode(progress, job, self.now()))

    def _commit_next(self, progress: "_Progress") -> None:
        request = progress.request
        for _ in range(MAX_LOST_RACES_INFERRED if request.infer else MAX_LOST_RACES_VERBATIM):
            try:
                self._commit(progress)
            except (TextTakenError, ClockMovedError, VersionMovedError):
                progress.thoughts.lost_race()
            else:
                return
        # Too many write to the scope at once.
        progress.job = self._handed_over(progress)

    def _commit(self, progress: "_Progress") -> None:
        job, request, thoughts = progress.job, progress.request, progress.thoughts
        # A fact may take the place of several memories.
        most = len(job.plan or ()) - job.done + MAX_DELETIONS
        room = self.record.room_for([request.scope] * most)
        steps = self.decide(job, request, thoughts, room)
        writes = tuple(write for step in steps for write in step.writes)
        after = thoughts.noted(self._after(job, request, steps))
        now = self.now()
        change = Change(
            at=now,
            lease_end=progress.lease_end(now),
            writes=writes,
            expected_clocks={request.scope.key: thoughts.view.clock} if thoughts.view else None,
            episode=self._episode(progress, job, now),
            job=after,
            said_by=job.said_by,
        )
        self.record.commit(job.project, change)
        progress.stored(after, writes)

    def _after(self, job: Job, request: AddRequest, steps: Sequence[Step]) -> Job:
        after = replace(
            job,
            done=job.done + len(steps),
            outcomes=(*job.outcomes, *(each for step in steps for each in step.outcomes)),
        )
        if after.done < len(job.plan or ()) or job.read < len(request.messages):
            return after
        return replace(
            after,
            status=JobStatus.SUCCEEDED,
            completed_at=self.now(),
            request=replace(request, messages=(), guidance=Guidance()),
            plan=None,
        )

    def _episode(self, progress: "_Progress", job: Job, now: datetime) -> Episode | None:
        """Return what was said, to be stored now, with the first that came of it."""
        if progress.is_begun or job.plan is None:
            return None
        request = progress.request
        settings = self.projects.get(job.project)
        turns = [draft.turn.number for draft in job.plan if draft.turn]
        return Episode(
            id=job.id,
            scope=request.scope,
            messages=request.messages,
            first_turn=min(turns, default=0),
            said_at=request.said_from(job.created_at),
            recorded_at=now,
            expires_at=_expiry(settings, now),
        )


@dataclass
class _Progress:
    """How far an attempt at an add has come; `is_begun` once its episode is stored.

    `is_awaited` while whoever asked for it waits for the answer; `is_graphed` once something is
    stored that the graph has to hear of.
    """

    job: Job
    request: AddRequest
    is_awaited: bool
    is_begun: bool
    thoughts: Thoughts = field(default_factory=Thoughts)
    is_graphed: bool = False

    def has_plan(self) -> bool:
        """Tell whether there is something to commit before anything more is read."""
        job = self.job
        if job.plan is None:
            return False
        return job.done < len(job.plan) or job.read >= len(self.request.messages)

    def lease_end(self, now: datetime) -> datetime | None:
        """Return until when a commit leaves the job in these hands; None for as long as it is."""
        return now + LEASE if self.is_awaited else None

    def stored(self, job: Job, writes: Sequence[MemoryWrite]) -> None:
        """Note that the job is stored in this state, and these with it."""
        self.is_begun = self.is_begun or job.plan is not None
        self.job = job
        self.is_graphed = self.is_graphed or any(write.is_graphed for write in writes)
        self.thoughts.committed(writes)


def _expiry(settings: ProjectSettings, recorded_at: datetime) -> datetime | None:
    days = settings.episode_days
    return None if days is None else recorded_at + timedelta(days=days)
