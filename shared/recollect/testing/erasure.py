"""What all Erasures and Remains promise, whichever engine is behind them: a fixture `store`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.domain.filters import subject_is
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import HistoryAction, Memory, Message
from recollect.domain.requests import AddRequest, ErasedRequest
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import Change, ClockMovedError, ErasedError, FencedError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_job,
    a_memory,
    a_scope,
    adding,
    an_episode,
    deleting,
)
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project, at_once, update

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
ADA = Subject(SubjectKind.USER, "ada")
HELPER = Subject(SubjectKind.AGENT, "helper")
SECRET = "heliotrope"
LONG = f"{SECRET} and so on " * 10_000
MOST_CALLS = 99
"""More than any of these takes."""
random_data = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def finish(step: Callable[[str], str | None]) -> None:
    """Go on with a step from place to place, up to its end."""
    place: str | None = ""
    for _ in range(MOST_CALLS):
        place = step(place or "")
        if place is None:
            return
    pytest.fail("A step does not come to its end")


def erase(store: Store, project: str, subject: Subject = ADA, at: datetime = NOON) -> None:
    """Have what was said by then be refused."""
    store.erasures.mark(project, subject, at=at)
    finish(lambda place: store.erasures.refuse(project, subject, at=at, after=place))


def forget(store: Store, project: str, at: datetime = NOON, now: datetime = NOON + MINUTE) -> None:
    finish(lambda place: store.remains.forget(project, ADA, at=at, now=now, after=place))


def say(store: Store, scope: Scope, said_by: datetime | None, text: str = "likes tea") -> Memory:
    memory = a_memory(scope, text)
    store.record.commit(scope.project, a_change(adding(memory), said_by=said_by))
    return memory


def count_episodes(store: Store, project: str, before: datetime = NOON + TICK) -> int:
    counts: list[int] = []

    def step(place: str) -> str | None:
        count, following = store.remains.count_episodes(project, ADA, before=before, after=place)
        counts.append(count)
        return following

    finish(step)
    return sum(counts)


# --- what is refused


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("names", [{"user": "ada"}, {"user": "ada", "agent": "helper"}])
def test_what_was_said_before_an_erasure_is_refused(
    store: Store,
    project: str,
    names: dict[str, str],
    is_known: bool,  # noqa: FBT001 - of the test
) -> None:
    scope = a_scope(project, **names)
    if is_known:
        say(store, scope, NOON - MINUTE, "known before")
    before = list(store.listing.memories(project, subject_is(ADA), limit=9).memories)

    erase(store, project)

    for said_by in (NOON - MINUTE, NOON):
        with pytest.raises(ErasedError):
            say(store, scope, said_by)
        with pytest.raises(ErasedError):
            store.record.commit(project, a_change(episode=an_episode(scope), said_by=said_by))
    assert list(store.listing.memories(project, subject_is(ADA), limit=9).memories) == before
    assert store.episodes.recent(scope, limit=9, now=NOON) == []


def test_a_refused_change_stores_nothing_of_its_job(store: Store, scope: Scope) -> None:
    job = store.jobs.accept(a_job(scope), None, lease_end=NOON + MINUTE)
    erase(store, scope.project)
    change = a_change(adding(a_memory(scope)), job=replace(job, done=1), said_by=NOON)

    with pytest.raises(ErasedError):
        store.record.commit(scope.project, change)

    assert store.jobs.get(scope.project, job.id) == job


def test_what_is_said_after_an_erasure_is_kept(store: Store, scope: Scope) -> None:
    say(store, scope, NOON, "before")
    erase(store, scope.project)

    new = say(store, scope, NOON + TICK)
    episode = an_episode(scope)
    store.record.commit(scope.project, a_change(episode=episode, said_by=NOON + TICK))

    assert store.record.get(scope.project, [new.id]) == {new.id: new}
    assert store.scopes.clock(scope) == 2
    assert store.episodes.recent(scope, limit=9, now=NOON) == [episode]


def test_what_does_not_tell_when_it_was_said_is_kept(store: Store, scope: Scope) -> None:
    erase(store, scope.project)

    memory = say(store, scope, None)

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}


def test_others_are_not_concerned(store: Store, project: str) -> None:
    erase(store, project)
    stranger = a_scope(a_project(store), user="ada")

    for scope in (a_scope(project, user="bob"), a_scope(project, agent="ada"), stranger):
        memory = say(store, scope, NOON - MINUTE)
        assert memory.id in store.record.get(scope.project, [memory.id])
    assert store.erasures.marks(stranger.project, limit=9) == {}


def test_the_last_erasure_counts(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", agent="helper")
    say(store, scope, NOON)
    erase(store, project, ADA, NOON + 2 * MINUTE)
    erase(store, project, HELPER, NOON + MINUTE)
    erase(store, project, ADA, NOON)

    with pytest.raises(ErasedError):
        say(store, scope, NOON + 2 * MINUTE, "late")
    memory = say(store, scope, NOON + 2 * MINUTE + TICK, "later")
    assert memory.id in store.record.get(project, [memory.id])
    assert store.erasures.marks(project, limit=9) == {
        ADA.key: NOON + 2 * MINUTE,
        HELPER.key: NOON + MINUTE,
    }


def test_marks_are_read_page_by_page(store: Store, project: str) -> None:
    subjects = [Subject(SubjectKind.RUN, str(number)) for number in range(5)]
    for number, subject in enumerate(subjects):
        store.erasures.mark(project, subject, at=NOON + number * MINUTE)

    marks, place = {}, ""
    while some := store.erasures.marks(project, limit=2, after=place):
        assert len(some) <= 2
        marks.update(some)
        place = list(some)[-1]

    assert list(marks) == sorted(subject.key for subject in subjects)
    assert marks[subjects[3].key] == NOON + 3 * MINUTE


def test_an_erasure_takes_as_many_scopes_as_there_are(store: Store, project: str) -> None:
    scopes = [a_scope(project, user="ada", run=str(number)) for number in range(40)]
    for scope in scopes:
        say(store, scope, NOON)

    erase(store, project)

    for scope in scopes:
        with pytest.raises(ErasedError):
            say(store, scope, NOON, "again")


def test_a_lost_clock_is_told_from_an_erasure(store: Store, scope: Scope) -> None:
    say(store, scope, NOON)
    erase(store, scope.project)
    late = {"expected_clocks": {scope.key: 7}}

    with pytest.raises(ErasedError):
        store.record.commit(
            scope.project, a_change(adding(a_memory(scope, "a")), said_by=NOON, **late)
        )
    with pytest.raises(ClockMovedError):
        store.record.commit(
            scope.project, a_change(adding(a_memory(scope, "a")), said_by=NOON + TICK, **late)
        )


def test_whoever_writes_while_a_subject_is_erased_is_refused_or_seen(
    store: Store, project: str
) -> None:
    """None of the adds slips through between an erasure's look at what is there, and its end."""
    scopes = [a_scope(project, user="ada", run=str(number % 4)) for number in range(16)]
    seen: set[str] = set()

    def together(number: int) -> str | None:
        if number == 7:
            erase(store, project)
            page = store.listing.memories(project, subject_is(ADA), limit=99)
            seen.update(memory.id for memory in page.memories)
            return None
        try:
            return say(store, scopes[number], NOON, f"text {number}").id
        except ErasedError:
            return None

    stored = {memory_id for memory_id in at_once(together) if memory_id}

    assert stored == seen


