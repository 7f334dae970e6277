"""Every Vectors of ours passes the published suite; what is particular to an engine."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import ConflictError, UnavailableError
from recollect.domain.filters import EVERYTHING
from recollect.testing.builders import a_change, a_scope, deleting, updating
from recollect.testing.store import a_project
from recollect.testing.vectors import *
from recollect.testing.vectors import NEW, OLD, Open, add, embedded, exchange, read
from tests.aws import dynamo_store
from tests.contract.stores import MEGABYTE


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
