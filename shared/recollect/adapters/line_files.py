"""Files of lines: compressed if their name ends in `.gz`, and there only when they are whole."""

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from recollect.domain.errors import InvalidRequestError, UnavailableError

GZIP_MAGIC: Final = b"\x1f\x8b"
OWNER_ONLY: Final = 0o600
MAX_LINE_BYTES: Final = 256 * 1024 * 1024
"""Some thousand changes of a memory with the longest text; bounds what a file can make us hold."""


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file that only its owner can read, whole or not at all; replace what was there.

    Raises `UnavailableError` if it cannot be written.
    """
    draft = path.with_name(f"{path.name}.{uuid4()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, lines, is_compressed=path.suffix == ".gz")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise UnavailableError(message) from error


def _write(file: BinaryIO, lines: Iterable[str], *, is_compressed: bool) -> None:
    if not is_compressed:
        file.writelines(line.encode() for line in lines)
        return
    # The same export makes the same file, whenever it is written.
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as compressed:
        compressed.writelines(line.encode() for line in lines)


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, compressed or not.

    Raises `InvalidRequestError` if it cannot be read, is no UTF-8, or has a line that is too long.
    """
    try:
        with opened(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    message = f"{path} has a line of more than {MAX_LINE_BYTES} bytes"
                    raise InvalidRequestError(message)
                yield line.decode()
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InvalidRequestError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is no UTF-8"
        raise InvalidRequestError(message) from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, decompressed if it is compressed; raise `OSError`."""
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if not is_compressed:
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="rb") as content:
            yield io.BufferedReader(content)
