"""What every GraphRecord promises, whichever engine is behind it: a fixture `store`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.graph import (
    MAX_BELIEFS,
    MAX_NAME_LENGTH,
    Alias,
    Belief,
    Entity,
    Owner,
    Reading,
    Relation,
    Triple,
    label,
)
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphChange
from recollect.ports.record import LostRaceError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_memory,
    a_relation,
    a_scope,
    a_support,
    adding,
    an_entity,
    deleting,
    updating,
)
from recollect.testing.fixtures import *
from recollect.testing.store import THREADS, Store, a_project, at_once

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
MANY = 10_000
"""More than all tests together leave in a store that they share."""

HOSTILE = (
    'Zoë "O\'Neil" \\ `x` ${y} {{z}} %s',
    "'); g.V().drop(); --",
    "'; DROP TABLE entities; --",
    "👩‍👩‍👧 東京 \u202eabc\u200b",
    "\x01\x08\x1b[31m\t\r\n\u2028\x7f",
    "#/N#X#*?=&",
    "é" * MAX_NAME_LENGTH,
    "🙂" * MAX_NAME_LENGTH,
)
"""Names as a text may have them, which a store must neither change nor execute."""


@pytest.fixture
def owner(scope: Scope) -> Owner:
    """Return whose graph the scope's memories are in."""
    return Owner.of(scope)


def put(store: Store, owner: Owner, **changes: Any) -> GraphChange:  # noqa: ANN401
    change = a_graph_change(**changes)
    store.graph.commit(owner, change)
    return change


def add(store: Store, scope: Scope, text: str = "knows Bob", **changes: Any) -> Memory:  # noqa: ANN401
    memory = a_memory(scope, text, **{"is_graphed": True, **changes})
    store.record.commit(scope.project, a_change(adding(memory)))
    return memory


def update(store: Store, before: Memory, **changes: Any) -> Memory:  # noqa: ANN401
    write = updating(before, **changes)
    store.record.commit(before.scope.project, a_change(write))
    assert write.after is not None
    return write.after


def delete(store: Store, memory: Memory) -> int:
    """Delete the memory; return the version of its deletion."""
    store.record.commit(memory.scope.project, a_change(deleting(memory)))
    return memory.version + 1


def unread(store: Store, owner: Owner, limit: int = MANY) -> list[tuple[str, int]]:
    return [(each.memory_id, each.version) for each in store.graph.unread(owner, limit=limit)]


def stale(store: Store, project: str, before: datetime) -> list[Owner]:
    found = store.graph.stale(before=before, limit=MANY)
    return sorted(owner for owner in found if owner.project == project)


def around(store: Store, owner: Owner, *entities: Entity, limit: int = MANY) -> list[Relation]:
    ids = [each.id for each in entities]
    return sorted(store.graph.around(owner, ids, limit=limit), key=lambda each: each.triple)


def in_order(*relations: Relation) -> list[Relation]:
    return sorted(relations, key=lambda each: each.triple)


def by_id(*entities: Entity) -> dict[str, Entity]:
    return {each.id: each for each in entities}


def next_of(thing: Entity, **changes: Any) -> Entity:  # noqa: ANN401
    return replace(thing, version=thing.version + 1, **changes)


def next_relation(relation: Relation, **changes: Any) -> Relation:  # noqa: ANN401
    return replace(relation, version=relation.version + 1, **changes)


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
    assert stale(store, scope.project, NOON + HOUR) == []


@pytest.mark.parametrize("was_graphed", [True, False])
def test_a_memory_that_enters_or_leaves_the_graph_is_unread(
    store: Store, scope: Scope, owner: Owner, *, was_graphed: bool
) -> None:
    memory = add(store, scope, is_graphed=was_graphed)
    put(store, owner, done=tuple(store.graph.unread(owner, limit=9)))

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


