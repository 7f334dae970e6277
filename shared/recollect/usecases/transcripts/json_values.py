"""JSON values as turns: messages, objects with `messages`, samples of the LoCoMo layout."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final, cast

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Json, checked_text
from recollect.domain.subjects import Subject, SubjectKind
from recollect.usecases.transcripts.conversations import (
    NO_HEADER,
    BadLine,
    Header,
    Item,
    TranscriptMessage,
    Turn,
    Where,
    joined,
    part,
    refuse,
)

MAX_METADATA_DEPTH: Final = 32
"""Lists and objects inside each other; deeper metadata would exhaust the stack of a reader."""

_SESSION: Final = re.compile(r"session_([1-9]\d{0,5})")


def json_items(value: object, where: Where, *, is_whole: bool = True) -> Iterator[Turn | Item]:
    """Read one line or element; what is wrong with it concerns nothing else."""
    if isinstance(value, list):
        value = {"messages": value}
    try:
        if not isinstance(value, dict):
            refuse("must be an object")
        if "messages" in value:
            yield from _chat(value, where, is_whole=is_whole)
        elif isinstance(conversation := value.get("conversation"), dict):
            yield from _sample(value.get("sample_id"), conversation, where)
        elif "role" in value or "content" in value:
            yield _turn(where.place, value, header=NO_HEADER)
        else:
            refuse("must have role and content, or messages")
    except InvalidRequestError as error:
        yield where.bad(error)


def _chat(value: Mapping[str, object], where: Where, *, is_whole: bool) -> Iterator[Item]:
    messages = _list(value, "messages")
    header = (_ids(value), _moment(value.get("timestamp")), _metadata(value))
    turns = _each(messages, partial(_turn, header=header), where, "message")
    key = f"{where.noun} {where.place}"
    return joined(turns, partial(part, key, len(messages) if is_whole else None))


def _sample(sample_id: object, conversation: Mapping[str, object], where: Where) -> Iterator[Item]:
    if not isinstance(sample_id, str | None):
        refuse("sample_id must be a string")
    name = f"conversation-{where.place}" if sample_id is None else sample_id
    name = Subject.of(SubjectKind.USER, name).name
    if where.samples is not None:
        if name in where.samples:
            refuse("another sample before has the same sample_id")
        where.samples.add(name)
    matches = map(_SESSION.fullmatch, conversation)
    sessions = sorted(int(match[1]) for match in matches if match)
    if not sessions:
        refuse("the conversation has no session_1")
    for session in sessions:
        try:
            yield from _session(name, session, conversation, where)
        except InvalidRequestError as error:
            yield where.bad(f"session {session}: {error}")


def _session(
    name: str, session: int, conversation: Mapping[str, object], where: Where
) -> Iterator[Item]:
    turns = _list(conversation, f"session_{session}")
    said_at = _moment(conversation.get(f"session_{session}_date_time"))
    header: Header = ({"user_id": name}, said_at, {})
    spoken = partial(_spoken, session=session, header=header)
    items = _each(turns, spoken, where, f"session {session} turn")
    return joined(items, partial(part, f"sample {name} session {session}", len(turns)))


def _each(
    values: Iterable[object], read: Callable[[int, object], Turn], where: Where, noun: str
) -> Iterator[Turn | BadLine]:
    for number, value in enumerate(values, 1):
        try:
            yield read(number, value)
        except InvalidRequestError as error:
            yield where.bad(f"{noun} {number}: {error}")


def _spoken(place: int, value: object, *, session: int, header: Header) -> Turn:
    if not isinstance(value, dict):
        refuse("must be an object with speaker and text")
    speaker, text, caption = _string(value, "speaker"), value.get("text"), value.get("blip_caption")
    if not isinstance(text, str) or not isinstance(caption, str | None):
        refuse("text and blip_caption must be strings")
    content = f"{speaker}: {text} [{caption}]" if caption else f"{speaker}: {text}"
    checked_text(content)
    metadata: dict[str, Json] = {"session": session}
    if "dia_id" in value:
        metadata["dia_id"] = _json(value["dia_id"])
    message = TranscriptMessage(role="user", content=content, name=speaker, metadata=metadata)
    return Turn(place, message, header)


def _turn(place: int, value: object, *, header: Header) -> Turn:
    if not isinstance(value, dict):
        refuse("must be an object with role and content")
    ids, said_at, metadata = header
    message = TranscriptMessage(
        role=_string(value, "role"),
        content=_content(value.get("content")),
        name=None if value.get("name") is None else _string(value, "name"),
        metadata=_metadata(value),
        said_at=_moment(value.get("timestamp")),
    )
    return Turn(place, message, ({**ids, **_ids(value)}, said_at, metadata))


def _content(value: object) -> str:
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        texts = [text for text in parts if isinstance(text, str)]
        value = "\n".join(texts) if len(texts) == len(value) else None
    if not isinstance(value, str):
        refuse("content must be a string or a list of text parts")
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
        refuse("metadata must be an object")
    return {key: _json(member) for key, member in metadata.items()}


def _json(value: object, depth: int = 0) -> Json:
    if depth > MAX_METADATA_DEPTH:
        refuse("metadata is nested too deeply")
    if isinstance(value, list):
        return [_json(member, depth + 1) for member in value]
    if isinstance(value, dict):
        return {key: _json(member, depth + 1) for key, member in value.items()}
    return cast("Json", value)


def _list(value: Mapping[str, object], key: str) -> list[object]:
    member = value.get(key)
    if not isinstance(member, list) or not member:
        refuse(f"{key} must be a list that is not empty")
    return member


def _string(value: Mapping[str, object], key: str) -> str:
    member = value.get(key)
    if not isinstance(member, str) or not member.strip():
        refuse(f"{key} must be a string that is not empty")
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
