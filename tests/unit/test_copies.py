"""Copies of the data file: taken while it is in use, and put in its place when it is not."""

import multiprocessing
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import pytest

from recollect.adapters.local import copies
from recollect.adapters.local.copies import back_up, carried, exchange, held, take_over
from recollect.adapters.local.schema import FORMAT
from recollect.adapters.local.store import LocalStore
from recollect.domain.errors import ConflictError, InvalidRequestError, UnavailableError
from recollect.domain.filters import EVERYTHING
from recollect.testing.builders import NOON, a_change, a_key, a_memory, a_scope, adding, an_episode

PROJECT = "demo"
SCOPE = a_scope(PROJECT, user="ada")
PAGE_BYTES = 4_096
PATIENCE_SECONDS = 30.0

spawn = multiprocessing.get_context("spawn")


@contextmanager
def opened(path: Path) -> Iterator[LocalStore]:
    store = LocalStore(path, embedding_model="test", resident_bytes=1_000_000)
    store.open()
    try:
        yield store
    finally:
        store.database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recollect.db"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
def store(path: Path) -> Iterator[LocalStore]:
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        yield store


def add(store: LocalStore, *texts: str) -> None:
    """Add memories of these texts, and an episode, in one commit."""
    writes = [adding(a_memory(SCOPE, text)) for text in texts]
    store.record.commit(PROJECT, a_change(*writes, episode=an_episode(SCOPE)))


def a_full_file(path: Path) -> None:
    """Make a file of many pages with a hundred memories."""
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        add(store, *(f"fact {number} {'x' * 1_000}" for number in range(100)))


def texts_in(path: Path) -> list[str]:
    with opened(path) as store:
        page = store.listing.memories(PROJECT, EVERYTHING, limit=1_000)
        return sorted(memory.text for memory in page.memories)


def beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def copy(path: Path, target: Path) -> copies.Contents:
    return back_up(path, target, draft_name="draft")


# --- copies


def test_a_copy_has_everything_and_only_its_owner_can_read_it(
    path: Path, store: LocalStore, target: Path
) -> None:
    add(store, "likes tea", "likes cake")
    add(store, "likes pie")

    done = copy(path, target)

    assert (done.projects, done.memories, done.episodes) == (1, 3, 2)
    assert done.size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert beside(target) == ["copy.db", "data"]
    assert texts_in(target) == ["likes cake", "likes pie", "likes tea"]


def test_a_copy_is_one_file_that_can_be_read_where_nothing_can_be_written(
    path: Path, store: LocalStore, target: Path
) -> None:
    add(store, "likes tea")

    copy(path, target)

    address = f"{target.as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT count(*) FROM memories").fetchone() == (1,)


def test_a_copy_is_of_one_moment_while_many_write_and_nobody_waits(
    path: Path, store: LocalStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAGES_AT_ONCE", 1)
    add(store, *(f"fact {number} {'x' * 1_000}" for number in range(300)))
    stopping, numbers, answered = threading.Event(), count(), []

    def write() -> None:
        while not stopping.is_set():
            number = next(numbers)
            add(store, f"first {number}", f"second {number}")
            answered.append(number)

    with ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(write) for _ in range(3)]
        try:
            # A copy of some hundred steps takes as long as many commits; one is enough.
            for _ in range(50):
                before = len(answered)
                target.unlink(missing_ok=True)
                done = copy(path, target)
                after = next(numbers)
                if len(answered) > before:
                    break
        finally:
            stopping.set()
    assert [each.result(PATIENCE_SECONDS) for each in writing] == [None] * 3

    assert len(answered) > before, "somebody wrote while the copy was made"
    pairs, alone = divmod(done.memories - 300, 2)
    assert alone == 0
    assert before <= pairs <= after
    assert done.episodes == pairs + 1
    assert {*texts_in(target)} < {*texts_in(path)}


def test_a_copy_has_what_a_process_that_was_killed_had_committed(
    path: Path, store: LocalStore, target: Path, tmp_path: Path
) -> None:
    add(store, "likes tea")
    left_behind = tmp_path / "left" / path.name
    left_behind.parent.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", f"{left_behind}{ending}")

    assert copy(left_behind, target).memories == 1


def test_a_copy_of_an_older_format_is_of_that_format(path: Path, target: Path) -> None:
    shutil.copytree(Path(__file__).parents[1] / "data", path.parent)

    copy(path.with_name("format-1.db"), target)

    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


# --- what is refused


def refusal(path: Path, target: Path) -> str:
    """Return the sentence with which a copy is refused; nothing is left of it."""
    before = beside(target) if target.parent.is_dir() else []
    with pytest.raises(UnavailableError) as refused:
        copy(path, target)
    assert (beside(target) if target.parent.is_dir() else []) == before
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_no_file_is_overwritten(path: Path, store: LocalStore, target: Path) -> None:
    add(store, "likes tea")
    target.write_text("dear diary")

    for there in (target, path):
        with pytest.raises(InvalidRequestError, match="choose another name") as refused:
            copy(path, there)
        assert str(there) in str(refused.value)

    assert target.read_text() == "dear diary"


