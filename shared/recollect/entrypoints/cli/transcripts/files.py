"""Files as lines, text as turns, and which format a file has."""

import codecs
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES, checked_text
from recollect.entrypoints.cli.transcripts.conversations import (
    BadLine,
    Conversation,
    Item,
    TranscriptMessage,
    Turn,
    Where,
    joined,
    refuse,
    span,
)
from recollect.entrypoints.cli.transcripts.json_text import decode, is_json, json_elements
from recollect.entrypoints.cli.transcripts.json_values import json_items

MAX_LINE_CHARACTERS: Final = 16 * 1024 * 1024
"""A line of JSON Lines or text; bounds the memory that a file without line ends can take."""
BYTES_LOOKED_AT: Final = 8 * 1024
"""Beginning of a file in which a zero byte tells that it is no text."""
ROLES: Final = frozenset({"user", "assistant", "system"})
"""Speakers of a text file that are roles rather than names."""

_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
_JSON_START: Final = re.compile(r'\[\s*(?:[\[\]{]|$)|\{\s*(?:["}]|$)')
_SPEAKER: Final = re.compile(
    r"([^\W\d_][\w.'\u2019-]{0,39}(?: [\w.'\u2019-]{1,40}){0,2}):[ \t]+(?=\S)"
)


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


def read_transcript(path: Path) -> Iterator[Conversation | BadLine]:
    """Return what the file says, in its order, with a `BadLine` for whatever cannot be read.

    Only a JSON file is held in memory as a whole. One that is cut off gives what is complete
    before the cut, then one `BadLine`; the messages of an object that is cut off only if it
    began with an id, because the ids that say whose they are may have been behind them. UTF-8
    and, with a byte order mark, UTF-16 are read. Raises `InvalidRequestError`, at once, if there
    is no such file or it cannot be opened; later only if the disk fails.
    """
    try:
        if not path.exists():
            refuse(f"There is no file {path}")
        if not path.is_file():
            refuse(f"{path} is not a file")
        return _all_items(path, _reader(path))
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror or error}")


def _all_items(path: Path, read: Callable[[Path], Iterator[Item]]) -> Iterator[Item]:
    item = None
    try:
        for item in read(path):
            yield item
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror or error}")
    if item is None:
        yield BadLine(1, "the file is empty: it holds no messages")


def _reader(path: Path) -> Callable[[Path], Iterator[Item]]:
    if _is_binary(path):
        return _refuse_binary
    with closing(_lines(path)) as lines:
        filled = (line for line in lines if isinstance(line, BadLine) or line.text.strip())
        first, second = next(filled, None), next(filled, None)
    extension = path.suffix.lower()
    if isinstance(first, _Line) and _JSON_START.match(text := first.text.strip()):
        if extension in _JSON_LINES and text.startswith("{"):
            return _read_json_lines
        return _read_json_lines if second and is_json(text) else _read_json
    if extension in _JSON_LINES:
        return _read_json_lines
    return _read_json if extension == ".json" else _read_text


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(BYTES_LOOKED_AT)
    return b"\0" in start and _encoding(path) == "UTF-8"


def _refuse_binary(_: Path) -> Iterator[Item]:
    yield BadLine(1, "the file is no text: it holds zero bytes")


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        is_utf_16 = file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    return "UTF-16" if is_utf_16 else "UTF-8"


def _lines(path: Path) -> Generator[_Line | BadLine, None, None]:
    encoding = _encoding(path)
    # Both handlers turn what is not text into lone surrogates, so that one line fails, not all.
    codec, errors = {
        "UTF-8": ("utf-8-sig", "surrogateescape"),
        "UTF-16": ("utf-16", "surrogatepass"),
    }[encoding]
    with path.open(encoding=codec, errors=errors) as file:
        for number, text in enumerate(_bounded_lines(file), 1):
            if len(text) > MAX_LINE_CHARACTERS:
                yield BadLine(number, f"is longer than {MAX_LINE_CHARACTERS} characters")
            elif _is_unicode(text):
                yield _Line(number, text)
            else:
                yield BadLine(number, f"is not valid {encoding}")


def _bounded_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines; of one that is too long the beginning, which is still too long."""
    try:
        while text := file.readline(MAX_LINE_CHARACTERS + 1):
            yield text
            while len(text) > MAX_LINE_CHARACTERS and not text.endswith("\n"):
                text = file.readline(MAX_LINE_CHARACTERS + 1)
    except UnicodeDecodeError:  # UTF-16 that ends inside a character
        yield "\udfff"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_text(path: Path) -> Iterator[Item]:
    return joined(_paragraphs(_lines(path)), partial(span, "line"))


def _paragraphs(lines: Iterable[_Line | BadLine]) -> Iterator[Turn | BadLine]:
    paragraph: list[_Line] = []
    size = 0
    for line in lines:
        text = "" if isinstance(line, BadLine) else line.text.strip()
        size += len(text.encode()) + 1
        if paragraph and (not text or _speaker(text) or size > MAX_TEXT_BYTES):
            yield _paragraph(paragraph)
            paragraph = []
        if isinstance(line, BadLine):
            yield line
        elif text:
            size = size if paragraph else len(text.encode())
            paragraph.append(_Line(line.number, text))
    if paragraph:
        yield _paragraph(paragraph)


def _paragraph(lines: Sequence[_Line]) -> Turn | BadLine:
    place, text = lines[0].number, "\n".join(line.text for line in lines)
    speaker = _speaker(text)
    content = text if speaker is None else text[len(speaker) + 1 :].lstrip()
    role = speaker.lower() if speaker and speaker.lower() in ROLES else None
    try:
        checked_text(content)
    except InvalidRequestError as error:
        return BadLine(place, str(error))
    name = None if role else speaker
    return Turn(place, TranscriptMessage(role=role or "user", content=content, name=name))


def _speaker(text: str) -> str | None:
    """Return who is said to speak: one word, or up to three of which none begins small."""
    match = _SPEAKER.match(text)
    words = match[1].split() if match else []
    if match is None or (len(words) > 1 and any(word[0].islower() for word in words)):
        return None
    return match[1]


def _read_json_lines(path: Path) -> Iterator[Item]:
    return joined(_json_lines(path), partial(span, "line"))


def _json_lines(path: Path) -> Iterator[Turn | Item]:
    samples: set[str] = set()
    for line in _lines(path):
        if isinstance(line, BadLine):
            yield line
        elif text := line.text.strip():
            where = Where("line", line.number, line.number, samples)
            try:
                value, end = decode(text, 0)
                if end < len(text):
                    refuse(f"not valid JSON: more after the value, at character {end + 1}")
            except InvalidRequestError as error:
                yield where.bad(error)
            else:
                yield from json_items(value, where)


def _read_json(path: Path) -> Iterator[Item]:
    encoding, data = _encoding(path), path.read_bytes()
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"the file is not valid {encoding} at byte {error.start} (the first is byte 0)"
        return iter([BadLine(line, reason)])
    return joined(json_elements(text), partial(span, "element"))
