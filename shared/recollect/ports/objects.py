"""Objects that others have put where they are to be read: a bucket, or a folder."""

from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

_ETAG: Final = "etag-"


@dataclass(frozen=True)
class ObjectVersion:
    """What an object says once and for all: one key may have several versions."""

    bucket: str
    key: str
    version: str


def etag_version(etag: str, sequencer: str) -> str:
    """Return the version of an object whose bucket has none: its tag, and when it was written."""
    return f"{_ETAG}{etag}-{sequencer}"


def etag_of(version: str) -> str:
    """Return the tag in such a version; nothing if it is another one."""
    is_tag = version.startswith(_ETAG)
    return version.removeprefix(_ETAG).rpartition("-")[0] if is_tag else ""


class ObjectStore(Protocol):
    """Reads objects of any size, and writes small ones."""

    def open(self, version: ObjectVersion, offset: int) -> BinaryIO:
        """Return the bytes from this one on, none behind the end; little of them is held at once.

        Raises `NotFoundError` if there is no such version, or none any more, and
        `UnavailableError`, also when the stream is read.
        """
        ...

    def write(self, bucket: str, key: str, data: bytes) -> None:
        """Write an object, in place of the one that has the key; raise `UnavailableError`."""
        ...