# --- what is left


def deleted(store: Store, scope: Scope) -> Memory:
    """Return a memory that was said, changed and deleted."""
    memory = update(store, say(store, scope, None, SECRET), text=f"loves {SECRET}")
    store.record.commit(scope.project, a_change(deleting(memory)))
    store.touches.put(scope.project, {memory.id: [NOON]})
    return memory


def test_only_that_a_memory_was_deleted_is_left(store: Store, scope: Scope) -> None:
    memory, other = deleted(store, scope), deleted(store, scope)
    living = say(store, scope, None)
    untouched = store.record.history(scope.project, other.id)

    for _ in range(2):
        store.remains.strip(scope.project, [memory.id, living.id, "unknown"])

    [event] = store.record.history(scope.project, memory.id)
    assert (event.action, event.version, event.scope) == (HistoryAction.DELETE, 3, scope)
    assert event.is_stripped
    assert store.touches.get(scope.project, [memory.id]) == {}
    assert store.record.history(scope.project, other.id) == untouched
    assert len(store.record.history(scope.project, living.id)) == 1
    places = store.archive.deleted(scope.project, scope.owner, limit=9)
    assert set(places.values()) == {memory.id, other.id}


@pytest.mark.parametrize("is_stripped", [False, True])
def test_nothing_of_a_deleted_memory_is_left(
    store: Store,
    project: str,
    is_stripped: bool,  # noqa: FBT001 - of the test
) -> None:
    scope = a_scope(project, user="ada", agent="helper")
    memory, other = deleted(store, scope), deleted(store, scope)
    places = store.archive.deleted(project, ADA, limit=9)
    gone = {place: an_id for place, an_id in places.items() if an_id == memory.id}
    if is_stripped:
        store.remains.strip(project, [memory.id])

    for _ in range(2):
        store.remains.remove(project, ADA, gone)

    assert store.record.history(project, memory.id) == []
    assert len(store.record.history(project, other.id)) == 3
    for subject in (ADA, HELPER):
        left = store.archive.deleted(project, subject, limit=9)
        assert list(left.values()) == [other.id]


