"""What an older release took apart is taken apart anew: once, in pages, by whoever comes."""

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from recollect.adapters.local import documents, index_terms
from recollect.adapters.local.database import Database
from recollect.adapters.local.index import INDEX_SCHEMA, LocalIndex
from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.adapters.local.index_terms import renew_terms
from recollect.adapters.local.store import LocalStore
from recollect.domain.filters import subject_is
from recollect.domain.memory import Memory
from recollect.domain.subjects import Scope
from recollect.domain.text import TERMS_VERSION, terms
from recollect.ports.index import IndexQuery
from recollect.testing.builders import a_memory, a_scope, a_vector
from tests.data import make_format_1 as format_1

COUNT = 25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


@pytest.fixture
def memories(path: Path, scope: Scope) -> list[Memory]:
    """Memories in a file as an older release left it, which knew no accents."""
    made = [a_memory(scope, f"likes café number{each}", vector=(1, each)) for each in range(COUNT)]
    opened(path).put(scope.project, made)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE index_documents SET terms = replace(terms, 'cafe', 'café')")
        connection.execute("DROP TABLE index_terms")
    return made


def opened(path: Path) -> LocalIndex:
    return LocalIndex(Database(path, INDEX_SCHEMA), max_resident_bytes=1_000_000)


def found(index: LocalIndex, scope: Scope, words: str = "cafe") -> list[str]:
    query = IndexQuery(subject_is(scope.owner), a_vector(0, 0), tuple(terms(words)), 1_000)
    [proposal] = index.propose(scope.project, [query])
    return sorted(proposal.memory_ids)


def ids(memories: Sequence[Memory]) -> list[str]:
    return sorted(memory.id for memory in memories)


def test_old_terms_are_renewed_once(path: Path, scope: Scope, memories: list[Memory]) -> None:
    index = opened(path)
    assert found(index, scope) == []

    renewed = [renew_terms(Database(path, INDEX_SCHEMA)) for _ in range(2)]

    assert renewed == [COUNT, 0]
    # Also by a process that has had the file open all the time.
    assert found(index, scope) == ids(memories)
    assert index.held(scope.project, after=None, limit=99) == [(each, 1) for each in ids(memories)]


def test_everything_else_stays(path: Path, scope: Scope, memories: list[Memory]) -> None:
    columns = "SELECT project, memory_id, version, scope, last_day, body, vector"
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute(f"{columns} FROM index_documents").fetchall()

    renew_terms(Database(path, INDEX_SCHEMA))

    with closing(sqlite3.connect(path)) as connection:
        after = connection.execute(f"{columns} FROM index_documents").fetchall()
    assert sorted(after) == sorted(before)
    assert len(after) == len(memories)
    assert found(opened(path), scope, "number7") == [memories[7].id]


def test_two_processes_share_the_work(
    path: Path, scope: Scope, memories: list[Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_terms, "PAGE", 3)

    with ThreadPoolExecutor(2) as pool:
        renewed = list(pool.map(renew_terms, [Database(path, INDEX_SCHEMA) for _ in range(2)]))

    assert sum(renewed) == COUNT
    assert found(opened(path), scope) == ids(memories)


class StoppedError(Exception):
    """The process ends."""


@pytest.fixture
def broken_off(path: Path, memories: list[Memory], monkeypatch: pytest.MonkeyPatch) -> list[Memory]:
    """The memories in the file when the first ten were renewed."""
    monkeypatch.setattr(index_terms, "PAGE", 10)
    left = iter(range(15))

    def dying(text: str) -> list[str]:
        if next(left, None) is None:
            raise StoppedError
        return terms(text)

    with monkeypatch.context() as patched:
        patched.setattr(documents, "terms", dying)
        with pytest.raises(StoppedError):
            renew_terms(Database(path, INDEX_SCHEMA))
    return memories


def test_what_broke_off_goes_on(path: Path, scope: Scope, broken_off: list[Memory]) -> None:
    assert found(opened(path), scope) == ids(broken_off[:10])

    assert renew_terms(Database(path, INDEX_SCHEMA)) == COUNT - 10
    assert found(opened(path), scope) == ids(broken_off)


def test_changes_and_removals_in_between_stay(
    path: Path, scope: Scope, broken_off: list[Memory]
) -> None:
    index = opened(path)
    early, late = (replace(broken_off[each], text="rain", version=2) for each in (3, 20))
    index.put(scope.project, [early, late])
    index.remove(scope.project, {broken_off[4].id: 2, broken_off[21].id: 2})

    renew_terms(Database(path, INDEX_SCHEMA))

    others = [each for at, each in enumerate(broken_off) if at not in {3, 4, 20, 21}]
    assert found(index, scope) == ids(others)
    assert found(index, scope, "rain") == ids([early, late])


def test_a_build_is_not_disturbed(path: Path, scope: Scope, memories: list[Memory]) -> None:
    """What a build does not write again goes, since the record does not have it."""
    builds = LocalIndexBuilds(Database(path, INDEX_SCHEMA))
    builds.begin()

    assert renew_terms(Database(path, INDEX_SCHEMA)) == 0
    builds.put(scope.project, memories[1:])
    builds.finish()

    assert found(opened(path), scope) == ids(memories[1:])
    assert renew_terms(Database(path, INDEX_SCHEMA)) == COUNT - 1
    assert found(opened(path), scope) == ids(memories[1:])


def test_a_new_file_has_nothing_to_renew(path: Path, scope: Scope) -> None:
    database = Database(path, INDEX_SCHEMA)

    assert renew_terms(database) == 0
    opened(path).put(scope.project, [a_memory(scope, "café")])

    assert renew_terms(database) == 0


def test_opening_the_file_of_an_older_release_renews_it(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    path.write_bytes(format_1.FILE.read_bytes())
    store = LocalStore(path, embedding_model=format_1.EMBEDDING_MODEL, resident_bytes=1_000_000)

    store.open()

    with store.database.reading() as file:
        [state] = file.execute("SELECT version, renewed_up_to FROM index_terms").fetchall()
        rows = file.execute(
            "SELECT json_extract(body, '$.text') AS text, terms FROM index_documents"
            " WHERE NOT is_removed"
        ).fetchall()
    store.database.close()
    assert tuple(state) == (TERMS_VERSION, None)
    assert rows
    assert [row["terms"].split() for row in rows] == [terms(row["text"]) for row in rows]
