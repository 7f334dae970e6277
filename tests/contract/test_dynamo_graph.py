"""How often DynamoGraph asks DynamoDB, what is in its keys, and how much fits a commit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from recollect.adapters.aws.items import WIDE_SHARDS
from recollect.adapters.aws.store import DynamoStore
from recollect.domain.graph import Alias, Entity, Owner, Reading, Relation
from recollect.domain.subjects import Scope
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
    an_episode,
    updating,
)
from recollect.testing.fixtures import *
from tests.aws import dynamo_store

pytestmark = pytest.mark.engines

HOUR = timedelta(hours=1)
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
        done=tuple(store.graph.unread(owner, limit=9)),
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
        store.graph.unread(owner, limit=9)
    assert calls == {"Query": 1}

    with counted(store) as calls:
        store.graph.stale(before=NOON, limit=9)
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
    assert len(store.graph.unread(Owner.of(scope), limit=99)) == (10 if is_graphed else 0)


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

    assert len(store.graph.unread(Owner.of(scope), limit=99)) == 2 * room


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

    items = store.dynamodb.scan(TableName=store.record_table, ConsistentRead=True)["Items"]
    keys = [
        str([item.get(name) for name in ("pk", "sk", "gpk", "gsk")])
        for item in items
        if f"#{scope.project}#" in item["pk"]["S"]
    ]

    of_graph = [key for key in keys if f"G#{scope.project}#{owner.key}" in key]
    assert len(of_graph) == 1 + 2 + 1 + 2  # unread, entities, alias, relation at both ends
    assert not [key for key in keys for name in ("zeb", "quentin", "knows") if name in key.lower()]
