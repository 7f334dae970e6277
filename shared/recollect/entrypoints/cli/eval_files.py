"""Files of evaluations: questions that are read, and reports."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import click
from pydantic import ValidationError

from recollect.adapters.line_files import write_lines
from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.entrypoints.cli.eval_plot import recall_plot
from recollect.entrypoints.cli.output import is_watched
from recollect.usecases.evaluation.formats import ReadConversations
from recollect.usecases.evaluation.questions import Conversation
from recollect.usecases.evaluation.report import Report
from recollect.usecases.transcripts import Content

REPORT: Final = "report.json"
TABLES: Final = "report.md"
PLOT: Final = "recall.svg"

Watched: TypeAlias = tuple[Iterator[Conversation], Callable[[], None]]


class QuestionFile:
    """Conversations with questions in a file of this machine; `digest` is its SHA-256.

    Raises `InvalidRequestError` if it cannot be read.
    """

    def __init__(self, path: Path, read: ReadConversations) -> None:
        self._path = path
        self._read = read
        self._stream: BinaryIO | None = None
        try:
            self._size = path.stat().st_size
            with path.open("rb") as file:
                self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._refusal(error) from error

    @contextmanager
    def watched(self) -> Iterator[Watched]:
        """Yield the conversations, and what is to be called after each question.

        A terminal shows how much of the file has been read, and how many questions were asked.
        """
        with click.progressbar(
            length=self._size,
            label="Evaluating",
            file=sys.stderr,
            hidden=not is_watched(),
            item_show_func=lambda told: told,
        ) as bar:
            asked = 0

            def tell() -> None:
                nonlocal asked
                asked += 1
                bar.update(self._bytes_read() - bar.pos, f"{asked} questions")
                # A step of none is not shown by itself.
                bar.render_progress()

            yield self._conversations(), tell

    def _conversations(self) -> Iterator[Conversation]:
        try:
            yield from self._read(Content(self._path.name, self._open_at))
        except OSError as error:
            raise self._refusal(error) from error

    def _open_at(self, offset: int) -> BinaryIO:
        self._stream = self._path.open("rb")
        self._stream.seek(offset)
        return self._stream

    def _bytes_read(self) -> int:
        return self._stream.tell() if self._stream and not self._stream.closed else self._size

    def _refusal(self, error: OSError) -> InvalidRequestError:
        return InvalidRequestError(f"{self._path} cannot be read: {error.strerror or error}")


def made_folder(folder: Path) -> None:
    """Make a folder for a report, unless it is there; raise `UnavailableError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made: {error.strerror or error}"
        raise UnavailableError(message) from error


def write_report(folder: Path, report: Report, tables: str) -> None:
    """Write a report in its three forms, over an earlier one; raise `UnavailableError`."""
    write_lines(folder / REPORT, [report.model_dump_json(indent=1), "\n"])
    write_lines(folder / TABLES, [tables])
    write_lines(folder / PLOT, [recall_plot(report)])


def read_report(path: Path) -> Report:
    """Return what `write_report` has written; raise `InvalidRequestError` if it is no report."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise InvalidRequestError(message) from error
    except ValidationError as error:
        [first, *_] = error.errors(include_input=False, include_url=False)
        place = ".".join(map(str, first["loc"])) or "the file"
        message = f"{path} is no report of an evaluation: {place}: {first['msg']}"
        raise InvalidRequestError(message) from None
