"""Text by lines, and paragraphs as turns."""

import io
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES, checked_text
from recollect.usecases.transcripts.content import Encoding
from recollect.usecases.transcripts.conversations import BadLine, Place, TranscriptMessage, Turn

MAX_LINE_CHARACTERS: Final = 16 * 1024 * 1024
"""A line of JSON Lines or text; bounds the memory that a log without line ends can take."""
ROLES: Final = frozenset({"user", "assistant", "system"})
"""Speakers of a text that are roles rather than names."""

_SPEAKER: Final = re.compile(
    r"([^\W\d_][\w.'\u2019-]{0,39}(?: [\w.'\u2019-]{1,40}){0,2}):[ \t]+(?=\S)"
)
_HEADING: Final = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")


@dataclass(frozen=True)
class Line:
    """A line, which stands from `start` to `end`."""

    text: str
    start: Place
    end: Place

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return self.end.line


def read_lines(
    stream: BinaryIO, encoding: Encoding, after: Place
) -> Generator[Line | BadLine, None, None]:
    """Return the lines from that place on, and close the stream.

    Of one that is too long no more than the beginning is held.
    """
    start = Place(offset=max(after.offset, encoding.mark), line=after.line)
    with closing(_Reader(stream, encoding)) as reader:
        while text := reader.line():
            is_long = len(text) > MAX_LINE_CHARACTERS
            is_text, size = _looked_at(text, encoding)
            size += reader.pass_rest(text) if is_long else 0
            end = Place(offset=start.offset + size, line=start.line + 1, is_end=reader.is_over)
            if is_long:
                yield BadLine(end.line, f"is longer than {MAX_LINE_CHARACTERS} characters", end)
            elif is_text:
                yield Line(text, start, end)
            else:
                yield BadLine(end.line, f"is not valid {encoding.name}", end)
            start = end


def filled_lines(stream: BinaryIO, encoding: Encoding) -> Generator[str, None, None]:
    """Return the lines that are not blank, of long ones the beginning, and close the stream."""
    with closing(_Reader(stream, encoding)) as reader:
        while text := reader.line():
            if stripped := text.strip():
                yield stripped
            if len(text) > MAX_LINE_CHARACTERS:
                reader.pass_rest(text)


class _Reader:
    """Text by lines, which end as they were written; `is_over` where the rest is no text."""

    def __init__(self, stream: BinaryIO, encoding: Encoding) -> None:
        self._encoding = encoding
        self.is_over = False
        self._text = io.TextIOWrapper(
            stream, encoding=encoding.codec, errors=encoding.errors, newline=""
        )

    def line(self) -> str:
        """Return the next line, of a long one too much; nothing at the end."""
        if self.is_over:
            return ""
        try:
            return self._text.readline(MAX_LINE_CHARACTERS + 1)
        except UnicodeDecodeError:  # UTF-16 that ends inside a character
            self.is_over = True
            return "\udfff"

    def pass_rest(self, text: str) -> int:
        """Pass the rest of a line that begins so; return how many bytes it was read from."""
        size = 0
        while text and not text.endswith(("\n", "\r")):
            text = self.line()
            size += self._encoding.size(text)
        return size

    def close(self) -> None:
        """Close what it is read from."""
        self._text.close()


def _looked_at(text: str, encoding: Encoding) -> tuple[bool, int]:
    """Return whether this is text, and how many bytes it was read from."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False, encoding.size(text)
    return True, size if encoding.name == "UTF-8" else encoding.size(text)


class _Paragraph:
    """Lines that are one turn so far."""

    def __init__(self, *, is_markdown: bool) -> None:
        self._is_markdown = is_markdown
        self._lines: list[Line] = []
        self._size = 0

    def trimmed(self, text: str) -> str:
        """Return a line as it is kept."""
        if self._is_markdown and text.strip():
            return text.rstrip()
        return text.strip()

    def ends_before(self, text: str) -> bool:
        """Tell whether this line is not a part of it."""
        is_title = self._is_markdown and all(_HEADING.match(each.text) for each in self._lines)
        if not text:
            return not is_title
        begins = _speaker(text) or (self._is_markdown and not is_title and _HEADING.match(text))
        return bool(begins) or self._size + len(text.encode()) + 1 > MAX_TEXT_BYTES

    def add(self, line: Line, text: str) -> None:
        """Add a line."""
        self._size += len(text.encode()) + 1
        self._lines.append(replace(line, text=text))

    def taken(self) -> Iterator[Turn | BadLine]:
        """Return it, if it says anything, and begin another."""
        if self._lines:
            yield _turn(self._lines)
        self._lines, self._size = [], 0


def paragraphs(lines: Iterable[Line | BadLine], *, is_markdown: bool) -> Iterator[Turn | BadLine]:
    """Return what is said by turn or paragraph."""
    paragraph = _Paragraph(is_markdown=is_markdown)
    for line in lines:
        if isinstance(line, BadLine):
            yield from paragraph.taken()
            yield line
            continue
        text = paragraph.trimmed(line.text)
        if paragraph.ends_before(text):
            yield from paragraph.taken()
        if text:
            paragraph.add(line, text)
    yield from paragraph.taken()


def _turn(lines: Sequence[Line]) -> Turn | BadLine:
    place, text = lines[0].number, "\n".join(line.text for line in lines)
    end = lines[-1].end
    speaker = _speaker(text)
    content = text if speaker is None else text[len(speaker) + 1 :].lstrip()
    role = speaker.lower() if speaker and speaker.lower() in ROLES else None
    try:
        checked_text(content)
    except InvalidRequestError as error:
        return BadLine(place, str(error), end)
    name = None if role else speaker
    message = TranscriptMessage(role=role or "user", content=content, name=name)
    return Turn(place, message, behind=end)


def _speaker(text: str) -> str | None:
    """Return who is said to speak: one word, or up to three of which none begins small."""
    match = _SPEAKER.match(text)
    words = match[1].split() if match else []
    if match is None or (len(words) > 1 and any(word[0].islower() for word in words)):
        return None
    return match[1]
