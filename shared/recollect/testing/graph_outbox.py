"""What every GraphOutbox promises, whichever engine is behind it: a fixture `store`."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from recollect.domain.graph import Entity, Owner, Reading, Triple, first_version
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphChange, Unread
from recollect.ports.graph_outbox import SetAside, Unprojected
from recollect.ports.record import LostRaceError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_memory,
    a_relation,
    a_scope,
    adding,
    an_entity,
)
from recollect.testing.fixtures import *
from recollect.testing.graph_record import (
    HOSTILE,
    HOUR,
    MANY,
    add,
    an_alias,
    aside,
    delete,
    next_of,
    next_relation,
    put,
    unread,
)
from recollect.testing.store import Store, a_project, at_once, update

SECOND = timedelta(seconds=1)
REASON = "nobody can read it"


@pytest.fixture
def owner(scope: Scope) -> Owner:
    """Return whose graph the scope's memories are in."""
    return Owner.of(scope)


def among(owners: Sequence[Owner], project: str) -> list[Owner]:
    return sorted(owner for owner in owners if owner.project == project)


def owners_unread(store: Store, project: str, before: datetime) -> list[Owner]:
    return among(store.graph_outbox.unread_owners(before=before, limit=MANY), project)


def owners_unprojected(store: Store, project: str, before: datetime) -> list[Owner]:
    return among(store.graph_outbox.unprojected_owners(before=before, limit=MANY), project)


def set_all_aside(store: Store, owner: Owner, reason: str = REASON) -> list[Unread]:
    """Set aside what is unread of the owner; return what that was."""
    found = store.graph_outbox.unread(owner, limit=MANY)
    for each in found:
        store.graph_outbox.set_aside(owner, each, reason=reason)
    return found


def steps(found: Sequence[SetAside]) -> list[tuple[str, int]]:
    return sorted((each.unread.memory_id, each.unread.version) for each in found)


def others(store: Store, owner: Owner) -> tuple[Owner, Owner]:
    """Return another owner of the project, and the same one of another project."""
    return Owner(owner.project, "another"), Owner(a_project(store), owner.key)


def commits(store: Store, owner: Owner, count: int) -> list[Entity]:
    """Commit so many entities one by one, a second apart from `NOON` on; return them."""
    entities = [an_entity(owner, f"name {number}") for number in range(count)]
    for number, entity in enumerate(entities):
        put(store, owner, entities=(entity,), at=NOON + number * SECOND)
    return entities


def unprojected(store: Store, owner: Owner, limit: int = 99) -> list[Unprojected]:
    return store.graph_outbox.unprojected(owner, limit=limit)


def entity_ids(found: Sequence[Unprojected]) -> list[tuple[str, ...]]:
    return [each.entity_ids for each in found]


def fresh(store: Store, owner: Owner, limit: int = 99) -> list[str]:
    return sorted(store.graph_outbox.fresh(owner, limit=limit))


# --- what is unread


def test_each_step_of_a_graphed_memory_is_unread_oldest_first(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope, "one")
    other = add(store, scope, "two")
    gone = delete(store, update(store, memory, text="uno"))

    assert unread(store, owner) == [(memory.id, 1), (other.id, 1), (memory.id, 2), (memory.id, 3)]
    assert gone == 3


def test_what_is_not_graphed_is_never_unread(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope, "one", is_graphed=False)
    delete(store, update(store, memory, text="uno"))

    assert unread(store, owner) == []
    assert owners_unread(store, scope.project, NOON + HOUR) == []


@pytest.mark.parametrize("was_graphed", [True, False])
def test_a_memory_that_enters_or_leaves_the_graph_is_unread(
    store: Store, scope: Scope, owner: Owner, *, was_graphed: bool
) -> None:
    memory = add(store, scope, is_graphed=was_graphed)
    put(store, owner, done=tuple(store.graph_outbox.unread(owner, limit=9)))

    update(store, memory, is_graphed=not was_graphed)

    assert unread(store, owner) == [(memory.id, 2)]


