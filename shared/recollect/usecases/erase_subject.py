"""Erasing a subject: everything of it, everywhere, so that nothing of it comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import subject_is
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.keys import Access
from recollect.domain.memory import Json, Memory
from recollect.domain.requests import EraseRequest
from recollect.domain.subjects import Subject
from recollect.ports.erasure import Erasures, Remains
from recollect.ports.record import Change, Episodes, Record
from recollect.usecases.empty_jobs import EmptyJobs
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.find_remains import TICK, Before, FindRemains
from recollect.usecases.wipe_memories import WipeMemories
from recollect.usecases.work_on_jobs import LEASE, WorkOnJobs

STEP, PLACE, REFUSED_AT = "step", "place", "refused_at"
"""Notes of a job: what is done next, where it goes on, and when everything late was refused."""
REFUSE, JOBS, MEMORIES, GRAPH = "refuse", "jobs", "memories", "graph"
COUNT, EPISODES, HISTORIES, FORGET = "count", "episodes", "histories", "forget"
VERIFY = "verify"
STEPS = (REFUSE, COUNT, JOBS, MEMORIES, GRAPH, EPISODES, HISTORIES, FORGET, VERIFY)
"""In this order: what is refused first cannot come back, an add's job goes with its episode."""
SHORTEST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
"""Between two looks at what is left; the longer it takes, the longer they are."""
VERIFIED_WITHIN = timedelta(days=1)
"""If something is left by then, it stays so until somebody finds out why."""

Done = tuple[Job, str | None]
"""A job after a part of a step, and the place to go on with the step; None once it is done."""