def test_a_limit_leaves_the_newest_unread_for_later(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memories = [add(store, scope, f"fact {number}") for number in range(12)]

    assert unread(store, owner, limit=11) == [(memory.id, 1) for memory in memories[:11]]


def test_what_is_done_is_read_and_nothing_else(store: Store, scope: Scope, owner: Owner) -> None:
    memories = [a_memory(scope, f"fact {n}", is_graphed=True) for n in range(3)]
    store.record.commit(scope.project, a_change(*map(adding, memories)))
    done, *kept = store.graph.unread(owner, limit=9)
    later = add(store, scope, "more")

    put(store, owner, done=(done,))

    assert unread(store, owner) == [*((each.memory_id, 1) for each in kept), (later.id, 1)]


def test_done_twice_is_harmless(store: Store, scope: Scope, owner: Owner) -> None:
    memories = [a_memory(scope, f"fact {n}", is_graphed=True) for n in range(2)]
    store.record.commit(scope.project, a_change(*map(adding, memories)))
    done, kept = store.graph.unread(owner, limit=9)

    for _ in range(2):
        put(store, owner, done=(done,))

    assert store.graph.unread(owner, limit=9) == [kept]


def test_nobody_else_can_read_it_away(store: Store, scope: Scope, owner: Owner) -> None:
    memory = add(store, scope)
    done = tuple(store.graph.unread(owner, limit=9))

    for other in (Owner(a_project(store), owner.key), Owner(scope.project, "another")):
        put(store, other, done=done)

    assert unread(store, owner) == [(memory.id, 1)]


def test_owners_become_stale_with_time(store: Store, project: str) -> None:
    old, new = a_scope(project, user="ada", run="r1"), a_scope(project, user="bob")
    for scope, at in ((old, NOON - SECOND), (new, NOON + SECOND)):
        memory = a_memory(scope, is_graphed=True)
        store.record.commit(project, a_change(adding(memory), at=at))

    assert stale(store, project, NOON - 2 * SECOND) == []
    assert stale(store, project, NOON) == [Owner.of(old)]
    assert stale(store, project, NOON + SECOND) == sorted([Owner.of(old), Owner.of(new)])


def test_a_stale_owner_is_named_once_and_not_when_all_is_read(
    store: Store, scope: Scope, owner: Owner
) -> None:
    for number in range(3):
        add(store, scope, f"fact {number}")
    assert stale(store, scope.project, NOON) == [owner]

    put(store, owner, done=tuple(store.graph.unread(owner, limit=9)))

    assert stale(store, scope.project, NOON) == []


def test_no_more_stale_owners_than_asked_for(store: Store, project: str) -> None:
    for number in range(4):
        add(store, a_scope(project, user=f"user {number}"))

    found = store.graph.stale(before=NOON, limit=3)

    assert 0 < len(found) <= 3


# --- what is kept


def test_an_entity_comes_back_as_it_was_stored(store: Store, owner: Owner) -> None:
    entity = an_entity(
        owner,
        "Ada Lovelace",
        type="person",
        mentions=7,
        recorded_at=NOON - timedelta(days=400, microseconds=1),
        vector=(0.6, 0.8),
    )

    put(store, owner, entities=(entity,))

    assert store.graph.entities(owner, [entity.id]) == {entity.id: entity}
    assert store.graph.page(owner, after=None, limit=9) == [entity]


def test_an_entity_moves_on(store: Store, owner: Owner) -> None:
    entity = an_entity(owner, vector=(0.6, 0.8))
    put(store, owner, entities=(entity,))
    moved = next_of(entity, mentions=0, embedding=None)

    put(store, owner, entities=(moved,))

    assert store.graph.entities(owner, [entity.id]) == {entity.id: moved}
    assert store.graph.page(owner, after=None, limit=9) == [moved]


def test_entities_are_found_by_their_aliases_too(store: Store, owner: Owner) -> None:
    entity, other = an_entity(owner, "Ada Lovelace"), an_entity(owner, "Bob")
    alias = an_alias(entity, "Lady Lovelace")
    put(store, owner, entities=(entity, other), aliases=(alias,))

    asked = [alias.id, entity.id, other.id, alias.id, "unknown", "", "a b/'\"🙂"]
    found = store.graph.entities(owner, asked)

    assert found == {alias.id: entity, entity.id: entity, other.id: other}
    assert store.graph.entities(owner, [alias.id]) == {alias.id: entity}
    assert store.graph.entities(owner, []) == {}


def test_an_alias_follows_its_entity(store: Store, owner: Owner) -> None:
    entity = an_entity(owner, "Ada Lovelace")
    alias = an_alias(entity, "Lady Lovelace")
    put(store, owner, entities=(entity,), aliases=(alias,))
    moved = next_of(entity, mentions=2)

    put(store, owner, entities=(moved,))

    assert store.graph.entities(owner, [alias.id]) == {alias.id: moved}


def test_what_is_an_entity_by_its_own_name_is_not_another_one(store: Store, owner: Owner) -> None:
    entity, other = an_entity(owner, "Ada"), an_entity(owner, "Bob")

    put(store, owner, entities=(entity, other), aliases=(an_alias(other, "Ada"),))

    assert store.graph.entities(owner, [entity.id]) == {entity.id: entity}


def test_entities_are_paged_in_the_order_of_ids(store: Store, owner: Owner) -> None:
    entities = [an_entity(owner, f"name {n}", mentions=n % 2) for n in range(7)]
    put(store, owner, entities=tuple(entities), aliases=(an_alias(entities[0], "alias"),))
    expected = sorted(entities, key=lambda each: each.id)

    first = store.graph.page(owner, after=None, limit=3)
    second = store.graph.page(owner, after=first[-1].id, limit=3)
    last = store.graph.page(owner, after=second[-1].id, limit=3)

    assert (first, second, last) == (expected[:3], expected[3:6], expected[6:])
    assert store.graph.page(owner, after=last[-1].id, limit=3) == []


def test_a_relation_comes_back_as_it_was_stored(store: Store, owner: Owner) -> None:
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    tick = timedelta(microseconds=1)
    relation = a_relation(
        ada,
        bob,
        support=(
            a_support(said_at=NOON - HOUR, valid_from=NOON - tick, valid_to=NOON + tick),
            a_support(said_at=NOON + tick),
        ),
        beliefs=(
            Belief(None, NOON - tick, NOON - HOUR, NOON + tick),
            Belief(None, NOON - tick, NOON + tick, is_past=True),
            Belief(NOON - 4_000 * HOUR, None, NOON + tick),
        ),
        is_exclusive=True,
    )

    put(store, owner, relations=(relation,))

    assert store.graph.relations(owner, [relation.triple]) == {relation.triple: relation}
    assert around(store, owner, ada) == around(store, owner, bob) == [relation]


def test_relations_are_found_by_their_triples(store: Store, owner: Owner) -> None:
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    relations = (a_relation(ada, bob), a_relation(bob, ada), a_relation(ada, bob, "likes"))
    put(store, owner, relations=relations)
    unknown = [Triple(bob.id, "likes", ada.id), Triple("", "", ""), Triple("a/'\"", "🙂", "b")]

    one, two, _ = (each.triple for each in relations)
    found = store.graph.relations(owner, [one, two, one, *unknown])

    assert found == {one: relations[0], two: relations[1]}
    assert store.graph.relations(owner, []) == {}


@pytest.mark.parametrize("target", ["Bob", "Ada"])
def test_a_relation_moves_on_at_both_ends(store: Store, owner: Owner, target: str) -> None:
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, target)
    relation = a_relation(ada, bob, support=(a_support(),), beliefs=(Belief(None, None, NOON),))
    put(store, owner, relations=(relation,))
    retracted = next_relation(
        relation, support=(), beliefs=(Belief(None, None, NOON, NOON + HOUR),)
    )

    put(store, owner, relations=(retracted,))

    assert store.graph.relations(owner, [relation.triple]) == {relation.triple: retracted}
    assert around(store, owner, ada) == around(store, owner, bob) == [retracted]


