"""What changing or deleting many memories at once promises."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import HistoryAction, Memory, Vector
from recollect.domain.projects import ProjectSettings
from recollect.domain.requests import BatchDeleteRequest, BatchUpdateRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.models import EmbeddingTask
from recollect.ports.record import Change, VersionMovedError
from recollect.testing.builders import a_change, a_job, a_scope, adding, deleting, updating
from recollect.usecases.change_memories import MAX_MEMORIES, READ_TOGETHER
from recollect.usecases.work_on_jobs import LEASE
from tests.service import Service, embedder

Meddling = Callable[[LocalRecord], Change | None]
BOB = Subject(SubjectKind.USER, "bob")


class KilledError(BaseException):
    """Ends a process; nothing that handles refusals may catch it."""


@dataclass(frozen=True)
class SmallRecord(LocalRecord):
    """Holds two writes a commit; before each one with writes, somebody meddles."""

    meddling: list[Meddling] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 2)

    def commit(self, project: str, change: Change) -> None:
        if change.writes and self.meddling:
            meddled = self.meddling.pop(0)(self)
            if meddled:
                super().commit(project, meddled)
        super().commit(project, change)
        if change.writes:
            self.commits.append(len(change.writes))


class StormyRecord(LocalRecord):
    """Loses every race."""

    def commit(self, project: str, change: Change) -> None:
        if change.writes:
            raise VersionMovedError(project)
        super().commit(project, change)


@dataclass(frozen=True)
class CountingEmbedder:
    """Embeds, and notes how many texts at once."""

    batches: list[int] = field(default_factory=list)

    @property
    def model(self) -> str:
        return embedder().model

    @property
    def dimensions(self) -> int:
        return embedder().dimensions

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        self.batches.append(len(texts))
        return embedder().embed(texts, task)


def killed(_: LocalRecord) -> Change:
    raise KilledError


def peaceful(_: LocalRecord) -> None:
    """Let a commit pass."""


def meddled(service: Service, *meddling: Meddling) -> Service:
    return service.having(record=SmallRecord(service.store.database, list(meddling)))


def several(service: Service, scope: Scope, count: int = 5) -> list[Memory]:
    """Return memories "text 0", "text 1", ..."""
    job = service.say(scope, *(f"text {number}" for number in range(count)))
    found = service.store.record.get(scope.project, [each.memory_id for each in job.outcomes])
    return [found[each.memory_id] for each in job.outcomes]


def texts_for(memories: Sequence[Memory], subject: Subject | None = None) -> BatchUpdateRequest:
    """Ask for "new 0", "new 1", ..."""
    changes = {each.id: MemoryChanges(text=f"new {at}") for at, each in enumerate(memories)}
    return BatchUpdateRequest(project=memories[0].scope.project, changes=changes, subject=subject)


def ends_of(memories: Sequence[Memory], subject: Subject | None = None) -> BatchDeleteRequest:
    ids = tuple(memory.id for memory in memories)
    return BatchDeleteRequest(project=memories[0].scope.project, memory_ids=ids, subject=subject)


def texts(service: Service, scope: Scope) -> list[str]:
    return sorted(memory.text for memory in service.listed(scope))


def versions(service: Service, scope: Scope) -> set[int]:
    return {memory.version for memory in service.listed(scope)}


def test_each_memory_is_changed_as_one_alone_would_be(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    single = service.remember(a_scope(scope.project, user="bob"), "old")
    service = meddled(service)

    job = service.update_batch(texts_for(memories))

    alone = service.update(scope.project, single.id, MemoryChanges(text="new 0"))
    after = service.read(scope.project, memories[0].id)
    assert (after.version, after.embedding) == (alone.version, alone.embedding)
    assert after.stated_at == after.updated_at > memories[0].updated_at
    [_, (event, _)] = service.read.history(scope.project, after.id).events
    assert (event.action, event.old_text, event.new_text) == (
        HistoryAction.UPDATE,
        "text 0",
        "new 0",
    )
    assert (event.cause, event.valid_from) == (job.id, after.said_at)
    assert texts(service, scope) == [f"new {number}" for number in range(5)]
    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"updated": 5, "of": 5})
    assert service.read_job(scope.project, job.id) == job


def test_as_few_commits_and_embeddings_as_can_be(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    counting = CountingEmbedder()
    service = meddled(service).having(embedder=counting)
    asked = texts_for(memories)
    metadata = {memories[1].id: MemoryChanges(metadata={"a": 1})}

    service.update_batch(replace(asked, changes={**asked.changes, **metadata}))

    record: SmallRecord = service.ports.record  # type: ignore[assignment]
    assert (record.commits, counting.batches) == ([2, 2, 1], [4])


def test_a_batch_is_found_by_search_and_index(service: Service, scope: Scope) -> None:
    [memory] = several(service, scope, 1)
    service.index_all(scope)
    changes = {memory.id: MemoryChanges(text="likes sailing")}
    service.ports.wake_ups.subjects.take(limit=99)

    service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))

    assert [found.memory.text for found in service.found(scope, "sailing")] == ["likes sailing"]
    assert service.ports.wake_ups.subjects.take(limit=9) != []
    assert service.index_all(scope) == 1


def test_what_is_as_asked_stays_and_is_counted(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    changes = {each.id: MemoryChanges(text=each.text) for each in memories}

    job = service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))

    assert job.notes == {"updated": 5, "of": 5}
    assert versions(service, scope) == {1}


def test_a_project_redacts_what_is_asked_before_it_is_kept(service: Service, scope: Scope) -> None:
    [memory] = several(service, scope, 1)
    service.ports.projects.replace(
        scope.project,
        ProjectSettings(is_redacted=True, redaction_patterns=("secret-[0-9]+",), version=1),
    )
    changes = {memory.id: MemoryChanges(text="it is secret-1", metadata={"a": "secret-2"})}

    job = service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))

    after = service.read(scope.project, memory.id)
    assert "secret-" not in repr(
        (after.text, after.metadata, job, service.read_job(scope.project, job.id))
    )


def test_deleted_memories_leave_their_history(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    service = meddled(service)

    job = service.delete_batch(ends_of(memories[1:]))

    assert texts(service, scope) == ["text 0"]
    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"deleted": 4, "of": 4})
    [_, (event, _)] = service.read.history(scope.project, memories[1].id).events
    assert (event.action, event.cause) == (HistoryAction.DELETE, job.id)
    assert service.found(scope, "text")[0].memory.text == "text 0"


@pytest.mark.parametrize("count", [0, MAX_MEMORIES + 1])
def test_a_batch_has_a_size(service: Service, scope: Scope, count: int) -> None:
    ids = [str(number) for number in range(count)]
    changes = {each: MemoryChanges(text="x") for each in ids}

    with pytest.raises(InvalidRequestError):
        service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))
    with pytest.raises(InvalidRequestError):
        service.delete_batch(BatchDeleteRequest(project=scope.project, memory_ids=tuple(ids)))


def test_a_memory_is_in_a_batch_once(service: Service, scope: Scope) -> None:
    [memory] = several(service, scope, 1)

    with pytest.raises(InvalidRequestError, match="once only"):
        service.delete_batch(ends_of([memory, memory]))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (MemoryChanges(), InvalidRequestError),
        (MemoryChanges(text=" "), InvalidRequestError),
        (MemoryChanges(metadata={"a": "x" * 40_000}), InvalidRequestError),
        (MemoryChanges(text="new 0"), ConflictError),
    ],
)
def test_what_cannot_be_made_changes_nothing(
    service: Service, scope: Scope, changes: MemoryChanges, error: type[Exception]
) -> None:
    memories = several(service, scope)
    asked = texts_for(memories)

    with pytest.raises(error):
        service.update_batch(replace(asked, changes={**asked.changes, memories[4].id: changes}))

    assert versions(service, scope) == {1}


def test_an_immutable_memory_changes_nothing(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    fixed = service.remember(scope, "fixed", is_immutable=True)

    with pytest.raises(ConflictError, match="immutable"):
        service.update_batch(texts_for([*memories, fixed]))

    assert versions(service, scope) == {1}


@pytest.mark.parametrize("subject", [None, BOB])
def test_what_is_out_of_reach_changes_nothing(
    service: Service, scope: Scope, subject: Subject | None
) -> None:
    memories = several(service, scope)
    if subject is None:
        service.delete(scope.project, memories[4].id)

    with pytest.raises(NotFoundError, match="Nothing was changed"):
        service.update_batch(texts_for(memories, subject))
    with pytest.raises(NotFoundError, match="Nothing was changed"):
        service.delete_batch(ends_of(memories, subject))

    assert versions(service, scope) == {1}


def test_what_others_change_meanwhile_is_kept(service: Service, scope: Scope) -> None:
    memories = several(service, scope)

    def others(record: LocalRecord) -> Change:
        [before] = record.get(scope.project, [memories[0].id]).values()
        return a_change(updating(before, metadata={"theirs": 1}, text="theirs"))

    service = meddled(service, others)
    asked = {each.id: MemoryChanges(metadata={"mine": 1}) for each in memories}

    job = service.update_batch(BatchUpdateRequest(project=scope.project, changes=asked))

    after = service.read(scope.project, memories[0].id)
    assert (after.text, after.metadata) == ("theirs", {"theirs": 1, "mine": 1})
    assert after.version == 3
    assert job.notes == {"updated": 5, "of": 5}


def test_a_text_that_others_changed_meanwhile_is_embedded_if_it_must_be(
    service: Service, scope: Scope
) -> None:
    [memory] = several(service, scope, 1)

    def others(_: LocalRecord) -> Change:
        return a_change(updating(memory, text="theirs"))

    changes = {memory.id: MemoryChanges(text=memory.text, metadata={"a": 1})}
    service = meddled(service, others)

    service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))

    after = service.read(scope.project, memory.id)
    assert (after.text, after.version, after.embedding) == ("text 0", 3, memory.embedding)


def test_what_others_delete_meanwhile_stays_deleted(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    service = meddled(service, lambda _: a_change(deleting(memories[0]), deleting(memories[3])))

    job = service.update_batch(texts_for(memories))

    assert texts(service, scope) == ["new 1", "new 2", "new 4"]
    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"updated": 3, "of": 5})


def test_all_that_others_delete_first_is_not_counted(service: Service, scope: Scope) -> None:
    memories = several(service, scope, 2)
    service = meddled(service, lambda _: a_change(*map(deleting, memories)))

    assert service.delete_batch(ends_of(memories)).notes == {"deleted": 0, "of": 2}


def test_a_taken_text_ends_a_batch_behind_what_is_done(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    service.remember(scope, "new 3")
    service = meddled(service)
    key = IdempotencyKey("k", "body")

    with pytest.raises(ConflictError, match=rf"{memories[3].id}. 3 before it are done"):
        service.update_batch(texts_for(memories), key)

    assert texts(service, scope) == ["new 0", "new 1", "new 2", "new 3", "text 3", "text 4"]
    [job, *_] = service.ports.jobs.recent(scope.project, limit=1)
    assert (job.status, job.done, job.notes) == (JobStatus.FAILED, 3, {"updated": 3, "of": 5})
    [other] = [each for each in service.listed(scope) if each.text == "new 3"]
    service.delete(scope.project, other.id)
    assert service.update_batch(texts_for(memories), key).notes == {"updated": 5, "of": 5}


def test_a_text_that_is_given_up_meanwhile_is_taken(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    other = replace(memories[0], id="other", text="new 1")
    service = meddled(
        service, lambda _: a_change(adding(other)), lambda _: a_change(deleting(other))
    )

    job = service.update_batch(texts_for(memories))

    assert job.notes == {"updated": 5, "of": 5}
    assert texts(service, scope) == [f"new {number}" for number in range(5)]


def test_a_text_can_pass_from_one_memory_to_another_in_one_commit(
    service: Service, scope: Scope
) -> None:
    first, second = several(service, scope, 2)
    changes = {first.id: MemoryChanges(text="text 1"), second.id: MemoryChanges(text="text 0")}

    service.update_batch(BatchUpdateRequest(project=scope.project, changes=changes))

    assert service.read(scope.project, first.id).text == "text 1"


def test_endless_races_are_given_up(service: Service, scope: Scope) -> None:
    memories = several(service, scope)
    service = service.having(record=StormyRecord(service.store.database))

    with pytest.raises(UnavailableError):
        service.delete_batch(ends_of(memories))


def test_a_repeated_key_answers_the_first_batch(service: Service, scope: Scope) -> None:
    memories, key = several(service, scope), IdempotencyKey("k", "body")

    first, second = (service.delete_batch(ends_of(memories), key) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("commits", range(3))
def test_a_killed_batch_goes_on_where_it_stopped(
    service: Service, scope: Scope, commits: int
) -> None:
    memories = several(service, scope)
    dying = meddled(service, *[peaceful] * commits, killed)
    batches: list[Callable[[], Job]] = [
        lambda: dying.update_batch(texts_for(memories)),
        lambda: dying.delete_batch(ends_of(memories)),
    ]
    for carry_out in batches:
        dying.ports.record.meddling[:] = [*[peaceful] * commits, killed]  # type: ignore[attr-defined]
        with pytest.raises(KilledError):
            carry_out()
        [job, *_] = service.ports.jobs.recent(scope.project, limit=1)
        assert (job.status, job.done) == (JobStatus.RUNNING, 2 * commits)

        service.clock.forward(LEASE)
        service.drive_on()

        done = service.read_job(scope.project, job.id)
        assert (done.status, done.done, done.attempt) == (JobStatus.SUCCEEDED, 5, 2)
        assert 5 in done.notes.values()
        expected = {HistoryAction.ADD, HistoryAction.UPDATE, HistoryAction.DELETE}
        for memory in memories:
            actions = [
                each.action for each, _ in service.read.history(scope.project, memory.id).events
            ]
            assert len(actions) == len(set(actions))
            assert set(actions) <= expected
    assert texts(service, scope) == []


def test_a_batch_that_a_killed_one_left_is_not_checked_again(
    service: Service, scope: Scope
) -> None:
    memories = several(service, scope)
    dying = meddled(service, peaceful, killed)
    with pytest.raises(KilledError):
        dying.delete_batch(ends_of(memories))

    service.clock.forward(LEASE)
    service.drive_on()

    [job, *_] = service.ports.jobs.recent(scope.project, limit=1)
    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"deleted": 5, "of": 5})


def late_after(looks: int) -> Callable[[], bool]:
    seen: Iterator[int] = iter(range(1_000))
    return lambda: next(seen) >= looks


@pytest.mark.parametrize(("looks", "done"), [(0, 0), (1, 0), (2, 2), (3, 4)])
def test_a_late_batch_is_handed_over_and_goes_on(
    service: Service, scope: Scope, looks: int, done: int
) -> None:
    memories = several(service, scope)
    late = meddled(service).having(is_late=late_after(looks))

    job = late.update_batch(texts_for(memories))

    assert (job.status, job.done) == (JobStatus.PENDING, done)
    assert service.work_off() == 1
    assert service.read_job(scope.project, job.id).status is JobStatus.SUCCEEDED
    assert texts(service, scope) == [f"new {number}" for number in range(5)]


def test_a_large_batch_is_read_in_parts(service: Service, scope: Scope) -> None:
    memories = several(service, scope, READ_TOGETHER + 3)
    counting = CountingEmbedder()

    job = service.having(embedder=counting).update_batch(texts_for(memories))

    assert job.done == READ_TOGETHER + 3
    assert counting.batches == [READ_TOGETHER, 3]


def test_a_job_of_another_kind_is_a_defect(service: Service, scope: Scope) -> None:
    job = a_job(scope)
    service.ports.jobs.accept(job, None, lease_end=service.clock())

    for resume in (service.update_batch.resume, service.delete_batch.resume):
        with pytest.raises(TypeError):
            resume(job)
        service.clock.forward(timedelta(hours=1))
