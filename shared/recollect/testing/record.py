"""What every Record promises, whichever engine is behind it: a fixture `store`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.filters import EVERYTHING, subject_is
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Episode, HistoryAction, Memory, MemoryKind
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.record import (
    Change,
    ClockMovedError,
    FencedError,
    LostRaceError,
    MemoryWrite,
    TextTakenError,
    VersionMovedError,
)
from recollect.testing.builders import (
    NOON,
    a_change,
    a_job,
    a_memory,
    a_scope,
    adding,
    an_episode,
    deleting,
    updating,
)
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project, at_once, update

YESTERDAY = NOON.date() - timedelta(days=1)
TOMORROW = NOON.date() + timedelta(days=1)
HOUR = timedelta(hours=1)


def add(store: Store, scope: Scope, text: str = "likes tea", **changes: Any) -> Memory:  # noqa: ANN401
    memory = a_memory(scope, text, **changes)
    store.record.commit(scope.project, a_change(adding(memory)))
    return memory


def delete(store: Store, memory: Memory) -> None:
    store.record.commit(memory.scope.project, a_change(deleting(memory)))


def owner_of(store: Store, scope: Scope, text: str) -> str | None:
    return store.scopes.find_texts(scope, [text], now=NOON).get(text)


# --- what is kept


def test_a_memory_comes_back_as_it_was_added(store: Store, project: str) -> None:
    memory = a_memory(
        a_scope(project, user="Zoë O'Neil", agent="a/b", app="a p", run="🙂"),
        "líkes tea\n\u2028 '\"; DROP TABLE memories; --",
        vector=(0.6, 0.8),
        created_at=NOON - timedelta(days=400, microseconds=1),
        updated_at=NOON + timedelta(microseconds=1),
        kind=MemoryKind.EPISODIC,
        metadata={"deep": [{"a": None, "b": [1, 2.5, True, "é"]}], "": "empty"},
        categories=("food", "drinks"),
        role="user",
        actor="Zoë",
        attributed_to="user",
        expires_on=TOMORROW,
        is_immutable=True,
        turn=7,
    )

    store.record.commit(project, a_change(adding(memory)))

    assert store.record.get(project, [memory.id]) == {memory.id: memory}


def test_get_answers_only_what_is_there(store: Store, scope: Scope) -> None:
    memories = [add(store, scope, f"fact {number}") for number in range(3)]
    ids = [memory.id for memory in memories]
    delete(store, memories[1])

    found = store.record.get(scope.project, [*ids, ids[0], str(uuid4()), "", "a b/'\"🙂"])

    assert found == {memory.id: memory for memory in (memories[0], memories[2])}


def test_get_takes_many_ids_or_none(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    unknown = [str(uuid4()) for _ in range(1_500)]

    assert store.record.get(scope.project, [*unknown, memory.id]) == {memory.id: memory}
    assert store.record.get(scope.project, []) == {}


def test_history_is_a_chain_from_add_to_delete(store: Store, scope: Scope) -> None:
    memory = add(store, scope, "one")
    memory = update(store, memory, text="two")
    memory = update(store, memory, text="three")
    delete(store, memory)

    events = store.record.history(scope.project, memory.id)

    assert [(event.version, event.action) for event in events] == [
        (1, HistoryAction.ADD),
        (2, HistoryAction.UPDATE),
        (3, HistoryAction.UPDATE),
        (4, HistoryAction.DELETE),
    ]
    assert [event.old_text for event in events] == [None, "one", "two", "three"]
    assert [event.new_text for event in events] == ["one", "two", "three", None]


def test_history_keeps_what_an_event_says(store: Store, scope: Scope) -> None:
    write = adding(a_memory(scope))
    event = replace(
        write.event, role="user", actor="Zoë", cause="job-1", prompt_version="facts-3", at=NOON
    )

    store.record.commit(scope.project, a_change(replace(write, event=event)))

    assert store.record.history(scope.project, event.memory_id) == [event]


def test_more_than_nine_events_stay_in_order(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    for number in range(11):
        memory = update(store, memory, text=f"text {number}")

    versions = [event.version for event in store.record.history(scope.project, memory.id)]

    assert versions == list(range(1, 13))


def test_an_unknown_memory_has_no_history(store: Store, project: str) -> None:
    assert store.record.history(project, str(uuid4())) == []


def test_the_largest_commit_fits(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", agent="a", app="b", run="c")
    room = store.record.room_for([scope] * 1_000)
    assert room > 1
    memories = [a_memory(scope, f"fact {n}") for n in range(room)]

    store.record.commit(project, a_change(*map(adding, memories)))

    assert len(store.record.get(project, [memory.id for memory in memories])) == len(memories)
    assert store.scopes.clock(scope) == 1
    moves = [
        updating(memory, text=f"{memory.text}!", created_at=memory.created_at + HOUR)
        for memory in memories
    ]
    store.record.commit(project, a_change(*moves, episode=an_episode(scope)))
    assert store.scopes.clock(scope) == 2


def test_the_largest_commit_to_many_scopes_fits(store: Store, project: str) -> None:
    scopes = [
        a_scope(project, user=f"u{n}", agent=f"a{n}", app=f"b{n}", run=f"c{n}") for n in range(300)
    ]
    room = store.record.room_for(scopes)
    assert 1 < room <= len(scopes)
    memories = [a_memory(scope) for scope in scopes[:room]]
    store.record.commit(project, a_change(*map(adding, memories)))

    store.record.commit(project, a_change(*map(deleting, memories)))

    assert store.record.get(project, [memory.id for memory in memories]) == {}


def test_one_write_always_fits(store: Store, scope: Scope) -> None:
    assert store.record.room_for([scope]) == 1
    assert store.record.room_for([]) == 0


# --- deleting


def test_a_deleted_memory_is_forgotten_but_for_its_history(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    kept = add(store, scope, "likes rain")

    delete(store, memory)

    assert store.record.get(scope.project, [memory.id]) == {}
    page = store.listing.memories(scope.project, EVERYTHING, limit=10)
    assert (page.memories, page.count) == ((kept,), 1)
    [entry] = store.listing.subjects(scope.project, list(SubjectKind), limit=10)
    assert entry.memories == 1
    assert len(store.record.history(scope.project, memory.id)) == 2


def test_a_deleted_memory_is_neither_changed_nor_deleted_again(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    delete(store, memory)

    for write in (deleting(memory), updating(memory, text="back"), adding(memory)):
        with pytest.raises(VersionMovedError):
            store.record.commit(scope.project, a_change(write))

    tombstone = replace(memory, version=2)
    for write in (deleting(tombstone), updating(tombstone, text="back")):
        with pytest.raises(VersionMovedError):
            store.record.commit(scope.project, a_change(write))


def test_deleting_gives_the_text_up(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    delete(store, memory)
    assert owner_of(store, scope, memory.text) is None

    again = add(store, scope, memory.text)

    assert owner_of(store, scope, memory.text) == again.id


# --- texts are unique within a scope


def test_a_text_is_taken_once(store: Store, scope: Scope) -> None:
    memory = add(store, scope)

    with pytest.raises(TextTakenError):
        add(store, scope, memory.text)

    assert owner_of(store, scope, memory.text) == memory.id


def test_texts_that_differ_at_all_are_different(store: Store, scope: Scope) -> None:
    texts = ["tea", "Tea", "tea.", "te\u0301a", "t\u00e9a", "tea " + "x" * 30_000]

    memories = [add(store, scope, text) for text in texts]

    found = store.scopes.find_texts(scope, texts, now=NOON)
    assert found == {memory.text: memory.id for memory in memories}


def test_one_change_cannot_add_a_text_twice(store: Store, scope: Scope) -> None:
    twins = [a_memory(scope), a_memory(scope)]

    with pytest.raises(TextTakenError):
        store.record.commit(scope.project, a_change(*map(adding, twins)))

    assert store.record.get(scope.project, [twin.id for twin in twins]) == {}


def test_an_update_gives_the_old_text_up_and_takes_the_new(store: Store, scope: Scope) -> None:
    memory = add(store, scope, "old")

    update(store, memory, text="new")

    assert owner_of(store, scope, "old") is None
    assert owner_of(store, scope, "new") == memory.id
    with pytest.raises(TextTakenError):
        add(store, scope, "new")
    add(store, scope, "old")


def test_an_update_cannot_take_the_text_of_another(store: Store, scope: Scope) -> None:
    memory, other = add(store, scope, "one"), add(store, scope, "two")

    with pytest.raises(TextTakenError):
        update(store, memory, text=other.text)

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert owner_of(store, scope, "two") == other.id


def test_an_update_may_keep_its_text(store: Store, scope: Scope) -> None:
    memory = add(store, scope)

    changed = update(store, memory, metadata={"seen": True})

    assert store.record.get(scope.project, [memory.id]) == {memory.id: changed}
    assert owner_of(store, scope, memory.text) == memory.id


@pytest.mark.parametrize("order", [1, -1])
def test_two_memories_may_exchange_their_texts_in_one_change(
    store: Store, scope: Scope, order: int
) -> None:
    one, two = add(store, scope, "one"), add(store, scope, "two")
    writes = [updating(one, text="two"), updating(two, text="one")][::order]

    store.record.commit(scope.project, a_change(*writes))

    assert store.scopes.find_texts(scope, ["one", "two"], now=NOON) == {
        "one": two.id,
        "two": one.id,
    }


@pytest.mark.parametrize("order", [1, -1])
def test_a_text_may_be_taken_in_the_change_that_gives_it_up(
    store: Store, scope: Scope, order: int
) -> None:
    old, new = add(store, scope), a_memory(scope)

    store.record.commit(scope.project, a_change(*[deleting(old), adding(new)][::order]))

    assert owner_of(store, scope, new.text) == new.id


def test_another_scope_may_have_the_same_text(store: Store, project: str) -> None:
    scopes = [
        a_scope(project, user="ada"),
        a_scope(project, user="ada", run="r1"),
        a_scope(project, user="bob"),
        a_scope(project, agent="ada"),
        a_scope(a_project(store), user="ada"),
    ]

    memories = [add(store, scope) for scope in scopes]

    for scope, memory in zip(scopes, memories, strict=True):
        assert owner_of(store, scope, memory.text) == memory.id


def test_sixteen_threads_add_one_text_once(store: Store, scope: Scope) -> None:
    def attempt(_: int) -> str | None:
        try:
            return add(store, scope).id
        except TextTakenError:
            return None

    added = [memory_id for memory_id in at_once(attempt) if memory_id]

    assert added == [owner_of(store, scope, "likes tea")]
    assert store.listing.memories(scope.project, EVERYTHING, limit=20).count == 1
    assert store.scopes.clock(scope) == 1


# --- expiry and texts


def test_the_text_of_an_expired_memory_can_be_taken_over(store: Store, scope: Scope) -> None:
    expired = add(store, scope, expires_on=YESTERDAY)
    assert owner_of(store, scope, expired.text) is None

    heir = add(store, scope, expired.text)

    assert owner_of(store, scope, expired.text) == heir.id
    assert set(store.record.get(scope.project, [expired.id, heir.id])) == {expired.id, heir.id}


@pytest.mark.parametrize("last_day", [NOON.date(), TOMORROW])
def test_the_text_of_a_memory_is_its_own_to_its_last_day(
    store: Store, scope: Scope, last_day: date
) -> None:
    memory = add(store, scope, expires_on=last_day)

    with pytest.raises(TextTakenError):
        add(store, scope, memory.text)

    late = a_change(adding(a_memory(scope)), at=NOON + timedelta(days=2))
    store.record.commit(scope.project, late)


def test_deleting_an_expired_memory_leaves_its_heir_the_text(store: Store, scope: Scope) -> None:
    expired = add(store, scope, expires_on=YESTERDAY)
    heir = add(store, scope, expired.text)

    delete(store, expired)

    assert owner_of(store, scope, heir.text) == heir.id
    with pytest.raises(TextTakenError):
        add(store, scope, heir.text)


def expired(store: Store, scope: Scope, before: date) -> list[str]:
    found = store.record.expired(before=before, limit=10_000)
    return [memory_id for project, memory_id in found if project == scope.project]


def test_what_expired_before_a_day_is_found_last_day_by_last_day(
    store: Store, scope: Scope
) -> None:
    late = add(store, scope, "late", expires_on=NOON.date())
    early = add(store, scope, "early", expires_on=YESTERDAY)
    add(store, scope, "not yet", expires_on=TOMORROW)
    add(store, scope, "never")

    assert expired(store, scope, TOMORROW) == [early.id, late.id]
    assert expired(store, scope, NOON.date()) == [early.id]
    assert len(store.record.expired(before=TOMORROW, limit=1)) == 1


def test_what_is_gone_or_has_another_last_day_has_not_expired(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", agent="helper", run="r1")
    kept, gone = (add(store, scope, name, expires_on=YESTERDAY) for name in ("kept", "gone"))
    for_ever = add(store, scope, "for ever", expires_on=YESTERDAY)

    delete(store, gone)
    update(store, kept, expires_on=TOMORROW)
    update(store, for_ever, expires_on=None)

    assert expired(store, scope, TOMORROW) == []
    assert expired(store, scope, TOMORROW + timedelta(days=1)) == [kept.id]


def test_updating_an_expired_memory_leaves_its_heir_the_text(store: Store, scope: Scope) -> None:
    expired = add(store, scope, "tea", expires_on=YESTERDAY)
    heir = add(store, scope, "tea")

    update(store, expired, text="coffee")

    assert owner_of(store, scope, "tea") == heir.id
    with pytest.raises(TextTakenError):
        add(store, scope, "tea")


def test_an_expired_memory_cannot_be_brought_back_beside_its_heir(
    store: Store, scope: Scope
) -> None:
    expired = add(store, scope, expires_on=YESTERDAY)
    add(store, scope, expired.text)

    with pytest.raises(TextTakenError):
        update(store, expired, expires_on=None)


def test_a_change_of_the_last_day_is_a_change_of_the_hold_on_the_text(
    store: Store, scope: Scope
) -> None:
    memory = add(store, scope)
    expired = update(store, memory, expires_on=YESTERDAY)
    assert owner_of(store, scope, memory.text) is None

    update(store, expired, expires_on=TOMORROW)

    with pytest.raises(TextTakenError):
        add(store, scope, memory.text)


# --- versions


def test_a_change_of_an_older_version_is_refused(store: Store, scope: Scope) -> None:
    stale = add(store, scope)
    current = update(store, stale, text="likes rain")

    for write in (updating(stale, text="likes snow"), deleting(stale)):
        with pytest.raises(VersionMovedError):
            store.record.commit(scope.project, a_change(write))

    assert store.record.get(scope.project, [stale.id]) == {stale.id: current}
    assert len(store.record.history(scope.project, stale.id)) == 2


def test_sixteen_threads_updating_one_memory_make_one_step(store: Store, scope: Scope) -> None:
    memory = add(store, scope)

    def attempt(number: int) -> bool:
        try:
            update(store, memory, text=f"text {number}")
        except VersionMovedError:
            return False
        return True

    assert sum(at_once(attempt)) == 1
    events = store.record.history(scope.project, memory.id)
    current = store.record.get(scope.project, [memory.id])[memory.id]
    assert [event.new_text for event in events] == [memory.text, current.text]
    assert current.version == 2


# --- clocks


def test_the_clock_counts_commits_of_its_scope(store: Store, project: str) -> None:
    ada, bob = a_scope(project, user="ada"), a_scope(project, user="bob")
    one, two = a_memory(ada, "one"), a_memory(ada, "two")

    store.record.commit(project, a_change(adding(one), adding(two)))
    store.record.commit(project, a_change(updating(one, text="uno"), adding(a_memory(bob))))
    store.record.commit(project, a_change(deleting(two)))

    assert (store.scopes.clock(ada), store.scopes.clock(bob)) == (3, 1)


def test_a_change_without_writes_moves_no_clock(store: Store, scope: Scope) -> None:
    store.record.commit(scope.project, a_change(episode=an_episode(scope)))

    assert store.scopes.clock(scope) == 0


def test_a_change_is_made_at_the_clock_it_expects(store: Store, scope: Scope) -> None:
    for expected in range(3):
        write = adding(a_memory(scope, f"fact {expected}"))
        store.record.commit(scope.project, a_change(write, expected_clocks={scope.key: expected}))

    assert store.scopes.clock(scope) == 3


def test_an_expected_clock_is_checked_without_writes_too(store: Store, scope: Scope) -> None:
    with pytest.raises(ClockMovedError):
        store.record.commit(scope.project, a_change(expected_clocks={scope.key: 1}))


def test_another_scope_does_not_move_the_clock(store: Store, project: str) -> None:
    ada = a_scope(project, user="ada")
    for other in (a_scope(project, user="ada", run="r1"), a_scope(a_project(store), user="ada")):
        add(store, other)

    store.record.commit(project, a_change(adding(a_memory(ada)), expected_clocks={ada.key: 0}))

    assert store.scopes.clock(ada) == 1


def test_of_sixteen_decisions_on_one_clock_one_is_committed(store: Store, scope: Scope) -> None:
    def attempt(number: int) -> bool:
        write = adding(a_memory(scope, f"fact {number}"))
        try:
            store.record.commit(scope.project, a_change(write, expected_clocks={scope.key: 0}))
        except ClockMovedError:
            return False
        return True

    assert sum(at_once(attempt)) == 1
    assert store.scopes.clock(scope) == 1


# --- all or nothing


@dataclass(frozen=True)
class Setting:
    """A scope with three memories and a job; a change that would touch everything of it."""

    store: Store
    scope: Scope
    kept: Memory
    updated: Memory
    deleted: Memory
    new: Memory
    episode: Episode
    job: Job

    def change(self) -> Change:
        return a_change(
            adding(self.new),
            updating(self.updated, text="likes snow", created_at=NOON - HOUR),
            deleting(self.deleted),
            episode=self.episode,
            job=replace(self.job, done=3, status=JobStatus.SUCCEEDED),
            at=NOON + HOUR,
        )

    def everything(self) -> dict[str, object]:
        """Return all that can be read of the project."""
        store, project = self.store, self.scope.project
        memories = (self.kept, self.updated, self.deleted, self.new)
        ids = [memory.id for memory in memories]
        texts = [*(memory.text for memory in memories), "likes snow"]
        keys = [subject.key for memory in memories for subject in memory.scope.subjects]
        return {
            "memories": store.record.get(project, ids),
            "history": [store.record.history(project, memory_id) for memory_id in ids],
            "texts": store.scopes.find_texts(self.scope, texts, now=NOON),
            "list": store.listing.memories(project, EVERYTHING, limit=100),
            "list of ada": store.listing.memories(project, subject_is(self.scope.owner), limit=9),
            "subjects": store.listing.subjects(project, list(SubjectKind), limit=100),
            "counts": store.listing.count_subjects(project),
            "pending": store.outbox.pending(project, keys, limit=100),
            "clock": store.scopes.clock(self.scope),
            "episode": store.episodes.get(project, [self.episode.id], now=NOON),
            "episodes": store.episodes.recent(self.scope, limit=9, now=NOON),
            "job": store.jobs.get(project, self.job.id),
        }


@pytest.fixture
def setting(store: Store, project: str) -> Setting:
    scope = a_scope(project, user="ada", run="r1")
    kept, updated, deleted = (add(store, scope, f"likes {what}") for what in ("tea", "rain", "jam"))
    job = a_job(scope)
    return Setting(
        store=store,
        scope=scope,
        kept=kept,
        updated=updated,
        deleted=deleted,
        new=a_memory(a_scope(project, user="ada", run="r2"), "likes wind"),
        episode=an_episode(scope, id=job.id),
        job=store.jobs.accept(job, None, lease_end=NOON),
    )


def taken_text(setting: Setting) -> Change:
    return with_write(setting, adding(a_memory(setting.scope, setting.kept.text)))


def taken_text_of_update(setting: Setting) -> Change:
    twin = a_memory(setting.scope, "likes snow")
    return with_write(setting, adding(twin))


def stale_update(setting: Setting) -> Change:
    update(setting.store, setting.kept, text="likes green tea")
    return with_write(setting, updating(setting.kept, text="likes black tea"))


def stale_delete(setting: Setting) -> Change:
    update(setting.store, setting.kept, text="likes green tea")
    return with_write(setting, deleting(setting.kept))


def repeated_delete(setting: Setting) -> Change:
    delete(setting.store, setting.kept)
    return with_write(setting, deleting(setting.kept))


def known_id(setting: Setting) -> Change:
    return with_write(setting, adding(a_memory(setting.scope, "other", id=setting.kept.id)))


def moved_clock(setting: Setting) -> Change:
    clock = setting.store.scopes.clock(setting.scope)
    add(setting.store, setting.scope, "likes fog")
    return replace(setting.change(), expected_clocks={setting.scope.key: clock})


def lost_job(setting: Setting) -> Change:
    job = setting.job
    setting.store.jobs.claim(job.project, job.id, now=NOON, lease_end=NOON + HOUR)
    return setting.change()


def with_write(setting: Setting, write: MemoryWrite) -> Change:
    change = setting.change()
    return replace(change, writes=(*change.writes, write))


def test_a_change_does_everything(setting: Setting) -> None:
    before = setting.everything()

    setting.store.record.commit(setting.scope.project, setting.change())

    after = setting.everything()
    assert [key for key in before if before[key] == after[key]] == []


@pytest.mark.parametrize(
    ("conflict", "kind"),
    [
        (taken_text, TextTakenError),
        (taken_text_of_update, TextTakenError),
        (stale_update, VersionMovedError),
        (stale_delete, VersionMovedError),
        (repeated_delete, VersionMovedError),
        (known_id, VersionMovedError),
        (moved_clock, ClockMovedError),
        (lost_job, FencedError),
    ],
)
def test_a_change_that_loses_a_race_leaves_nothing(
    setting: Setting, conflict: Callable[[Setting], Change], kind: type[LostRaceError]
) -> None:
    change = conflict(setting)
    before = setting.everything()

    with pytest.raises(kind):
        setting.store.record.commit(setting.scope.project, change)

    assert setting.everything() == before


def test_after_a_lost_race_the_same_store_goes_on(setting: Setting) -> None:
    with pytest.raises(TextTakenError):
        setting.store.record.commit(setting.scope.project, taken_text(setting))

    setting.store.record.commit(setting.scope.project, setting.change())

    assert setting.store.record.get(setting.scope.project, [setting.new.id])


# --- projects


def test_another_project_knows_nothing(setting: Setting) -> None:
    store, scope = setting.store, setting.scope
    store.record.commit(scope.project, setting.change())
    other = a_project(store)
    stranger = replace(setting, scope=replace(scope, project=other))

    empty = replace(stranger, scope=a_scope(a_project(store), user="ada", run="r1"))
    assert stranger.everything() == empty.everything()
    assert stranger.everything()["memories"] == {}
    assert stranger.everything()["history"] == [[], [], [], []]


def test_a_memory_of_another_project_is_neither_changed_nor_deleted(
    store: Store, scope: Scope
) -> None:
    memory = add(store, scope)
    other = a_project(store)
    claimed = replace(memory, scope=replace(scope, project=other))

    for write in (updating(claimed, text="mine"), deleting(claimed)):
        with pytest.raises(VersionMovedError):
            store.record.commit(other, a_change(write))

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert store.record.history(other, memory.id) == []


def test_two_projects_may_use_the_same_ids(store: Store, scope: Scope) -> None:
    memory = add(store, scope)
    other = a_scope(a_project(store), user="ada")

    twin = add(store, other, "likes rain", id=memory.id)

    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert store.record.get(other.project, [memory.id]) == {memory.id: twin}


# --- jobs of changes


def test_a_job_moves_on_with_the_change(setting: Setting) -> None:
    store, project = setting.store, setting.scope.project
    store.record.commit(project, setting.change())

    assert store.jobs.get(project, setting.job.id) == setting.change().job
    assert store.episodes.get(project, [setting.job.id], now=NOON) == {
        setting.job.id: setting.episode
    }


def test_a_finished_job_is_not_written_again(setting: Setting) -> None:
    store, project = setting.store, setting.scope.project
    store.record.commit(project, setting.change())

    with pytest.raises(FencedError):
        store.record.commit(project, a_change(job=replace(setting.job, done=9)))


def test_an_unknown_job_is_fenced(store: Store, scope: Scope) -> None:
    with pytest.raises(FencedError):
        store.record.commit(scope.project, a_change(job=a_job(scope)))