def test_what_is_not_there_is_not_copied(path: Path, target: Path, tmp_path: Path) -> None:
    for missing in (path, tmp_path):
        assert refusal(missing, target) == f"There is no data file {missing}"
    assert not path.parent.exists()


@pytest.mark.usefixtures("store")
def test_a_copy_that_cannot_be_written_is_told(path: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "copy.db"

    assert (
        refusal(path, nowhere) == f"The file {nowhere} cannot be written: No such file or directory"
    )


def as_another_program(path: Path) -> str:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (something TEXT)")
    return "belongs to another program"


def as_a_newer_release(path: Path) -> str:
    a_full_file(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    return "was written by a newer release"


def as_a_text(path: Path) -> str:
    path.parent.mkdir()
    path.write_text("dear diary\n" * 1_000)
    return "is not a Recollect file"


def as_nothing(path: Path) -> str:
    path.parent.mkdir()
    path.touch()
    return "is empty"


def as_a_part(path: Path) -> str:
    a_full_file(path)
    path.write_bytes(path.read_bytes()[: 20 * PAGE_BYTES])
    return "is damaged"


def as_ruins(path: Path) -> str:
    """Overwrite a page in the middle, which nobody notices who does not look there."""
    a_full_file(path)
    content = path.read_bytes()
    pages = [content[at : at + PAGE_BYTES] for at in range(0, len(content), PAGE_BYTES)]
    path.write_bytes(
        b"".join(b"\xff" * PAGE_BYTES if b"fact 50 " in page else page for page in pages)
    )
    return "is damaged"


@pytest.mark.parametrize(
    "made", [as_another_program, as_a_newer_release, as_a_text, as_nothing, as_a_part, as_ruins]
)
def test_what_could_not_be_restored_is_not_copied(
    path: Path, target: Path, made: Callable[[Path], str]
) -> None:
    said = made(path)
    content = path.read_bytes()

    message = refusal(path, target)

    assert said in message
    assert str(path) in message
    assert path.read_bytes() == content


# --- a file that is held


def _open_until_told(path: str, pipe: Connection) -> None:
    with opened(Path(path)):
        pipe.send("opened")
        pipe.recv()


def test_a_file_that_another_process_has_open_is_not_held(path: Path) -> None:
    a_full_file(path)
    here, there = spawn.Pipe()
    other = spawn.Process(target=_open_until_told, args=(str(path), there), daemon=True)
    other.start()
    assert here.poll(PATIENCE_SECONDS), "the other process opens the file"

    with pytest.raises(ConflictError, match="is in use") as refused, held(path):
        pass

    assert str(path) in str(refused.value)
    here.send("end")
    other.join(PATIENCE_SECONDS)
    with held(path) as connection:
        assert connection is not None


def test_a_file_of_another_program_is_not_held(path: Path) -> None:
    as_another_program(path)

    with pytest.raises(UnavailableError, match="another program"), held(path):
        pass


def test_what_is_held_cannot_be_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recollect.adapters.local.database.LOCK_WAIT_SECONDS", 0.1)
    a_full_file(path)

    with held(path), pytest.raises(UnavailableError, match="is locked"), opened(path):
        pass

    assert len(texts_in(path)) == 100


# --- exchanges


def exchanged(path: Path, source: Path) -> Path:
    """Put a copy in a file's place; return where the old one is kept."""
    kept = path.with_name(f"{path.name}.kept-{uuid4()}")
    with copies.drafted(path, "draft") as draft, held(path) as old:
        copies.copy_to(draft, source)
        there = path.exists()
        assert exchange(path, old, draft, kept) == there
    return kept


@pytest.fixture
def backup(path: Path, target: Path) -> Path:
    """A copy with one memory of a file that has another one by now."""
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        add(store, "likes tea")
        copy(path, target)
        add(store, "likes cake")
    return target


def test_a_copy_takes_the_place_of_what_is_kept(path: Path, backup: Path) -> None:
    path.chmod(0o640)

    kept = exchanged(path, backup)

    assert beside(path) == [path.name, kept.name]
    assert texts_in(path) == ["likes tea"]
    assert texts_in(kept) == ["likes cake", "likes tea"]
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, kept)] == [0o640, 0o600]
    assert texts_in(backup) == ["likes tea"]


def test_a_copy_can_be_put_where_there_is_nothing(path: Path, backup: Path) -> None:
    place = path.with_name("another.db")

    kept = exchanged(place, backup)

    assert not kept.exists()
    assert texts_in(place) == ["likes tea"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"dear diary\n" * 1_000, b""])
def test_what_is_no_data_file_is_kept_and_its_log_is_not_taken_for_the_copys(
    path: Path, backup: Path, content: bytes
) -> None:
    path.write_bytes(content)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(b"log")

    kept = exchanged(path, backup)

    assert not log.exists()
    assert texts_in(path) == ["likes tea"]
    assert content in kept.read_bytes()


