"""What every Vectors promises, whichever engine is behind it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias
from uuid import uuid4

import pytest

from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import ConflictError, UnavailableError
from recollect.domain.filters import EVERYTHING
from recollect.domain.memory import Embedding, Memory
from recollect.domain.subjects import Scope
from recollect.ports.record import Vectors
from tests.aws import dynamo_store
from tests.builders import a_change, a_memory, a_scope, a_vector, adding, deleting, updating
from tests.contract.stores import MEGABYTE, a_project
from tests.store import Store

OLD, NEW = "amazon.old-v1:0-2", "cohere.new-v4:0-3"


class Exchanging(Store, Protocol):
    """A record whose vectors can be exchanged."""

    @property
    def vectors(self) -> Vectors: ...


Open: TypeAlias = Callable[[str], Exchanging]
"""Opens the same record as somebody whose embedder is of this model."""


@contextmanager
def local(folder: Path) -> Iterator[Open]:
    stores: list[LocalStore] = []

    def opened(model: str) -> LocalStore:
        path = folder / "recollect.db"
        stores.append(LocalStore(path, embedding_model=model, resident_bytes=MEGABYTE))
        stores[-1].open(to_reembed=model == NEW)
        return stores[-1]

    yield opened
    for store in stores:
        store.database.close()


@contextmanager
def dynamodb(_: Path) -> Iterator[Open]:
    with dynamo_store() as store:
        yield lambda model: replace(store, embedding_model=lambda: model)


ADAPTERS = [
    pytest.param(local, id="local"),
    pytest.param(dynamodb, id="dynamodb", marks=pytest.mark.engines),
]


@pytest.fixture(params=ADAPTERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    build: Callable[[Path], AbstractContextManager[Open]] = request.param
    with build(tmp_path) as opened:
        yield opened


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


@pytest.fixture
def on_dynamodb() -> Iterator[Open]:
    with dynamodb(Path()) as opened:
        yield opened


@pytest.mark.engines
def test_dynamodb_has_vectors_of_both_models_until_one_is_dropped(on_dynamodb: Open) -> None:
    old, new = on_dynamodb(OLD), on_dynamodb(NEW)
    memory = add(old, a_scope(a_project(old), user="ada"))
    exchange(new, memory)

    both = [read(store, memory).embedding for store in (old, new)]
    dropped = new.vectors.drop_others(memory.scope.project, [memory.id])

    assert both == [embedded(OLD, 1, 0), embedded(NEW, 0, 0, 1)]
    assert dropped == 1
    assert read(old, memory).embedding == embedded(NEW, 0, 0, 1)


@pytest.mark.engines
def test_dynamodb_lets_a_change_win_over_an_exchange(on_dynamodb: Open) -> None:
    old, new = on_dynamodb(OLD), on_dynamodb(NEW)
    memory = add(old, a_scope(a_project(old), user="ada"))
    exchange(new, memory)

    old.record.commit(
        memory.scope.project, a_change(updating(read(old, memory), metadata={"a": 1}))
    )

    assert read(new, memory).embedding == embedded(OLD, 1, 0)
    assert new.vectors.drop_others(memory.scope.project, [memory.id]) == 0


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Open]:
    with local(tmp_path) as opened:
        yield opened


def serve(folder: Path, model: str) -> None:
    store = LocalStore(folder / "recollect.db", embedding_model=model, resident_bytes=MEGABYTE)
    with closing(store.database):
        store.open()


def test_a_data_file_is_not_served_until_all_its_vectors_are_exchanged(
    on_file: Open, tmp_path: Path
) -> None:
    memory = add(on_file(OLD), a_scope(a_project(on_file(OLD)), user="ada"))
    new = on_file(NEW)

    new.vectors.begin()
    for model in (OLD, NEW):
        with pytest.raises(UnavailableError, match=f"is being re-embedded with {NEW}"):
            serve(tmp_path, model)
    exchange(new, memory)
    new.vectors.finish()

    serve(tmp_path, NEW)
    with pytest.raises(UnavailableError, match=f"holds vectors of {NEW}"):
        serve(tmp_path, OLD)


def test_a_data_file_is_not_done_before_the_last_vector(on_file: Open) -> None:
    scope = a_scope(a_project(on_file(OLD)), user="ada")
    first, last = (add(on_file(OLD), scope, text) for text in ("tea", "cake"))
    new = on_file(NEW)
    new.vectors.begin()
    exchange(new, first)

    with pytest.raises(ConflictError, match="another model"):
        new.vectors.finish()

    exchange(new, last)
    new.vectors.begin()
    new.vectors.finish()
    new.vectors.finish()


def test_a_data_file_takes_no_vectors_from_processes_that_have_the_old_model(
    on_file: Open,
) -> None:
    old = on_file(OLD)
    scope = a_scope(a_project(old), user="ada")
    memory = add(old, scope)
    on_file(NEW).vectors.begin()

    with pytest.raises(UnavailableError, match="start again"):
        add(old, scope, "likes cake")
    with pytest.raises(UnavailableError, match="start again"):
        old.record.commit(scope.project, a_change(updating(memory, text="likes pie")))
    old.record.commit(scope.project, a_change(deleting(memory)))

    assert old.listing.memories(scope.project, EVERYTHING, limit=9).memories == ()
