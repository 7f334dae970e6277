"""What every Listing promises, whichever engine is behind it: a fixture `store`."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.domain.filters import (
    EVERYTHING,
    Filter,
    Unexpired,
    both,
    in_scope,
    parse_filter,
    subject_is,
)
from recollect.domain.memory import Memory, MemoryKind
from recollect.domain.subjects import Scope, SubjectKind
from recollect.ports.record import MemoryPage, Position
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding, deleting, updating
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

random_data = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

names = st.sampled_from(["ada", "bob"])
parts_of_scope = st.fixed_dictionaries(
    {}, optional={"user": names, "agent": st.just("ada"), "app": names, "run": names}
).filter(bool)
words = st.sampled_from(["tea", "Tea and rain", "rain", "jam"])
times = st.sampled_from([NOON + hours * HOUR for hours in (-48, -1, 0, 24)])
last_days = st.sampled_from([None, *(NOON.date() + days * DAY for days in (-1, 0, 1))])
values = st.sampled_from([None, True, 1, 2.5, "tea", ["tea", 1], {"a": 1}])
metadata = st.dictionaries(st.sampled_from(["mood", "size"]), values, max_size=2)
categories = st.lists(st.sampled_from(["food", "work"]), max_size=2, unique=True).map(tuple)
contents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "created_at": times,
        "updated_at": times,
        "expires_on": last_days,
        "metadata": metadata,
        "categories": categories,
        "actor": st.none() | names,
        "role": st.sampled_from([None, "user", "assistant"]),
        "kind": st.sampled_from(MemoryKind),
    }
)


def memories_of(project: str) -> st.SearchStrategy[list[Memory]]:
    """Draw memories with different texts in a few scopes of the project."""
    drawn = st.lists(st.tuples(parts_of_scope, words, contents), max_size=12)
    return drawn.map(
        lambda rows: [
            a_memory(a_scope(project, **names), f"{text} {place}", **content)
            for place, (names, text, content) in enumerate(rows)
        ]
    )


def _operators(*allowed: str, of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(allowed), of, min_size=1, max_size=2)


days = st.sampled_from(["2026-02-27", "2026-03-01", "2026-03-01T12:00:00Z", 1_772_366_400])
ordered = _operators("gt", "gte", "lt", "lte", "ne", of=days)
of_subject = st.one_of(
    names,
    st.just("*"),
    _operators("eq", "ne", of=names),
    st.builds(lambda each: {"in": each}, st.lists(names, max_size=2)),
)
conditions = st.one_of(
    *(
        st.builds(lambda value, key=key: {key: value}, of_subject)
        for key in ("user_id", "agent_id", "app_id", "run_id")
    ),
    st.builds(lambda key, value: {key: value}, st.sampled_from(["created_at", "updated_at"]), days),
    st.builds(
        lambda key, value: {key: value},
        st.sampled_from(["created_at", "updated_at", "expiration_date"]),
        ordered,
    ),
    st.builds(lambda text: {"text": {"icontains": text}}, st.sampled_from(["tea", "rain", "5"])),
    st.builds(
        lambda key, value: {"metadata": {key: {"eq": value}}},
        st.sampled_from(["mood", "size"]),
        values,
    ),
    st.sampled_from([{"categories": "*"}, {"categories": {"in": ["food"]}}]),
    st.builds(lambda who: {"actor_id": who}, st.sampled_from(["ada", "*", {"ne": "ada"}])),
    st.sampled_from([{"role": "user"}, {"role": {"ne": "*"}}, {"role": {"in": ["assistant"]}}]),
    st.sampled_from([{"kind": "procedural"}, {"memory_type": {"ne": "semantic_memory"}}]),
)
raw_filters = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(
            lambda key, clauses: {key: clauses},
            st.sampled_from(["AND", "OR", "NOT"]),
            st.lists(inner, max_size=3),
        ),
        st.builds(lambda one, two: {**one, **two}, inner, inner),
    ),
    max_leaves=5,
)
filters = raw_filters.map(parse_filter)
subject_filters = st.sampled_from(
    [
        subject_is(subject)
        for kind in ("user", "agent", "app", "run")
        for subject in a_scope(**{kind: "ada"}).subjects
    ]
)


def maybe_unexpired(some: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    days = st.sampled_from([None, -DAY, timedelta(0), 2 * DAY])
    return st.builds(
        lambda one, day: one if day is None else both(one, Unexpired(NOON + day)), some, days
    )


def put(store: Store, *memories: Memory) -> None:
    if memories:
        store.record.commit(memories[0].scope.project, a_change(*map(adding, memories)))


def listed(memories: Sequence[Memory], matching: Filter = EVERYTHING) -> list[Memory]:
    """Return what a list must have, decided on each memory alone."""
    found = [memory for memory in memories if matching.matches(memory)]
    return sorted(found, key=lambda memory: (memory.created_at, memory.id), reverse=True)


def position(memory: Memory) -> Position:
    return Position(memory.created_at, memory.id)


def pages(store: Store, project: str, matching: Filter, limit: int) -> Iterator[MemoryPage]:
    """Yield the pages of a list, each behind the last memory of the one before."""
    page = store.listing.memories(project, matching, limit=limit)
    yield page
    while page.has_more:
        last = position(page.memories[-1])
        page = store.listing.memories(project, matching, limit=limit, after=last)
        yield page


# --- memories


def test_an_empty_project_has_an_empty_list(store: Store, scope: Scope) -> None:
    for matching in (EVERYTHING, subject_is(scope.owner), in_scope(scope)):
        page = store.listing.memories(scope.project, matching, limit=10)
        assert page == MemoryPage((), 0, is_count_exact=True, has_more=False)


@pytest.mark.parametrize("is_plain", [True, False])
def test_the_last_created_comes_first_and_ties_go_by_id(
    store: Store, scope: Scope, *, is_plain: bool
) -> None:
    created = [NOON, NOON - 30 * DAY, NOON + timedelta(microseconds=1), NOON, NOON, NOON + HOUR]
    memories = [a_memory(scope, f"fact {n}", created_at=at) for n, at in enumerate(created)]
    put(store, *memories)

    matching = subject_is(scope.owner) if is_plain else in_scope(scope)
    page = store.listing.memories(scope.project, matching, limit=10)

    assert list(page.memories) == listed(memories)
    assert (page.count, page.is_count_exact, page.has_more) == (6, True, False)


def test_a_list_goes_on_behind_a_position_that_has_no_memory(store: Store, scope: Scope) -> None:
    memories = [a_memory(scope, f"fact {n}", created_at=NOON + n * HOUR) for n in range(4)]
    put(store, *memories)
    between = NOON + 1.5 * HOUR
    nepal = timezone(timedelta(hours=5, minutes=45))

    for at in (between, between.astimezone(nepal)):
        after = Position(at, str(uuid4()))
        page = store.listing.memories(scope.project, EVERYTHING, limit=9, after=after)
        assert list(page.memories) == [memories[1], memories[0]]
        assert (page.count, page.is_count_exact) == (0, False)


def test_behind_the_end_there_is_nothing(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    put(store, memory)

    for matching in (EVERYTHING, subject_is(scope.owner)):
        for skip in (1, 1_000_000):
            page = store.listing.memories(scope.project, matching, limit=1, skip=skip)
            assert page == MemoryPage((), 1, is_count_exact=True, has_more=False)
        behind = store.listing.memories(scope.project, matching, limit=1, after=position(memory))
        assert behind == MemoryPage((), 0, is_count_exact=False, has_more=False)


def test_a_memory_moves_with_its_time_and_its_last_day(store: Store, scope: Scope) -> None:
    first, second = a_memory(scope, "one"), a_memory(scope, "two", created_at=NOON + HOUR)
    put(store, first, second)
    change = updating(first, created_at=NOON + DAY, expires_on=NOON.date())
    store.record.commit(scope.project, a_change(change))

    for matching in (EVERYTHING, subject_is(scope.owner)):
        page = store.listing.memories(scope.project, matching, limit=9)
        assert page.memories == (change.after, second)
        later = both(matching, Unexpired(NOON + DAY))
        assert store.listing.memories(scope.project, later, limit=9).memories == (second,)


def test_a_memory_of_several_subjects_is_listed_once(store: Store, project: str) -> None:
    memory = a_memory(a_scope(project, user="ada", agent="ada", app="ada", run="ada"))
    put(store, memory)
    matching = parse_filter({"OR": [{"user_id": "ada"}, {"run_id": "ada"}, {"app_id": "ada"}]})

    page = store.listing.memories(project, matching, limit=9)

    assert (page.memories, page.count) == ((memory,), 1)


def test_a_project_lists_its_own_memories_only(store: Store, scope: Scope) -> None:
    mine = a_memory(scope)
    theirs = a_memory(a_scope(a_project(store), user="ada"))
    put(store, mine)
    put(store, theirs)

    for matching in (EVERYTHING, subject_is(scope.owner), in_scope(scope), Unexpired(NOON)):
        assert store.listing.memories(scope.project, matching, limit=9).memories == (mine,)


def test_a_listed_memory_is_whole(store: Store, scope: Scope) -> None:
    memory = a_memory(scope, vector=(0.6, 0.8), metadata={"mood": ["fine"]}, turn=3)
    put(store, memory)

    for matching in (EVERYTHING, subject_is(scope.owner)):
        [found] = store.listing.memories(scope.project, matching, limit=1).memories
        assert (found, found.embedding) == (memory, memory.embedding)


def test_a_list_can_be_narrowed_to_who_said_it_and_to_a_kind(store: Store, scope: Scope) -> None:
    said = a_memory(scope, "one", actor="grace", role="assistant", kind=MemoryKind.EPISODIC)
    other = a_memory(scope, "two", actor="ada", role="user")
    nobody = a_memory(scope, "three")
    put(store, said, other, nobody)

    for raw, expected in (
        ({"actor_id": "grace"}, [said]),
        ({"actor_id": "*"}, [said, other]),
        ({"role": {"in": ["assistant", "user"]}}, [said, other]),
        ({"role": {"ne": "user"}}, [said, nobody]),
        ({"kind": "episodic"}, [said]),
        ({"memory_type": {"ne": "episodic_memory"}}, [other, nobody]),
    ):
        matching = both(subject_is(scope.owner), parse_filter(raw))
        page = store.listing.memories(scope.project, matching, limit=9)
        assert {memory.id for memory in page.memories} == {memory.id for memory in expected}


@random_data
@given(data=st.data())
def test_a_list_is_what_its_filter_says_of_each_memory(store: Store, data: st.DataObject) -> None:
    project = a_project(store)
    memories = data.draw(memories_of(project))
    matching = data.draw(maybe_unexpired(st.one_of(filters, subject_filters)))
    limit, skip = data.draw(st.integers(1, 13)), data.draw(st.integers(0, 13))
    put(store, *memories)
    expected = listed(memories, matching)

    page = store.listing.memories(project, matching, limit=limit, skip=skip)

    assert list(page.memories) == expected[skip : skip + limit]
    assert (page.count, page.is_count_exact) == (len(expected), True)
    assert page.has_more == (len(expected) > skip + limit)


@random_data
@given(data=st.data())
def test_pages_together_are_the_list(store: Store, data: st.DataObject) -> None:
    project = a_project(store)
    memories = data.draw(memories_of(project))
    matching = data.draw(maybe_unexpired(st.one_of(subject_filters, filters, st.just(EVERYTHING))))
    limit = data.draw(st.integers(1, 5))
    put(store, *memories)

    found = [page.memories for page in pages(store, project, matching, limit)]

    assert [memory for page in found for memory in page] == listed(memories, matching)
    assert all(len(page) == limit for page in found[:-1])


@random_data
@given(data=st.data())
def test_deletes_between_pages_neither_hide_nor_repeat_a_memory(
    store: Store, data: st.DataObject
) -> None:
    project = a_project(store)
    memories = data.draw(memories_of(project))
    matching = data.draw(st.one_of(subject_filters, st.just(EVERYTHING)))
    put(store, *memories)
    left, found = list(memories), list[Memory]()

    for page in pages(store, project, matching, limit=2):
        found += page.memories
        assert all(memory in left for memory in page.memories)
        if left:
            gone = data.draw(st.sampled_from(left), label="deleted")
            store.record.commit(project, a_change(deleting(gone)))
            left.remove(gone)

    assert found == listed(found)
    assert len({memory.id for memory in found}) == len(found)
    assert set(_ids(listed(left, matching))) <= set(_ids(found))


def _ids(memories: Sequence[Memory]) -> list[str]:
    return [memory.id for memory in memories]


# --- subjects


def commit(store: Store, *memories: Memory, at: datetime = NOON) -> None:
    for memory in memories:
        store.record.commit(memory.scope.project, a_change(adding(memory), at=at))


def subjects(
    store: Store, project: str, *kinds: SubjectKind, limit: int = 99, skip: int = 0
) -> list[tuple[str, str, int]]:
    entries = store.listing.subjects(project, kinds or list(SubjectKind), limit=limit, skip=skip)
    return [(entry.subject.kind, entry.subject.name, entry.memories) for entry in entries]


def test_subjects_are_listed_first_created_first_with_their_memories(
    store: Store, project: str
) -> None:
    commit(store, a_memory(a_scope(project, user="zoe", run="r1")), at=NOON)
    commit(store, a_memory(a_scope(project, agent="ada")), at=NOON - HOUR)
    commit(store, a_memory(a_scope(project, user="zoe")), at=NOON + HOUR)

    found = subjects(store, project)

    assert found[0] == ("agent", "ada", 1)
    assert sorted(found[1:]) == [("run", "r1", 1), ("user", "zoe", 2)]
    assert subjects(store, project, SubjectKind.USER) == [("user", "zoe", 2)]
    assert subjects(store, project, SubjectKind.APP) == []


def test_a_subject_tells_when_it_came_and_when_it_changed(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    commit(store, memory, at=NOON)
    store.record.commit(scope.project, a_change(updating(memory, text="two"), at=NOON + HOUR))

    [entry] = store.listing.subjects(scope.project, [SubjectKind.USER], limit=9)

    assert (entry.subject, entry.memories) == (scope.owner, 1)
    assert (entry.created_at, entry.updated_at) == (NOON, NOON + HOUR)


def test_a_subject_without_memories_is_not_listed(store: Store, project: str) -> None:
    memory = a_memory(a_scope(project, user="ada", run="r1"))
    kept = a_memory(a_scope(project, user="ada"))
    commit(store, memory, kept)

    store.record.commit(project, a_change(deleting(memory)))

    assert subjects(store, project) == [("user", "ada", 1)]
    assert store.listing.count_subjects(project) == {"user": 1, "agent": 0, "app": 0, "run": 0}
    commit(store, a_memory(a_scope(project, run="r1")))
    assert ("run", "r1", 1) in subjects(store, project)


def test_pages_of_subjects_are_the_list(store: Store, project: str) -> None:
    commit(store, *(a_memory(a_scope(project, user=f"u{n}", run=f"r{n}")) for n in range(5)))
    all_of_them = subjects(store, project)
    assert len(all_of_them) == 10

    found = [subjects(store, project, limit=3, skip=skip) for skip in range(0, 12, 3)]

    assert [subject for page in found for subject in page] == all_of_them
    assert store.listing.count_subjects(project) == {"user": 5, "agent": 0, "app": 0, "run": 5}


def test_another_project_has_no_subjects(store: Store, scope: Scope) -> None:
    commit(store, a_memory(scope))
    other = a_project(store)

    assert subjects(store, other) == []
    assert set(store.listing.count_subjects(other).values()) == {0}


def test_subjects_of_one_name_and_different_kinds_are_different(store: Store, project: str) -> None:
    commit(store, a_memory(a_scope(project, user="ada", agent="ada", app="ada", run="ada")))

    assert sorted(subjects(store, project)) == [(kind, "ada", 1) for kind in sorted(SubjectKind)]


def test_subjects_are_found_by_a_part_of_their_names(store: Store, project: str) -> None:
    users = ["Ada Lovelace", "adam", "Zoë", "bob"]
    for number, name in enumerate(users):
        memory = a_memory(a_scope(project, user=name, agent="ada's helper"))
        store.record.commit(project, a_change(adding(memory), at=NOON + number * HOUR))
    kinds = [SubjectKind.USER]

    def named(text: str, **page: int) -> list[str]:
        page = {"limit": 9, **page}
        found = store.listing.subjects(project, kinds, named=text, **page)
        return [entry.subject.name for entry in found]

    assert named("ADA") == ["Ada Lovelace", "adam"]
    assert named("ADA", limit=1, skip=1) == ["adam"]
    assert named("ZOE\N{COMBINING DIAERESIS}") == ["Zoë"]
    assert named("%") == named("nobody") == []
    assert named("") == users
    counts = store.listing.count_subjects(project, named="ada")
    assert counts == {**dict.fromkeys(SubjectKind, 0), SubjectKind.USER: 2, SubjectKind.AGENT: 1}