@dataclass(frozen=True)
class EraseSubject:
    """Remove all that was asked for before an erasure and is of its subject, or came of it.

    What is asked for afterwards, under the same name, lives on. First everything that was asked for
    before is refused from then on; then all there is goes from the record, at once. A worker waits
    until the index and the graph have followed, removes the last traces, looks whether anything is
    left anywhere, and leaves a receipt in the job. Every step can be repeated.

    `backups_kept` is for how long backups bring back what was there; None if nobody knows.
    """

    record: Record
    episodes: Episodes
    erasures: Erasures
    remains: Remains
    work: WorkOnJobs
    wipe: WipeMemories
    erase_graph: EraseGraph
    empty_jobs: EmptyJobs
    find: FindRemains
    now: Callable[[], datetime]
    backups_kept: timedelta | None = None

    def __call__(self, access: Access, subject: Subject, key: IdempotencyKey | None = None) -> Job:
        """Return the job, PENDING: a worker goes on with it. An unknown subject is no different.

        Unless the time was up, all `is_gone` from the record. Raises `ForbiddenError` if the
        subject is out of reach, and `UnavailableError`.
        """
        request = EraseRequest.of(access.project, access.checked(subject))
        return self.work.start(request, key, partial(self._carry_out, is_awaited=True))

    def again(self, project: str, subject: Subject, at: datetime) -> Job:
        """Accept the erasure of a subject that was erased at that time already; return its job.

        For what a restored record has brought back. A worker carries it out.
        """
        return self.work.accept(EraseRequest.of(project, subject), None, asked_at=at)

    def resume(self, job: Job) -> Job | None:
        """Go on with a job; None if it is done or in other hands.

        Raises `UnavailableError`, and the job has failed, if something is left after a day.
        """
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job, *, is_awaited: bool = False) -> Job:
        subject = _subject_of(job)
        while not is_gone(job):
            if self.work.is_late():
                return self.work.hand_over(job)
            job = self._noted(self._go_on(job, subject))
        if is_awaited or self.work.is_late():
            return self.work.hand_over(job)
        return self._verified(job, subject)

    def _go_on(self, job: Job, subject: Subject) -> Job:
        """Do a part of the step that is next."""
        step, place = str(job.notes.get(STEP, REFUSE)), str(job.notes.get(PLACE, ""))
        job, following = self._parts()[step](job, subject, place)
        if following is None:
            step = STEPS[STEPS.index(step) + 1]
        return _with(job, **{STEP: step, PLACE: following or ""})

    def _parts(self) -> Mapping[str, Callable[[Job, Subject, str], Done]]:
        return {
            REFUSE: self._refuse,
            COUNT: self._count_episodes,
            JOBS: self._empty_jobs,
            MEMORIES: self._wipe,
            GRAPH: self._erase_graph,
            EPISODES: self._remove_episodes,
            HISTORIES: self._strip,
            FORGET: self._forget,
        }

    def _refuse(self, job: Job, subject: Subject, place: str) -> Done:
        if not place:
            self.erasures.mark(job.project, subject, at=job.said_by)
        following = self.erasures.refuse(job.project, subject, at=job.said_by, after=place)
        if following is None:
            job = _with(job, **{REFUSED_AT: self.now().isoformat()})
        return job, following

    def _empty_jobs(self, job: Job, subject: Subject, place: str) -> Done:
        emptied, following = self.empty_jobs(job, subject, place)
        return _counted(job, "jobs", emptied), following

    def _wipe(self, job: Job, subject: Subject, _: str) -> Done:
        is_before = self._before(job)

        def is_to_go(memory: Memory) -> bool:
            return is_before(memory.recorded_at, memory.episode_id)

        after = self.wipe(job, subject_is(subject), is_to_go)
        is_late = after.status is JobStatus.PENDING
        return replace(after, status=JobStatus.RUNNING), "" if is_late else None

    def _erase_graph(self, job: Job, subject: Subject, _: str) -> Done:
        self.erase_graph(job.project, subject)
        return job, None

    def _count_episodes(self, job: Job, subject: Subject, place: str) -> Done:
        before = job.said_by + TICK
        count, following = self.remains.count_episodes(
            job.project, subject, before=before, after=place
        )
        return _counted(job, "episodes", count), following

    def _remove_episodes(self, job: Job, subject: Subject, place: str) -> Done:
        before = job.said_by + TICK
        return job, self.episodes.remove(job.project, [subject], before=before, after=place)

    def _strip(self, job: Job, subject: Subject, _: str) -> Done:
        for page in self.find.deleted(job.project, subject, self._before(job)):
            self.remains.strip(job.project, list(page.values()))
            if self.work.is_late():
                return job, ""
        return job, None

    def _forget(self, job: Job, subject: Subject, place: str) -> Done:
        following = self.remains.forget(
            job.project, subject, at=job.said_by, now=self.now(), after=place
        )
        return job, following

    def _verified(self, job: Job, subject: Subject) -> Job:
        """Return the job with a receipt; at rest if the index, or anybody, is not so far."""
        if not self.find.is_followed(job.project, subject):
            return self._at_rest(job, {"index": 1})
        is_before = self._before(job)
        for page in self.find.deleted(job.project, subject, is_before):
            if not self.find.is_withdrawn(job.project, page.values()):
                return self._at_rest(job, {"graph": 1})
            self.remains.remove(job.project, subject, page)
            job = self._noted(_counted(job, "histories", len(page)))
        left = self.find(job, subject, is_before)
        if left:
            return self._at_rest(_with(job, **{STEP: REFUSE, PLACE: ""}), left)
        if not self.remains.overwrite():
            return self._at_rest(job, {"places": 1})
        now = self.now()
        done = replace(
            job,
            status=JobStatus.SUCCEEDED,
            completed_at=now,
            request=EraseRequest(project=job.project, subject_key=subject.key),
            notes={"deleted": job.done},
            result=self._receipt(job, now),
        )
        self.record.commit(job.project, Change(at=now, job=done))
        # The job itself named the subject until now.
        self.remains.overwrite()
        return done

    def _at_rest(self, job: Job, left: Mapping[str, int]) -> Job:
        """Leave the job to be taken up after a pause; raise if that has gone on for too long."""
        waited = self.now() - job.created_at
        if waited > VERIFIED_WITHIN:
            kinds = ", ".join(f"{kind}: {count}" for kind, count in left.items())
            message = f"Something is left after a day ({kinds}); the same request may remove it"
            raise UnavailableError(message)
        return self.work.rest(job, min(max(waited, SHORTEST_PAUSE), LONGEST_PAUSE))

    def _receipt(self, job: Job, now: datetime) -> Mapping[str, Json]:
        kept = self.backups_kept
        # A backup that was made a moment before has it, too.
        expire_at = (now + kept).isoformat() if kept is not None else None
        return {
            "memories": job.done,
            **{kind: _count(job, kind) for kind in ("histories", "episodes", "jobs")},
            "asked_at": job.said_by.isoformat(),
            "done_at": now.isoformat(),
            "backups_expire_at": expire_at,
        }

    def _noted(self, job: Job) -> Job:
        now = self.now()
        self.record.commit(job.project, Change(at=now, lease_end=now + LEASE, job=job))
        return job

    def _before(self, job: Job) -> Before:
        refused_at = datetime.fromisoformat(str(job.notes[REFUSED_AT]))
        return Before(self.work.jobs, job, refused_at)


def is_gone(job: Job) -> bool:
    """Tell whether an erasure has removed everything from the record, once and for all."""
    return job.status is JobStatus.SUCCEEDED or job.notes.get(STEP) == VERIFY


def _subject_of(job: Job) -> Subject:
    if not isinstance(job.request, EraseRequest) or job.request.subject is None:
        raise TypeError(type(job.request))
    return job.request.subject


def _with(job: Job, **notes: Json) -> Job:
    return replace(job, notes={**job.notes, **notes})


def _count(job: Job, kind: str) -> int:
    count = job.notes.get(kind, 0)
    return count if isinstance(count, int) else 0


def _counted(job: Job, kind: str, more: int) -> Job:
    return _with(job, **{kind: _count(job, kind) + more})
