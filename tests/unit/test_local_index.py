"""What the local index promises beyond its port: two processes, bounded memory, many threads."""

import math
import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from recollect.adapters.local.database import Database
from recollect.adapters.local.index import INDEX_SCHEMA, LocalIndex
from recollect.domain.filters import EVERYTHING, Filter, Unexpired, both, parse_filter, subject_is
from recollect.domain.memory import Memory
from recollect.domain.ranking import TermStatistics
from recollect.domain.subjects import Scope
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery, Proposal
from recollect.testing.builders import NOON, a_memory, a_scope, a_vector

PLENTY = 100_000_000


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "index.db", INDEX_SCHEMA)


@pytest.fixture
def index(database: Database) -> LocalIndex:
    return LocalIndex(database, max_resident_bytes=PLENTY)


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


def ask(index: LocalIndex, scope: Scope, words: str = "tea", *, limit: int = 1_000) -> Proposal:
    matching = both(subject_is(scope.owner), Unexpired(NOON))
    query = IndexQuery(matching, a_vector(1, 0.5), tuple(terms(words)), limit)
    [proposal] = index.propose(scope.project, [query])
    return proposal


def some_memories(scope: Scope, count: int, *, seed: int = 0) -> list[Memory]:
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(500)]
    return [
        a_memory(
            scope,
            f"tea {' '.join(chance.choices(words, k=12))}",
            vector=[chance.gauss(0, 1) for _ in range(2)],
        )
        for _ in range(count)
    ]


def test_two_processes_on_one_file_agree(tmp_path: Path, scope: Scope) -> None:
    first, second = (
        LocalIndex(Database(tmp_path / "index.db", INDEX_SCHEMA), max_resident_bytes=PLENTY)
        for _ in range(2)
    )
    chance = random.Random(1)
    versions: dict[str, Memory] = {}
    for memory in some_memories(scope, 60):
        older = chance.choice([memory, *versions.values()])
        changed = replace(older, text=f"pie {older.text}", version=older.version + 1)
        chance.choice([first, second]).put(scope.project, [changed])
        versions[changed.id] = changed
        if chance.random() < 0.2:
            gone = versions.pop(chance.choice(list(versions)))
            chance.choice([first, second]).remove(scope.project, {gone.id: gone.version + 1})

        found = [ask(each, scope, "pie") for each in (first, second)]

        assert set(found[0].memory_ids) == set(found[1].memory_ids) == set(versions)
        assert found[0].statistics == found[1].statistics


def test_what_was_put_is_there_after_a_restart(tmp_path: Path, scope: Scope) -> None:
    memories = some_memories(scope, 3)
    before = Database(tmp_path / "index.db", INDEX_SCHEMA)
    LocalIndex(before, max_resident_bytes=PLENTY).put(scope.project, memories)
    before.close()

    after = LocalIndex(Database(tmp_path / "index.db", INDEX_SCHEMA), max_resident_bytes=PLENTY)

    assert set(ask(after, scope).memory_ids) == {memory.id for memory in memories}


@pytest.mark.parametrize("max_bytes", [0, 100_000])
def test_little_memory_changes_no_answer(database: Database, max_bytes: int) -> None:
    roomy = LocalIndex(database, max_resident_bytes=PLENTY)
    tight = LocalIndex(database, max_resident_bytes=max_bytes)
    project = a_scope().project
    scopes = [a_scope(project, user=f"user-{number}") for number in range(8)]
    for number, scope in enumerate(scopes):
        roomy.put(project, some_memories(scope, 100, seed=number))

    for scope in scopes * 2:
        asked, expected = ask(tight, scope, limit=10), ask(roomy, scope, limit=10)
        assert set(asked.memory_ids) == set(expected.memory_ids)
        assert asked.statistics == expected.statistics
        assert tight.resident_bytes <= max_bytes
    assert roomy.resident_bytes > 100_000


def test_vectors_that_are_no_numbers_are_near_nothing(index: LocalIndex, scope: Scope) -> None:
    broken = a_memory(scope, "broken", vector=[math.nan, 1.0])
    index.put(scope.project, [broken, *some_memories(scope, 4_000, seed=1)])

    found = ask(index, scope, limit=10)
    asked = IndexQuery(subject_is(scope.owner), a_vector(math.nan, 1.0), ("broken",), 10)
    [without] = index.propose(scope.project, [asked])

    assert len(found.memory_ids) >= 10
    assert broken.id not in found.memory_ids
    assert without.memory_ids == (broken.id,)


