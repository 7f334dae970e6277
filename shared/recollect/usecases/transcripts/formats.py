"""Which format a log has, and reading it."""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.transcripts.content import Content, Unpacked
from recollect.usecases.transcripts.conversations import (
    START,
    BadLine,
    Item,
    Place,
    Turn,
    Where,
    joined,
    placed,
    refuse,
    span,
)
from recollect.usecases.transcripts.json_text import decode, is_json, json_elements
from recollect.usecases.transcripts.json_values import json_items
from recollect.usecases.transcripts.json_window import Window
from recollect.usecases.transcripts.lines import Line, filled_lines, paragraphs, read_lines

EMPTY: Final = "the file is empty: it holds no messages"

_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
_MARKDOWN: Final = frozenset({".md", ".markdown"})
_JSON_START: Final = re.compile(r"\[\s*(?:[\[\]{]|$)|\{\s*(?:[\"}]|$)")


@dataclass(frozen=True)
class _Log:
    """What is to be read: from a place on, and whether samples must have ids of their own."""

    unpacked: Unpacked
    after: Place
    samples: set[str] | None


_Reader: TypeAlias = Callable[[_Log], Iterator[Item]]


def read_content(
    content: Content, after: Place = START, *, is_at_once: bool = True
) -> Generator[Item, None, None]:
    """Return what the log says, in its order, with a `BadLine` for whatever cannot be read.

    It goes on behind an earlier item where reading broke off, and gives then what it would have
    given. Never more than an element or a line is held. A JSON text that is cut off gives what is
    complete before the cut, then one `BadLine`; the messages of an object that is cut off only if
    it began with an id, because the ids that say whose they are may have been behind them. UTF-8
    and, with a byte order mark, UTF-16 are read, and gzip of it. Samples of the LoCoMo layout that
    have one id are the same user, which a log that is read `is_at_once` must not have. Raises what
    the content raises.
    """
    unpacked = Unpacked(content)
    if after.is_end:
        return
    item: Item | None = None
    samples: set[str] | None = set() if is_at_once else None
    for item in _reader(unpacked)(_Log(unpacked, after, samples)):
        yield item
    last = item.behind if item else after
    end = replace(last, is_end=True)
    if unpacked.is_damaged:
        yield BadLine(last.line + 1, "the gzip data is damaged here, or ends early", end)
    elif last == START:
        yield BadLine(1, EMPTY, end)


def _reader(unpacked: Unpacked) -> _Reader:
    if not unpacked.is_text:
        return _refuse_binary
    extension = unpacked.content.extension
    is_lines = extension in _JSON_LINES
    with closing(filled_lines(unpacked.open_at(0), unpacked.encoding)) as filled:
        first = next(filled, "")
        if _JSON_START.match(first):
            if is_lines and first.startswith("{"):
                return _read_json_lines
            is_first_of_many = is_json(first) and next(filled, None)
            return _read_json_lines if is_first_of_many else _read_json
    if is_lines:
        return _read_json_lines
    return _read_json if extension == ".json" else _read_text


def _refuse_binary(_: _Log) -> Iterator[Item]:
    yield BadLine(1, "the file is no text: it holds zero bytes", replace(START, is_end=True))


def _read_text(log: _Log) -> Iterator[Item]:
    is_markdown = log.unpacked.content.extension in _MARKDOWN
    turns = paragraphs(_lines(log), is_markdown=is_markdown)
    return joined(turns, partial(span, "line"))


def _read_json_lines(log: _Log) -> Iterator[Item]:
    return joined(_json_lines(log), partial(span, "line"))


def _json_lines(log: _Log) -> Iterator[Turn | Item]:
    skipped = log.after.skipped
    for line in _lines(log):
        if isinstance(line, BadLine):
            yield line
        elif text := line.text.strip():
            where = Where("line", line.number, line.number, log.samples)
            yield from placed(_of_line(text, where), line.start, line.end, skipped=skipped)
        skipped = 0


def _of_line(text: str, where: Where) -> Iterator[Turn | Item]:
    try:
        value, end = decode(text, 0)
        if end < len(text):
            refuse(f"not valid JSON: more after the value, at character {end + 1}")
    except InvalidRequestError as error:
        return iter([where.bad(error)])
    return json_items(value, where)


def _lines(log: _Log) -> Iterator[Line | BadLine]:
    stream = log.unpacked.open_at(log.after.offset)
    with closing(read_lines(stream, log.unpacked.encoding, log.after)) as lines:
        yield from lines


def _read_json(log: _Log) -> Iterator[Item]:
    with log.unpacked.open_at(log.after.offset) as stream:
        window = Window(stream, log.unpacked.encoding, log.after)
        elements = json_elements(window, log.after, log.samples)
        yield from joined(elements, partial(span, "element"))
