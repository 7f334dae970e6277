"""What deleting everything of some subjects promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from recollect.adapters.local.record import LocalRecord
from recollect.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, JobStatus
from recollect.domain.memory import HistoryAction, Json, Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.ports.record import Change, VersionMovedError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_job,
    a_scope,
    adding,
    an_episode,
    deleting,
    updating,
)
from recollect.usecases.wipe_memories import PAGE
from tests.service import Service

Meddling = Callable[[LocalRecord], Change]


@dataclass(frozen=True)
class CommitsOfTwo(LocalRecord):
    """Holds two writes a commit; before a deletion, somebody else meddles."""

    meddling: list[Meddling]

    def room_for(self, scopes: Sequence[Scope]) -> int:
        return min(len(scopes), 2)

    def commit(self, project: str, change: Change) -> None:
        if change.writes and self.meddling:
            super().commit(project, self.meddling.pop()(self))
        super().commit(project, change)


class StormyRecord(LocalRecord):
    """Loses every race."""

    def commit(self, project: str, change: Change) -> None:
        if change.writes:
            raise VersionMovedError(project)
        super().commit(project, change)


def everything_of(scope: Scope, **more: Json) -> DeleteAllRequest:
    filters: dict[str, Json] = {f"{scope.owner.kind}_id": scope.owner.name, **more}
    return DeleteAllRequest(project=scope.project, filters=filters)


def having_small_commits(service: Service, *meddling: Meddling) -> Service:
    return service.having(record=CommitsOfTwo(service.store.database, list(meddling)))


def test_everything_of_a_subject_goes_and_nothing_else(service: Service, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", agent="helper")
    others = a_scope(scope.project, user="bob", agent="helper")
    service.say(scope, *(f"text {number}" for number in range(5)))
    service.say(scope, "forever", expires_on=date(2020, 1, 1), is_immutable=True)
    service.say(shared, "shared")
    kept = service.remember(others, "another's")
    service = having_small_commits(service)

    job = service.delete_all(everything_of(scope))

    assert (job.status, job.done, job.notes) == (JobStatus.SUCCEEDED, 7, {"deleted": 7})
    assert service.read_job(scope.project, job.id) == job
    assert service.listed(scope, show_expired=True) == ()
    assert service.listed(others) == (kept,)


def test_every_deletion_is_in_the_history(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")

    job = service.delete_all(everything_of(scope))

    [_, (event, _)] = service.read.history(scope.project, memory.id).events
    assert (event.action, event.cause) == (HistoryAction.DELETE, job.id)


@pytest.mark.parametrize(
    "filters", [{}, {"metadata": {"a": 1}}, {"NOT": {"user_id": "ada"}}, {"OR": []}]
)
def test_a_delete_that_names_no_subject_is_refused(
    service: Service, scope: Scope, filters: dict[str, Json]
) -> None:
    service.say(scope, "likes tea", metadata={"a": 1})

    with pytest.raises(InvalidRequestError, match="At least one of user_id"):
        service.delete_all(DeleteAllRequest(project=scope.project, filters=filters))

    assert len(service.listed(scope)) == 1


def test_nothing_to_delete_is_a_success(service: Service, scope: Scope) -> None:
    job = service.delete_all(everything_of(scope))

    assert (job.status, job.notes) == (JobStatus.SUCCEEDED, {"deleted": 0})


def test_a_star_stands_for_every_subject_of_a_kind(service: Service, scope: Scope) -> None:
    agent = a_scope(scope.project, agent="helper")
    service.say(scope, "one")
    service.say(a_scope(scope.project, user="bob"), "two")
    service.say(agent, "three")

    service.delete_all(DeleteAllRequest(project=scope.project, filters={"user_id": "*"}))

    assert service.listed(scope) == ()
    assert len(service.listed(agent)) == 1


def test_what_is_added_meanwhile_stays(service: Service, scope: Scope) -> None:
    old = service.remember(scope, "old")
    later = service.clock() + timedelta(hours=1)
    new = replace(old, id="new", text="new", created_at=NOON, recorded_at=later)

    having_small_commits(service, lambda _: a_change(adding(new))).delete_all(everything_of(scope))

    assert [memory.text for memory in service.listed(scope)] == ["new"]


def episodes_of(service: Service, *scopes: Scope) -> list[int]:
    """Return how many episodes each of these scopes has."""
    return [
        len(service.store.episodes.recent(scope, limit=99, now=service.clock())) for scope in scopes
    ]


def test_the_episodes_of_the_subject_go_too(service: Service, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", agent="helper")
    others = a_scope(scope.project, user="bob", agent="helper")
    for each in (scope, shared, shared, others):
        service.say(each, f"text {service.ports.new_id()}")
    forgotten = service.say(scope, "forgotten")
    service.delete(scope.project, forgotten.outcomes[0].memory_id)

    service.delete_all(everything_of(scope))

    assert episodes_of(service, scope, shared, others) == [0, 0, 1]
    with pytest.raises(NotFoundError):
        service.read.episode_of_job(scope.project, forgotten.id)


def test_episodes_of_all_of_the_named_subjects_go(service: Service, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", agent="helper", run="r1")
    for each in (scope, shared):
        service.say(each, "likes tea")
    both: dict[str, Json] = {"AND": [{"user_id": "ada"}, {"AND": [{"agent_id": "helper"}]}]}

    service.delete_all(DeleteAllRequest(project=scope.project, filters=both))

    assert episodes_of(service, scope, shared) == [1, 0]


@pytest.mark.parametrize(
    "filters",
    [
        {"user_id": "ada", "metadata": {"draft": True}},
        {"user_id": {"in": ["ada", "bob"]}},
        {"user_id": "*"},
        {"AND": [{"user_id": "ada"}, {"NOT": [{"agent_id": "helper"}]}]},
    ],
)
def test_episodes_stay_where_more_is_asked_than_whose_they_are(
    service: Service, scope: Scope, filters: dict[str, Json]
) -> None:
    service.say(scope, "likes tea", metadata={"draft": True})

    job = service.delete_all(DeleteAllRequest(project=scope.project, filters=filters))

    assert job.done == 1
    assert episodes_of(service, scope) == [1]


def test_what_takes_too_long_is_finished_by_maintenance(service: Service, scope: Scope) -> None:
    runs = [a_scope(scope.project, user="ada", run=f"run {number}") for number in range(250)]
    gone = [an_episode(run, recorded_at=service.clock()) for run in runs]
    for episode in gone:
        service.store.record.commit(scope.project, a_change(episode=episode))
    service.clock.forward(timedelta(seconds=1))

    job = service.having(is_late=lambda: True).delete_all(everything_of(scope))

    assert job.status is JobStatus.PENDING
    left = sum(episodes_of(service, *runs))
    assert 0 < left < len(runs)
    # It goes on where it was: what is put behind its back stays, and what is newer than the job.
    [done, *_] = [run for run in runs if episodes_of(service, run) == [0]]
    kept = [
        an_episode(done, recorded_at=job.created_at - timedelta(seconds=1)),
        an_episode(runs[-1], recorded_at=job.created_at),
    ]
    for episode in kept:
        service.store.record.commit(scope.project, a_change(episode=episode))

    service.drive_on()

    finished = service.read_job(scope.project, job.id)
    assert (finished.status, finished.notes) == (JobStatus.SUCCEEDED, {"deleted": 0})
    assert sum(episodes_of(service, *runs)) == len(kept)
    for episode in kept:
        assert service.read.episode_of_job(scope.project, episode.id) == episode


def test_the_last_episodes_are_not_handed_over(service: Service, scope: Scope) -> None:
    forgotten = service.say(scope, "forgotten")
    service.delete(scope.project, forgotten.outcomes[0].memory_id)

    job = service.having(is_late=lambda: True).delete_all(everything_of(scope))

    assert job.status is JobStatus.SUCCEEDED
    assert episodes_of(service, scope) == [0]


def test_an_episode_that_is_recorded_meanwhile_stays(service: Service, scope: Scope) -> None:
    service.say(scope, "old")
    new = an_episode(scope, recorded_at=service.clock() + timedelta(hours=1))

    having_small_commits(service, lambda _: a_change(episode=new)).delete_all(everything_of(scope))

    assert service.store.episodes.recent(scope, limit=9, now=NOON) == [new]


def current(record: LocalRecord, memory: Memory) -> Memory:
    return record.get(memory.scope.project, [memory.id])[memory.id]


def test_a_memory_that_is_changed_meanwhile_goes_too(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    change = updating(memory, text="likes coffee")

    job = having_small_commits(service, lambda _: a_change(change)).delete_all(everything_of(scope))

    assert job.done == 1
    assert service.listed(scope) == ()


def test_a_memory_that_leaves_the_filter_meanwhile_stays(service: Service, scope: Scope) -> None:
    leaving = service.remember(scope, "leaving", metadata={"draft": True})
    service.say(scope, "staying", metadata={"draft": True})
    change = updating(leaving, metadata={"draft": False})
    meddled = having_small_commits(service, lambda _: a_change(change))

    job = meddled.delete_all(everything_of(scope, metadata={"draft": True}))

    assert job.done == 1
    assert [memory.text for memory in service.listed(scope)] == ["leaving"]


def test_a_memory_that_somebody_deletes_meanwhile_is_gone(service: Service, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    meddled = having_small_commits(
        service, lambda record: a_change(deleting(current(record, memory)))
    )

    job = meddled.delete_all(everything_of(scope))

    assert (job.status, job.done) == (JobStatus.SUCCEEDED, 0)
    assert len(service.read.history(scope.project, memory.id).events) == 2


def test_it_gives_up_after_so_many_lost_races(service: Service, scope: Scope) -> None:
    service.say(scope, "likes tea")
    stormy = service.having(record=StormyRecord(service.store.database))

    with pytest.raises(UnavailableError, match="try again"):
        stormy.delete_all(everything_of(scope), IdempotencyKey("k", "hash"))

    failed = service.store.jobs.accept(a_job(scope), IdempotencyKey("k", "hash"), lease_end=NOON)
    assert failed.status is JobStatus.FAILED
    done = service.delete_all.resume(failed)
    assert done is not None
    assert done.notes == {"deleted": 1}
    assert service.delete_all.resume(done) is None


def test_the_index_is_woken_for_every_subject(service: Service, scope: Scope) -> None:
    shared = a_scope(scope.project, user="ada", agent="helper")
    service.say(scope, "one")
    service.say(shared, "two")
    service.ports.wake_ups.subjects.take(limit=9)

    service.delete_all(everything_of(scope))

    keys = tuple(sorted(subject.key for subject in shared.subjects))
    assert service.ports.wake_ups.subjects.take(limit=9) == [(scope.project, keys)]


def test_it_does_not_take_up_other_work(service: Service, scope: Scope) -> None:
    job = a_job(scope)
    service.store.jobs.accept(job, None, lease_end=NOON)

    with pytest.raises(TypeError):
        service.delete_all.resume(job)


def test_a_memory_that_is_given_another_time_meanwhile_is_deleted(
    service: Service, scope: Scope
) -> None:
    oldest = service.remember(scope, "one")
    service.say(scope, "two", "three", "four")
    later = a_change(updating(oldest, created_at=NOON + timedelta(days=1)))
    deleting_all = service.having(
        record=CommitsOfTwo(service.store.database, [lambda _: later])
    ).delete_all

    job = deleting_all(
        DeleteAllRequest(project=scope.project, filters={"user_id": scope.owner.name})
    )

    assert job.notes == {"deleted": 4}
    assert service.listed(scope) == ()


def test_more_than_a_page_goes(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"text {number}" for number in range(PAGE + 5)))

    job = service.delete_all(everything_of(scope))

    assert job.notes == {"deleted": PAGE + 5}
    assert service.listed(scope) == ()
