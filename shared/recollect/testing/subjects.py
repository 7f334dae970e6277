"""What every Subjects promises, whichever engine is behind it: a fixture `store`."""

from datetime import timedelta

import pytest

from recollect.domain.memory import Json
from recollect.domain.subjects import Subject, SubjectKind
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding, an_episode
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project

ADA = Subject(SubjectKind.USER, "ada")
LATER = NOON + timedelta(hours=1)
METADATA: dict[str, Json] = {"name": "Ada 🙂", "age": 36, "tags": ["a"], "none": None}


def test_what_is_said_of_a_subject_is_kept_and_not_listed(store: Store, project: str) -> None:
    entry = store.subjects.describe(project, ADA, METADATA, at=NOON)

    assert (entry.subject, entry.memories, entry.metadata) == (ADA, 0, METADATA)
    assert (entry.created_at, entry.updated_at) == (NOON, NOON)
    assert store.listing.subject(project, ADA) is None
    assert store.listing.subjects(project, list(SubjectKind), limit=9) == []
    assert store.listing.count_subjects(project) == dict.fromkeys(SubjectKind, 0)


def test_it_is_shown_once_the_subject_has_memories(store: Store, project: str) -> None:
    store.subjects.describe(project, ADA, METADATA, at=NOON)
    store.record.commit(project, a_change(adding(a_memory(a_scope(project))), at=LATER))

    entry = store.listing.subject(project, ADA)

    assert entry is not None
    assert (entry.metadata, entry.memories, entry.created_at) == (METADATA, 1, NOON)
    assert store.listing.subjects(project, [SubjectKind.USER], limit=9) == [entry]
    assert store.listing.count_subjects(project)[SubjectKind.USER] == 1


def test_what_is_said_later_takes_its_place(store: Store, project: str) -> None:
    store.record.commit(project, a_change(adding(a_memory(a_scope(project)))))
    store.subjects.describe(project, ADA, METADATA, at=NOON)

    entry = store.subjects.describe(project, ADA, {"a": 1}, at=LATER)

    assert (entry.metadata, entry.memories, entry.created_at) == ({"a": 1}, 1, NOON)
    assert store.listing.subject(project, ADA) == entry


def test_what_is_forgotten_is_gone_and_the_memories_stay(store: Store, project: str) -> None:
    store.record.commit(project, a_change(adding(a_memory(a_scope(project)))))
    store.subjects.describe(project, ADA, METADATA, at=NOON)

    for _ in range(2):
        store.subjects.forget(project, ADA)

    entry = store.listing.subject(project, ADA)
    assert entry is not None
    assert (entry.metadata, entry.memories) == ({}, 1)


def test_an_unknown_subject_can_be_forgotten(store: Store, project: str) -> None:
    store.subjects.forget(project, ADA)

    assert store.subjects.known(project, limit=9) == {}


def test_another_project_knows_nothing_of_it(store: Store, project: str) -> None:
    other = a_project(store)
    store.subjects.describe(project, ADA, METADATA, at=NOON)

    store.subjects.forget(other, ADA)
    entry = store.subjects.describe(other, ADA, {}, at=LATER)

    assert (entry.metadata, entry.created_at) == ({}, LATER)
    assert store.subjects.describe(project, ADA, METADATA, at=LATER).created_at == NOON


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_every_subject_is_known_however_it_came_to_be(
    store: Store, project: str, limit: int
) -> None:
    store.subjects.describe(project, ADA, {}, at=NOON)
    both = a_scope(project, user="bob", agent="ada")
    store.record.commit(project, a_change(adding(a_memory(both))))
    episode = an_episode(a_scope(project, run="r1#1"))
    store.record.commit(project, a_change(episode=episode))
    store.subjects.describe(a_project(store), Subject(SubjectKind.APP, "theirs"), {}, at=NOON)

    found: list[Subject] = []
    after = ""
    while some := store.subjects.known(project, limit=limit, after=after):
        assert len(some) <= limit
        found += some.values()
        after = list(some)[-1]

    expected = [ADA, *both.subjects, *episode.scope.subjects]
    assert sorted(found) == sorted(expected)