def test_around_an_entity_is_what_begins_or_ends_there(store: Store, owner: Owner) -> None:
    ada, bob, cid, dot = (an_entity(owner, name) for name in ("Ada", "Bob", "Cid", "Dot"))
    out, back, loop, far = (
        a_relation(ada, bob),
        a_relation(bob, ada, "likes"),
        a_relation(ada, ada),
        a_relation(bob, cid),
    )
    put(store, owner, relations=(out, back, loop, far))

    assert around(store, owner, ada) == in_order(out, back, loop)
    assert around(store, owner, cid) == [far]
    assert around(store, owner, ada, bob, ada) == in_order(out, back, loop, far)
    assert around(store, owner, dot) == around(store, owner) == []


def test_around_answers_so_many_for_each_entity(store: Store, owner: Owner) -> None:
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    others = [an_entity(owner, f"name {n}") for n in range(5)]
    relations = {hub.id: [a_relation(hub, each) for each in others] for hub in (ada, bob)}
    for of_hub in relations.values():
        put(store, owner, relations=tuple(of_hub))

    found = around(store, owner, ada, bob, limit=3)

    for hub in (ada, bob):
        assert len([each for each in found if each in relations[hub.id]]) == 3
    assert len(around(store, owner, ada, limit=5)) == 5