def test_a_living_memory_is_not_removed(store: Store, scope: Scope) -> None:
    gone, memory = deleted(store, scope), say(store, scope, None)
    [place] = store.archive.deleted(scope.project, scope.owner, limit=9)

    store.remains.remove(scope.project, scope.owner, {place: memory.id})

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert len(store.record.history(scope.project, memory.id)) == 1
    assert len(store.record.history(scope.project, gone.id)) == 3


def test_episodes_are_counted(store: Store, project: str) -> None:
    scopes = [a_scope(project, user="ada", run=str(number)) for number in range(20)]
    for scope in [*scopes, a_scope(project, user="bob")]:
        store.record.commit(project, a_change(episode=an_episode(scope)))
    late = an_episode(scopes[0], recorded_at=NOON + MINUTE)
    store.record.commit(project, a_change(episode=late))

    assert count_episodes(store, project) == 20
    assert count_episodes(store, project, NOON) == 0
    assert count_episodes(store, project, NOON + 2 * MINUTE) == 21


@pytest.mark.parametrize("text", [SECRET, LONG], ids=["short", "long"])
@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_an_emptied_job_holds_nothing(
    store: Store, scope: Scope, text: str, status: JobStatus
) -> None:
    request = AddRequest(scope=scope, messages=(Message("user", text),))
    job = store.jobs.accept(a_job(scope, request=request), None, lease_end=NOON + MINUTE)
    episode = an_episode(scope, text, id=job.id)
    other = an_episode(scope, text)
    store.record.commit(scope.project, a_change(episode=other))
    store.record.commit(
        scope.project, a_change(episode=episode, job=replace(job, status=status, done=1))
    )

    for _ in range(2):
        store.remains.empty(job.emptied(NOON))

    found = store.jobs.get(scope.project, job.id)
    assert found
    assert found == job.emptied(NOON)
    assert (found.request, found.status) == (
        ErasedRequest(project=scope.project),
        JobStatus.FAILED,
    )
    assert not store.episodes.get(scope.project, [job.id], now=NOON)
    assert store.episodes.recent(scope, limit=9, now=NOON) == [other]
    assert [each.id for each in store.jobs.recent(scope.project, limit=9)] == [job.id]
    assert claimed(store, job) is None
    assert (scope.project, job.id) not in store.jobs.abandoned(now=NOON + 2 * MINUTE, limit=9_999)


def claimed(store: Store, job: Job) -> Job | None:
    return store.jobs.claim(job.project, job.id, now=NOON + 2 * MINUTE, lease_end=NOON + 3 * MINUTE)


