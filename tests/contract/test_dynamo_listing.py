"""A list from DynamoDB holds though memories are deleted between finding and reading them."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from recollect.adapters.aws.dynamodb import Item, Table, key_item, text
from recollect.adapters.aws.items import member_key, place, state_key, wide_memories
from recollect.adapters.aws.store import DynamoStore
from recollect.domain.filters import EVERYTHING, subject_is
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.ports.record import Position
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.testing.store import a_project
from tests.aws import dynamo_store, dynamodb

pytestmark = pytest.mark.engines

GONE = 5
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as built:
        yield built


@pytest.fixture
def scope(store: DynamoStore) -> Scope:
    return a_scope(a_project(store))


def leave_places(store: DynamoStore, memory: Memory) -> None:
    """Leave what a reader has found of a memory of whose state there is nothing any more."""
    project, [subject] = memory.scope.project, memory.scope.subjects
    wide: Item = {"gpk": text(wide_memories(project, 0)), "gsk": text(place(memory))}
    Table(dynamodb(), store.record_table).write_all(
        put=[
            key_item(member_key(project, subject, memory)),
            {**key_item(state_key(project, memory.id)), **wide},
        ]
    )


@pytest.mark.parametrize("is_of_subject", [True, False])
def test_no_page_but_the_last_is_empty(
    store: DynamoStore, scope: Scope, *, is_of_subject: bool
) -> None:
    matching = subject_is(scope.owner) if is_of_subject else EVERYTHING
    living = [a_memory(scope, f"fact {at}", created_at=NOON + at * MINUTE) for at in range(2)]
    store.record.commit(scope.project, a_change(*map(adding, living)))
    for number in range(GONE):
        leave_places(store, a_memory(scope, str(uuid4()), created_at=NOON + (9 + number) * MINUTE))

    first = store.listing.memories(scope.project, matching, limit=1)
    position = Position(first.memories[-1].created_at, first.memories[-1].id)
    second = store.listing.memories(scope.project, matching, limit=1, after=position)

    assert [memory.text for memory in first.memories] == ["fact 1"]
    assert first.has_more
    assert [memory.text for memory in second.memories] == ["fact 0"]
    assert not second.has_more