def test_readings_come_back_and_are_replaced(store: Store, scope: Scope, owner: Owner) -> None:
    full = Reading(
        memory_id=str(uuid4()),
        version=3,
        entities=("e1", "e2"),
        triples=(Triple("e1", "knows", "e2"), Triple("e2", "likes", "e2")),
        ended=(Triple("e1", "lives_in", "e3"),),
    )
    other = Reading(memory_id=str(uuid4()), version=1)
    put(store, owner, readings=(full, other))
    ids = [full.memory_id, other.memory_id]

    found = store.graph.readings(scope.project, [*ids, ids[0], str(uuid4()), "", "'\"🙂"])

    assert found == {full.memory_id: full, other.memory_id: other}
    assert store.graph.readings(scope.project, []) == {}
    emptied = Reading(memory_id=full.memory_id, version=4)
    put(store, owner, readings=(emptied,))
    assert store.graph.readings(scope.project, ids[:1]) == {full.memory_id: emptied}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_any_name_comes_back_as_it_was_written(
    store: Store, scope: Scope, owner: Owner, name: str
) -> None:
    entity = an_entity(owner, name, type=name[:64])
    other = an_entity(owner, "Bob")
    relation = a_relation(entity, other, label(name) or "knows", support=(a_support(name),))
    alias = an_alias(other, name, kind="alias")
    reading = Reading(
        memory_id=str(uuid4()), version=1, entities=(entity.id,), triples=(relation.triple,)
    )

    put(
        store,
        owner,
        entities=(entity, other),
        aliases=(alias,),
        relations=(relation,),
        readings=(reading,),
    )

    found = store.graph.entities(owner, [entity.id, alias.id])
    assert found == {entity.id: entity, alias.id: other}
    assert around(store, owner, entity) == [relation]
    assert store.graph.readings(scope.project, [reading.memory_id]) == {reading.memory_id: reading}
    assert len(store.graph.page(owner, after=None, limit=9)) == 2


# --- how much fits


