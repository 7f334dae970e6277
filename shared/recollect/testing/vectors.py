"""What every Vectors promises, whichever engine is behind it: a fixture `opened`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeAlias
from uuid import uuid4

import pytest

from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Embedding, Memory
from recollect.domain.subjects import Scope
from recollect.ports.vectors import Vectors
from recollect.testing.builders import (
    a_change,
    a_memory,
    a_scope,
    a_vector,
    adding,
    deleting,
    updating,
)
from recollect.testing.store import Store, a_project

OLD, NEW = "amazon.old-v1:0-2", "cohere.new-v4:0-3"


class Exchanging(Store, Protocol):
    """A record whose vectors can be exchanged."""

    @property
    def vectors(self) -> Vectors:
        """The vectors of this record."""
        ...


Open: TypeAlias = Callable[[str], Exchanging]
"""Opens the same record as somebody whose embedder is of this model."""


@pytest.fixture
def old(opened: Open) -> Exchanging:
    return opened(OLD)


@pytest.fixture
def new(opened: Open, old: Exchanging) -> Exchanging:  # noqa: ARG001 - who opens a file first names its model
    return opened(NEW)


@pytest.fixture
def scope(old: Exchanging) -> Scope:
    return a_scope(a_project(old), user="ada")


def embedded(model: str, *numbers: float) -> Embedding:
    return Embedding.of(model, a_vector(*numbers))


def add(store: Store, scope: Scope, text: str = "likes tea") -> Memory:
    memory = a_memory(scope, text, embedding=embedded(OLD, 1, 0))
    store.record.commit(scope.project, a_change(adding(memory)))
    return memory


def read(store: Store, memory: Memory) -> Memory:
    return store.record.get(memory.scope.project, [memory.id])[memory.id]


def exchange(store: Exchanging, memory: Memory, *, version: int = 1) -> int:
    vectors = {memory.id: (version, embedded(NEW, 0, 0, 1))}
    return store.vectors.replace(memory.scope.project, vectors)


def test_a_replaced_vector_is_read_and_nothing_else_has_changed(
    old: Exchanging, new: Exchanging, scope: Scope
) -> None:
    memory, other = add(old, scope), add(old, scope, "likes cake")

    new.vectors.begin()
    count = exchange(new, memory)

    assert count == 1
    assert read(new, memory) == replace(memory, embedding=embedded(NEW, 0, 0, 1))
    assert read(new, other) == other
    listed = new.listing.memories(scope.project, EVERYTHING, limit=9).memories
    assert {each.embedding for each in listed} == {other.embedding, embedded(NEW, 0, 0, 1)}
    assert [event.version for event in new.record.history(scope.project, memory.id)] == [1]
    assert new.scopes.clock(scope) == 2


def test_a_memory_that_was_changed_or_deleted_keeps_what_it_has(
    old: Exchanging, new: Exchanging, scope: Scope
) -> None:
    changed, deleted = add(old, scope), add(old, scope, "likes cake")
    write = updating(changed, text="likes pie", embedding=embedded(OLD, 0, 1))
    old.record.commit(scope.project, a_change(write, deleting(deleted)))
    new.vectors.begin()

    counts = [exchange(new, changed), exchange(new, deleted), exchange(new, deleted, version=2)]

    assert counts == [0, 0, 0]
    assert read(new, changed) == write.after
    assert new.record.get(scope.project, [deleted.id]) == {}


def test_another_project_cannot_replace_a_vector(
    old: Exchanging, new: Exchanging, scope: Scope
) -> None:
    memory = add(old, scope)
    new.vectors.begin()

    count = new.vectors.replace(a_project(old), {memory.id: (1, embedded(NEW, 0, 0, 1))})

    assert count == 0
    assert read(new, memory) == memory


def test_many_vectors_are_replaced_at_once(old: Exchanging, new: Exchanging, scope: Scope) -> None:
    memories = [add(old, scope, f"likes tea {number}") for number in range(30)]
    new.vectors.begin()

    vectors = {memory.id: (1, embedded(NEW, 0, at, 1)) for at, memory in enumerate(memories)}
    count = new.vectors.replace(scope.project, {**vectors, str(uuid4()): (1, embedded(NEW, 1))})

    found = new.record.get(scope.project, [memory.id for memory in memories])
    assert count == 30
    assert {key: memory.embedding for key, memory in found.items()} == {
        key: vector for key, (_, vector) in vectors.items()
    }


def test_what_others_made_is_dropped_where_there_is_another(
    old: Exchanging, new: Exchanging, scope: Scope
) -> None:
    exchanged, kept, deleted = (add(old, scope, text) for text in ("tea", "cake", "pie"))
    old.record.commit(scope.project, a_change(deleting(deleted)))
    new.vectors.begin()
    exchange(new, exchanged)

    ids = [exchanged.id, kept.id, deleted.id, str(uuid4())]
    new.vectors.drop_others(scope.project, ids)

    assert read(new, exchanged).embedding == embedded(NEW, 0, 0, 1)
    assert read(old, exchanged).embedding == embedded(NEW, 0, 0, 1)
    assert read(new, kept).embedding == embedded(OLD, 1, 0)
    assert new.vectors.drop_others(scope.project, ids) == 0


def test_a_change_by_a_process_with_the_new_model_leaves_its_vector_alone(
    old: Exchanging, new: Exchanging, scope: Scope
) -> None:
    memory = add(old, scope)
    new.vectors.begin()
    exchange(new, memory)

    write = updating(read(new, memory), metadata={"topic": "drinks"})
    new.record.commit(scope.project, a_change(write))

    assert read(new, memory).embedding == embedded(NEW, 0, 0, 1)
