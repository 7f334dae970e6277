"""What a chat log says: turns, and the conversations they are joined to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NoReturn, TypeAlias

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Json

MAX_MESSAGES: Final = 100
"""Messages of one `Conversation`; a longer one comes in several."""
SESSION_GAP: Final = timedelta(minutes=30)
"""Messages further apart in time than this are different conversations."""


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


Item: TypeAlias = Conversation | BadLine
"""What reading a file gives."""
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


@dataclass(frozen=True)
class Where:
    """Where a JSON value stands, and the ids of the samples that came before it."""

    noun: str
    place: int
    line: int
    samples: set[str]

    def bad(self, reason: object) -> BadLine:
        """Return what is wrong with this value; a line needs no other name than its number."""
        is_line = self.noun == "line"
        return BadLine(self.line, str(reason) if is_line else f"{self.noun} {self.place}: {reason}")


def joined(items: Iterable[Turn | Item], name: Callable[[int, int], str]) -> Iterator[Item]:
    """Join neighbouring turns to conversations; everything else passes and stands between them.

    `name` makes a key of the first and the last place, so that a log which has grown, or was
    mended, never uses an old key for other messages.
    """
    run: list[Turn] = []
    for item in items:
        if run and not (isinstance(item, Turn) and _continues(run, item)):
            yield _conversation(run, name)
            run = []
        if isinstance(item, Turn):
            run.append(item)
        else:
            yield item
    if run:
        yield _conversation(run, name)


def _continues(run: Sequence[Turn], turn: Turn) -> bool:
    times = (earlier.message.said_at for earlier in reversed(run))
    before, now = next(filter(None, times), None), turn.message.said_at
    is_near = before is None or now is None or abs(now - before) <= SESSION_GAP
    return is_near and len(run) < MAX_MESSAGES and turn.header == run[0].header


def _conversation(run: Sequence[Turn], name: Callable[[int, int], str]) -> Conversation:
    ids, said_at, metadata = run[0].header
    times = (turn.message.said_at for turn in run)
    return Conversation(
        key=name(run[0].place, run[-1].place),
        messages=tuple(turn.message for turn in run),
        ids=ids,
        said_at=next(filter(None, times), said_at),
        metadata=metadata,
    )


def span(noun: str, first: int, last: int) -> str:
    """Return the key of neighbours: "line 4", "lines 4-9"."""
    return f"{noun} {first}" if first == last else f"{noun}s {first}-{last}"


def part(whole: str, count: int | None, first: int, last: int) -> str:
    """Return the key of these messages of a whole: its own if they are all `count`, where known."""
    return whole if (first, last) == (1, count) else f"{whole} {span('message', first, last)}"


def refuse(message: str) -> NoReturn:
    """Raise `InvalidRequestError`."""
    raise InvalidRequestError(message)