def test_reads_take_many_ids(store: Store, scope: Scope, owner: Owner) -> None:
    room = store.graph.room()
    entities = [an_entity(owner, f"name {n}") for n in range(600)]
    readings = [Reading(memory_id=str(uuid4()), version=1) for _ in entities]
    for start in range(0, len(entities), room):
        put(store, owner, entities=tuple(entities[start : start + room]))
        put(store, owner, readings=tuple(readings[start : start + room]))
    alias, relation = an_alias(entities[0], "alias"), a_relation(entities[0], entities[1])
    put(store, owner, aliases=(alias,), relations=(relation,))
    ids = [each.id for each in entities]
    triples = [Triple(each, "likes", each) for each in ids]

    found = store.graph.entities(owner, [*ids, alias.id])

    assert found == {**by_id(*entities), alias.id: entities[0]}
    assert store.graph.page(owner, after=None, limit=1_000) == sorted(
        entities, key=lambda each: each.id
    )
    read = store.graph.readings(scope.project, [each.memory_id for each in readings])
    assert read == {each.memory_id: each for each in readings}
    assert store.graph.relations(owner, [*triples, relation.triple]) == {relation.triple: relation}
    assert store.graph.around(owner, ids[:60], limit=9) == [relation]


def test_the_largest_commit_of_entities_fits(store: Store, scope: Scope, owner: Owner) -> None:
    room = store.graph.room()
    assert room >= 20
    memory = add(store, scope)
    vector = tuple(range(1024))
    names = [f"{n} ".ljust(MAX_NAME_LENGTH, "🙂") for n in range(room - 3)]
    entities = [an_entity(owner, name, vector=vector) for name in names]
    change = a_graph_change(
        entities=tuple(entities),
        readings=(Reading(memory_id=memory.id, version=1),),
        sources={memory.id: 1},
        done=tuple(store.graph.unread(owner, limit=9)),
    )
    assert change.size == room

    store.graph.commit(owner, change)

    assert store.graph.entities(owner, [each.id for each in entities]) == by_id(*entities)
    assert unread(store, owner) == []
    put(store, owner, entities=tuple(next_of(each, mentions=2) for each in entities))


