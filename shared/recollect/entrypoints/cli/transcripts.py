"""Chat logs in files of this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.transcripts import BadLine, Content, Conversation, read_content
from recollect.usecases.transcripts.conversations import refuse


class Transcript:
    """What a file says, in its order, and how far it has been read.

    See `read_content` for what it gives. Raises `InvalidRequestError`, at once, if there is no
    such file or it cannot be opened; later only if the disk fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: BinaryIO | None = None
        try:
            if not path.exists():
                refuse(f"There is no file {path}")
            if not path.is_file():
                refuse(f"{path} is not a file")
            self.size = path.stat().st_size
            path.open("rb").close()
        except OSError as error:
            refuse(f"{path} cannot be read: {error.strerror or error}")

    @property
    def bytes_read(self) -> int:
        """How much of the file's `size` has been read, but for what is read ahead."""
        if self._stream is None:
            return 0
        return self.size if self._stream.closed else self._stream.tell()

    def __iter__(self) -> Iterator[Conversation | BadLine]:
        """Return what the file says, from its beginning."""
        try:
            yield from read_content(Content(self._path.name, self._open_at))
        except OSError as error:
            message = f"{self._path} cannot be read: {error.strerror or error}"
            raise InvalidRequestError(message) from error

    def _open_at(self, offset: int) -> BinaryIO:
        self._stream = self._path.open("rb")
        self._stream.seek(offset)
        return self._stream


def read_transcript(path: Path) -> Iterator[Conversation | BadLine]:
    """Return what the file says, in its order; see `Transcript` for what it raises."""
    return iter(Transcript(path))
