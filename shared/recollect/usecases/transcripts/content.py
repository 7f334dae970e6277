"""The bytes of a log, from any offset on and with gzip undone, and how they are text."""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final, Self

BYTES_LOOKED_AT: Final = 8 * 1024
"""Beginning of a log in which a zero byte tells that it is no text."""

_GZIP: Final = b"\x1f\x8b\x08"
_DROPPED_AT_ONCE: Final = 1024 * 1024


@dataclass(frozen=True)
class Content:
    """What a log is read from: `open_at` gives its bytes from an offset on, for the first time too.

    `name` tells, by its extension, what the content does not. Whatever `open_at` and its streams
    raise comes through.
    """

    name: str
    open_at: Callable[[int], BinaryIO]

    @property
    def extension(self) -> str:
        """The extension of the name in small letters, without that of gzip."""
        path = PurePosixPath(self.name.lower())
        return PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix


@dataclass(frozen=True)
class Encoding:
    """How text is written; `mark` bytes at the beginning say so.

    What is no such text becomes lone surrogates, so that one line of it fails, not all.
    """

    name: str
    codec: str
    errors: str
    mark: int

    @classmethod
    def of(cls, beginning: bytes) -> Self:
        """Return the encoding of what begins so."""
        if beginning.startswith(codecs.BOM_UTF16_LE):
            return cls("UTF-16", "utf-16-le", "surrogatepass", 2)
        if beginning.startswith(codecs.BOM_UTF16_BE):
            return cls("UTF-16", "utf-16-be", "surrogatepass", 2)
        mark = len(codecs.BOM_UTF8) if beginning.startswith(codecs.BOM_UTF8) else 0
        return cls("UTF-8", "utf-8", "surrogateescape", mark)

    def size(self, text: str) -> int:
        """Return how many bytes it was read from."""
        return len(text.encode(self.codec, self.errors))


class Unpacked:
    """A log's content without gzip; how it is written is looked at once."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self._gunzipped: _Gunzipped | None = None
        with content.open_at(0) as stream:
            self._is_gzip = _read(stream, len(_GZIP)) == _GZIP
        with self._open_at(0) as stream:
            self._beginning = _read(stream, BYTES_LOOKED_AT)
        self.encoding = Encoding.of(self._beginning)

    @property
    def is_text(self) -> bool:
        """Whether it may be text."""
        return b"\0" not in self._beginning or self.encoding.name == "UTF-16"

    @property
    def is_damaged(self) -> bool:
        """Whether the gzip data last read ended early, or not as gzip does."""
        return self._gunzipped is not None and self._gunzipped.is_damaged

    def open_at(self, offset: int) -> BinaryIO:
        """Return its bytes from that one on, without the mark of its encoding."""
        return self._open_at(max(offset, self.encoding.mark))

    def _open_at(self, offset: int) -> BinaryIO:
        if not self._is_gzip:
            return self.content.open_at(offset)
        self._gunzipped = _Gunzipped(self.content.open_at(0))
        stream = io.BufferedReader(self._gunzipped)
        while offset > 0 and (dropped := len(stream.read(min(offset, _DROPPED_AT_ONCE)))):
            offset -= dropped
        return stream


class _Gunzipped(io.RawIOBase):
    """What gzip data says, up to where it is damaged."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self.is_damaged = False
        self._packed = packed
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        try:
            # What is before the damage comes of an earlier call.
            data = self._file.read1(len(buffer))
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.is_damaged = True
            return 0
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        self._packed.close()
        super().close()


def _read(stream: BinaryIO, size: int) -> bytes:
    """Return the first `size` bytes, less only at the end."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data