def test_the_largest_commit_of_relations_fits(store: Store, owner: Owner) -> None:
    room = store.graph.room()
    hub = an_entity(owner)
    beliefs = tuple(Belief(NOON, NOON, NOON, NOON) for _ in range(MAX_BELIEFS))
    support = tuple(a_support(valid_from=NOON, valid_to=NOON) for _ in range(20))
    relations = [
        a_relation(hub, an_entity(owner, f"{n}"), beliefs=beliefs, support=support)
        for n in range(room // 2)
    ]

    put(store, owner, relations=tuple(relations))

    assert around(store, owner, hub) == in_order(*relations)
    put(store, owner, relations=tuple(map(next_relation, relations)))


# --- commits, all or nothing


@dataclass(frozen=True)
class Setting:
    """A graph of two entities, and a change of everything in it."""

    store: Store
    scope: Scope
    owner: Owner
    ada: Entity
    bob: Entity
    knows: Relation
    memory: Memory
    deleted: Memory

    def change(self, **changes: Any) -> GraphChange:  # noqa: ANN401
        cid = an_entity(self.owner, "Cid")
        reading = Reading(memory_id=self.memory.id, version=1, entities=(self.ada.id, cid.id))
        made: dict[str, Any] = {
            "entities": (next_of(self.ada, mentions=2), cid),
            "aliases": (an_alias(self.bob, "Bobby"),),
            "relations": (next_relation(self.knows), a_relation(self.ada, cid)),
            "readings": (reading,),
            "sources": {self.memory.id: 1, self.deleted.id: 2},
            "done": tuple(self.store.graph.unread(self.owner, limit=9)),
        }
        return a_graph_change(**{**made, **changes})

    def everything(self) -> dict[str, object]:
        graph, owner = self.store.graph, self.owner
        triples = [each.triple for each in self.change().relations]
        ids = [self.ada.id, self.bob.id]
        return {
            "unread": graph.unread(owner, limit=99),
            "readings": graph.readings(owner.project, [self.memory.id, self.deleted.id]),
            "entities": graph.entities(owner, [*ids, an_entity(owner, "Cid").id]),
            "page": graph.page(owner, after=None, limit=99),
            "aliases": graph.entities(owner, [an_alias(self.bob, "Bobby").id]),
            "relations": graph.relations(owner, triples),
            "around": [around(self.store, owner, self.ada), around(self.store, owner, self.bob)],
        }


@pytest.fixture
def setting(store: Store, scope: Scope, owner: Owner) -> Setting:
    """Return a graph with something to do."""
    ada, bob = an_entity(owner, "Ada"), an_entity(owner, "Bob")
    knows = a_relation(ada, bob)
    memory, deleted = add(store, scope, "knows Bob"), add(store, scope, "likes Bob")
    delete(store, deleted)
    put(store, owner, entities=(ada, bob), relations=(knows,))
    return Setting(store, scope, owner, ada, bob, knows, memory, deleted)


def known_entity(setting: Setting) -> GraphChange:
    entities = setting.change().entities
    return setting.change(entities=(*entities, setting.bob))


def moved_entity(setting: Setting) -> GraphChange:
    put(setting.store, setting.owner, entities=(next_of(setting.ada, mentions=5),))
    return setting.change()


def entity_that_skips_a_version(setting: Setting) -> GraphChange:
    return setting.change(entities=(replace(setting.ada, version=3),))


def unknown_entity(setting: Setting) -> GraphChange:
    entity = an_entity(setting.owner, "Nobody", version=2)
    return setting.change(entities=(*setting.change().entities, entity))


def known_relation(setting: Setting) -> GraphChange:
    return setting.change(relations=(a_relation(setting.bob, setting.ada), setting.knows))


def moved_relation(setting: Setting) -> GraphChange:
    put(setting.store, setting.owner, relations=(next_relation(setting.knows),))
    return setting.change()


def unknown_relation(setting: Setting) -> GraphChange:
    relation = a_relation(setting.bob, setting.ada, version=2)
    return setting.change(relations=(*setting.change().relations, relation))


def known_alias(setting: Setting) -> GraphChange:
    put(setting.store, setting.owner, aliases=(an_alias(setting.ada, "Bobby"),))
    return setting.change()


def changed_source(setting: Setting) -> GraphChange:
    update(setting.store, setting.memory, text="knows Cid")
    return setting.change()


def deleted_source(setting: Setting) -> GraphChange:
    delete(setting.store, setting.memory)
    return setting.change()


def source_before_its_deletion(setting: Setting) -> GraphChange:
    return setting.change(sources={setting.memory.id: 1, setting.deleted.id: 1})


def unknown_source(setting: Setting) -> GraphChange:
    return setting.change(sources={setting.memory.id: 1, str(uuid4()): 1})


def source_of_another_project(setting: Setting) -> GraphChange:
    stranger = add(setting.store, a_scope(a_project(setting.store), user="ada"))
    return setting.change(sources={setting.memory.id: 1, stranger.id: 1})


def test_a_change_does_everything(setting: Setting) -> None:
    before = setting.everything()
    change = setting.change()

    setting.store.graph.commit(setting.owner, change)

    after = setting.everything()
    assert [key for key in before if before[key] == after[key]] == []
    assert after["unread"] == []
    assert after["entities"] == by_id(*change.entities, setting.bob)
    assert after["relations"] == {each.triple: each for each in change.relations}


@pytest.mark.parametrize(
    "conflict",
    [
        known_entity,
        moved_entity,
        entity_that_skips_a_version,
        unknown_entity,
        known_relation,
        moved_relation,
        unknown_relation,
        known_alias,
        changed_source,
        deleted_source,
        source_before_its_deletion,
        unknown_source,
        source_of_another_project,
    ],
)
def test_a_change_that_loses_a_race_leaves_nothing(
    setting: Setting, conflict: Callable[[Setting], GraphChange]
) -> None:
    change = conflict(setting)
    before = setting.everything()

    with pytest.raises(LostRaceError):
        setting.store.graph.commit(setting.owner, change)

    assert setting.everything() == before


def test_after_a_lost_race_the_same_store_goes_on(setting: Setting) -> None:
    with pytest.raises(LostRaceError):
        setting.store.graph.commit(setting.owner, known_entity(setting))

    setting.store.graph.commit(setting.owner, setting.change())

    assert setting.everything()["unread"] == []


def test_a_change_of_nothing_is_harmless(setting: Setting) -> None:
    before = setting.everything()

    put(setting.store, setting.owner)

    assert setting.everything() == before


def test_many_writers_of_one_entity_lose_no_mention(store: Store, owner: Owner) -> None:
    name = an_entity(owner)

    def mention(_: int) -> None:
        for _attempt in range(50 * THREADS):
            known = store.graph.entities(owner, [name.id]).get(name.id)
            entity = next_of(known, mentions=known.mentions + 1) if known else name
            with suppress(LostRaceError):
                put(store, owner, entities=(entity,))
                return
        pytest.fail("Others were faster every time")

    at_once(mention)

    found = store.graph.entities(owner, [name.id])[name.id]
    assert (found.mentions, found.version) == (THREADS, THREADS)


# --- owners and projects


def test_nobody_sees_the_graph_of_another(setting: Setting) -> None:
    store, owner = setting.store, setting.owner
    store.graph.commit(owner, setting.change())
    another = a_project(store)

    for other in (Owner(owner.project, "another"), Owner(another, owner.key)):
        seen = replace(setting, owner=other).everything()
        ids = [setting.ada.id, setting.bob.id, an_alias(setting.bob, "Bobby").id]
        triples = [each.triple for each in setting.change().relations]
        assert seen["page"] == seen["unread"] == []
        assert store.graph.entities(other, ids) == {}
        assert store.graph.relations(other, triples) == {}
        assert store.graph.around(other, ids, limit=99) == []
    assert store.graph.readings(another, [setting.memory.id]) == {}


def test_another_owner_may_use_the_same_ids(setting: Setting) -> None:
    store, owner = setting.store, setting.owner
    store.graph.commit(owner, setting.change())
    before = setting.everything()
    alias = an_alias(setting.bob, "Bobby")

    for other in (Owner(owner.project, "another"), Owner(a_project(store), owner.key)):
        twin = an_entity(other, "Ada")
        relation = replace(setting.knows, owner=other, is_exclusive=True)
        own = replace(alias, entity_id=twin.id)
        put(store, other, entities=(twin,), aliases=(own,), relations=(relation,))
        for _ in range(2):
            relation = next_relation(relation)
            put(store, other, relations=(relation,))

        assert store.graph.relations(other, [relation.triple]) == {relation.triple: relation}
        assert store.graph.around(other, [setting.ada.id], limit=9) == [relation]
        assert store.graph.entities(other, [alias.id]) == {alias.id: twin}
    assert setting.everything() == before


def test_two_projects_may_have_read_the_same_memory_id(
    store: Store, scope: Scope, owner: Owner
) -> None:
    other = a_project(store)
    reading = Reading(memory_id=str(uuid4()), version=1, entities=("e1",))
    twin = replace(reading, version=2)

    put(store, owner, readings=(reading,))
    put(store, Owner(other, owner.key), readings=(twin,))

    assert store.graph.readings(scope.project, [reading.memory_id]) == {reading.memory_id: reading}
    assert store.graph.readings(other, [reading.memory_id]) == {reading.memory_id: twin}


def an_alias(entity: Entity, name: str, *, kind: str = "person") -> Alias:
    """Return another name of the entity."""
    known = an_entity(entity.owner, name, type=kind)
    return Alias(known.id, entity.id, name, NOON)