def test_what_does_not_fit_into_memory_is_told(
    database: Database, scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    roomy = LocalIndex(database, max_resident_bytes=PLENTY)
    tight = LocalIndex(database, max_resident_bytes=10_000)
    roomy.put(scope.project, some_memories(scope, 100, seed=1))

    ask(roomy, scope)
    assert not caplog.records
    ask(tight, scope)

    [told] = caplog.records
    assert "reads everything again" in told.getMessage()


def test_the_subject_searched_longest_ago_is_given_up_first(
    database: Database, index: LocalIndex
) -> None:
    project = a_scope().project
    ada, bob, eve = (a_scope(project, user=name) for name in ("ada", "bob", "eve"))
    for scope in (ada, bob, eve):
        index.put(project, some_memories(scope, 100))
    ask(index, ada)
    room_for_two = LocalIndex(database, max_resident_bytes=index.resident_bytes * 5 // 2)

    for scope in (ada, bob, ada, eve):
        ask(room_for_two, scope)
    _make_unreadable(database, "scope")

    assert len(ask(room_for_two, ada).memory_ids) == 100
    assert len(ask(room_for_two, eve).memory_ids) == 100
    with pytest.raises(ValueError, match="Expecting value"):
        ask(room_for_two, bob)


def test_the_memory_that_arrays_take_is_estimated_honestly(index: LocalIndex, scope: Scope) -> None:
    chance = random.Random(0)
    memories = [
        replace(
            memory,
            embedding=a_memory(scope, vector=[chance.gauss(0, 1) for _ in range(64)]).embedding,
        )
        for memory in some_memories(scope, 1_000)
    ]
    index.put(scope.project, memories)
    index.propose(scope.project, [IndexQuery(EVERYTHING, a_vector(1, 0), (), 1)])
    before = index.resident_bytes

    tracemalloc.start()
    ask(index, scope)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 0.7 * used < index.resident_bytes - before < 1.5 * used


def test_changing_all_memories_again_and_again_takes_no_more_memory(
    index: LocalIndex, scope: Scope
) -> None:
    memories = some_memories(scope, 200)
    index.put(scope.project, memories)
    ask(index, scope)
    fresh = index.resident_bytes

    for version in range(2, 30):
        index.put(scope.project, [replace(memory, version=version) for memory in memories])
        found = ask(index, scope)

    assert set(found.memory_ids) == {memory.id for memory in memories}
    assert found.statistics == TermStatistics(200, 13.0, {"tea": 200})
    assert index.resident_bytes < 1.5 * fresh


def test_a_few_changes_at_a_time_are_taken_in_and_compacted(
    index: LocalIndex, scope: Scope
) -> None:
    memories = {memory.id: memory for memory in some_memories(scope, 50)}
    index.put(scope.project, list(memories.values()))

    for memory in list(memories.values()) * 3:
        latest = memories[memory.id]
        changed = replace(latest, text=f"pie {latest.version}", version=latest.version + 1)
        memories[memory.id] = changed
        index.put(scope.project, [changed])
        still_tea = sum(each.version == 1 for each in memories.values())
        statistics = ask(index, scope, "tea pie").statistics
        assert statistics.documents == 50
        assert statistics.frequencies == {"tea": still_tea, "pie": 50 - still_tea}


def test_vectors_of_other_dimensions_are_no_neighbours(index: LocalIndex, scope: Scope) -> None:
    flat, deep = a_memory(scope, vector=(1, 0)), a_memory(scope, vector=(1, 0, 0))
    index.put(scope.project, [flat, deep])

    near = [a_vector(1), a_vector(1, 0, 0), a_vector(0, 0), a_vector(1, 0), a_vector(0, 1, 0)]
    queries = [IndexQuery(EVERYTHING, vector, (), 10) for vector in near]
    found = index.propose(scope.project, queries)

    proposed = [proposal.memory_ids for proposal in found]
    assert proposed == [(), (deep.id,), (), (flat.id,), (deep.id,)]


def test_an_empty_change_and_a_limit_of_none_do_nothing(index: LocalIndex, scope: Scope) -> None:
    index.put(scope.project, [])
    index.remove(scope.project, {})
    index.put(scope.project, [a_memory(scope, "tea", vector=(1, 0))])

    assert ask(index, scope, limit=0).memory_ids == ()


def test_bodies_are_read_only_for_filters_that_look_at_them(
    database: Database, index: LocalIndex
) -> None:
    scope = a_scope(user="ada", run="r1")
    index.put(scope.project, some_memories(scope, 20))
    _make_unreadable(database, "body")

    def found(matching: Filter) -> int:
        query = IndexQuery(both(matching, Unexpired(NOON)), a_vector(1, 0), (), 50)
        [proposal] = index.propose(scope.project, [query])
        return len(proposal.memory_ids)

    assert found(EVERYTHING) == 20
    assert found(parse_filter({"user_id": "ada", "run_id": "r1"})) == 20
    assert found(parse_filter({"user_id": "ada", "NOT": {"run_id": "r1"}})) == 0
    assert found(parse_filter({"user_id": "ada", "agent_id": "x", "metadata": {"a": 1}})) == 0
    with pytest.raises(ValueError, match="Expecting value"):
        found(parse_filter({"user_id": "ada", "metadata": {"a": 1}}))


@dataclass(frozen=True)
class Noting(Filter):
    """Lets everything through, and notes what it has looked at."""

    looked_at: list[str]

    def matches(self, memory: Memory) -> bool:
        self.looked_at.append(memory.text)
        return True


def test_a_filter_is_decided_once_for_all_queries_that_share_it(
    index: LocalIndex, scope: Scope
) -> None:
    memories = some_memories(scope, 20)
    index.put(scope.project, memories)
    noting = Noting([])
    queries = [IndexQuery(noting, a_vector(1, number), ("tea",), 50) for number in range(3)]

    found = index.propose(scope.project, queries)

    assert all(len(proposal.memory_ids) == len(memories) for proposal in found)
    assert sorted(noting.looked_at) == sorted(memory.text for memory in memories)


def test_an_interrupted_reading_of_the_file_leaves_no_trace(
    database: Database, index: LocalIndex, scope: Scope
) -> None:
    *early, late = some_memories(scope, 10)
    index.put(scope.project, early)
    ask(index, scope)
    index.put(scope.project, [late])
    (column,) = _make_unreadable(database, "scope")
    with pytest.raises(ValueError, match="Expecting value"):
        ask(index, scope)
    with database.writing() as file:
        file.execute("UPDATE index_documents SET scope = ?", (column,))

    found = ask(index, scope)

    assert set(found.memory_ids) == {memory.id for memory in (*early, late)}
    assert found.statistics.documents == 10


def test_threads_put_and_search_at_once(database: Database) -> None:
    index = LocalIndex(database, max_resident_bytes=60_000)
    project = a_scope().project
    shared = a_scope(project, agent="butler")
    start = threading.Barrier(8)

    def work(number: int) -> set[str]:
        own = a_scope(project, user=f"user-{number}", agent="butler")
        memories = some_memories(own, 30, seed=number)
        start.wait()
        for count, memory in enumerate(memories, start=1):
            index.put(project, [memory])
            mine = parse_filter({"user_id": f"user-{number}"})
            either = parse_filter({"OR": [{"user_id": "user-0"}, {"agent_id": "butler"}]})
            query = IndexQuery(mine, a_vector(1, 0), ("tea",), 100)
            found, found_of_all = index.propose(project, [query, replace(query, matching=either)])
            assert len(found.memory_ids) == count
            assert len(found_of_all.memory_ids) >= count
        return {memory.id for memory in memories}

    with ThreadPoolExecutor(8) as pool:
        put = set().union(*pool.map(work, range(8)))

    assert set(ask(index, shared).memory_ids) == put
    assert ask(index, shared).statistics.documents == 240


def _make_unreadable(database: Database, column: str) -> set[str]:
    """Spoil a column of all documents, to see whether it is read; return what was in it."""
    with database.writing() as file:
        before = {row[0] for row in file.execute(f"SELECT {column} FROM index_documents")}  # noqa: S608 - a name of ours
        file.execute(f"UPDATE index_documents SET {column} = '?'")  # noqa: S608 - a name of ours
    return before
