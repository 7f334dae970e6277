"""What a chat log says: turns, and the conversations they are joined to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NoReturn, TypeAlias

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Json

MAX_MESSAGES: Final = 100
"""Messages of one `Conversation`; a longer one comes in several."""
MAX_CHARACTERS: Final = 256 * 1024
"""The same for what the messages say: what is held at once, and begun anew after a failure."""
SESSION_GAP: Final = timedelta(minutes=30)
"""Messages further apart in time than this are different conversations."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to go on reading a log.

    `offset` counts its bytes (those that gzip gives) and `line` its lines before the place, and
    `element` the elements of a JSON list, which `is_inside` is begun. `skipped` conversations and
    bad lines of what stands at the place have been read; `is_end` if all has been.
    """

    offset: int = 0
    line: int = 0
    element: int = 0
    is_inside: bool = False
    skipped: int = 0
    is_end: bool = False


START: Final = Place()
"""The beginning of every log."""


@dataclass(frozen=True, kw_only=True)
class TranscriptMessage:
    """One turn; `said_at` (UTC) is its own time, where the log knows it."""

    role: str
    content: str
    name: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    said_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """At most 100 messages of one scope, close in time, to be added at once.

    `key` says where they stand in the log: no two conversations of a log have the same, and
    the same content has the same in every run. `ids` holds `user_id`, `agent_id`, `app_id` and
    `run_id` as far as the log gives them. `said_at` (UTC) is the time of the first message,
    else of the whole conversation, where the log knows either. Reading goes on at `behind`.
    """

    key: str
    messages: tuple[TranscriptMessage, ...]
    ids: Mapping[str, str] = field(default_factory=dict)
    said_at: datetime | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    behind: Place = field(default=START, compare=False)


@dataclass(frozen=True)
class BadLine:
    """Something that cannot be read, the line where it begins (from 1), and why.

    Reading goes on at `behind`.
    """

    line: int
    reason: str
    behind: Place = field(default=START, compare=False)


Item: TypeAlias = Conversation | BadLine
"""What reading a log gives."""
Header: TypeAlias = tuple[Mapping[str, str], datetime | None, Mapping[str, Json]]
"""What messages must share to be one conversation: ids, time of the whole, metadata."""
NO_HEADER: Final[Header] = ({}, None, {})
"""Of messages that stand alone."""


@dataclass(frozen=True)
class Turn:
    """A message and its place (line or number) among those it may be joined with."""

    place: int
    message: TranscriptMessage
    header: Header = NO_HEADER
    behind: Place = START


@dataclass(frozen=True)
class Where:
    """Where a JSON value stands, and the ids of the samples before it, where they are to differ."""

    noun: str
    place: int
    line: int
    samples: set[str] | None

    def bad(self, reason: object) -> BadLine:
        """Return what is wrong with this value; a line needs no other name than its number."""
        is_line = self.noun == "line"
        return BadLine(self.line, str(reason) if is_line else f"{self.noun} {self.place}: {reason}")


class _Run:
    """Turns that are one conversation so far."""

    def __init__(self, turn: Turn) -> None:
        self.turns = [turn]
        self._characters = len(turn.message.content)
        self._said_at = turn.message.said_at

    def takes(self, turn: Turn) -> bool:
        """Add the turn if it belongs to these; return whether it does."""
        message, before = turn.message, self._said_at
        is_near = not before or not message.said_at or abs(message.said_at - before) <= SESSION_GAP
        characters = self._characters + len(message.content)
        is_small = len(self.turns) < MAX_MESSAGES and characters <= MAX_CHARACTERS
        if not is_near or not is_small or turn.header != self.turns[0].header:
            return False
        self.turns.append(turn)
        self._characters = characters
        self._said_at = message.said_at or before
        return True

    def conversation(self, name: Callable[[int, int], str]) -> Conversation:
        """Return what was said."""
        first, last = self.turns[0], self.turns[-1]
        ids, said_at, metadata = first.header
        times = (turn.message.said_at for turn in self.turns)
        return Conversation(
            key=name(first.place, last.place),
            messages=tuple(turn.message for turn in self.turns),
            ids=ids,
            said_at=next(filter(None, times), said_at),
            metadata=metadata,
            behind=last.behind,
        )


def joined(items: Iterable[Turn | Item], name: Callable[[int, int], str]) -> Iterator[Item]:
    """Join neighbouring turns to conversations; everything else passes and stands between them.

    `name` makes a key of the first and the last place, so that a log which has grown, or was
    mended, never uses an old key for other messages.
    """
    run: _Run | None = None
    for item in items:
        if run and isinstance(item, Turn) and run.takes(item):
            continue
        if run:
            yield run.conversation(name)
            run = None
        if isinstance(item, Turn):
            run = _Run(item)
        else:
            yield item
    if run:
        yield run.conversation(name)


def placed(
    items: Iterable[Turn | Item], start: Place, end: Place, *, skipped: int
) -> Iterator[Turn | Item]:
    """Say of the items of a line or element where reading goes on behind them, skipping some."""
    for count, item in enumerate(items, 1):
        is_turn = isinstance(item, Turn)
        if count > skipped:
            yield replace(item, behind=end if is_turn else replace(start, skipped=count))


def span(noun: str, first: int, last: int) -> str:
    """Return the key of neighbours: "line 4", "lines 4-9"."""
    return f"{noun} {first}" if first == last else f"{noun}s {first}-{last}"


def part(whole: str, count: int | None, first: int, last: int) -> str:
    """Return the key of these messages of a whole: its own if they are all `count`, where known."""
    return whole if (first, last) == (1, count) else f"{whole} {span('message', first, last)}"


def shared_metadata(piece: Conversation) -> dict[str, Json]:
    """Return the conversation's metadata and what that of all its messages has in common.

    An add has one for all of them.
    """
    first, *others = (message.metadata for message in piece.messages)
    common = {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in others)
    }
    return {**common, **piece.metadata}


def refuse(message: str) -> NoReturn:
    """Raise `InvalidRequestError`."""
    raise InvalidRequestError(message)
