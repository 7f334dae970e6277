"""Objects of users as files of a folder, which is the bucket."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.ports.objects import ObjectVersion


def file_version(status: os.stat_result) -> str:
    """Return what tells a file from what it was before it was written again."""
    return f"{status.st_mtime_ns}-{status.st_size}"


@dataclass(frozen=True)
class FolderObjectStore:
    """Files below folders; see the port `ObjectStore` for what it promises."""

    def open(self, version: ObjectVersion, offset: int) -> BinaryIO:
        """Return the bytes from this one on."""
        path = _path(version.bucket, version.key)
        try:
            file = _File(path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise _gone() from error
        except OSError as error:
            message = f"A file cannot be read: {error.strerror}"
            raise UnavailableError(message) from error
        if file_version(os.fstat(file.fileno())) != version.version:
            file.close()
            raise _gone()
        file.seek(offset)
        return io.BufferedReader(file)

    def write(self, bucket: str, key: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        path = _path(bucket, key)
        with _translated("written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                Path(draft).replace(path)
            finally:
                Path(draft).unlink(missing_ok=True)


class _File(io.FileIO):
    def readinto(self, buffer: "bytearray | memoryview") -> int | None:  # type: ignore[override]
        with _translated("read"):
            return super().readinto(buffer)


def _path(bucket: str, key: str) -> Path:
    parts = PurePosixPath(key).parts
    if not parts or ".." in parts or PurePosixPath(key).is_absolute():
        raise _gone()
    return Path(bucket, *parts)


def _gone() -> NotFoundError:
    return NotFoundError("There is no such version of the file (any more)")


@contextmanager
def _translated(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"A file cannot be {done}: {error.strerror}"
        raise UnavailableError(message) from error
