"""What a record promises beside an index that shows late what it has confirmed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from recollect.adapters.aws.store import DynamoStore
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.testing.store import a_project
from tests.aws import dynamo_store
from tests.service import Clock

pytestmark = pytest.mark.engines

SETTLING = timedelta(seconds=60)


@dataclass(frozen=True)
class Late:
    """A store whose clock the test moves."""

    store: DynamoStore
    clock: Clock
    scope: Scope

    @property
    def keys(self) -> list[str]:
        return [subject.key for subject in self.scope.subjects]

    def add(self, text: str) -> Memory:
        memory = a_memory(self.scope, text)
        change = a_change(adding(memory), at=self.clock())
        self.store.record.commit(self.scope.project, change)
        return memory

    def confirm(self) -> None:
        pending = self.store.outbox.pending(self.scope.project, self.keys, limit=99)
        self.store.outbox.confirm(self.scope.project, pending)

    def pending(self) -> list[str]:
        found = self.store.outbox.pending(self.scope.project, self.keys, limit=99)
        return [each.memory_id for each in found]

    def unseen(self, limit: int = 99) -> list[str]:
        found = self.store.outbox.unseen(self.scope.project, self.keys, limit=limit)
        return [each.memory_id for each in found]


@pytest.fixture(scope="module")
def tables() -> Iterator[DynamoStore]:
    with dynamo_store() as store:
        yield store


@pytest.fixture
def late(tables: DynamoStore) -> Late:
    clock = Clock(datetime.now(NOON.tzinfo))
    store = replace(tables, now=clock, settling=SETTLING)
    return Late(store, clock, a_scope(a_project(store), user="ada"))


def test_what_is_confirmed_is_unseen_until_it_has_settled(late: Late) -> None:
    first = late.add("one")
    late.confirm()

    assert late.pending() == []
    assert late.unseen() == [first.id]

    late.clock.forward(SETTLING)
    assert late.unseen() == []


def test_what_is_new_comes_before_what_is_confirmed(late: Late) -> None:
    confirmed = [late.add(f"fact {number}") for number in range(3)]
    late.confirm()
    new = late.add("new")

    assert late.unseen(limit=1) == [new.id]
    assert late.unseen()[0] == new.id
    assert set(late.unseen()) == {new.id, *(memory.id for memory in confirmed)}


def test_what_has_settled_is_not_read_again(late: Late) -> None:
    late.add("one")
    late.confirm()
    late.clock.forward(2 * SETTLING)
    read: list[int] = []
    late.store.dynamodb.meta.events.register(
        "after-call.dynamodb.Query",
        lambda parsed, **_: read.append(parsed["ScannedCount"]),
        unique_id="reading",
    )

    assert late.unseen() == []

    late.store.dynamodb.meta.events.unregister("after-call.dynamodb.Query", unique_id="reading")
    assert read == [0]


def test_nothing_confirmed_is_stale(late: Late) -> None:
    late.add("one")
    late.confirm()
    late.clock.forward(timedelta(hours=1))

    stale = late.store.outbox.stale(before=late.clock(), limit=999)

    assert late.scope.project not in {project for project, _ in stale}


def test_the_longest_pending_are_stale_first(late: Late) -> None:
    scopes = [a_scope(late.scope.project, user=f"user {number}") for number in range(30)]
    for number, scope in enumerate(scopes):
        at = NOON - timedelta(days=9999) + timedelta(seconds=number)
        late.store.record.commit(scope.project, a_change(adding(a_memory(scope)), at=at))

    stale = late.store.outbox.stale(before=NOON, limit=5)

    assert stale == [(scope.project, (scope.owner.key,)) for scope in scopes[:5]]
