"""Reads chat logs for import: JSON, JSON Lines, plain text and the LoCoMo layout.

What a file may hold (the content decides, where it leaves doubt the extension):

- JSON: a list of messages, an object with `messages`, or a list of such objects (or lists).
- JSON Lines: on each line a message or such an object; read line by line.
- LoCoMo: samples with `conversation`; each is one user, called as its `sample_id` or
  `conversation-N`. A turn becomes "Speaker: text", the caption of its picture follows in square
  brackets: "Maya: Look! [a dog on a beach]".
- Anything else is text, read line by line: "Speaker: text" begins a turn, which goes on until
  the next one or an empty line; text without a speaker is taken by paragraph.

A message is `{role, content, name?, timestamp?, metadata?}`; it and an object with `messages` may
carry `user_id`, `agent_id`, `app_id` and `run_id`, the object also `timestamp` and `metadata`.
`content` is a text or a list of `{"type": "text", "text": ...}` parts. Other members are ignored.
Timestamps are Unix seconds, ISO 8601 (UTC where no offset is given) or "1:56 pm on 8 May, 2023".
"""

import codecs
import json
import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, TextIO, TypeAlias, cast

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import MAX_TEXT_BYTES, Json, checked_text
from recollect.domain.subjects import Subject, SubjectKind

MAX_MESSAGES: Final = 100
"""Messages of one `Conversation`; a longer one comes in several."""
SESSION_GAP: Final = timedelta(minutes=30)
"""Messages further apart in time than this are different conversations."""
MAX_LINE_CHARACTERS: Final = 16 * 1024 * 1024
"""A line of JSON Lines or text; bounds the memory that a file without line ends can take."""
MAX_METADATA_DEPTH: Final = 32
"""Lists and objects inside each other; deeper metadata would exhaust the stack of a reader."""
ROLES: Final = frozenset({"user", "assistant", "system"})
"""Speakers of a text file that are roles rather than names."""

_JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
_JSON_START: Final = re.compile(r'\[\s*(?:[\[\]{]|$)|\{\s*(?:["}]|$)')
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_JSON_DEPTH: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_NOT_BLANK: Final = re.compile(r"[^ \t\r\n]")
_SPEAKER: Final = re.compile(
    r"([^\W\d_][\w.'\u2019-]{0,39}(?: [\w.'\u2019-]{1,40}){0,2}):[ \t]+(?=\S)"
)
_SESSION: Final = re.compile(r"session_([1-9]\d{0,5})")


@dataclass(frozen=True, kw_only=True)
class TranscriptMessage:
    """One turn; `said_at` (UTC) is its own time, where the file knows it."""

    role: str
    content: str
    name: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    said_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """At most 100 messages of one scope, close in time, to be added at once.

    `key` says where they stand in the file: no two conversations of a file have the same, and
    the same content has the same in every run. `ids` holds `user_id`, `agent_id`, `app_id` and
    `run_id` as far as the file gives them. `said_at` (UTC) is the time of the first message,
    else of the whole conversation, where the file knows either.
    """

    key: str
    messages: tuple[TranscriptMessage, ...]
    ids: Mapping[str, str] = field(default_factory=dict)
    said_at: datetime | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class BadLine:
    """Something that cannot be imported, the line where it begins (from 1), and why."""

    line: int
    reason: str


_Item: TypeAlias = Conversation | BadLine
_Header: TypeAlias = tuple[Mapping[str, str], datetime | None, Mapping[str, Json]]
"""What messages must share to be one conversation: ids, time of the whole, metadata."""
_NO_HEADER: Final[_Header] = ({}, None, {})


@dataclass(frozen=True)
class _Turn:
    """A message and its place (line or number) among those it may be joined with."""

    place: int
    message: TranscriptMessage
    header: _Header = _NO_HEADER


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


@dataclass(frozen=True)
class _Where:
    """Where a JSON value stands, and the ids of the samples that came before it."""

    noun: str
    place: int
    line: int
    samples: set[str]

    def bad(self, reason: object) -> BadLine:
        is_line = self.noun == "line"
        return BadLine(self.line, str(reason) if is_line else f"{self.noun} {self.place}: {reason}")


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
            _refuse(f"There is no file {path}")
        if not path.is_file():
            _refuse(f"{path} is not a file")
        return _all_items(path, _reader(path))
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror or error}")


def _all_items(path: Path, read: Callable[[Path], Iterator[_Item]]) -> Iterator[_Item]:
    item = None
    try:
        for item in read(path):
            yield item
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror or error}")
    if item is None:
        yield BadLine(1, "the file is empty: it holds no messages")


