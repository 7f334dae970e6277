"""What every ObjectStore promises, whatever holds the objects: a fixture `stage`."""

from typing import Protocol

import pytest

from recollect.domain.errors import NotFoundError
from recollect.ports.objects import ObjectStore, ObjectVersion

LARGE = bytes(range(256)) * 40_000
"""10 MB: more than any store should hold at once."""
KEY = "projects/acme/users/Zoë Q/a+b c%20.jsonl"


class Stage(Protocol):
    """A store, and a bucket of its own in which others put objects."""

    bucket: str

    @property
    def store(self) -> ObjectStore:
        """The store."""
        ...

    def put(self, key: str, data: bytes) -> ObjectVersion:
        """Put an object in place of the one that has the key; return its version."""
        ...

    def get(self, key: str) -> bytes:
        """Return what is there now."""
        ...

    def remove(self, key: str) -> None:
        """Remove the object."""
        ...


def read(stage: Stage, version: ObjectVersion, offset: int = 0) -> bytes:
    with stage.store.open(version, offset) as stream:
        return stream.read()


@pytest.mark.parametrize("offset", [0, 1, 4 * 1024 * 1024, len(LARGE) - 1, len(LARGE), 1 << 40])
def test_an_object_is_read_from_any_byte_on(stage: Stage, offset: int) -> None:
    version = stage.put(KEY, LARGE)

    assert read(stage, version, offset) == LARGE[offset:]


def test_an_object_is_read_in_small_steps(stage: Stage) -> None:
    version = stage.put(KEY, b"one\ntwo\n\nthree")

    with stage.store.open(version, 1) as stream:
        parts = [
            stream.read(2),
            stream.readline(),
            stream.readline(),
            stream.read(1),
            stream.read(),
        ]

    assert parts == [b"ne", b"\n", b"two\n", b"\n", b"three"]


def test_an_object_that_is_as_large_as_a_step_ends(stage: Stage) -> None:
    data = b"x" * (4 * 1024 * 1024)

    assert read(stage, stage.put(KEY, data)) == data


def test_an_empty_object_has_no_bytes(stage: Stage) -> None:
    version = stage.put(KEY, b"")

    assert read(stage, version) == b""
    assert read(stage, version, 1) == b""


def test_a_version_never_says_what_another_does(stage: Stage) -> None:
    before = stage.put(KEY, b"before")
    after = stage.put(KEY, b"afterwards")

    assert before != after
    assert read(stage, after) == b"afterwards"
    try:
        assert read(stage, before) == b"before"
    except NotFoundError:
        # A store may keep the last version only.
        return


def test_what_is_not_there_is_not_found(stage: Stage) -> None:
    version = stage.put(KEY, b"data")

    with pytest.raises(NotFoundError):
        stage.store.open(ObjectVersion(stage.bucket, "projects/no such key", version.version), 0)


def test_what_was_removed_is_not_found(stage: Stage) -> None:
    stage.put(KEY, b"data")
    version = stage.put(KEY, b"other data")
    stage.remove(KEY)

    with pytest.raises(NotFoundError):
        stage.store.open(version, 0)


def test_what_is_written_is_there_as_a_whole(stage: Stage) -> None:
    key = "reports/acme/new/folder/Zoë.json"

    stage.store.write(stage.bucket, key, b'{"a": "long one"}')
    stage.store.write(stage.bucket, key, b'{"b": 2}')

    assert stage.get(key) == b'{"b": 2}'
