"""How often graphs ask DynamoDB, what is in their keys, and what fits, waits and settles there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest

from recollect.adapters.aws.dynamodb import Item
from recollect.adapters.aws.items import WIDE_SHARDS, shard
from recollect.adapters.aws.store import DynamoStore
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation
from recollect.domain.subjects import Scope
from recollect.ports.graph_outbox import SetAside
from recollect.ports.record import LostRaceError
from recollect.testing.builders import (
    NOON,
    a_change,
    a_graph_change,
    a_key,
    a_memory,
    a_relation,
    a_scope,
    a_support,
    adding,
    an_entity,
    an_episode,
    updating,
)
from recollect.testing.fixtures import *
from recollect.testing.store import a_project
from tests.aws import dynamo_store
from tests.service import Clock

pytestmark = pytest.mark.engines

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
LONG_AGO = NOON - timedelta(days=9_999)
"""Before all that other tests leave."""
SETTLING = timedelta(seconds=60)
SUBJECTS = {"user": "ada", "agent": "guide", "run": "r1", "app": "web"}


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as opened:
        yield opened


@pytest.fixture
def owner(scope: Scope) -> Owner:
    return Owner.of(scope)


@contextmanager
def counted(store: DynamoStore) -> Iterator[Counter[str]]:
    """Count the calls that are made in the block, by operation."""
    calls: Counter[str] = Counter()

    def count(model: object, **_: object) -> None:
        calls[getattr(model, "name")] += 1  # noqa: B009 - botocore has no types

    store.dynamodb.meta.events.register("before-call", count, unique_id="counting")
    try:
        yield calls
    finally:
        store.dynamodb.meta.events.unregister("before-call", unique_id="counting")


@contextmanager
def read_items(store: DynamoStore) -> Iterator[list[int]]:
    """Note how many items each query in the block reads."""
    sizes: list[int] = []

    def note(parsed: dict[str, int], **_: object) -> None:
        sizes.append(parsed["ScannedCount"])

    events = store.dynamodb.meta.events
    events.register("after-call.dynamodb.Query", note, unique_id="reading")
    try:
        yield sizes
    finally:
        events.unregister("after-call.dynamodb.Query", unique_id="reading")


def people(owner: Owner, count: int) -> list[Entity]:
    return [an_entity(owner, f"name {number}") for number in range(count)]


def friends(*entities: Entity) -> list[Relation]:
    """Return who knows the next one."""
    return [a_relation(*pair) for pair in pairwise(entities)]


def known_as(entity: Entity, name: str) -> Alias:
    return Alias(an_entity(entity.owner, name).id, entity.id, name, NOON)


def test_a_commit_is_one_transaction(store: DynamoStore, scope: Scope, owner: Owner) -> None:
    memory = a_memory(scope, is_graphed=True)
    store.record.commit(scope.project, a_change(adding(memory)))
    entities = people(owner, 20)
    change = a_graph_change(
        entities=tuple(entities),
        aliases=(known_as(entities[0], "Bobby"),),
        relations=tuple(friends(*entities)),
        readings=(Reading(memory_id=memory.id, version=1),),
        sources={memory.id: 1},
        done=tuple(store.graph_outbox.unread(owner, limit=9)),
    )

    with counted(store) as calls:
        store.graph.commit(owner, change)
    assert calls == {"TransactWriteItems": 1}

    with counted(store) as calls, pytest.raises(LostRaceError):
        store.graph.commit(owner, change)
    assert calls == {"TransactWriteItems": 1}


def test_nothing_to_commit_asks_nobody(store: DynamoStore, owner: Owner) -> None:
    with counted(store) as calls:
        store.graph.commit(owner, a_graph_change())

    assert calls == {}


@pytest.mark.parametrize("limit", [2, 1_000])
def test_around_is_a_query_for_each_entity(store: DynamoStore, owner: Owner, limit: int) -> None:
    hub, *others = people(owner, 20)
    relations = [a_relation(hub, each) for each in others]
    store.graph.commit(owner, a_graph_change(relations=tuple(relations)))
    ids = [hub.id, *(each.id for each in others)]

    with counted(store) as calls:
        found = store.graph.around(owner, [*ids, *ids, "x" * 2_000], limit=limit)

    assert len(found) == len(relations)
    assert calls == {"Query": len(ids)}


def test_a_query_ends_where_the_limit_does(store: DynamoStore, owner: Owner) -> None:
    hub, *others = people(owner, 9)
    relations = [a_relation(hub, each) for each in others]
    store.graph.commit(owner, a_graph_change(entities=tuple(others), relations=tuple(relations)))

    with read_items(store) as sizes:
        assert len(store.graph.around(owner, [hub.id], limit=3)) == 3
        first = store.graph.page(owner, after=None, limit=3)
        second = store.graph.page(owner, after=first[-1].id, limit=3)

    assert [*first, *second] == sorted(others, key=lambda each: each.id)[:6]
    assert sizes == [3, 3, 3]


def test_entities_are_one_read_for_fifty(store: DynamoStore, owner: Owner) -> None:
    entities = people(owner, 50)
    store.graph.commit(owner, a_graph_change(entities=tuple(entities)))
    ids = [each.id for each in entities]

    with counted(store) as calls:
        assert len(store.graph.entities(owner, [*ids, *ids, "x" * 2_000])) == len(entities)

    assert calls == {"BatchGetItem": 1}


def test_aliases_cost_one_more_read_unless_their_entities_are_read_too(
    store: DynamoStore, owner: Owner
) -> None:
    entities = people(owner, 9)
    aliases = [known_as(each, f"{each.name} too") for each in entities]
    change = a_graph_change(entities=tuple(entities), aliases=tuple(aliases))
    store.graph.commit(owner, change)
    ids = [each.id for each in aliases]

    with counted(store) as calls:
        found = store.graph.entities(owner, ids)
    assert found == dict(zip(ids, entities, strict=True))
    assert calls == {"BatchGetItem": 2}

    with counted(store) as calls:
        assert len(store.graph.entities(owner, [ids[0], entities[0].id])) == 2
    assert calls == {"BatchGetItem": 1}


def test_who_is_known_by_a_name_is_nobody_else(store: DynamoStore, owner: Owner) -> None:
    ada, bob = people(owner, 2)
    alias = Alias(ada.id, bob.id, ada.name, NOON)

    store.graph.commit(owner, a_graph_change(entities=(ada, bob), aliases=(alias,)))

    assert store.graph.entities(owner, [ada.id]) == {ada.id: ada}


def test_relations_and_readings_are_one_read_for_a_hundred(
    store: DynamoStore, owner: Owner
) -> None:
    triples = [each.triple for each in friends(*people(owner, 101))]

    with counted(store) as calls:
        store.graph.relations(owner, triples)
        store.graph.readings(owner.project, [each.id for each in triples])

    assert calls == {"BatchGetItem": 2}


def test_what_awaits_the_writer_is_one_query_of_an_owner_and_16_of_all(
    store: DynamoStore, owner: Owner
) -> None:
    with counted(store) as calls:
        store.graph_outbox.unread(owner, limit=9)
    assert calls == {"Query": 1}

    with counted(store) as calls:
        store.graph_outbox.unread_owners(before=NOON, limit=9)
    assert calls == {"Query": WIDE_SHARDS}


@pytest.mark.parametrize("is_graphed", [True, False])
def test_an_add_is_the_same_calls_with_and_without_a_graph(
    store: DynamoStore, scope: Scope, *, is_graphed: bool
) -> None:
    store.record.commit(scope.project, a_change(adding(a_memory(scope, "is called Ada"))))
    memories = [a_memory(scope, f"fact {n}", is_graphed=is_graphed) for n in range(10)]

    with counted(store) as calls:
        store.record.commit(scope.project, a_change(*map(adding, memories)))

    assert calls == {"TransactWriteItems": 1}
    assert len(store.graph_outbox.unread(Owner.of(scope), limit=99)) == (10 if is_graphed else 0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_largest_commit_of_graphed_memories_fits(
    store: DynamoStore, project: str, count: int
) -> None:
    scope = a_scope(project, **dict(list(SUBJECTS.items())[:count]))
    room = store.record.room_for([scope] * 99)
    memories = [a_memory(scope, f"fact {n}", is_graphed=True) for n in range(room)]
    store.record.commit(project, a_change(*map(adding, memories)))
    moves = [
        updating(each, text=f"{each.text}!", created_at=each.created_at + HOUR) for each in memories
    ]

    store.record.commit(project, a_change(*moves, episode=an_episode(scope)))

    assert len(store.graph_outbox.unread(Owner.of(scope), limit=99)) == 2 * room


def test_no_name_is_part_of_a_key(store: DynamoStore, scope: Scope, owner: Owner) -> None:
    memory = a_memory(scope, "Zebedee knows Quentin", is_graphed=True)
    store.record.commit(scope.project, a_change(adding(memory)))
    ada, bob = an_entity(owner, "Zebedee"), an_entity(owner, "Quentin")
    change = a_graph_change(
        entities=(ada, bob),
        aliases=(known_as(ada, "Zeb"),),
        relations=(a_relation(ada, bob, support=(a_support(memory.id),)),),
        readings=(Reading(memory_id=memory.id, version=1, entities=(ada.id,)),),
    )
    store.graph.commit(owner, change)

    keys = keys_of(store, scope.project)
    of_graph = [key for key in keys if f"G#{scope.project}#{owner.key}" in key]
    # Unread, owner, unprojected, entities, alias, relation at both ends.
    assert len(of_graph) == 3 + 2 + 1 + 2
    assert not [key for key in keys for name in ("zeb", "quentin", "knows") if name in key.lower()]


def items_of(store: DynamoStore, project: str) -> list[Item]:
    pages = store.dynamodb.get_paginator("scan").paginate(
        TableName=store.record_table, ConsistentRead=True
    )
    return [item for page in pages for item in page["Items"] if project in item["pk"]["S"]]


def keys_of(store: DynamoStore, project: str) -> list[str]:
    """Return the keys of all items of a project, those of `wide` too."""
    names = ("pk", "sk", "gpk", "gsk")
    return [str([item.get(name) for name in names]) for item in items_of(store, project)]


def commit_each(store: DynamoStore, owner: Owner, *entities: Entity, at: datetime = NOON) -> None:
    """Commit these one by one, a second apart."""
    for number, entity in enumerate(entities):
        at_its_time = at + number * SECOND
        store.graph.commit(owner, a_graph_change(entities=(entity,), at=at_its_time))


def set_one_aside(store: DynamoStore, scope: Scope, reason: str = "unreadable") -> SetAside:
    memory = a_memory(scope, is_graphed=True)
    store.record.commit(scope.project, a_change(adding(memory)))
    owner = Owner.of(scope)
    [unread] = store.graph_outbox.unread(owner, limit=1)
    store.graph_outbox.set_aside(owner, unread, reason=reason)
    return SetAside(owner, unread, reason)


# --- what is read again, and erased


def test_owners_are_one_query(store: DynamoStore, owner: Owner) -> None:
    commit_each(store, owner, *people(owner, 1))

    with counted(store) as calls:
        assert store.graph.owners(owner.project, after=None, limit=9) == [owner]

    assert calls == {"Query": 1}


def test_reading_again_is_two_writes_for_25_memories(store: DynamoStore, owner: Owner) -> None:
    with counted(store) as calls:
        store.graph.reread(owner, {f"memory {number}": 1 for number in range(26)}, at=NOON)

    assert calls == {"BatchWriteItem": 4}


def test_erasing_is_two_queries_and_as_few_writes_as_its_items_take(
    store: DynamoStore, scope: Scope, owner: Owner
) -> None:
    set_one_aside(store, scope)
    store.graph.commit(owner, a_graph_change(entities=tuple(people(owner, 40))))

    with counted(store) as calls:
        store.graph.erase(owner, at=NOON)

    # Of the graph, and of the subject's deleted memories. The reading of the memory, and its
    # change, the owner and the entities, 25 at once.
    assert calls == {"Query": 2, "BatchWriteItem": 1 + 2, "PutItem": 2}


def test_where_nothing_is_erasing_writes_nothing(store: DynamoStore, owner: Owner) -> None:
    with counted(store) as calls:
        store.graph.erase(owner, at=NOON)

    assert calls == {"Query": 1}


def test_of_an_erased_graph_no_key_is_left_but_of_what_tells_of_it(
    store: DynamoStore, scope: Scope, owner: Owner
) -> None:
    set_one_aside(store, scope)
    ada, bob = people(owner, 2)
    store.graph.commit(
        owner,
        a_graph_change(
            entities=(ada, bob), relations=(a_relation(ada, bob),), aliases=(known_as(ada, "A."),)
        ),
    )

    store.graph.erase(owner, at=NOON)
    store.graph_outbox.confirm(owner, store.graph_outbox.unprojected(owner, limit=9))

    assert [key for key in keys_of(store, owner.project) if "G#" in key] == []


# --- what awaits the graph and its projections


def test_what_awaits_projections_is_one_query_of_an_owner_and_16_of_all(
    store: DynamoStore, owner: Owner
) -> None:
    commit_each(store, owner, *people(owner, 3))

    with counted(store) as calls:
        assert len(store.graph_outbox.unprojected(owner, limit=9)) == 3
        assert len(store.graph_outbox.fresh(owner, limit=9)) == 3
    assert calls == {"Query": 2}

    with counted(store) as calls:
        store.graph_outbox.unprojected_owners(before=LONG_AGO, limit=9)
    assert calls == {"Query": WIDE_SHARDS}


def test_no_more_is_read_than_is_asked_for(store: DynamoStore, scope: Scope, owner: Owner) -> None:
    memories = [a_memory(scope, f"fact {number}", is_graphed=True) for number in range(9)]
    store.record.commit(scope.project, a_change(*map(adding, memories)))
    commit_each(store, owner, *people(owner, 9))

    with read_items(store) as sizes:
        assert len(store.graph_outbox.unread(owner, limit=2)) == 2
        assert len(store.graph_outbox.unprojected(owner, limit=3)) == 3
        assert len(store.graph_outbox.fresh(owner, limit=4)) == 4

    assert sizes == [2, 3, 4]


def test_a_change_is_set_aside_and_taken_up_in_one_transaction(
    store: DynamoStore, scope: Scope
) -> None:
    with counted(store) as calls:
        found = set_one_aside(store, scope)
    assert calls["TransactWriteItems"] == 1 + 1  # of the memory, and of what is set aside

    with counted(store) as calls:
        store.graph_outbox.take_up(found, at=NOON)
        store.graph_outbox.take_up(found, at=NOON)
    assert calls == {"TransactWriteItems": 2}


def test_what_is_aside_is_16_queries_and_one_read_for_a_hundred(
    store: DynamoStore, project: str
) -> None:
    made = [set_one_aside(store, a_scope(project, user=f"user {number}")) for number in range(20)]

    with counted(store) as calls:
        found = store.graph_outbox.aside(limit=100)

    assert calls == {"Query": WIDE_SHARDS, "BatchGetItem": 1}
    of_project = [each for each in found if each.owner.project == project]
    assert of_project == made


def test_neither_reasons_nor_memories_are_part_of_a_key_of_what_is_aside(
    store: DynamoStore, scope: Scope
) -> None:
    found = set_one_aside(store, scope, reason="Zebedee")

    [key] = [key for key in keys_of(store, scope.project) if "F#" in key]

    assert "Zebedee" not in key
    assert found.unread.memory_id not in key
    assert scope.subjects[0].name not in key.replace(scope.project, "")


@pytest.mark.parametrize(("settling", "writes"), [(timedelta(0), 2), (SETTLING, 4)])
def test_confirming_is_one_write_for_25_commits_or_two_if_they_settle(
    store: DynamoStore, owner: Owner, settling: timedelta, writes: int
) -> None:
    commit_each(store, owner, *people(owner, 26))
    settled = replace(store, settling=settling)
    done = store.graph_outbox.unprojected(owner, limit=99)

    with counted(store) as calls:
        settled.graph_outbox.confirm(owner, done)

    assert calls == {"BatchWriteItem": writes}
    assert store.graph_outbox.unprojected(owner, limit=99) == []


def test_projecting_again_is_one_write(store: DynamoStore, owner: Owner) -> None:
    with counted(store) as calls:
        store.graph_outbox.project_again(owner, at=NOON)

    assert calls == {"PutItem": 1}


def test_who_waits_longest_is_named_first_however_much_others_have(
    store: DynamoStore, project: str
) -> None:
    of_shard = (
        owner
        for owner in (Owner(project, f"owner {number}") for number in count())
        if shard(owner.key, WIDE_SHARDS) == 7
    )
    owners = [next(of_shard) for _ in range(3)]
    for number, owner in enumerate(owners):
        commit_each(store, owner, *people(owner, 7), at=LONG_AGO + number * HOUR)
        memories = {f"memory {number}": 1 for number in range(7)}
        store.graph.reread(owner, memories, at=LONG_AGO + number * HOUR)

    outbox = store.graph_outbox

    assert outbox.unprojected_owners(before=NOON, limit=2) == owners[:2]
    assert outbox.unread_owners(before=NOON, limit=2) == owners[:2]
    assert outbox.unread_owners(before=LONG_AGO + HOUR, limit=9) == owners[:2]
    assert outbox.unread_owners(before=LONG_AGO - SECOND, limit=9) == []


@pytest.mark.parametrize("name", ["a#b", "a b/%23#", "ü🙂", "N#X#"])
def test_owners_of_a_project_with_any_name_are_found(store: DynamoStore, name: str) -> None:
    scope = a_scope(f"{name} {a_project(store)}", user="ada")
    store.keys.create(scope.project, a_key(scope.project), key_hash=scope.project)
    owner = Owner.of(scope)
    found = set_one_aside(store, scope)
    commit_each(store, owner, *people(owner, 1), at=LONG_AGO)

    assert owner in store.graph_outbox.unprojected_owners(before=LONG_AGO, limit=9)
    assert found in store.graph_outbox.aside(limit=999)
    assert store.graph.owners(scope.project, after=None, limit=9) == [owner]
    store.graph_outbox.take_up(found, at=LONG_AGO)
    assert owner in store.graph_outbox.unread_owners(before=LONG_AGO, limit=9)


# --- what settles


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def late(store: DynamoStore, clock: Clock) -> DynamoStore:
    """Return the store beside an index that shows late what it has confirmed."""
    return replace(store, now=clock, settling=SETTLING)


def confirm_all(store: DynamoStore, owner: Owner) -> None:
    store.graph_outbox.confirm(owner, store.graph_outbox.unprojected(owner, limit=99))


def test_what_is_confirmed_is_fresh_until_it_has_settled(
    late: DynamoStore, clock: Clock, owner: Owner
) -> None:
    ada, bob = people(owner, 2)
    commit_each(late, owner, ada)
    confirm_all(late, owner)
    clock.forward(SETTLING - SECOND)
    assert late.graph_outbox.fresh(owner, limit=9) == [ada.id]

    commit_each(late, owner, bob)
    confirm_all(late, owner)
    clock.forward(2 * SECOND)

    assert late.graph_outbox.fresh(owner, limit=9) == [bob.id]
    clock.forward(SETTLING)
    assert late.graph_outbox.fresh(owner, limit=9) == []


def test_what_is_not_confirmed_stays_fresh(late: DynamoStore, clock: Clock, owner: Owner) -> None:
    [entity] = people(owner, 1)
    commit_each(late, owner, entity)

    clock.forward(timedelta(days=99))

    assert late.graph_outbox.fresh(owner, limit=9) == [entity.id]


def test_what_is_unconfirmed_comes_before_what_is_confirmed(
    late: DynamoStore, owner: Owner
) -> None:
    entities = people(owner, 6)
    commit_each(late, owner, *entities[:3])
    confirm_all(late, owner)
    commit_each(late, owner, *entities[3:], at=NOON - HOUR)
    ids = [each.id for each in entities]

    assert late.graph_outbox.fresh(owner, limit=2) == [ids[5], ids[4]]
    assert late.graph_outbox.fresh(owner, limit=9) == [*ids[5:2:-1], *ids[2::-1]]


def test_without_settling_what_is_confirmed_is_not_fresh(store: DynamoStore, owner: Owner) -> None:
    commit_each(store, owner, *people(owner, 2))

    confirm_all(store, owner)

    assert store.graph_outbox.fresh(owner, limit=9) == []
    assert [key for key in keys_of(store, owner.project) if "Q#" in key] == []


def test_what_has_settled_is_not_read_again(late: DynamoStore, clock: Clock, owner: Owner) -> None:
    commit_each(late, owner, *people(owner, 3))
    confirm_all(late, owner)
    clock.forward(2 * SETTLING)

    with read_items(late) as sizes:
        assert late.graph_outbox.fresh(owner, limit=9) == []
        assert late.graph_outbox.unprojected(owner, limit=9) == []

    assert sizes == [0, 0]


def test_what_is_confirmed_awaits_nobody_and_is_deleted_in_time(
    late: DynamoStore, clock: Clock, owner: Owner
) -> None:
    commit_each(late, owner, *people(owner, 1), at=LONG_AGO)

    confirm_all(late, owner)

    assert owner not in late.graph_outbox.unprojected_owners(before=NOON, limit=999)
    items = items_of(late, owner.project)
    [confirmed] = [item for item in items if item["sk"]["S"].startswith("Q#")]
    assert "gpk" not in confirmed
    assert clock() + SETTLING < datetime.fromtimestamp(int(confirmed["ttl"]["N"]), UTC)
