"""The layout of LongMemEval: each question with chats of its own between a user and an assistant.

https://github.com/xiaowu0162/LongMemEval
"""

from collections.abc import Iterator, Sequence
from typing import Final, Self

from pydantic import model_validator

from recollect.usecases.evaluation.formats import Told, checked, elements, moment
from recollect.usecases.evaluation.locomo import BETWEEN_TURNS
from recollect.usecases.evaluation.questions import Conversation, Question, Turn
from recollect.usecases.transcripts import Content

TIME_FORM: Final = "%Y/%m/%d (%a) %H:%M"
ABSTENTION: Final = "_abs"
"""Ends the ids of questions about what nobody said."""


class _Message(Told):
    role: str
    content: str
    has_answer: bool | None = None


class _Instance(Told):
    question_id: str
    question_type: str
    question: str
    question_date: str
    haystack_dates: tuple[str, ...]
    haystack_session_ids: tuple[str, ...]
    haystack_sessions: tuple[tuple[_Message, ...], ...]
    answer: str | None = None

    @model_validator(mode="after")
    def _is_even(self) -> Self:
        dates, ids = self.haystack_dates, self.haystack_session_ids
        if not len(dates) == len(ids) == len(self.haystack_sessions) > 0:
            message = (
                "there must be as many sessions as dates and ids of sessions, and one at least"
            )
            raise ValueError(message)
        return self


def read_longmemeval(content: Content) -> Iterator[Conversation]:
    """Yield a conversation for each question; its evidence is the turns with `has_answer`.

    A turn's id is the place of its session and its own, `3:1`, both from 1; those that say nothing
    are left out. Raises `InvalidRequestError`.
    """
    for place, value in elements(content):
        told = checked(_Instance, value, place)
        gold = _with_answer(told.haystack_sessions)
        turns = tuple(turn for turn in _turns(told, place) if turn.text.strip())
        ids = {turn.id for turn in turns}
        question = Question(
            id=told.question_id,
            text=told.question,
            evidence=tuple(each for each in gold if each in ids),
            category=told.question_type,
            is_answerable=not told.question_id.endswith(ABSTENTION),
            asked_at=moment(told.question_date, TIME_FORM, f"{place}: question_date"),
            answer=told.answer,
        )
        yield Conversation(id=told.question_id, turns=turns, questions=(question,))


def _turns(told: _Instance, place: str) -> Iterator[Turn]:
    dates, sessions = told.haystack_dates, told.haystack_sessions
    for number, (date, session) in enumerate(zip(dates, sessions, strict=True), 1):
        start = moment(date, TIME_FORM, f"{place}: haystack_dates.{number - 1}")
        for at, message in enumerate(session):
            yield Turn(
                id=_id(number, at),
                text=message.content,
                role=message.role,
                said_at=start + at * BETWEEN_TURNS,
                # An id may come twice.
                session=f"{number}:{told.haystack_session_ids[number - 1]}",
            )


def _with_answer(sessions: Sequence[Sequence[_Message]]) -> list[str]:
    return [
        _id(number, at)
        for number, session in enumerate(sessions, 1)
        for at, message in enumerate(session)
        if message.has_answer
    ]


def _id(session: int, at: int) -> str:
    return f"{session}:{at + 1}"
