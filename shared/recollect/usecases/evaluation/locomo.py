"""The layout of LoCoMo: long conversations of two friends, with questions about them.

https://github.com/snap-research/locomo
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.formats import Told, checked, elements, moment
from recollect.usecases.evaluation.questions import Conversation, Question, Turn
from recollect.usecases.transcripts import Content

UNANSWERABLE: Final = 5
"""The category of questions about what nobody said."""
TIME_FORM: Final = "%I:%M %p on %d %B, %Y"
BETWEEN_TURNS: Final = timedelta(seconds=1)
"""Only sessions have times; a turn's keeps the order."""

_SESSION: Final = re.compile(r"session_([1-9]\d{0,5})")
_TURN_ID: Final = re.compile(r"D\d+:\d+")


class _Turn(Told):
    dia_id: str
    speaker: str
    text: str
    blip_caption: str | None = None


class _Question(Told):
    question: str
    category: int
    evidence: tuple[str, ...] = ()
    answer: str | None = None


class _Sample(Told):
    conversation: Mapping[str, Any]
    qa: tuple[_Question, ...]
    sample_id: str | None = None


class _Session(Told):
    turns: tuple[_Turn, ...]
    time: str


def read_locomo(content: Content) -> Iterator[Conversation]:
    """Yield a conversation for each sample; what its pictures show stands in square brackets.

    Evidence that names no turn is left out, as the published data has some; a question may be left
    without. Questions are asked at the time of the last session. Raises `InvalidRequestError`.
    """
    for number, (place, value) in enumerate(elements(content), 1):
        sample = checked(_Sample, value, place)
        yield _conversation(sample, sample.sample_id or f"conversation-{number}", place)


def _conversation(sample: _Sample, name: str, place: str) -> Conversation:
    found = ((int(match[1]), key) for key in sample.conversation if (match := _session(key)))
    turns = [
        turn
        for _, key in sorted(found)
        for turn in _turns(sample.conversation, key, f"{place}: conversation.{key}")
    ]
    ids = {turn.id for turn in turns}
    if not turns or len(ids) < len(turns):
        problem = "two turns have the same dia_id" if turns else "there are no turns"
        message = f"{place}: {problem}"
        raise InvalidRequestError(message)
    last = max(turn.said_at for turn in turns if turn.said_at)
    return Conversation(
        id=name,
        turns=tuple(turns),
        questions=tuple(
            _question(each, f"{name}/{number}", ids, last)
            for number, each in enumerate(sample.qa, 1)
        ),
    )


def _session(key: str) -> re.Match[str] | None:
    return _SESSION.fullmatch(key)


def _turns(conversation: Mapping[str, Any], key: str, place: str) -> Iterator[Turn]:
    told = {"turns": conversation[key], "time": conversation.get(f"{key}_date_time")}
    session = checked(_Session, told, place)
    start = moment(session.time, TIME_FORM, f"{place}_date_time")
    for number, turn in enumerate(session.turns):
        caption = f" [{turn.blip_caption}]" if turn.blip_caption else ""
        yield Turn(
            id=turn.dia_id,
            text=f"{turn.text}{caption}",
            speaker=turn.speaker,
            said_at=start + number * BETWEEN_TURNS,
            session=key,
        )


def _question(told: _Question, name: str, ids: set[str], asked_at: datetime) -> Question:
    named = [each for text in told.evidence for each in _TURN_ID.findall(text)]
    return Question(
        id=name,
        text=told.question,
        evidence=tuple(each for each in dict.fromkeys(named) if each in ids),
        category=str(told.category),
        is_answerable=told.category != UNANSWERABLE,
        asked_at=asked_at,
        answer=told.answer,
    )
