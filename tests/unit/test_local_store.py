"""The data file: made, shared between processes and threads, refused when it cannot be used."""

import multiprocessing
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from recollect.adapters.local import database, listing
from recollect.adapters.local.database import Database
from recollect.adapters.local.schema import FORMAT, UPGRADES
from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.domain.filters import EVERYTHING, Unexpired, both, subject_is
from recollect.domain.jobs import JobStatus
from recollect.domain.subjects import Scope
from recollect.testing.builders import (
    NOON,
    a_change,
    a_job,
    a_key,
    a_memory,
    a_scope,
    adding,
    an_episode,
)
from tests.data import make_format_1 as format_1

PROJECT = "demo"
NOBODY = 65534
"""The user that has no rights, where the tests run as root and would have all of them."""

spawn = multiprocessing.get_context("spawn")


def new_store(path: Path, model: str = "test") -> LocalStore:
    return LocalStore(path, embedding_model=model, resident_bytes=1_000_000)


@contextmanager
def opened(path: Path, model: str = "test") -> Iterator[LocalStore]:
    store = new_store(path, model)
    store.open()
    try:
        yield store
    finally:
        store.database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recollect.db"


@pytest.fixture
def store(path: Path) -> Iterator[LocalStore]:
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        yield store


@pytest.fixture
def scope() -> Scope:
    return a_scope(PROJECT, user="ada")


def add(store: LocalStore, *texts: str) -> list[str]:
    memories = [a_memory(a_scope(PROJECT, user="ada"), text) for text in texts]
    store.record.commit(PROJECT, a_change(*map(adding, memories)))
    return [memory.id for memory in memories]


def count(store: LocalStore) -> int:
    return store.listing.memories(PROJECT, EVERYTHING, limit=1).count


