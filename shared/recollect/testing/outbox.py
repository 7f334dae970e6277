"""What every Outbox promises, whichever engine is behind it: a fixture `store`."""

from datetime import datetime, timedelta

from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.testing.builders import (
    NOON,
    a_change,
    a_memory,
    a_scope,
    adding,
    an_episode,
    deleting,
    updating,
)
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project

SECOND = timedelta(seconds=1)
MANY = 10_000
"""More than all tests together leave in a store that they share."""


def keys(*scopes: Scope) -> list[str]:
    return [subject.key for scope in scopes for subject in scope.subjects]


def add(store: Store, scope: Scope, text: str, at: datetime = NOON) -> Memory:
    memory = a_memory(scope, text)
    store.record.commit(scope.project, a_change(adding(memory), at=at))
    return memory


def seen(store: Store, *scopes: Scope, limit: int = MANY) -> list[tuple[str, int]]:
    pending = store.outbox.pending(scopes[0].project, keys(*scopes), limit=limit)
    return [(item.memory_id, item.version) for item in pending]


def stale_keys(store: Store, project: str, before: datetime) -> list[str]:
    stale = store.outbox.stale(before=before, limit=MANY)
    return sorted(key for name, found in stale if name == project for key in found)


def test_each_step_of_a_memory_is_pending_oldest_first(store: Store, scope: Scope) -> None:
    memory = add(store, scope, "one")
    other = add(store, scope, "two")
    change = updating(memory, text="uno")
    store.record.commit(scope.project, a_change(change))
    assert change.after is not None
    store.record.commit(scope.project, a_change(deleting(change.after)))

    assert seen(store, scope) == [(memory.id, 1), (other.id, 1), (memory.id, 2), (memory.id, 3)]


def test_a_change_is_pending_for_each_subject(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", agent="guide", run="r1")
    memory = add(store, scope, "one")

    for key in keys(scope):
        [item] = store.outbox.pending(project, [key], limit=9)
        assert (item.subject_key, item.memory_id, item.version) == (key, memory.id, 1)
    assert len({item.id for item in store.outbox.pending(project, keys(scope), limit=9)}) == 3


def test_only_the_subjects_asked_for_are_answered(store: Store, project: str) -> None:
    ada, bob, cid = (a_scope(project, user=name) for name in ("ada", "bob", "cid"))
    memories = [add(store, scope, "one") for scope in (cid, ada, bob)]

    assert seen(store, ada, cid) == [(memory.id, 1) for memory in memories[:2]]
    assert seen(store, a_scope(project, user="dot")) == []
    assert store.outbox.pending(project, [], limit=9) == []


def test_another_project_sees_nothing_pending(store: Store, scope: Scope) -> None:
    add(store, scope, "one")

    assert store.outbox.pending(a_project(store), keys(scope), limit=9) == []


def test_a_limit_leaves_the_newest_for_later(store: Store, scope: Scope) -> None:
    memories = [add(store, scope, f"fact {number}") for number in range(12)]

    assert seen(store, scope, limit=11) == [(memory.id, 1) for memory in memories[:11]]


def test_what_is_confirmed_is_forgotten_and_nothing_else(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", run="r1")
    user, run = keys(scope)
    done = add(store, scope, "one")
    [for_user] = store.outbox.pending(project, [user], limit=9)
    later = add(store, scope, "two")

    store.outbox.confirm(project, [for_user])

    assert [item.memory_id for item in store.outbox.pending(project, [user], limit=9)] == [later.id]
    of_run = store.outbox.pending(project, [run], limit=9)
    assert [item.memory_id for item in of_run] == [done.id, later.id]


def test_confirming_twice_or_nothing_is_harmless(store: Store, scope: Scope) -> None:
    add(store, scope, "one")
    done = store.outbox.pending(scope.project, keys(scope), limit=9)
    store.outbox.confirm(scope.project, done)
    kept = add(store, scope, "two")

    store.outbox.confirm(scope.project, done)
    store.outbox.confirm(scope.project, [])

    assert seen(store, scope) == [(kept.id, 1)]


def test_another_project_cannot_confirm(store: Store, scope: Scope) -> None:
    memory = add(store, scope, "one")
    pending = store.outbox.pending(scope.project, keys(scope), limit=9)

    store.outbox.confirm(a_project(store), pending)

    assert seen(store, scope) == [(memory.id, 1)]


def test_a_change_without_writes_leaves_nothing_pending(store: Store, scope: Scope) -> None:
    store.record.commit(scope.project, a_change(episode=an_episode(scope)))

    assert seen(store, scope) == []


def test_what_is_pending_is_unseen_last_first(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", run="r1")
    memories = [add(store, scope, f"fact {number}") for number in range(12)]
    user, run = keys(scope)

    unseen = store.outbox.unseen(project, [user], limit=11)
    of_both = store.outbox.unseen(project, [user, run], limit=4)

    assert [item.memory_id for item in unseen] == [memory.id for memory in memories[:0:-1]]
    assert [item.memory_id for item in of_both] == [
        memory.id for memory in memories[-1:-5:-1] for _ in range(2)
    ][:4]
    assert store.outbox.unseen(project, [], limit=9) == []


def test_changes_become_stale_with_time(store: Store, project: str) -> None:
    old, new = a_scope(project, user="ada", run="r1"), a_scope(project, user="bob")
    add(store, old, "one", at=NOON - SECOND)
    add(store, new, "two", at=NOON + SECOND)

    assert stale_keys(store, project, NOON - 2 * SECOND) == []
    assert stale_keys(store, project, NOON) == sorted(keys(old))
    assert stale_keys(store, project, NOON + SECOND) == sorted(keys(old, new))


def test_a_stale_subject_is_named_once_and_not_after_its_confirmation(
    store: Store, scope: Scope
) -> None:
    for number in range(3):
        add(store, scope, f"fact {number}")
    assert stale_keys(store, scope.project, NOON) == keys(scope)

    store.outbox.confirm(scope.project, store.outbox.pending(scope.project, keys(scope), limit=9))

    assert stale_keys(store, scope.project, NOON) == []


def test_no_more_stale_subjects_than_asked_for(store: Store, project: str) -> None:
    for number in range(4):
        add(store, a_scope(project, user=f"user {number}"), "one")

    stale = store.outbox.stale(before=NOON, limit=3)

    assert 0 < len(stale) <= 3