def test_whoever_works_on_an_emptied_job_stores_nothing(store: Store, scope: Scope) -> None:
    job = store.jobs.accept(a_job(scope), None, lease_end=NOON + MINUTE)
    store.remains.empty(job.emptied(NOON))

    with pytest.raises(FencedError):
        store.record.commit(scope.project, a_change(adding(a_memory(scope)), job=job))

    assert store.listing.memories(scope.project, subject_is(ADA), limit=9).memories == ()


def test_a_subject_without_memories_is_forgotten(store: Store, scope: Scope) -> None:
    store.subjects.describe(scope.project, ADA, {"age": 36}, at=NOON)
    deleted(store, scope)
    store.record.commit(scope.project, a_change(episode=an_episode(a_scope(scope.project))))
    finish(
        lambda place: store.episodes.remove(scope.project, [ADA], before=NOON + TICK, after=place)
    )

    for _ in range(2):
        forget(store, scope.project)

    assert store.subjects.known(scope.project, limit=9) == {}
    assert store.archive.metadata(scope.project, ADA) == {}


def test_a_subject_with_memories_begins_anew(store: Store, scope: Scope) -> None:
    store.subjects.describe(scope.project, ADA, {"age": 36}, at=NOON - MINUTE)
    say(store, scope, None)

    forget(store, scope.project)

    entry = store.listing.subject(scope.project, ADA)
    assert entry
    assert (entry.memories, entry.metadata, entry.created_at) == (1, {}, NOON + MINUTE)
    assert list(store.subjects.known(scope.project, limit=9).values()) == [ADA]


def test_what_was_said_since_is_not_forgotten(store: Store, scope: Scope) -> None:
    say(store, scope, None)
    forget(store, scope.project)
    store.subjects.describe(scope.project, ADA, {"age": 36}, at=NOON + MINUTE)

    forget(store, scope.project, now=NOON + 2 * MINUTE)

    entry = store.listing.subject(scope.project, ADA)
    assert entry
    assert (entry.metadata, entry.created_at) == ({"age": 36}, NOON + MINUTE)


def test_whoever_knew_a_subject_that_is_forgotten_makes_it_known_again(
    store: Store, scope: Scope
) -> None:
    store.record.commit(scope.project, a_change(deleting(say(store, scope, None))))
    forget(store, scope.project)
    assert store.listing.subject(scope.project, ADA) is None

    say(store, scope, NOON + MINUTE)

    entry = store.listing.subject(scope.project, ADA)
    assert entry
    assert entry.memories == 1


# --- all of it

steps = st.lists(
    st.tuples(
        st.sampled_from(["before", "after", "update", "delete", "erase"]),
        st.sampled_from([{"user": "ada"}, {"user": "ada", "agent": "x"}, {"user": "bob"}]),
    ),
    max_size=12,
)


@random_data
@given(steps=steps)
def test_whatever_the_order_only_what_was_said_after_can_be_added(
    store: Store, steps: list[tuple[str, dict[str, str]]]
) -> None:
    project = a_project(store)
    is_erased = False
    living: dict[str, Memory] = {}
    for number, (step, names) in enumerate(steps):
        scope = a_scope(project, **names)
        mine = [memory for memory in living.values() if memory.scope == scope]
        if step == "erase":
            erase(store, project)
            is_erased = True
        elif step == "update" and mine:
            living[mine[0].id] = update(store, mine[0], text=f"text {number}")
        elif step == "delete" and mine:
            store.record.commit(project, a_change(deleting(living.pop(mine[0].id))))
        elif step in {"before", "after"}:
            said_by = NOON if step == "before" else NOON + TICK
            is_refused = is_erased and step == "before" and "ada" in names.values()
            memory = a_memory(scope, f"text {number}")
            change = a_change(adding(memory), said_by=said_by)
            if is_refused:
                _refused(store, project, change)
            else:
                store.record.commit(project, change)
                living[memory.id] = memory

    assert store.record.get(project, list(living)) == living


def _refused(store: Store, project: str, change: Change) -> None:
    with pytest.raises(ErasedError):
        store.record.commit(project, change)