def refusal(path: Path, model: str = "test") -> str:
    """Return the sentence with which the file is refused, which names it."""
    store = new_store(path, model)
    with pytest.raises(UnavailableError) as refused:
        store.open()
    store.database.close()
    message = str(refused.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# --- making the file


def test_the_file_and_its_folder_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "ü" / "recollect.db"

    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        files = sorted(path.parent.iterdir())

        assert [file.name for file in files] == [path.name + end for end in ("", "-shm", "-wal")]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()

    with opened(path) as store:
        assert count(store) == 0


def test_opening_again_finds_what_was_there(path: Path, store: LocalStore) -> None:
    [memory_id] = add(store, "likes tea")
    store.database.close()

    with opened(path) as again:
        assert list(again.record.get(PROJECT, [memory_id])) == [memory_id]


def test_a_closed_store_can_be_used_again(store: LocalStore) -> None:
    add(store, "likes tea")
    store.database.close()

    add(store, "likes rain")

    assert count(store) == 2


def test_opening_a_file_again_keeps_the_locks_on_it(path: Path, store: LocalStore) -> None:
    add(store, "likes tea")

    with opened(path):
        is_locked = spawn.Process(target=_check_locked, args=(str(path),))
        with store.database.writing():
            is_locked.start()
            is_locked.join()

    assert is_locked.exitcode == 0


def _check_locked(path: str) -> None:
    """Fail unless another process keeps this one from having the file to itself."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connection.execute("BEGIN EXCLUSIVE")


# --- refusing files


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "cannot be made" in refusal(tmp_path / "file" / "recollect.db")
    assert "cannot be made" in refusal(tmp_path / "file" / "folder" / "recollect.db")


def test_a_folder_is_not_a_data_file(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"hello\n", b"\x00" * 5_000, bytes(range(256)) * 64])
def test_a_file_of_anything_else_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert "is damaged or is not a Recollect file" in refusal(path)

    assert path.read_bytes() == content


def a_full_file(path: Path) -> bytes:
    """Make a file of many pages, and return its bytes."""
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        add(store, *(f"fact {number} {'x' * 1_000}" for number in range(200)))
    return path.read_bytes()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_file_cut_off_in_the_middle_is_refused(path: Path, share: float) -> None:
    content = a_full_file(path)
    path.write_bytes(content[: int(len(content) * share)])

    assert "is damaged" in refusal(path)


def test_damage_that_is_met_later_is_told_in_the_same_way(path: Path) -> None:
    content = a_full_file(path)
    pages = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    path.write_bytes(b"".join(b"\xff" * 4096 if b"fact 100 " in page else page for page in pages))

    with opened(path) as store, pytest.raises(UnavailableError, match="is damaged") as refused:
        store.listing.memories(PROJECT, EVERYTHING, limit=200)

    assert str(path) in str(refused.value)


def test_a_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (something TEXT)")
    content = path.read_bytes()

    assert "belongs to another program" in refusal(path)

    assert path.read_bytes() == content


def test_a_file_marked_by_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")

    assert "belongs to another program" in refusal(path)


def test_a_file_of_a_newer_release_is_refused_and_left_alone(path: Path) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
        connection.execute("PRAGMA journal_mode = DELETE")
    content = path.read_bytes()

    message = refusal(path)

    assert "was written by a newer release" in message
    assert path.read_bytes() == content


def test_a_file_of_another_embedder_is_refused(path: Path) -> None:
    with opened(path):
        pass

    message = refusal(path, model="other-3")

    assert "holds vectors of test" in message
    assert "other-3" in message
    with opened(path) as store:
        assert count(store) == 0


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Yield a folder of the user that the tests run as; an ordinary one instead of root."""
    user = os.geteuid()
    folder = Path(tempfile.mkdtemp())
    if user == 0:
        os.chown(folder, NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


def test_a_read_only_file_is_refused() -> None:
    with ordinary_user() as folder:
        path = folder / "recollect.db"
        with opened(path):
            pass
        path.chmod(0o400)

        assert "is read-only" in refusal(path)


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with ordinary_user() as folder:
        path = folder / "recollect.db"
        path.touch(mode=0)

        assert "cannot be opened" in refusal(path)


def test_a_folder_that_may_not_be_written_is_told() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o500)

        assert "cannot be made: Permission denied" in refusal(folder / "recollect.db")


# --- locks


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_locked_file_is_refused_in_one_sentence(path: Path, lock: str) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(lock)

        assert "is locked by another process" in refusal(path)


@pytest.mark.usefixtures("impatient")
def test_a_lock_stops_writing_but_not_reading(path: Path, store: LocalStore) -> None:
    store.database.close()
    [memory_id] = add(store, "likes tea")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(UnavailableError, match="is locked by another process"):
            add(store, "likes rain")

        assert list(store.record.get(PROJECT, [memory_id])) == [memory_id]
        other.execute("ROLLBACK")
    add(store, "likes rain")
    assert count(store) == 2


def test_a_file_of_an_older_format_is_upgraded_once(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    shutil.copy(format_1.FILE, path)

    for _ in range(2):
        store = new_store(path, format_1.EMBEDDING_MODEL)
        store.open()
        with store.database.reading() as connection:
            [version] = connection.execute("PRAGMA user_version").fetchone()
            rows = connection.execute("SELECT name FROM scopes_of_subjects").fetchall()
        store.database.close()
        assert version == FORMAT
        assert {row["name"] for row in rows} == {each.name for each in format_1.ADA.subjects}


def test_an_episode_of_an_older_format_is_as_old_as_its_job(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    shutil.copy(format_1.FILE, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE episodes SET body = json_set(body, '$.said_at', '2999-01-01T00:00:00.000000Z')"
        )
        connection.execute(
            "INSERT INTO episodes SELECT project, 'without a job', scope_key, body FROM episodes"
        )
    subjects, just_after = format_1.ADA.subjects, format_1.START + timedelta(microseconds=1)

    with opened(path, format_1.EMBEDDING_MODEL) as store:
        for before, left in ((format_1.START, "job-1"), (just_after, None)):
            store.episodes.remove(format_1.PROJECT, subjects, before=before)
            with store.database.reading() as connection:
                rows = connection.execute("SELECT episode_id FROM episodes").fetchall()
            assert [row["episode_id"] for row in rows] == ([left] if left else [])


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recollect.db"
    shutil.copy(format_1.FILE, path)
    monkeypatch.setattr(
        database, "UPGRADES", {**UPGRADES, 1: (*UPGRADES[1], "SELECT * FROM nowhere")}
    )
    store = new_store(path, format_1.EMBEDDING_MODEL)

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.open()

    assert path.read_bytes() == format_1.FILE.read_bytes()


# --- jobs of who died


def abandoned(store: LocalStore, now: datetime) -> list[str]:
    return [job_id for _, job_id in store.jobs.abandoned(now=now, limit=9)]


def test_who_is_alone_takes_up_what_the_dead_worked_on_in_order(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    store, much_later = new_store(path), NOON + timedelta(days=1)
    store.open()
    states = (JobStatus.RUNNING, JobStatus.PENDING, JobStatus.RUNNING)
    jobs = [
        a_job(a_scope("acme"), status=status, created_at=NOON - timedelta(minutes=minutes))
        for minutes, status in enumerate(states)
    ]
    ended = a_job(a_scope("acme"), status=JobStatus.SUCCEEDED, completed_at=NOON)
    for job in (*jobs, ended):
        store.jobs.accept(job, None, lease_end=much_later)

    other = new_store(path)
    other.open()
    assert abandoned(other, NOON) == []

    for living in (store, other):
        living.database.close()
    store.open()
    assert abandoned(store, NOON) == [job.id for job in reversed(jobs)]
    assert [store.jobs.get("acme", job.id) for job in (*jobs, ended)] == [*jobs, ended]
    mine = store.jobs.claim("acme", jobs[0].id, now=NOON, lease_end=much_later)
    assert mine == jobs[0].taken(NOON)

    # It is alive itself.
    store.open()
    assert store.jobs.claim("acme", jobs[0].id, now=NOON, lease_end=much_later) is None
    store.database.close()


# --- transactions


class BrokenError(Exception):
    pass


def break_after_writing(store: LocalStore, scope: Scope) -> None:
    with store.database.writing() as connection:
        connection.execute("INSERT INTO scopes VALUES (?, ?, 7, 7)", (PROJECT, scope.key))
        assert store.scopes.clock(scope) == 7, "a read within the transaction sees it"
        raise BrokenError


def test_a_transaction_that_raises_leaves_nothing(store: LocalStore, scope: Scope) -> None:
    with pytest.raises(BrokenError):
        break_after_writing(store, scope)

    assert store.scopes.clock(scope) == 0
    add(store, "likes tea")
    assert store.scopes.clock(scope) == 1


def test_an_error_of_the_code_is_not_the_files_fault(store: LocalStore) -> None:
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        store.database.writing() as connection,
    ):
        connection.execute("INSERT INTO nowhere VALUES (1)")

    assert count(store) == 0


def test_a_full_disk_is_told_and_can_be_survived(store: LocalStore, scope: Scope) -> None:
    add(store, "likes tea")
    with store.database.reading() as connection:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    large = an_episode(scope, "x" * 1_000_000)

    with pytest.raises(UnavailableError, match="does not fit on its disk"):
        store.record.commit(PROJECT, a_change(episode=large))

    assert not store.episodes.get(PROJECT, [large.id], now=NOON)
    with store.database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    add(store, "likes rain")
    assert count(store) == 2


def test_a_commit_that_fails_is_rolled_back(tmp_path: Path) -> None:
    # A constraint that SQLite looks at only when the transaction is committed.
    schema = (
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
    )
    file = Database(tmp_path / "test.db", schema)
    with file.reading() as connection:
        pass
    connection.execute("PRAGMA foreign_keys = ON")

    with pytest.raises(sqlite3.IntegrityError), file.writing():
        connection.execute("INSERT INTO children VALUES (1)")

    with file.writing():
        connection.execute("INSERT INTO parents VALUES (1)")
    with file.reading():
        assert connection.execute("SELECT count(*) FROM children").fetchone()[0] == 0
    file.close()


def test_a_read_sees_one_state_of_the_file(store: LocalStore) -> None:
    add(store, "likes tea")
    with ThreadPoolExecutor(1) as other, store.database.reading():
        assert count(store) == 1

        other.submit(add, store, "likes rain").result()

        assert count(store) == 1
    assert count(store) == 2


def test_many_threads_read_whole_changes_while_one_writes(store: LocalStore) -> None:
    changes, readers = 60, 6

    def write() -> None:
        for number in range(changes):
            add(store, f"left {number}", f"right {number}")

    def read(_: int) -> list[int]:
        seen = [0]
        while seen[-1] < 2 * changes and not (writing.done() and writing.exception()):
            seen.append(count(store))
        return seen

    with ThreadPoolExecutor(readers + 1) as threads:
        writing = threads.submit(write)
        counts = list(threads.map(read, range(readers)))

    assert writing.exception() is None
    for seen in counts:
        assert seen == sorted(seen)
        assert all(number % 2 == 0 for number in seen)


# --- processes


def _add_and_count(path: str, pipe: Connection) -> None:
    """Add a memory for every text that comes; answer how many there are then."""
    with opened(Path(path)) as store:
        while text := pipe.recv():
            add(store, text)
            pipe.send(count(store))


def test_two_processes_see_each_others_commits(path: Path, store: LocalStore) -> None:
    here, there = spawn.Pipe()
    other = spawn.Process(target=_add_and_count, args=(str(path), there), daemon=True)
    other.start()

    for number in range(1, 4):
        add(store, f"from here {number}")
        here.send(f"from there {number}")
        assert here.poll(30), "the other process answers"
        assert here.recv() == 2 * number
        assert count(store) == 2 * number

    here.send("")
    other.join(30)
    assert other.exitcode == 0


def _open_and_add(path: str, number: int) -> None:
    with opened(Path(path)) as store:
        store.keys.create(PROJECT, a_key(PROJECT), f"hash {number}")
        for step in range(10):
            add(store, f"fact {number} {step}")


def test_processes_may_make_one_file_at_the_same_time(path: Path) -> None:
    processes = [spawn.Process(target=_open_and_add, args=(str(path), n)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * 4
    with opened(path) as store:
        assert count(store) == 40
        assert store.scopes.clock(a_scope(PROJECT, user="ada")) == 40


# --- projects and counts


def test_a_project_that_never_had_a_key_is_not_found(store: LocalStore) -> None:
    stranger = a_scope("stranger", user="ada")
    attempts: list[Callable[[], object]] = [
        lambda: store.record.commit("stranger", a_change(adding(a_memory(stranger)))),
        lambda: store.scopes.reserve_turns(stranger, 1),
        lambda: store.scopes.find_texts(stranger, ["likes tea"], now=NOON),
    ]

    for attempt in attempts:
        with pytest.raises(NotFoundError):
            attempt()

    assert store.scopes.clock(stranger) == 0


@pytest.mark.parametrize(("total", "is_exact"), [(3, True), (4, False), (6, False)])
def test_a_count_is_exact_up_to_its_limit(
    store: LocalStore,
    scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
    total: int,
    is_exact: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(listing, "EXACT_COUNT", 3)
    add(store, *(f"fact {number}" for number in range(total)))

    for matching in (EVERYTHING, subject_is(scope.owner), both(EVERYTHING, Unexpired(NOON))):
        page = store.listing.memories(PROJECT, matching, limit=2, skip=2)
        assert (page.count, page.is_count_exact) == (3, is_exact)
        assert len(page.memories) == min(2, total - 2)
        assert page.has_more == (total > 4)