def test_what_a_killed_process_had_committed_is_kept(path: Path, target: Path) -> None:
    with opened(path) as store:
        store.keys.create(PROJECT, a_key(PROJECT), "hash")
        copy(path, target)
        add(store, "likes tea")
        left = path.with_name("left.db")
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{left}{ending}")

    kept = exchanged(left, target)

    assert texts_in(left) == []
    assert texts_in(kept) == ["likes tea"]


def as_a_header(path: Path) -> str:
    """Overwrite what says which tables there are."""
    a_full_file(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (PAGE_BYTES - 100) + content[PAGE_BYTES:])
    return "is damaged"


@pytest.mark.parametrize("damaged", [as_a_header, as_a_part, as_ruins])
def test_damage_inside_does_not_hinder(
    path: Path, backup: Path, damaged: Callable[[Path], str]
) -> None:
    path.unlink()
    damaged(path)
    content = path.read_bytes()

    kept = exchanged(path, backup)

    assert texts_in(path) == ["likes tea"]
    assert kept.stat().st_size == len(content)


def test_who_waits_for_the_file_finds_what_was_put_there(path: Path, backup: Path) -> None:
    kept = path.with_name("kept")
    with ThreadPoolExecutor(1) as thread:
        with copies.drafted(path, "draft") as draft, held(path) as old:
            waiting = thread.submit(texts_in, path)
            copies.copy_to(draft, backup)
            exchange(path, old, draft, kept)
        assert waiting.result(PATIENCE_SECONDS) == ["likes tea"]


def test_a_copy_that_cannot_be_put_there_changes_nothing(path: Path, backup: Path) -> None:
    kept = path.with_name("kept")
    kept.with_name("kept.draft").mkdir()

    with copies.drafted(path, "draft") as draft, held(path) as old:
        copies.copy_to(draft, backup)
        with pytest.raises(UnavailableError, match="cannot be written"):
            exchange(path, old, draft, kept)

    assert texts_in(path) == ["likes cake", "likes tea"]


# --- what is never put back to an earlier time


def keys_of(path: Path) -> dict[str, bool]:
    """Return which keys there are, by their names, and whether they are good."""
    with opened(path) as store:
        return {key.name: key.is_good(NOON) for key in store.keys.list(PROJECT)}


def test_keys_stay_as_they_are(path: Path, target: Path) -> None:
    with opened(path) as store:
        revoked, good = a_key(PROJECT, name="revoked"), a_key(PROJECT, name="good")
        store.keys.create(PROJECT, revoked, "hash 1")
        store.keys.create(PROJECT, good, "hash 2")
        copy(path, target)
        store.keys.replace(PROJECT, revoked, replace(revoked, revoked_at=NOON))
        store.keys.create(PROJECT, a_key(PROJECT, name="new"), "hash 3")
    with held(path) as old:
        assert old is not None
        rows = carried(old)
    assert rows is not None

    with opened(target) as restored:
        take_over(restored.database, rows)

    assert keys_of(target) == {"revoked": False, "good": True, "new": True}


def test_keys_that_only_the_copy_knows_stay(path: Path, target: Path, tmp_path: Path) -> None:
    a_full_file(path)
    copy(path, target)
    with opened(tmp_path / "new.db"), held(tmp_path / "another.db") as nothing:
        assert nothing is None
    with held(tmp_path / "new.db") as old:
        assert old is not None
        rows = carried(old)
    assert rows is not None

    with opened(target) as restored:
        take_over(restored.database, rows)

    assert len(keys_of(target)) == 1


def test_whoever_was_erased_stays_so_since_the_later_time(path: Path, target: Path) -> None:
    marks = {"a": "2026-01-01", "b": "2026-01-02", "c": "2026-01-03"}
    a_full_file(path)
    copy(path, target)
    with opened(target) as restored, restored.database.writing() as file:
        file.executemany(
            "INSERT INTO erasures VALUES ('demo', ?, ?)", [("a", "2025"), ("b", "2027")]
        )

    with opened(target) as restored:
        newer = {"erasures": [("demo", key, at) for key, at in marks.items()]}
        take_over(restored.database, newer)

    with held(target) as old:
        assert old is not None
        rows = carried(old)
    assert rows is not None
    assert rows["erasures"] == [
        ("demo", "a", "2026-01-01"),
        ("demo", "b", "2027"),
        ("demo", "c", "2026-01-03"),
    ]


def test_nothing_is_carried_from_a_file_without_tables(path: Path) -> None:
    as_nothing(path)

    with held(path) as old:
        assert old is not None
        assert carried(old) == {}


def test_what_cannot_be_read_is_not_taken_for_nothing(path: Path) -> None:
    a_full_file(path)
    with closing(sqlite3.connect(path)) as connection:
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'keys'")
    content = bytearray(path.read_bytes())
    content[(root - 1) * PAGE_BYTES : root * PAGE_BYTES] = b"\xff" * PAGE_BYTES
    path.write_bytes(content)

    with held(path) as old:
        assert old is not None
        assert carried(old) is None