def test_of_one_change_only_the_graphed_memories_are_unread(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memories = [a_memory(scope, f"fact {n}", is_graphed=n != 1) for n in range(3)]

    store.record.commit(scope.project, a_change(*map(adding, memories)))

    assert sorted(unread(store, owner)) == sorted((memories[n].id, 1) for n in (0, 2))


def test_a_change_that_loses_a_race_leaves_nothing_unread(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope)

    with pytest.raises(LostRaceError):
        add(store, scope, memory.text)

    assert unread(store, owner) == [(memory.id, 1)]


def test_a_memory_is_unread_for_the_owner_of_its_scope_alone(store: Store, project: str) -> None:
    scope = a_scope(project, user="ada", agent="guide", run="r1")
    memory = add(store, scope)

    assert unread(store, Owner.of(a_scope(project, user="ada"))) == [(memory.id, 1)]
    for names in ({"agent": "guide"}, {"run": "r1"}, {"user": "bob"}):
        assert unread(store, Owner.of(a_scope(project, **names))) == []
    assert unread(store, Owner(a_project(store), scope.owner.key)) == []


def test_a_limit_leaves_the_newest_unread(store: Store, scope: Scope, owner: Owner) -> None:
    memories = [add(store, scope, f"fact {number}") for number in range(12)]

    assert unread(store, owner, limit=11) == [(memory.id, 1) for memory in memories[:11]]


def test_what_is_done_is_read_and_nothing_else(store: Store, scope: Scope, owner: Owner) -> None:
    memories = [a_memory(scope, f"fact {n}", is_graphed=True) for n in range(3)]
    store.record.commit(scope.project, a_change(*map(adding, memories)))
    done, *kept = store.graph_outbox.unread(owner, limit=9)
    later = add(store, scope, "more")

    put(store, owner, done=(done,))

    assert unread(store, owner) == [*((each.memory_id, 1) for each in kept), (later.id, 1)]


def test_only_one_can_be_done_with_a_change(store: Store, scope: Scope, owner: Owner) -> None:
    memories = [a_memory(scope, f"fact {n}", is_graphed=True) for n in range(2)]
    store.record.commit(scope.project, a_change(*map(adding, memories)))
    done, kept = store.graph_outbox.unread(owner, limit=9)
    late = an_entity(owner, "Late")
    put(store, owner, done=(done,))

    for again in ((done,), (done, kept)):
        with pytest.raises(LostRaceError):
            put(store, owner, entities=(late,), created=frozenset({late.id}), done=again)

    assert store.graph_outbox.unread(owner, limit=9) == [kept]
    assert store.graph.page(owner, after=None, limit=9) == []


def test_nobody_else_can_read_it_away(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    done = tuple(store.graph_outbox.unread(owner, limit=9))

    for other in (Owner(a_project(store), owner.key), Owner(scope.project, "another")):
        with pytest.raises(LostRaceError):
            put(store, other, done=done)

    assert unread(store, owner) == [(memory.id, 1)]


def test_owners_have_had_changes_unread_since_then(store: Store, project: str) -> None:
    old, new = a_scope(project, user="ada", run="r1"), a_scope(project, user="bob")
    for scope, at in ((old, NOON - SECOND), (new, NOON + SECOND)):
        memory = a_memory(scope, is_graphed=True)
        store.record.commit(project, a_change(adding(memory), at=at))

    assert owners_unread(store, project, NOON - 2 * SECOND) == []
    assert owners_unread(store, project, NOON) == [Owner.of(old)]
    assert owners_unread(store, project, NOON + SECOND) == sorted([Owner.of(old), Owner.of(new)])


def test_an_owner_of_unread_changes_is_named_once_and_not_when_all_is_read(
    store: Store, scope: Scope, owner: Owner
) -> None:
    for number in range(3):
        add(store, scope, f"fact {number}")
    assert owners_unread(store, scope.project, NOON) == [owner]

    put(store, owner, done=tuple(store.graph_outbox.unread(owner, limit=9)))

    assert owners_unread(store, scope.project, NOON) == []


def test_no_more_owners_of_unread_changes_than_asked_for(store: Store, project: str) -> None:
    for number in range(4):
        add(store, a_scope(project, user=f"user {number}"))

    found = store.graph_outbox.unread_owners(before=NOON, limit=3)

    assert 0 < len(found) <= 3


# --- what is set aside


def test_what_is_set_aside_is_unread_no_more(store: Store, scope: Scope, owner: Owner) -> None:
    memory = update(store, add(store, scope, "one"), text="uno")
    kept = add(store, scope, "two")
    first, second, _ = store.graph_outbox.unread(owner, limit=9)

    store.graph_outbox.set_aside(owner, first, reason=REASON)
    store.graph_outbox.set_aside(owner, second, reason="so it is")

    assert unread(store, owner) == [(kept.id, 1)]
    assert {
        (each.owner, each.unread.version, each.reason) for each in aside(store, scope.project)
    } == {
        (owner, 1, REASON),
        (owner, 2, "so it is"),
    }
    assert {each.unread.memory_id for each in aside(store, scope.project)} == {memory.id}


def test_an_owner_of_what_is_all_set_aside_has_nothing_unread(
    store: Store, scope: Scope, owner: Owner
) -> None:
    add(store, scope, "one")
    add(store, scope, "two")

    set_all_aside(store, owner)

    assert owners_unread(store, scope.project, NOON + HOUR) == []


@pytest.mark.parametrize("reason", ["", *HOSTILE, "why? " * 2_000], ids=range(len(HOSTILE) + 2))
def test_any_reason_comes_back_as_it_was_said(
    store: Store, scope: Scope, owner: Owner, reason: str
) -> None:
    memory = add(store, scope)

    set_all_aside(store, owner, reason)

    [found] = aside(store, scope.project)
    assert (found.owner, found.reason) == (owner, reason)
    assert steps([found]) == [(memory.id, 1)]


def test_what_all_projects_set_aside_is_found(store: Store, project: str) -> None:
    scopes = [
        a_scope(project, user="ada"),
        a_scope(project, user="bob"),
        a_scope(a_project(store), user="ada"),
    ]
    for scope in scopes:
        add(store, scope)
        set_all_aside(store, Owner.of(scope))

    found = store.graph_outbox.aside(limit=MANY)

    owners = {each.owner for each in found}
    assert {Owner.of(scope) for scope in scopes} <= owners


def test_no_more_is_found_aside_than_asked_for(store: Store, scope: Scope, owner: Owner) -> None:
    for number in range(4):
        add(store, scope, f"fact {number}")
    set_all_aside(store, owner)

    assert len(store.graph_outbox.aside(limit=3)) == 3


def test_setting_aside_twice_is_harmless(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    [found] = set_all_aside(store, owner)

    store.graph_outbox.set_aside(owner, found, reason="another one")

    assert [(each.reason, each.unread.memory_id) for each in aside(store, scope.project)] == [
        (REASON, memory.id)
    ]
    assert unread(store, owner) == []


def test_what_was_read_meanwhile_is_not_set_aside(store: Store, scope: Scope, owner: Owner) -> None:
    add(store, scope)
    done = store.graph_outbox.unread(owner, limit=9)
    put(store, owner, done=tuple(done))

    store.graph_outbox.set_aside(owner, done[0], reason=REASON)

    assert aside(store, scope.project) == []
    assert unread(store, owner) == []


def test_nobody_else_can_set_it_aside(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    [found] = store.graph_outbox.unread(owner, limit=9)

    for other in others(store, owner):
        store.graph_outbox.set_aside(other, found, reason=REASON)
        assert aside(store, other.project) == []

    assert unread(store, owner) == [(memory.id, 1)]


def test_a_later_change_of_what_is_aside_is_unread(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope)
    set_all_aside(store, owner)

    delete(store, memory)

    assert unread(store, owner) == [(memory.id, 2)]
    assert steps(aside(store, scope.project)) == [(memory.id, 1)]


def test_what_is_taken_up_is_unread_again(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope, "one")
    kept = add(store, scope, "two")
    set_all_aside(store, owner)
    [found] = [each for each in aside(store, scope.project) if each.unread.memory_id == memory.id]

    store.graph_outbox.take_up(found, at=NOON + HOUR)

    assert unread(store, owner) == [(memory.id, 1)]
    assert steps(aside(store, scope.project)) == [(kept.id, 1)]
    assert owners_unread(store, scope.project, NOON + HOUR - SECOND) == []
    assert owners_unread(store, scope.project, NOON + HOUR) == [owner]


def test_what_is_taken_up_can_be_read_or_set_aside_again(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memories = [add(store, scope, text) for text in ("one", "two")]
    set_all_aside(store, owner)
    for each in aside(store, scope.project):
        store.graph_outbox.take_up(each, at=NOON)
    read, unreadable = store.graph_outbox.unread(owner, limit=9)

    put(store, owner, done=(read,))
    store.graph_outbox.set_aside(owner, unreadable, reason="still so")

    [found] = aside(store, scope.project)
    assert (found.reason, found.unread.memory_id) == ("still so", unreadable.memory_id)
    assert {read.memory_id, unreadable.memory_id} == {memory.id for memory in memories}
    assert unread(store, owner) == []


def test_taking_up_twice_is_harmless(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    set_all_aside(store, owner)
    [found] = aside(store, scope.project)

    for _ in range(2):
        store.graph_outbox.take_up(found, at=NOON)

    assert unread(store, owner) == [(memory.id, 1)]
    put(store, owner, done=tuple(store.graph_outbox.unread(owner, limit=9)))
    store.graph_outbox.take_up(found, at=NOON)
    assert unread(store, owner) == []
    assert aside(store, scope.project) == []


def test_nobody_else_can_take_it_up(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    set_all_aside(store, owner)
    [found] = aside(store, scope.project)

    for other in others(store, owner):
        store.graph_outbox.take_up(SetAside(other, found.unread, REASON), at=NOON)
        assert unread(store, other) == []

    assert steps(aside(store, scope.project)) == [(memory.id, 1)]
    assert unread(store, owner) == []


# --- what is unprojected


def test_every_commit_of_entities_or_relations_is_unprojected(store: Store, owner: Owner) -> None:
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    knows, likes = a_relation(ada, bob), a_relation(bob, ada, "likes")
    changes: list[GraphChange] = [
        put(store, owner, entities=(ada, bob), aliases=(an_alias(ada, "A."),)),
        put(store, owner, relations=(knows, likes), at=NOON + SECOND),
        put(
            store,
            owner,
            entities=(next_of(ada, mentions=2),),
            relations=(next_relation(knows),),
            at=NOON + 2 * SECOND,
        ),
    ]

    found = unprojected(store, owner)

    assert entity_ids(found) == [tuple(e.id for e in change.entities) for change in changes]
    assert [each.triples for each in found] == [
        tuple(relation.triple for relation in change.relations) for change in changes
    ]
    assert not any(each.is_whole for each in found)
    assert len({each.id for each in found}) == len(changes)


def test_a_commit_of_nothing_else_is_not_unprojected(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope)
    done = tuple(store.graph_outbox.unread(owner, limit=9))

    put(store, owner)
    put(store, owner, readings=(Reading(memory_id=memory.id, version=1),), sources={memory.id: 1})
    put(store, owner, done=done)
    put(store, owner, aliases=(an_alias(an_entity(owner), "Lady"),))

    assert unprojected(store, owner) == []
    assert fresh(store, owner) == []
    assert owners_unprojected(store, scope.project, NOON + HOUR) == []


def test_a_commit_that_loses_a_race_is_not_unprojected(store: Store, owner: Owner) -> None:
    [entity] = commits(store, owner, 1)

    with pytest.raises(LostRaceError):
        put(store, owner, entities=(an_entity(owner, "Bob"), entity))

    assert entity_ids(unprojected(store, owner)) == [(entity.id,)]
    assert fresh(store, owner) == [entity.id]


def test_any_commit_is_unprojected_as_it_was(store: Store, owner: Owner) -> None:
    triples = [Triple(f"source {name}", name, name * 2) for name in HOSTILE]
    version = first_version(NOON)
    ends = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    relations = [
        a_relation(*ends, triple.predicate, support=(), version=version) for triple in triples
    ]

    put(
        store,
        owner,
        relations=tuple(relations),
        created=frozenset(each.triple.id for each in relations),
    )

    [found] = unprojected(store, owner)
    assert found.triples == tuple(each.triple for each in relations)


def test_the_largest_commit_is_unprojected_whole(store: Store, owner: Owner) -> None:
    entities = [an_entity(owner, f"name {number}") for number in range(store.graph.room())]

    put(store, owner, entities=tuple(entities))

    assert entity_ids(unprojected(store, owner)) == [tuple(each.id for each in entities)]


def test_a_limit_leaves_the_newest_unprojected(store: Store, owner: Owner) -> None:
    entities = commits(store, owner, 12)

    assert entity_ids(unprojected(store, owner, 11)) == [(each.id,) for each in entities[:11]]


def test_what_is_confirmed_is_unprojected_no_more_and_nothing_else(
    store: Store, owner: Owner
) -> None:
    entities = commits(store, owner, 4)
    first, second, third, last = unprojected(store, owner)

    store.graph_outbox.confirm(owner, [third, first])

    assert unprojected(store, owner) == [second, last]
    assert {entities[1].id, entities[3].id} <= set(fresh(store, owner))


def test_confirming_many_twice_or_none_is_harmless(store: Store, owner: Owner) -> None:
    commits(store, owner, 30)
    *done, kept = unprojected(store, owner)

    store.graph_outbox.confirm(owner, done)
    store.graph_outbox.confirm(owner, done)
    store.graph_outbox.confirm(owner, [])

    assert unprojected(store, owner) == [kept]


def test_a_confirmed_entity_that_moves_on_is_unprojected_again(store: Store, owner: Owner) -> None:
    [entity] = commits(store, owner, 1)
    done = unprojected(store, owner)
    store.graph_outbox.confirm(owner, done)

    put(store, owner, entities=(next_of(entity),))
    store.graph_outbox.confirm(owner, done)

    assert entity_ids(unprojected(store, owner)) == [(entity.id,)]
    assert fresh(store, owner) == [entity.id]


def test_nobody_else_sees_or_confirms_what_is_unprojected(store: Store, owner: Owner) -> None:
    commits(store, owner, 2)
    found = unprojected(store, owner)

    for other in others(store, owner):
        assert unprojected(store, other) == []
        assert fresh(store, other) == []
        [own] = commits(store, other, 1)
        store.graph_outbox.confirm(other, found)
        assert entity_ids(unprojected(store, other)) == [(own.id,)]

    assert unprojected(store, owner) == found


def test_owners_have_had_commits_unprojected_since_then(store: Store, project: str) -> None:
    old, new = (Owner.of(a_scope(project, user=name)) for name in ("ada", "bob"))
    for owner, at in ((old, NOON - SECOND), (new, NOON + SECOND)):
        put(store, owner, entities=(an_entity(owner),), at=at)

    assert owners_unprojected(store, project, NOON - 2 * SECOND) == []
    assert owners_unprojected(store, project, NOON) == [old]
    assert owners_unprojected(store, project, NOON + SECOND) == sorted([old, new])


def test_an_owner_of_unprojected_commits_is_named_once_and_not_when_all_are_confirmed(
    store: Store, owner: Owner
) -> None:
    commits(store, owner, 3)
    assert owners_unprojected(store, owner.project, NOON + HOUR) == [owner]

    store.graph_outbox.confirm(owner, unprojected(store, owner))

    assert owners_unprojected(store, owner.project, NOON + HOUR) == []


def test_no_more_owners_of_unprojected_commits_than_asked_for(store: Store, project: str) -> None:
    for number in range(4):
        commits(store, Owner(project, f"owner-{number}"), 1)

    found = store.graph_outbox.unprojected_owners(before=NOON, limit=3)

    assert 0 < len(found) <= 3


def test_what_waits_for_one_does_not_wait_for_the_other(
    store: Store, scope: Scope, owner: Owner
) -> None:
    add(store, scope)
    assert owners_unprojected(store, scope.project, NOON + HOUR) == []
    put(store, owner, done=tuple(store.graph_outbox.unread(owner, limit=9)))

    commits(store, owner, 1)

    assert owners_unread(store, scope.project, NOON + HOUR) == []
    assert owners_unprojected(store, scope.project, NOON + HOUR) == [owner]


def test_entities_of_the_last_commits_are_fresh_once(store: Store, owner: Owner) -> None:
    entities = commits(store, owner, 5)
    put(store, owner, entities=(next_of(entities[3]),), at=NOON + HOUR)
    ids = [each.id for each in entities]

    assert fresh(store, owner) == sorted(ids)
    assert fresh(store, owner, 1) == [ids[3]]
    assert fresh(store, owner, 2) == sorted(ids[3:])
    assert fresh(store, owner, 3) == sorted(ids[3:])
    assert fresh(store, owner, 4) == sorted(ids[2:])


def test_a_commit_of_relations_makes_no_entity_fresh(store: Store, owner: Owner) -> None:
    put(store, owner, relations=(a_relation(an_entity(owner, "Ada"), an_entity(owner, "Bob")),))

    assert fresh(store, owner) == []


def test_a_whole_graph_can_be_projected_again(store: Store, owner: Owner) -> None:
    [entity] = commits(store, owner, 1)
    first = unprojected(store, owner)

    store.graph_outbox.project_again(owner, at=NOON + HOUR)

    [*before, whole] = unprojected(store, owner)
    assert before == first
    assert whole == Unprojected(whole.id, is_whole=True)
    assert fresh(store, owner) == [entity.id]
    store.graph_outbox.confirm(owner, before)
    assert owners_unprojected(store, owner.project, NOON + HOUR - SECOND) == []
    assert owners_unprojected(store, owner.project, NOON + HOUR) == [owner]
    store.graph_outbox.confirm(owner, [whole])
    assert unprojected(store, owner) == []


def test_projecting_again_changes_nothing_that_is_kept(store: Store, owner: Owner) -> None:
    [entity] = commits(store, owner, 1)

    store.graph_outbox.project_again(owner, at=NOON)

    assert store.graph.page(owner, after=None, limit=9) == [entity]
    for other in others(store, owner):
        assert unprojected(store, other) == []


# --- many at once


def test_what_many_set_aside_is_there_once(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    [found] = store.graph_outbox.unread(owner, limit=9)

    at_once(lambda number: store.graph_outbox.set_aside(owner, found, reason=f"{number}"))

    assert steps(aside(store, scope.project)) == [(memory.id, 1)]
    assert unread(store, owner) == []


def test_what_many_take_up_is_unread_once(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    set_all_aside(store, owner)
    [found] = aside(store, scope.project)

    at_once(lambda number: store.graph_outbox.take_up(found, at=NOON + number * SECOND))

    assert unread(store, owner) == [(memory.id, 1)]
    assert aside(store, scope.project) == []


def test_what_is_set_aside_and_taken_up_at_once_is_in_one_place(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope)

    def move(number: int) -> None:
        for unreadable in aside(store, scope.project):
            store.graph_outbox.take_up(unreadable, at=NOON)
        for each in store.graph_outbox.unread(owner, limit=9):
            store.graph_outbox.set_aside(owner, each, reason=f"{number}")

    at_once(move)

    found = [*unread(store, owner), *steps(aside(store, scope.project))]
    assert found == [(memory.id, 1)]


def test_what_is_read_and_set_aside_at_once_is_either(
    store: Store, scope: Scope, owner: Owner
) -> None:
    add(store, scope)
    [found] = store.graph_outbox.unread(owner, limit=9)
    reading = Reading(memory_id=str(uuid4()), version=1)

    def settle(number: int) -> None:
        if number % 2:
            store.graph_outbox.set_aside(owner, found, reason=REASON)
            return
        with suppress(LostRaceError):
            put(store, owner, readings=(reading,), done=(found,))

    at_once(settle)

    assert unread(store, owner) == []
    assert len(aside(store, scope.project)) <= 1


def test_what_many_confirm_is_confirmed_and_nothing_else(store: Store, owner: Owner) -> None:
    commits(store, owner, 8)
    *done, kept = unprojected(store, owner)

    at_once(lambda _: store.graph_outbox.confirm(owner, done))

    assert unprojected(store, owner) == [kept]


def test_commits_of_many_at_once_are_each_unprojected_once(store: Store, owner: Owner) -> None:
    def commit(number: int) -> str:
        entity = an_entity(owner, f"name {number}")
        put(store, owner, entities=(entity,))
        return entity.id

    made = at_once(commit)

    assert sorted(entity_ids(unprojected(store, owner))) == sorted((each,) for each in made)
    assert fresh(store, owner) == sorted(made)
