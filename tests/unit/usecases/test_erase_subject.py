"""Erasing a subject: nothing of before is left or comes back; what is said afterwards lives on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recollect.adapters.local.erasure import LocalErasures, LocalRemains
from recollect.adapters.local.jobs import LocalJobs
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import ForbiddenError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.keys import Access
from recollect.domain.memory import Message
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    ErasedRequest,
    EraseRequest,
    ExportRequest,
    IngestRequest,
    JobRequest,
)
from recollect.domain.subjects import Subject, SubjectKind
from recollect.ports.record import Change, ErasedError
from recollect.testing.builders import NOON, a_job, a_scope
from recollect.usecases.erase_subject import VERIFIED_WITHIN
from tests.service import BACKUPS_KEPT, Service, a_service

ADA = Subject(SubjectKind.USER, "ada")
BOB = Subject(SubjectKind.USER, "bob")
HELPER = Subject(SubjectKind.AGENT, "helper")
SECRET = "heliotrope"
MINUTE = timedelta(minutes=1)
MOST_ROUNDS = 20


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = a_service(tmp_path / "recollect.db")
    yield service
    service.store.database.close()


@pytest.fixture
def project(service: Service) -> str:
    return service.open_project("acme")


def follow(service: Service) -> None:
    """Have the index and the graph follow, as the local worker does."""
    wake_ups = service.ports.wake_ups
    while news := wake_ups.subjects.take(limit=100):
        for project, keys in news:
            service.project_changes(project, keys)
    while owners := wake_ups.unread.take(limit=1):
        service.write_graph(owners[0])
    while owners := wake_ups.unprojected.take(limit=1):
        service.project_graph(owners[0])


def settle(service: Service, job: Job) -> Job:
    """Work on what waits, as workers and maintenance do, until the job has ended."""
    for _ in range(MOST_ROUNDS):
        follow(service)
        service.drive_on()
        now = service.ports.jobs.get(job.project, job.id)
        assert now is not None
        if now.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            return now
        service.clock.forward(10 * MINUTE)
    pytest.fail("The erasure does not come to its end")


def raw(service: Service, *, with_index: bool = True) -> str:
    """Return everything that the tables have, for a search of words."""
    with service.store.database.reading() as connection:
        names = [
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if with_index or not row["name"].startswith("index_")
        ]
        return "\n".join(
            f"{name}: {tuple(row)!r}"
            for name in names
            for row in connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - ours
        )


def accepted(service: Service, project: str, request: JobRequest, **changes: Any) -> Job:  # noqa: ANN401 - a Job's
    job = a_job(a_scope(project), request=request, **{"created_at": service.clock(), **changes})
    return service.ports.jobs.accept(job, None, lease_end=service.clock() + MINUTE)


def ended(service: Service, job: Job, **changes: Any) -> Job:  # noqa: ANN401 - as above
    done = replace(job, status=JobStatus.SUCCEEDED, completed_at=service.clock(), **changes)
    service.ports.record.commit(job.project, Change(at=service.clock(), job=done))
    return done


def test_nothing_of_before_is_left(service: Service, project: str) -> None:
    alone, shared = a_scope(project), a_scope(project, user="ada", agent="helper")
    others = a_scope(project, user="bob", agent="helper")
    kept = service.remember(others, "bob likes tea")
    for scope in (alone, shared):
        first = service.remember(scope, f"ada likes {SECRET}", is_graphed=True)
        second = service.remember(scope, f"ada grows {SECRET}")
        service.update(project, first.id, MemoryChanges(text=f"ada loves {SECRET}"))
        service.delete(project, second.id)
    service.describe_subject(project, ADA, {"flower": SECRET})
    follow(service)

    job = service.erase(Access(project), ADA)

    assert job.status is JobStatus.PENDING
    assert SECRET not in raw(service, with_index=False)
    done = settle(service, job)
    assert done.status is JobStatus.SUCCEEDED
    assert SECRET not in raw(service)
    assert '"ada"' not in raw(service)
    assert "'ada'" not in raw(service)
    assert service.read(project, kept.id) == kept
    assert done.request == EraseRequest(project=project, subject_key=ADA.key)
    receipt: Any = done.result
    assert receipt == {
        "memories": 2,
        "histories": 4,
        "episodes": 4,
        "jobs": 4,
        "asked_at": job.created_at.isoformat(),
        "done_at": done.completed_at.isoformat() if done.completed_at else None,
        "backups_expire_at": (
            (done.completed_at + BACKUPS_KEPT).isoformat() if done.completed_at else None
        ),
    }


def test_who_keeps_no_backups_tells_of_none(service: Service, project: str) -> None:
    erase = replace(service.erase, backups_kept=None)
    job = erase(Access(project), ADA)

    done = erase.resume(job)

    assert done
    assert isinstance(done.result, dict)
    assert done.result["backups_expire_at"] is None
    assert done.result["memories"] == 0


def test_what_is_said_afterwards_lives_on(service: Service, project: str) -> None:
    scope = a_scope(project, user="ada", agent="helper")
    service.remember(scope, f"ada likes {SECRET}", is_graphed=True)

    job = service.erase(Access(project), ADA)
    new = service.remember(scope, "ada likes tea", is_graphed=True)
    gone = service.remember(scope, "ada likes coffee")
    service.delete(project, gone.id)
    service.describe_subject(project, ADA, {"drink": "tea"})
    done = settle(service, job)

    assert done.status is JobStatus.SUCCEEDED
    assert SECRET not in raw(service)
    assert service.listed(scope) == (new,)
    assert len(service.ports.record.history(project, gone.id)) == 2
    entry = service.ports.listing.subject(project, ADA)
    assert entry
    assert (entry.memories, entry.metadata) == (1, {"drink": "tea"})
    assert service.ports.episodes.get(project, [new.episode_id], now=service.clock())


def test_a_new_start_in_the_middle_is_told_by_its_job(service: Service, project: str) -> None:
    """What was asked for before and what was asked for after, both stored in the same moment."""
    scope = a_scope(project)
    late = service.having(is_late=lambda: True)
    before = late.say(scope, f"ada likes {SECRET}")
    job = late.erase(Access(project), ADA)
    after = service.remember(scope, "ada likes tea")
    service.add.resume(before)
    assert len(service.listed(scope)) == 2

    done = settle(service, job)

    assert done.status is JobStatus.SUCCEEDED
    assert service.listed(scope) == (after,)
    assert SECRET not in raw(service)


def test_a_late_add_is_refused_and_keeps_nothing(service: Service, project: str) -> None:
    asked_at = service.clock()
    settle(service, service.erase(Access(project), ADA))
    request = AddRequest(scope=a_scope(project), messages=(Message("user", SECRET),), infer=False)

    late = service.add.accept(request, asked_at=asked_at, message_id="m1")
    service.work_off()

    failed = service.ports.jobs.get(project, late.id)
    assert failed
    assert (failed.status, failed.message_id) == (JobStatus.FAILED, "m1")
    assert failed.request == ErasedRequest(project=project)
    assert failed.error == str(ErasedError.of_subject())
    assert SECRET not in raw(service)
    assert service.carry_on(project, late.id, again=True) == failed


@pytest.mark.parametrize("is_async", [False, True])
def test_a_key_of_an_erased_request_brings_nothing_back(
    service: Service,
    project: str,
    is_async: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    key = IdempotencyKey("k", "body")
    request = AddRequest(scope=a_scope(project), messages=(Message("user", SECRET),), infer=False)
    service.add(request, key)
    settle(service, service.erase(Access(project), ADA))

    with pytest.raises(ErasedError):
        (service.add.accept if is_async else service.add)(request, key)

    assert service.listed(a_scope(project)) == ()


def test_an_add_under_way_is_taken_out_of_all_hands(service: Service, project: str) -> None:
    late = service.having(is_late=lambda: True)
    waiting = late.say(a_scope(project), SECRET)

    settle(service, service.erase(Access(project), ADA))

    job = service.ports.jobs.get(project, waiting.id)
    assert job
    assert (job.status, job.request) == (JobStatus.FAILED, ErasedRequest(project=project))
    assert service.add.resume(waiting) is None


def test_jobs_that_may_tell_of_the_subject_are_emptied(service: Service, project: str) -> None:
    ada = service.remember(a_scope(project), f"ada likes {SECRET}")
    gone = service.remember(a_scope(project, user="bob"), "bob likes nothing")
    bobs = service.remember(a_scope(project, user="bob"), "bob likes tea")
    service.delete(project, gone.id)
    changes = {ada.id: MemoryChanges(text=SECRET)}
    emptied: list[JobRequest] = [
        DeleteAllRequest(project=project, filters={"AND": [{"user_id": "ada"}]}),
        DeleteAllRequest(project=project, filters={"run_id": "r"}, subject=ADA),
        ExportRequest(project=project, filters={"user_id": {"in": ["bob", "ada"]}}, schema={}),
        ExportRequest(project=project, filters={"agent_id": "helper"}, schema={}),
        ExportRequest(project=project, filters={"metadata": {"n": 1}}, schema={}),
        BatchUpdateRequest(project=project, changes=changes),
        BatchDeleteRequest(project=project, memory_ids=("unknown",)),
        IngestRequest(
            project=project,
            bucket="b",
            key="projects/acme/users/ada/a.jsonl",
            version="1",
            size=1,
            modified_at=NOON,
        ),
    ]
    kept: list[JobRequest] = [
        DeleteAllRequest(project=project, filters={"OR": [{"user_id": "bob"}]}),
        ExportRequest(project=project, filters={"user_id": "bob"}, schema={}),
        BatchDeleteRequest(project=project, memory_ids=(bobs.id, gone.id)),
    ]
    jobs = [ended(service, accepted(service, project, each)) for each in emptied]
    others = [ended(service, accepted(service, project, each)) for each in kept]

    done = settle(service, service.erase(Access(project), ADA))

    assert done.status is JobStatus.SUCCEEDED
    assert [_request(service, job) for job in jobs] == [ErasedRequest(project=project)] * len(jobs)
    assert [_request(service, job) for job in others] == kept
    assert all(_status(service, job) is JobStatus.SUCCEEDED for job in jobs)
    settle(service, service.erase(Access(project), BOB))
    assert _request(service, done) == done.request


def test_a_folder_called_as_the_subject_is_not_its_own(service: Service, project: str) -> None:
    keys = (f"projects/{project}/users/bob/a.jsonl", f"projects/acme/agents/{project}/a.jsonl")
    others = [
        accepted(
            service,
            project,
            IngestRequest(
                project=project, bucket="b", key=key, version="1", size=1, modified_at=NOON
            ),
        )
        for key in keys
    ]

    done = settle(service, service.erase(Access(project), Subject(SubjectKind.USER, project)))

    assert done.status is JobStatus.SUCCEEDED
    assert [_request(service, job) for job in others] == [job.request for job in others]


def _request(service: Service, job: Job) -> JobRequest:
    found = service.ports.jobs.get(job.project, job.id)
    assert found
    return found.request


def _status(service: Service, job: Job) -> JobStatus:
    found = service.ports.jobs.get(job.project, job.id)
    assert found
    return found.status


def test_what_is_done_for_others_too_is_waited_for(service: Service, project: str) -> None:
    request = DeleteAllRequest(project=project, filters={"user_id": "ada"})
    theirs = accepted(service, project, request)
    job = service.erase(Access(project), ADA)

    resting = service.erase.resume(job)

    assert resting
    assert resting.status is JobStatus.PENDING
    ended(service, theirs)
    assert settle(service, job).status is JobStatus.SUCCEEDED
    assert _request(service, theirs) == ErasedRequest(project=project)


def test_many_jobs_are_gone_through(service: Service, project: str) -> None:
    requests = [BatchDeleteRequest(project=project, memory_ids=("unknown",))] * 150
    jobs = [ended(service, accepted(service, project, each)) for each in requests]

    done = settle(service, service.erase(Access(project), ADA))

    assert isinstance(done.result, dict)
    assert done.result["jobs"] == len(jobs)


def test_an_erasure_that_is_late_is_handed_over(service: Service, project: str) -> None:
    scope = a_scope(project)
    service.remember(scope, SECRET)
    late = service.having(is_late=lambda: True)

    job = late.erase(Access(project), ADA)

    assert job.status is JobStatus.PENDING
    assert len(service.listed(scope)) == 1
    assert settle(service, job).status is JobStatus.SUCCEEDED
    assert service.listed(scope) == ()


@pytest.mark.parametrize("looks", range(1, 14))
def test_an_erasure_may_be_late_at_any_time(service: Service, project: str, looks: int) -> None:
    scope = a_scope(project)
    for number in range(3):
        memory = service.remember(scope, f"{SECRET} {number}")
    service.delete(project, memory.id)
    times = iter([False] * looks)
    late = service.having(is_late=lambda: next(times, True))

    job = late.erase(Access(project), ADA)

    assert settle(service, job).status is JobStatus.SUCCEEDED
    assert SECRET not in raw(service)


def test_what_the_index_has_still_is_waited_for(service: Service, project: str) -> None:
    service.remember(a_scope(project), SECRET)
    service.index_all(a_scope(project))
    job = service.erase(Access(project), ADA)

    resting = service.erase.resume(job)

    assert resting
    assert resting.status is JobStatus.PENDING
    assert service.ports.wake_ups.subjects.take(limit=9)
    service.index_all(a_scope(project))
    done = service.erase.resume(resting)
    assert done
    assert done.status is JobStatus.SUCCEEDED


def test_what_another_graph_has_still_is_waited_for(service: Service, project: str) -> None:
    scope = a_scope(project, user="ada", agent="helper")
    service.remember(scope, "Ada works at Initech", is_graphed=True)
    service.remember(a_scope(project), "Ada lives in London", is_graphed=True)
    follow(service)
    job = service.erase(Access(project), HELPER)
    service.index_all(scope)
    service.clock.forward(MINUTE)

    resting = service.erase.resume(job)

    assert resting
    assert resting.status is JobStatus.PENDING
    assert settle(service, job).status is JobStatus.SUCCEEDED


def test_no_file_has_a_trace_of_it(service: Service, project: str) -> None:
    name = "ada-lovelace-1815"
    scope = a_scope(project, user=name)
    # So few that SQLite moves no row, of which it may leave a piece.
    for number in range(5):
        memory = service.remember(scope, f"likes {SECRET} {number}")
        service.remember(a_scope(project, user="bob"), f"likes tea {number}")
        if not number % 3:
            service.update(project, memory.id, MemoryChanges(text=f"loves {SECRET} {number}"))
        if not number % 4:
            service.delete(project, memory.id)
    follow(service)
    assert SECRET.encode() in on_disk(service)

    settle(service, service.erase(Access(project), scope.owner))

    assert SECRET.encode() not in on_disk(service)
    assert name.encode() not in on_disk(service)


def on_disk(service: Service) -> bytes:
    path = service.store.database.path
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_who_reads_the_file_is_waited_for(service: Service, project: str) -> None:
    service.remember(a_scope(project), SECRET)
    job = service.erase(Access(project), ADA)
    follow(service)
    path = service.store.database.path
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM jobs").fetchone()

        resting = service.erase.resume(job)

        assert resting
        assert resting.status is JobStatus.PENDING
    assert settle(service, job).status is JobStatus.SUCCEEDED
    assert SECRET.encode() not in on_disk(service)


def test_what_is_left_after_a_day_is_told(service: Service, project: str) -> None:
    request = DeleteAllRequest(project=project, filters={"user_id": "ada"})
    accepted(service, project, request)
    job = service.erase(Access(project), ADA)
    service.clock.forward(VERIFIED_WITHIN)

    with pytest.raises(UnavailableError, match=r"jobs: 1"):
        service.erase.resume(job)

    assert _status(service, job) is JobStatus.FAILED


def test_an_erasure_is_not_for_who_is_out_of_reach(service: Service, project: str) -> None:
    with pytest.raises(ForbiddenError):
        service.erase(Access(project, BOB), ADA)

    job = service.erase(Access(project, ADA), ADA)
    assert job.request.is_within(ADA)
    assert not job.request.is_within(BOB)
    assert settle(service, job).request.is_within(ADA)


def test_erasing_again_is_harmless(service: Service, project: str) -> None:
    key = IdempotencyKey("k", "body")
    service.remember(a_scope(project), SECRET)
    first = settle(service, service.erase(Access(project), ADA, key))

    assert service.erase(Access(project), ADA, key) == first
    assert settle(service, service.erase(Access(project), ADA)).status is JobStatus.SUCCEEDED


def test_what_a_restore_brings_back_is_erased_again(service: Service, project: str) -> None:
    other = service.open_project("other")
    erased_at = service.clock()
    old = service.remember(a_scope(project), SECRET)
    bobs = service.remember(a_scope(project, user="bob"), "bob likes tea")
    service.clock.forward(MINUTE)
    service.ports.erasures.mark(project, ADA, at=service.clock())
    service.clock.forward(MINUTE)
    settled = service.say(a_scope(other), "ada of others")

    assert service.reapply(other) == 0
    assert service.reapply() == 1

    assert erased_at < old.recorded_at
    assert SECRET not in raw(service, with_index=False)
    assert service.read(project, bobs.id) == bobs
    assert settled.outcomes


def test_only_erasures_are_carried_out_as_such(service: Service, project: str) -> None:
    job = accepted(service, project, DeleteAllRequest(project=project, filters={}))
    service.clock.forward(MINUTE * 60)

    with pytest.raises(TypeError):
        service.erase.resume(job)


@dataclass(frozen=True)
class SlowErasures(LocalErasures):
    """Takes two calls to refuse what is late, as where there are many scopes."""

    def refuse(
        self, project: str, subject: Subject, *, at: datetime, after: str = ""
    ) -> str | None:
        done = super().refuse(project, subject, at=at, after=after)
        return done if after else "half"


@dataclass(frozen=True)
class SlowRemains(LocalRemains):
    """Counts an episode in a call of its own."""

    def count_episodes(
        self, project: str, subject: Subject, *, before: datetime, after: str = ""
    ) -> tuple[int, str | None]:
        if not after:
            return 0, "first"
        return super().count_episodes(project, subject, before=before, after=after)


def test_a_subject_of_many_scopes_is_erased_part_by_part(service: Service, project: str) -> None:
    service.remember(a_scope(project), SECRET)
    database = service.store.database
    slow = service.having(erasures=SlowErasures(database), remains=SlowRemains(database))

    job = slow.erase(Access(project), ADA)
    slow.index_all(a_scope(project))
    done = slow.erase.resume(job)

    assert done
    assert isinstance(done.result, dict)
    assert (done.status, done.result["episodes"]) == (JobStatus.SUCCEEDED, 1)
    assert SECRET not in raw(service)


def test_what_is_recorded_much_later_is_not_asked_about(service: Service, project: str) -> None:
    job = service.erase(Access(project), ADA)
    service.clock.forward(60 * MINUTE)
    new = service.remember(a_scope(project), "likes tea")
    asked = service.having(jobs=NobodysJobs(service.store.database))

    done = asked.erase.resume(job)

    assert done
    assert service.listed(a_scope(project)) == (new,)


@dataclass(frozen=True)
class NobodysJobs(LocalJobs):
    """Knows the jobs of erasures alone."""

    def get(self, project: str, job_id: str) -> Job | None:
        job = super().get(project, job_id)
        assert job is None or not isinstance(job.request, AddRequest)
        return job


def test_nobody_knows_whose_an_emptied_job_was() -> None:
    request = ErasedRequest(project="acme")

    assert request.is_within(None)
    assert not request.is_within(ADA)