def _reader(path: Path) -> Callable[[Path], Iterator[_Item]]:
    with closing(_lines(path)) as lines:
        filled = (line for line in lines if isinstance(line, BadLine) or line.text.strip())
        first, second = next(filled, None), next(filled, None)
    extension = path.suffix.lower()
    if isinstance(first, _Line) and _JSON_START.match(text := first.text.strip()):
        if extension in _JSON_LINES and text.startswith("{"):
            return _read_json_lines
        return _read_json_lines if second and _is_json(text) else _read_json
    if extension in _JSON_LINES:
        return _read_json_lines
    return _read_json if extension == ".json" else _read_text


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


def _read_text(path: Path) -> Iterator[_Item]:
    return _joined(_paragraphs(_lines(path)), partial(_span, "line"))


def _paragraphs(lines: Iterable[_Line | BadLine]) -> Iterator[_Turn | BadLine]:
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


def _paragraph(lines: Sequence[_Line]) -> _Turn | BadLine:
    place, text = lines[0].number, "\n".join(line.text for line in lines)
    speaker = _speaker(text)
    content = text if speaker is None else text[len(speaker) + 1 :].lstrip()
    role = speaker.lower() if speaker and speaker.lower() in ROLES else None
    try:
        checked_text(content)
    except InvalidRequestError as error:
        return BadLine(place, str(error))
    name = None if role else speaker
    return _Turn(place, TranscriptMessage(role=role or "user", content=content, name=name))


def _speaker(text: str) -> str | None:
    """Return who is said to speak: one word, or up to three of which none begins small."""
    match = _SPEAKER.match(text)
    words = match[1].split() if match else []
    if match is None or (len(words) > 1 and any(word[0].islower() for word in words)):
        return None
    return match[1]


def _read_json_lines(path: Path) -> Iterator[_Item]:
    return _joined(_json_lines(path), partial(_span, "line"))


def _json_lines(path: Path) -> Iterator[_Turn | _Item]:
    samples: set[str] = set()
    for line in _lines(path):
        if isinstance(line, BadLine):
            yield line
        elif text := line.text.strip():
            where = _Where("line", line.number, line.number, samples)
            try:
                value, end = _decode(text, 0)
                if end < len(text):
                    _refuse(f"not valid JSON: more after the value, at character {end + 1}")
            except InvalidRequestError as error:
                yield where.bad(error)
            else:
                yield from _items(value, where)


def _read_json(path: Path) -> Iterator[_Item]:
    encoding, data = _encoding(path), path.read_bytes()
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"the file is not valid {encoding} at byte {error.start} (the first is byte 0)"
        return iter([BadLine(line, reason)])
    return _joined(_json_elements(text), partial(_span, "element"))


def _json_elements(text: str) -> Iterator[_Turn | _Item]:
    """Read the elements of the array, or whatever stands at the top; commas are not insisted on."""
    samples: set[str] = set()
    end, line, place, is_inside = 0, 1, 0, False
    while found := _NOT_BLANK.search(text, end):
        start = found.start()
        line += text.count("\n", end, start)
        end = start + 1
        if text[start] == ("]" if is_inside else "["):
            is_inside = not is_inside
        elif text[start] != ",":
            place += 1
            behind = yield from _json_element(text, start, _Where("element", place, line, samples))
            if behind is None:
                return
            line += text.count("\n", start, behind)
            end = behind
    if is_inside:
        yield BadLine(line, "the file ends early: its list is not closed")


def _json_element(
    text: str, start: int, where: _Where
) -> Generator[_Turn | _Item, None, int | None]:
    """Read the value that starts here; return its end, None if the text ends before it does."""
    try:
        value, end = _decode(text, start)
    except InvalidRequestError as error:
        damaged_end = _damaged_end(text, start)
        if damaged_end is not None:
            yield where.bad(error)
            return damaged_end
        if rest := _complete_part(text, start):
            yield from _items(rest, where, is_whole=False)
        yield where.bad(f"the file ends early, or is damaged here: {error}")
        return None
    yield from _items(value, where)
    return end


