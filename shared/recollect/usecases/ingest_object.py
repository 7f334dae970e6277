"""Remembering what an object says, of any size."""

import hashlib
import json
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid5

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.domain.jobs import UNFINISHED, IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Json, Message, checked_metadata
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import AddRequest, IngestRequest
from recollect.domain.roles import SYSTEM_ROLES
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.jobs import Jobs
from recollect.ports.keys import Keys
from recollect.ports.objects import ObjectStore, ObjectVersion
from recollect.ports.record import Change, ErasedError, Record
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.ingest_tally import PLACE, Tally
from recollect.usecases.manage_keys import has_key
from recollect.usecases.transcripts import (
    BadLine,
    Content,
    Conversation,
    Item,
    read_content,
    shared_metadata,
)
from recollect.usecases.work_on_jobs import RESUMED_LEASE, WorkOnJobs

MOST_UNFINISHED: Final = 1_000
"""Conversations of an object that wait for workers, so that a huge one fills no queue."""
TOGETHER: Final = 100
"""Items after which the job is written: what is read again after a crash, and accepted again."""
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""Between looks at conversations that are being remembered; longer while none of them is done."""
MOST_DOUBLED: Final = 10
MAX_ROLE: Final = 64
MAX_SPEAKER: Final = 256
"""Characters, as of messages that come over HTTP."""


@dataclass(frozen=True)
class IngestObject:
    """Accept an add for each conversation in an object, wait for all of them, and report.

    It is carried on by whoever has time, from a place in the object. Repeating any of it is safe:
    the same version of an object is the same job, and a conversation's job has an id that follows
    from the object's job and the conversation's number in the object, which is the same whenever
    it is read.
    """

    objects: ObjectStore
    jobs: Jobs
    record: Record
    keys: Keys
    work: WorkOnJobs
    add: AddMemories
    now: Callable[[], datetime]

    def accept(self, request: IngestRequest, *, message_id: str | None = None) -> Job:
        """Return the job, which waits for a worker, or the earlier one of the same version.

        One that failed is tried again. Raises `InvalidRequestError` unless the object's key names
        the project, and that has a key: what nobody could read would be remembered otherwise.
        """
        if ObjectKey.of(request.key).project != request.project:
            message = "The key names another project"
            raise InvalidRequestError(message)
        if not has_key(self.keys, request.project):
            message = "The key names no project that has an API key"
            raise InvalidRequestError(message)
        name = f"{request.bucket}\n{request.key}\n{request.version}"
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self.work.accept(
            request,
            IdempotencyKey(f"object:{digest}", digest),
            asked_at=min(request.modified_at, self.now()),
            message_id=message_id,
        )

    def resume(self, job: Job) -> Job | None:
        """Carry the job on; None if it is done or in other hands.

        It is PENDING afterwards if the time was up, or others have to be waited for. Raises
        `NotFoundError` if the version is there no more: the job has failed then.
        """
        return self.work.resume(job, self._carry_out)

    def _carry_out(self, job: Job) -> Job:
        if not isinstance(job.request, IngestRequest):
            raise TypeError(type(job.request))
        run = _Run(self, job, job.request)
        try:
            return run()
        except UnavailableError as error:
            return self.work.put_off(job, error)


class _Run:
    """One worker's time with an object."""

    def __init__(self, ingest: IngestObject, job: Job, request: IngestRequest) -> None:
        self._ingest = ingest
        self._job = job
        self._request = request
        self._key = ObjectKey.of(request.key)
        self._tally = Tally.of(job)

    def __call__(self) -> Job:
        """Return the job as it leaves it."""
        tally, work = self._tally, self._ingest.work
        is_settled = self._settle()
        if not tally.is_read:
            tally.is_read = self._read()
            is_settled = tally.is_read and self._settle()
        if work.is_late():
            return work.hand_over(self._noted())
        if not is_settled:
            pause = min(FIRST_WAIT * 2 ** min(tally.waits, MOST_DOUBLED), LONGEST_WAIT)
            tally.waits += 1
            return work.rest(self._noted(), pause)
        return self._done()

    def _read(self) -> bool:
        """Accept what can be read; tell whether that is all."""
        request, tally = self._request, self._tally
        version = ObjectVersion(request.bucket, request.key, request.version)
        content = Content(request.key, partial(self._ingest.objects.open, version))
        with closing(read_content(content, tally.behind, is_at_once=False)) as items:
            for item in items:
                self._take(item)
                tally.items += 1
                tally.behind = item.behind
                if tally.items % TOGETHER == 0:
                    self._keep()
                if self._has_to_stop():
                    return False
        return True

    def _has_to_stop(self) -> bool:
        if self._ingest.work.is_late():
            return True
        if self._tally.unfinished < MOST_UNFINISHED:
            return False
        self._settle()
        return self._tally.unfinished >= MOST_UNFINISHED

    def _take(self, item: Item) -> None:
        tally = self._tally
        if isinstance(item, BadLine):
            tally.skip(item)
        elif all(message.role.lower() in SYSTEM_ROLES for message in item.messages):
            tally.system_messages += len(item.messages)
        else:
            self._accept(item)

    def _accept(self, piece: Conversation) -> None:
        tally = self._tally
        try:
            request = self._add_request(piece)
            number = tally.accepted + 1
            # Accepted before a crash and erased since: it is counted as a job that failed of that.
            with suppress(ErasedError):
                self._ingest.add.accept(
                    request,
                    IdempotencyKey(f"{self._job.id} {number}", piece.key),
                    asked_at=self._job.asked_at,
                    job_id=self._piece_id(number),
                    notes={PLACE: piece.key},
                )
        except InvalidRequestError as error:
            self._accept_singly(piece, error)
        else:
            tally.accepted = number
            tally.messages += len(piece.messages)

    def _accept_singly(self, piece: Conversation, error: InvalidRequestError) -> None:
        """Find out which messages are refused, and accept the others."""
        if len(piece.messages) == 1:
            self._tally.bad += 1
            self._tally.refuse(piece.key, str(error))
            return
        for number, message in enumerate(piece.messages, 1):
            key = f"{piece.key} message {number}"
            said_at = message.said_at or piece.said_at
            self._take(replace(piece, key=key, messages=(message,), said_at=said_at))

    def _add_request(self, piece: Conversation) -> AddRequest:
        if any(
            len(turn.role) > MAX_ROLE or len(turn.name or "") > MAX_SPEAKER
            for turn in piece.messages
        ):
            message = f"A role must have at most {MAX_ROLE} characters, a name {MAX_SPEAKER}"
            raise InvalidRequestError(message)
        names = {SubjectKind(name.removesuffix("_id")): value for name, value in piece.ids.items()}
        return AddRequest(
            scope=Scope.of(self._job.project, {**self._key.names, **names}),
            messages=tuple(
                Message(turn.role, turn.content, name=turn.name, said_at=turn.said_at)
                for turn in piece.messages
            ),
            infer=self._key.infer,
            metadata=checked_metadata(shared_metadata(piece)),
            said_at=piece.said_at,
            reference_at=piece.said_at or self._request.modified_at,
        )

    def _noted(self) -> Job:
        notes, problems = self._tally.noted()
        return replace(
            self._job,
            read=self._tally.items,
            done=self._tally.settled,
            notes=notes,
            result=problems,
        )

    def _keep(self) -> None:
        """Write down how far it is, so that it goes on from here after a crash."""
        now = self._ingest.now()
        change = Change(at=now, lease_end=now + RESUMED_LEASE, job=self._noted())
        self._ingest.record.commit(self._job.project, change)

    def _settle(self) -> bool:
        """Count what became of the next conversations; tell whether all accepted ones ended."""
        tally = self._tally
        while tally.unfinished and not self._ingest.work.is_late():
            job = self._ingest.jobs.get(self._job.project, self._piece_id(tally.settled + 1))
            if job and job.status in UNFINISHED:
                break
            tally.settle(job)
        return not tally.unfinished

    def _piece_id(self, number: int) -> str:
        return str(uuid5(UUID(self._job.id), str(number)))

    def _done(self) -> Job:
        """Write the report and end the job."""
        now = self._ingest.now()
        key = self._key.report(self._request.version)
        data = json.dumps(self._report(now), indent=2, ensure_ascii=False).encode()
        self._ingest.objects.write(self._request.bucket, key, data)
        done = replace(
            self._noted(),
            status=JobStatus.SUCCEEDED,
            completed_at=now,
            notes={**self._tally.told(), "report": key},
            result={"report": key},
        )
        self._ingest.record.commit(done.project, Change(at=now, job=done))
        return done

    def _report(self, now: datetime) -> Json:
        request, job = self._request, self._job
        return {
            "version": 1,
            "object": {
                "bucket": request.bucket,
                "key": request.key,
                "version": request.version,
                "size": request.size,
                "modified_at": request.modified_at.isoformat(),
            },
            "event_id": job.id,
            "accepted_at": job.created_at.isoformat(),
            "completed_at": now.isoformat(),
            **self._tally.told(),
            "problems": self._tally.problems,
            "more_problems": self._tally.more_problems,
        }
