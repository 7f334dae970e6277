"""What every Keys promises, whichever engine is behind it: a fixture `store`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.keys import ApiKey, Limits, Role, hash_key
from recollect.domain.subjects import Scope, Subject, SubjectKind
from recollect.ports.record import LostRaceError
from recollect.testing.builders import NOON, a_change, a_key, a_memory, adding
from recollect.testing.fixtures import *
from recollect.testing.store import Store, at_once

HOUR = timedelta(hours=1)
GRANTS: dict[str, Any] = {
    "name": "phone",
    "role": Role.READER,
    "subject": Subject(SubjectKind.AGENT, 'gu#ide/"é" 🙂'),
    "expires_at": NOON + timedelta(days=1, microseconds=1),
    "limits": Limits(requests_per_minute=60, tokens_per_day=1_000_000),
    "member": "zoë@example.com",
}
"""What a key may have beside its defaults, field by field."""
CHANGES = {**GRANTS, "revoked_at": NOON}


def new_project() -> str:
    return f"project-{uuid4().hex}"


def new_hash() -> str:
    return hash_key(f"m0-{uuid4().hex}")


def test_a_key_is_found_by_its_hash_alone(store: Store) -> None:
    key, key_hash = a_key(new_project(), name='Zoë\'s "laptop" 🙂'), new_hash()

    store.keys.create(key.project, key, key_hash)

    assert store.keys.find(key_hash) == key
    assert store.keys.find(new_hash()) is None
    assert store.keys.find(key_hash.upper()) is None
    assert store.keys.find("") is None
    assert store.keys.find(key.id) is None


def test_keys_are_listed_oldest_first(store: Store) -> None:
    project = new_project()
    keys = [a_key(project, created_at=NOON + hours * HOUR) for hours in (2, -30, 0)]
    for key in keys:
        store.keys.create(project, key, new_hash())

    assert store.keys.list(project) == [keys[1], keys[2], keys[0]]


def test_a_project_sees_its_own_keys(store: Store) -> None:
    project, other = new_project(), new_project()
    store.keys.create(other, a_key(other), new_hash())

    assert store.keys.list(project) == []


def test_a_revoked_key_is_still_found_and_listed(store: Store) -> None:
    project, key_hash = new_project(), new_hash()
    key, kept = a_key(project), a_key(project, created_at=NOON + HOUR)
    store.keys.create(project, key, key_hash)
    store.keys.create(project, kept, new_hash())
    revoked = replace(key, revoked_at=NOON + HOUR)

    store.keys.replace(project, key, revoked)

    assert store.keys.find(key_hash) == revoked
    assert store.keys.list(project) == [revoked, kept]


def test_another_project_cannot_replace_a_key(store: Store) -> None:
    project, other, key_hash = new_project(), new_project(), new_hash()
    key = a_key(project)
    store.keys.create(project, key, key_hash)
    store.keys.create(other, a_key(other), new_hash())

    theirs = replace(key, project=other)
    store.keys.replace(other, theirs, replace(theirs, revoked_at=NOON))

    assert store.keys.find(key_hash) == key


def test_replacing_an_unknown_key_makes_none(store: Store) -> None:
    project = new_project()

    key = a_key(project)
    store.keys.replace(project, key, replace(key, revoked_at=NOON))

    assert store.keys.list(project) == []


def test_all_that_a_key_opens_is_kept(store: Store) -> None:
    key, key_hash = a_key(new_project(), **GRANTS), new_hash()

    store.keys.create(key.project, key, key_hash)

    assert store.keys.find(key_hash) == key
    assert store.keys.list(key.project) == [key]


@pytest.mark.parametrize("kind", SubjectKind)
def test_a_key_is_bound_to_one_of_any_kind(store: Store, kind: SubjectKind) -> None:
    key, key_hash = a_key(new_project(), subject=Subject(kind, "ada")), new_hash()

    store.keys.create(key.project, key, key_hash)

    assert store.keys.find(key_hash) == key


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_is_replaced_by_itself(store: Store, field: str) -> None:
    plain, key_hash = a_key(new_project()), new_hash()
    changed = replace(plain, **{field: CHANGES[field]})
    store.keys.create(plain.project, plain, key_hash)

    store.keys.replace(plain.project, plain, changed)

    assert store.keys.find(key_hash) == changed != plain
    assert store.keys.list(plain.project) == [changed]

    store.keys.replace(plain.project, changed, plain)

    assert store.keys.find(key_hash) == plain
    assert store.keys.list(plain.project) == [plain]


@pytest.mark.parametrize("field", CHANGES)
def test_what_others_changed_is_not_undone(store: Store, field: str) -> None:
    plain, key_hash = a_key(new_project()), new_hash()
    theirs = replace(plain, **{field: CHANGES[field]})
    store.keys.create(plain.project, plain, key_hash)
    store.keys.replace(plain.project, plain, theirs)

    with pytest.raises(LostRaceError):
        store.keys.replace(plain.project, plain, replace(plain, expires_at=NOON + 2 * HOUR))

    assert store.keys.find(key_hash) == theirs
    assert store.keys.list(plain.project) == [theirs]


def test_of_sixteen_changes_at_once_one_wins(store: Store) -> None:
    plain, key_hash = a_key(new_project()), new_hash()
    store.keys.create(plain.project, plain, key_hash)

    def change(number: int) -> ApiKey | None:
        after = replace(plain, limits=Limits(requests_per_minute=number + 1))
        try:
            store.keys.replace(plain.project, plain, after)
        except LostRaceError:
            return None
        return after

    [won] = [key for key in at_once(change) if key]

    assert store.keys.find(key_hash) == won
    assert store.keys.list(plain.project) == [won]


def test_another_key_leaves_the_project_as_it_is(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    store.record.commit(scope.project, a_change(adding(memory)))
    [first] = store.scopes.reserve_turns(scope, 1)

    store.keys.create(scope.project, a_key(scope.project), new_hash())

    assert store.scopes.find_texts(scope, [memory.text], now=NOON) == {memory.text: memory.id}
    [second] = store.scopes.reserve_turns(scope, 1)
    assert (first.number, second.number) == (0, 1)


def test_sixteen_threads_may_make_the_first_keys(store: Store) -> None:
    project = new_project()

    def create(_: int) -> str:
        key = a_key(project)
        store.keys.create(project, key, new_hash())
        return key.id

    made = at_once(create)

    assert sorted(key.id for key in store.keys.list(project)) == sorted(made)


def test_every_project_is_listed_once_by_name(store: Store) -> None:
    prefix = new_project()
    names = [f"{prefix} é", f"{prefix}#1", f"{prefix} b/c", f"{prefix}🙂" * 2]
    for project in [*names, names[0]]:
        store.keys.create(project, a_key(project), new_hash())

    projects = store.keys.projects()

    assert [each for each in projects if each.startswith(prefix)] == sorted(names)
    assert list(projects) == sorted(projects)