def _damaged_end(text: str, start: int) -> int | None:
    """Return the end of a damaged value by its brackets alone: behind its own or at a comma."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text, start):
        step = _JSON_DEPTH.get(token[0], 0)
        depth += step
        if token[0] == '"':
            return None
        if depth <= 0 and step:
            return token.end() if depth == 0 else max(token.start(), start + 1)
        if depth == 0 and token[0] == ",":
            return token.start()
    return None


def _complete_part(text: str, start: int) -> Mapping[str, object]:
    """Return an object that is cut off up to its last complete message; empty without an id."""
    opened: list[str] = []
    end = start
    for token in _JSON_TOKEN.finditer(text, start):
        step = _JSON_DEPTH.get(token[0], 0)
        if token[0] == '"':
            break
        if step > 0:
            opened.append(token[0])
        elif step < 0:
            del opened[-1:]
            end = token.end() if opened == ["{", "["] else end
    try:
        value, _ = _decode(text[start:end] + "]}", 0)
    except InvalidRequestError:
        return {}
    is_owned = isinstance(value, dict) and any(f"{kind}_id" in value for kind in SubjectKind)
    return value if isinstance(value, dict) and is_owned and "messages" in value else {}


def _decode(text: str, start: int) -> tuple[object, int]:
    """Return the JSON value at this place and its end."""
    try:
        value, end = _DECODER.raw_decode(text, start)
        if text.find("\\u", start, end) >= 0:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        _refuse(f"not valid JSON: {error.msg} at character {error.pos - start + 1}")
    except UnicodeEncodeError:
        _refuse("not valid text: an escape stands for half a character")
    except ValueError:
        _refuse("not valid JSON: a number is too large, infinite or none")
    except RecursionError:
        _refuse("nested too deeply")
    return value, end


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)


def _is_json(text: str) -> bool:
    try:
        return _decode(text, 0)[1] == len(text)
    except InvalidRequestError:
        return False


def _items(value: object, where: _Where, *, is_whole: bool = True) -> Iterator[_Turn | _Item]:
    """Read one line or element; what is wrong with it concerns nothing else."""
    if isinstance(value, list):
        value = {"messages": value}
    try:
        if not isinstance(value, dict):
            _refuse("must be an object")
        if "messages" in value:
            yield from _chat(value, where, is_whole=is_whole)
        elif isinstance(conversation := value.get("conversation"), dict):
            yield from _sample(value.get("sample_id"), conversation, where)
        elif "role" in value or "content" in value:
            yield _turn(where.place, value, header=_NO_HEADER)
        else:
            _refuse("must have role and content, or messages")
    except InvalidRequestError as error:
        yield where.bad(error)


def _chat(value: Mapping[str, object], where: _Where, *, is_whole: bool) -> Iterator[_Item]:
    messages = _list(value, "messages")
    header = (_ids(value), _moment(value.get("timestamp")), _metadata(value))
    turns = _each(messages, partial(_turn, header=header), where, "message")
    key = f"{where.noun} {where.place}"
    return _joined(turns, partial(_part, key, len(messages) if is_whole else None))


def _sample(
    sample_id: object, conversation: Mapping[str, object], where: _Where
) -> Iterator[_Item]:
    if not isinstance(sample_id, str | None):
        _refuse("sample_id must be a string")
    name = f"conversation-{where.place}" if sample_id is None else sample_id
    name = Subject.of(SubjectKind.USER, name).name
    if name in where.samples:
        _refuse("another sample before has the same sample_id")
    where.samples.add(name)
    matches = map(_SESSION.fullmatch, conversation)
    sessions = sorted(int(match[1]) for match in matches if match)
    if not sessions:
        _refuse("the conversation has no session_1")
    for session in sessions:
        try:
            yield from _session(name, session, conversation, where)
        except InvalidRequestError as error:
            yield where.bad(f"session {session}: {error}")


def _session(
    name: str, session: int, conversation: Mapping[str, object], where: _Where
) -> Iterator[_Item]:
    turns = _list(conversation, f"session_{session}")
    said_at = _moment(conversation.get(f"session_{session}_date_time"))
    header: _Header = ({"user_id": name}, said_at, {})
    spoken = partial(_spoken, session=session, header=header)
    items = _each(turns, spoken, where, f"session {session} turn")
    return _joined(items, partial(_part, f"sample {name} session {session}", len(turns)))


def _each(
    values: Iterable[object], read: Callable[[int, object], _Turn], where: _Where, noun: str
) -> Iterator[_Turn | BadLine]:
    for number, value in enumerate(values, 1):
        try:
            yield read(number, value)
        except InvalidRequestError as error:
            yield where.bad(f"{noun} {number}: {error}")


def _spoken(place: int, value: object, *, session: int, header: _Header) -> _Turn:
    if not isinstance(value, dict):
        _refuse("must be an object with speaker and text")
    speaker, text, caption = _string(value, "speaker"), value.get("text"), value.get("blip_caption")
    if not isinstance(text, str) or not isinstance(caption, str | None):
        _refuse("text and blip_caption must be strings")
    content = f"{speaker}: {text} [{caption}]" if caption else f"{speaker}: {text}"
    checked_text(content)
    metadata: dict[str, Json] = {"session": session}
    if "dia_id" in value:
        metadata["dia_id"] = _json(value["dia_id"])
    message = TranscriptMessage(role="user", content=content, name=speaker, metadata=metadata)
    return _Turn(place, message, header)


def _turn(place: int, value: object, *, header: _Header) -> _Turn:
    if not isinstance(value, dict):
        _refuse("must be an object with role and content")
    ids, said_at, metadata = header
    message = TranscriptMessage(
        role=_string(value, "role"),
        content=_content(value.get("content")),
        name=None if value.get("name") is None else _string(value, "name"),
        metadata=_metadata(value),
        said_at=_moment(value.get("timestamp")),
    )
    return _Turn(place, message, ({**ids, **_ids(value)}, said_at, metadata))


def _content(value: object) -> str:
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        texts = [text for text in parts if isinstance(text, str)]
        value = "\n".join(texts) if len(texts) == len(value) else None
    if not isinstance(value, str):
        _refuse("content must be a string or a list of text parts")
    checked_text(value)
    return value


def _ids(value: Mapping[str, object]) -> dict[str, str]:
    given = {kind: value.get(f"{kind}_id") for kind in SubjectKind}
    return {
        f"{kind}_id": Subject.of(kind, name).name
        for kind, name in given.items()
        if name is not None
    }


def _metadata(value: Mapping[str, object]) -> Mapping[str, Json]:
    metadata = value.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        _refuse("metadata must be an object")
    return {key: _json(member) for key, member in metadata.items()}


def _json(value: object, depth: int = 0) -> Json:
    if depth > MAX_METADATA_DEPTH:
        _refuse("metadata is nested too deeply")
    if isinstance(value, list):
        return [_json(member, depth + 1) for member in value]
    if isinstance(value, dict):
        return {key: _json(member, depth + 1) for key, member in value.items()}
    return cast("Json", value)


def _list(value: Mapping[str, object], key: str) -> list[object]:
    member = value.get(key)
    if not isinstance(member, list) or not member:
        _refuse(f"{key} must be a list that is not empty")
    return member


def _string(value: Mapping[str, object], key: str) -> str:
    member = value.get(key)
    if not isinstance(member, str) or not member.strip():
        _refuse(f"{key} must be a string that is not empty")
    return member


def _moment(value: object) -> datetime | None:
    """Return a time as UTC; None if there is none."""
    if value is None:
        return None
    try:
        moment = _seconds_or_text(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        message = 'the time must be Unix seconds, ISO 8601 or like "1:56 pm on 8 May, 2023"'
        raise InvalidRequestError(message) from None


def _seconds_or_text(value: object) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        raise TypeError
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return datetime.strptime(value.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _joined(items: Iterable[_Turn | _Item], name: Callable[[int, int], str]) -> Iterator[_Item]:
    """Join neighbouring turns to conversations; everything else passes and stands between them.

    `name` makes a key of the first and the last place, so that a log which has grown, or was
    mended, never uses an old key for other messages.
    """
    run: list[_Turn] = []
    for item in items:
        if run and not (isinstance(item, _Turn) and _continues(run, item)):
            yield _conversation(run, name)
            run = []
        if isinstance(item, _Turn):
            run.append(item)
        else:
            yield item
    if run:
        yield _conversation(run, name)


def _continues(run: Sequence[_Turn], turn: _Turn) -> bool:
    times = (earlier.message.said_at for earlier in reversed(run))
    before, now = next(filter(None, times), None), turn.message.said_at
    is_near = before is None or now is None or abs(now - before) <= SESSION_GAP
    return is_near and len(run) < MAX_MESSAGES and turn.header == run[0].header


def _conversation(run: Sequence[_Turn], name: Callable[[int, int], str]) -> Conversation:
    ids, said_at, metadata = run[0].header
    times = (turn.message.said_at for turn in run)
    return Conversation(
        key=name(run[0].place, run[-1].place),
        messages=tuple(turn.message for turn in run),
        ids=ids,
        said_at=next(filter(None, times), said_at),
        metadata=metadata,
    )


def _span(noun: str, first: int, last: int) -> str:
    return f"{noun} {first}" if first == last else f"{noun}s {first}-{last}"


def _part(whole: str, count: int | None, first: int, last: int) -> str:
    return whole if (first, last) == (1, count) else f"{whole} {_span('message', first, last)}"


def _refuse(message: str) -> NoReturn:
    raise InvalidRequestError(message)
