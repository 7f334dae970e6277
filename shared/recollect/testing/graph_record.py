"""What every GraphRecord promises, whichever engine is behind it: a fixture `store`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
    first_version,
    label,
)
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.graph import GraphChange
from recollect.ports.graph_outbox import SetAside
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
)
from recollect.testing.fixtures import *
from recollect.testing.store import THREADS, Store, a_project, at_once, update

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


def delete(store: Store, memory: Memory) -> int:
    """Delete the memory; return the version of its deletion."""
    store.record.commit(memory.scope.project, a_change(deleting(memory)))
    return memory.version + 1


def unread(store: Store, owner: Owner, limit: int = MANY) -> list[tuple[str, int]]:
    return [
        (each.memory_id, each.version) for each in store.graph_outbox.unread(owner, limit=limit)
    ]


def aside(store: Store, project: str) -> list[SetAside]:
    found = store.graph_outbox.aside(limit=MANY)
    return [each for each in found if each.owner.project == project]


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
        done=tuple(store.graph_outbox.unread(owner, limit=9)),
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
            "done": tuple(self.store.graph_outbox.unread(self.owner, limit=9)),
        }
        return a_graph_change(**{**made, **changes})

    def everything(self) -> dict[str, object]:
        graph, owner = self.store.graph, self.owner
        triples = [each.triple for each in self.change().relations]
        ids = [self.ada.id, self.bob.id]
        return {
            "unread": self.store.graph_outbox.unread(owner, limit=99),
            "readings": graph.readings(owner.project, [self.memory.id, self.deleted.id]),
            "entities": graph.entities(owner, [*ids, an_entity(owner, "Cid").id]),
            "page": graph.page(owner, after=None, limit=99),
            "aliases": graph.entities(owner, [an_alias(self.bob, "Bobby").id]),
            "relations": graph.relations(owner, triples),
            "around ada": around(self.store, owner, self.ada),
            "around bob": around(self.store, owner, self.bob),
            "unprojected": self.store.graph_outbox.unprojected(owner, limit=99),
            "fresh": sorted(self.store.graph_outbox.fresh(owner, limit=99)),
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


def known_entity_at_a_later_version(setting: Setting) -> GraphChange:
    entity = replace(setting.bob, version=first_version(NOON))
    return made_anew(setting.change(entities=(*setting.change().entities, entity)), entity.id)


def next_entity_as_a_new_one(setting: Setting) -> GraphChange:
    return made_anew(setting.change(), setting.ada.id)


def unknown_entity_as_a_known_one(setting: Setting) -> GraphChange:
    return replace(setting.change(relations=()), created=frozenset())


def known_relation(setting: Setting) -> GraphChange:
    return setting.change(relations=(a_relation(setting.bob, setting.ada), setting.knows))


def moved_relation(setting: Setting) -> GraphChange:
    put(setting.store, setting.owner, relations=(next_relation(setting.knows),))
    return setting.change()


def unknown_relation(setting: Setting) -> GraphChange:
    relation = a_relation(setting.bob, setting.ada, version=2)
    return setting.change(relations=(*setting.change().relations, relation))


def known_relation_at_a_later_version(setting: Setting) -> GraphChange:
    relation = replace(setting.knows, version=first_version(NOON))
    return made_anew(setting.change(relations=(relation,)), relation.triple.id)


def next_relation_as_a_new_one(setting: Setting) -> GraphChange:
    return made_anew(setting.change(), setting.knows.triple.id)


def unknown_relation_as_a_known_one(setting: Setting) -> GraphChange:
    change = setting.change()
    return replace(change, created=frozenset(each.id for each in change.entities[1:]))


def made_anew(change: GraphChange, an_id: str) -> GraphChange:
    return replace(change, created=change.created | {an_id})


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
        known_entity_at_a_later_version,
        next_entity_as_a_new_one,
        unknown_entity_as_a_known_one,
        known_relation,
        moved_relation,
        unknown_relation,
        known_relation_at_a_later_version,
        next_relation_as_a_new_one,
        unknown_relation_as_a_known_one,
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


def test_what_is_created_begins_at_any_version(store: Store, owner: Owner) -> None:
    version = first_version(NOON)
    ada, bob = (an_entity(owner, name, version=version) for name in ("Ada", "Bob"))
    knows = a_relation(ada, bob, version=version + 7)
    created = frozenset([ada.id, bob.id, knows.triple.id])
    put(store, owner, entities=(ada, bob), relations=(knows,), created=created)
    later, more = next_of(ada, mentions=2), next_relation(knows, support=(a_support(),))

    put(store, owner, entities=(later,), relations=(more,))

    assert store.graph.entities(owner, [ada.id, bob.id]) == by_id(later, bob)
    assert store.graph.relations(owner, [knows.triple]) == {knows.triple: more}
    assert around(store, owner, ada) == around(store, owner, bob) == [more]


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


# --- read again


def read(store: Store, owner: Owner, *memories: Memory) -> dict[str, Reading]:
    """Read all that is unread; return what the graph has of these memories then."""
    readings = [Reading(memory_id=each.id, version=each.version) for each in memories]
    done = tuple(store.graph_outbox.unread(owner, limit=99))
    put(store, owner, readings=tuple(readings), done=done)
    return {each.memory_id: each for each in readings}


def test_what_is_to_be_read_again_is_forgotten_and_unread(setting: Setting) -> None:
    store, owner = setting.store, setting.owner
    kept = add(store, setting.scope, "likes tea")
    readings = read(store, owner, setting.memory, setting.deleted, kept)
    before = setting.everything()

    store.graph.reread(owner, {setting.memory.id: 1, setting.deleted.id: 2}, at=NOON + HOUR)

    assert store.graph.readings(owner.project, [*readings]) == {kept.id: readings[kept.id]}
    assert sorted(unread(store, owner)) == sorted([(setting.memory.id, 1), (setting.deleted.id, 2)])
    after = setting.everything()
    assert {key for key in before if before[key] != after[key]} == {"unread", "readings"}


def test_what_is_to_be_read_again_waits_since_then(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope)
    read(store, owner, memory)

    store.graph.reread(owner, {memory.id: 1}, at=NOON + HOUR)

    earlier = store.graph_outbox.unread_owners(before=NOON + HOUR / 2, limit=MANY)
    later = store.graph_outbox.unread_owners(before=NOON + HOUR, limit=MANY)
    assert owner not in earlier
    assert owner in later


def test_what_is_to_be_read_again_has_its_place_among_changes(
    store: Store, scope: Scope, owner: Owner
) -> None:
    memory = add(store, scope, "one")
    read(store, owner, memory)
    before = add(store, scope, "two")

    store.graph.reread(owner, {memory.id: 1}, at=datetime.now(UTC))

    after = add(store, scope, "three")
    assert unread(store, owner) == [(before.id, 1), (memory.id, 1), (after.id, 1)]


def test_many_memories_are_read_again_or_none(store: Store, owner: Owner) -> None:
    versions = {str(uuid4()): number for number in range(1, 121)}
    readings = [Reading(memory_id=each, version=1) for each in versions]
    put(store, owner, readings=tuple(readings[:60]))
    put(store, owner, readings=tuple(readings[60:]))

    store.graph.reread(owner, versions, at=NOON)
    store.graph.reread(owner, {}, at=NOON)

    assert store.graph.readings(owner.project, [*versions]) == {}
    assert sorted(unread(store, owner)) == sorted(versions.items())


# --- erased


@pytest.fixture
def full(setting: Setting) -> Setting:
    """Return a graph with something of every kind that it can have."""
    store, owner = setting.store, setting.owner
    update(store, setting.memory, text="knows nobody")
    readings = tuple(
        Reading(memory_id=each.id, version=1) for each in (setting.memory, setting.deleted)
    )
    change = setting.change(readings=readings, sources={}, done=())
    store.graph.commit(owner, change)
    for each in store.graph_outbox.unread(owner, limit=99):
        if each.memory_id == setting.deleted.id:
            store.graph_outbox.set_aside(owner, each, reason="nobody can read it")
    assert len(aside(store, owner.project)) == len(unread(store, owner)) == 2
    assert not [key for key, found in setting.everything().items() if not found]
    return setting


@pytest.mark.parametrize("times", [1, 2])
def test_erasing_leaves_nothing_but_what_tells_of_it(full: Setting, times: int) -> None:
    store, owner = full.store, full.owner

    for _ in range(times):
        assert store.graph.erase(owner, at=NOON + HOUR)

    left = {key for key, found in full.everything().items() if found}
    assert left - {"fresh"} == {"unprojected"}
    whole = store.graph_outbox.unprojected(owner, limit=99)[-1]
    assert (whole.is_whole, whole.entity_ids, whole.triples) == (True, (), ())
    assert aside(store, owner.project) == []
    assert store.graph.owners(owner.project, after=None, limit=9) == []
    assert owner not in store.graph_outbox.unread_owners(before=NOON + HOUR, limit=MANY)
    assert owner in store.graph_outbox.unprojected_owners(before=NOON + HOUR, limit=MANY)


def test_what_was_erased_may_come_to_be_again(full: Setting) -> None:
    store, owner = full.store, full.owner
    store.graph.erase(owner, at=NOON + HOUR)
    version = first_version(NOON + HOUR)
    ada, bob = (replace(each, version=version) for each in (full.ada, full.bob))
    knows, alias = replace(full.knows, version=version), an_alias(bob, "Bobby")
    created = frozenset([ada.id, bob.id, knows.triple.id])

    put(store, owner, entities=(ada, bob), aliases=(alias,), relations=(knows,), created=created)

    assert store.graph.page(owner, after=None, limit=9) == sorted(
        [ada, bob], key=lambda each: each.id
    )
    assert store.graph.entities(owner, [alias.id]) == {alias.id: bob}
    assert around(store, owner, ada) == around(store, owner, bob) == [knows]
    assert store.graph.owners(owner.project, after=None, limit=9) == [owner]


def test_nobody_moves_on_what_was_erased(full: Setting) -> None:
    store, owner = full.store, full.owner
    known = store.graph.entities(owner, [full.ada.id])[full.ada.id]
    store.graph.erase(owner, at=NOON)

    for change in (
        a_graph_change(entities=(next_of(known, mentions=3),)),
        a_graph_change(relations=(next_relation(next_relation(full.knows)),)),
    ):
        with pytest.raises(LostRaceError):
            store.graph.commit(owner, change)

    assert store.graph.page(owner, after=None, limit=9) == []


def test_erasing_touches_nobody_else(full: Setting) -> None:
    store, owner = full.store, full.owner
    others = [a_scope(owner.project, user="bob"), a_scope(a_project(store), user="ada")]
    for scope in others:
        memory, other = add(store, scope, "one"), Owner.of(scope)
        read(store, other, memory)
        add(store, scope, "two")
        [unreadable, *_] = store.graph_outbox.unread(other, limit=9)
        add(store, scope, "three")
        store.graph_outbox.set_aside(other, unreadable, reason="nobody can read it")
        ends = an_entity(other, "Ada"), an_entity(other, "Bob")
        alias = an_alias(ends[1], "Bobby")
        put(store, other, entities=ends, aliases=(alias,), relations=(a_relation(*ends),))

    def of_others() -> list[object]:
        return [
            [
                store.graph.page(Owner.of(scope), after=None, limit=9),
                store.graph.entities(
                    Owner.of(scope), [an_entity(Owner.of(scope), name).id for name in ("Bobby",)]
                ),
                around(store, Owner.of(scope), an_entity(Owner.of(scope), "Ada")),
                unread(store, Owner.of(scope)),
                store.graph_outbox.unprojected(Owner.of(scope), limit=9),
                [each for each in aside(store, scope.project) if each.owner == Owner.of(scope)],
            ]
            for scope in others
        ]

    before = of_others()
    store.graph.erase(owner, at=NOON)

    assert of_others() == before


def test_a_large_graph_is_erased_whole(store: Store, scope: Scope, owner: Owner) -> None:
    hub, *others = (an_entity(owner, f"name {number}") for number in range(240))
    for start in range(0, len(others), 40):
        part = others[start : start + 40]
        put(store, owner, entities=tuple(part))
        put(store, owner, relations=tuple(a_relation(hub, each) for each in part))
    store.graph.reread(owner, {str(uuid4()): number for number in range(1, 121)}, at=NOON)
    memory = add(store, scope)
    for number in range(30):
        memory = update(store, memory, text=f"fact {number}")
    put(store, owner, readings=(Reading(memory_id=memory.id, version=1),))

    assert store.graph.erase(owner, at=NOON + HOUR)

    assert store.graph.page(owner, after=None, limit=9) == []
    assert around(store, owner, hub, *others[:9]) == []
    assert unread(store, owner) == []
    assert store.graph.readings(owner.project, [memory.id]) == {}
    assert store.graph_outbox.unprojected(owner, limit=999)[-1].is_whole


def test_where_nothing_is_nothing_is_erased_or_told(
    store: Store, scope: Scope, owner: Owner
) -> None:
    store.record.commit(scope.project, a_change(adding(a_memory(scope))))

    assert not store.graph.erase(owner, at=NOON)

    assert store.graph_outbox.unprojected(owner, limit=9) == []
    assert store.graph.owners(owner.project, after=None, limit=9) == []


def test_after_its_projections_an_erased_graph_is_nothing(full: Setting) -> None:
    store, owner = full.store, full.owner
    store.graph.erase(owner, at=NOON)

    store.graph_outbox.confirm(owner, store.graph_outbox.unprojected(owner, limit=99))

    assert not store.graph.erase(owner, at=NOON)


# --- owners and projects


def test_owners_are_paged_in_a_stable_order(store: Store, project: str) -> None:
    owners = [Owner.of(a_scope(project, user=f"user {number}")) for number in range(7)]
    elsewhere = Owner(a_project(store), "another")
    for owner in [*owners, elsewhere, *owners[:2]]:
        put(store, owner, entities=(an_entity(owner, str(uuid4()), mentions=0),))

    everybody = store.graph.owners(project, after=None, limit=99)
    first = store.graph.owners(project, after=None, limit=3)
    second = store.graph.owners(project, after=first[-1], limit=3)
    last = store.graph.owners(project, after=second[-1], limit=3)

    assert sorted(everybody) == sorted(owners)
    assert (first, second, last) == (everybody[:3], everybody[3:6], everybody[6:])
    assert store.graph.owners(project, after=last[-1], limit=3) == []
    assert store.graph.owners(elsewhere.project, after=None, limit=3) == [elsewhere]


def test_who_has_memories_alone_has_no_graph(store: Store, scope: Scope, owner: Owner) -> None:
    read(store, owner, add(store, scope, "one"))
    add(store, scope, "two")

    assert store.graph.owners(scope.project, after=None, limit=9) == []


def test_an_owner_of_an_erased_graph_is_no_more(store: Store, project: str) -> None:
    kept, gone = (Owner.of(a_scope(project, user=name)) for name in ("ada", "bob"))
    for owner in (kept, gone):
        put(store, owner, entities=(an_entity(owner),))

    store.graph.erase(gone, at=NOON)

    assert store.graph.owners(project, after=None, limit=9) == [kept]


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
