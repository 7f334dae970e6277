"""Our own format of questions with evidence, one JSON object a line; docs/evaluation.md has it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.formats import Told, checked, lines
from recollect.usecases.evaluation.questions import Conversation, Question, Turn
from recollect.usecases.transcripts import Content
from recollect.usecases.transcripts.conversations import refuse

NO_CATEGORY: Final = "all"
"""The category of questions that have none."""


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_Name = Annotated[str, Field(min_length=1)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Moment = Annotated[datetime, AfterValidator(_utc)]


class _Turn(Told):
    id: _Name
    text: _Text
    speaker: str | None = None
    role: str = "user"
    said_at: _Moment | None = None
    session: str = ""


class _Turns(Told):
    conversation: _Name
    turns: tuple[_Turn, ...] = Field(min_length=1)


class _Question(Told):
    conversation: _Name
    question: _Text
    evidence: tuple[str, ...]
    category: str = NO_CATEGORY
    asked_at: _Moment | None = None
    answer: str | None = None


class _Draft:
    """A conversation as far as it has been read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turns: dict[str, Turn] = {}
        self.questions: list[Question] = []

    def take_turns(self, told: _Turns, place: str) -> None:
        """Add turns; refuse those that come too late or twice."""
        if self.questions:
            refuse(f"{place}: the turns of {self.name!r} must stand before its questions")
        for turn in told.turns:
            if turn.id in self.turns:
                refuse(f"{place}: {self.name!r} has two turns {turn.id!r}")
            self.turns[turn.id] = Turn(**turn.model_dump())

    def take_question(self, told: _Question, place: str) -> None:
        """Add a question; refuse one whose evidence is not there."""
        for each in told.evidence:
            if each not in self.turns:
                refuse(f"{place}: {self.name!r} has no turn {each!r}, which is given as evidence")
        question = Question(
            id=f"{self.name}/{len(self.questions) + 1}",
            text=told.question,
            evidence=tuple(dict.fromkeys(told.evidence)),
            category=told.category,
            is_answerable=bool(told.evidence),
            asked_at=told.asked_at,
            answer=told.answer,
        )
        self.questions.append(question)

    def whole(self) -> Conversation:
        """Return it as it is, now that nothing more comes."""
        turns = tuple(self.turns.values())
        return Conversation(id=self.name, turns=turns, questions=tuple(self.questions))


def read_own_questions(content: Content) -> Iterator[Conversation]:
    """Yield the conversations; the lines of one stand together, its turns first.

    A question without evidence is one that the turns do not answer. Raises `InvalidRequestError`.
    """
    names: set[str] = set()
    draft: _Draft | None = None
    for place, value in lines(content):
        told = _told(value, place)
        if draft is None or draft.name != told.conversation:
            if draft:
                yield draft.whole()
            draft = _Draft(told.conversation)
            if draft.name in names:
                refuse(f"{place}: the lines of {draft.name!r} must stand together")
            names.add(draft.name)
        if isinstance(told, _Turns):
            draft.take_turns(told, place)
        else:
            draft.take_question(told, place)
    if draft:
        yield draft.whole()


def _told(value: object, place: str) -> _Turns | _Question:
    is_turns, is_question = (
        isinstance(value, dict) and member in value for member in ("turns", "question")
    )
    if is_turns == is_question:
        message = f'{place}: must be an object with either "turns" or "question"'
        raise InvalidRequestError(message)
    return checked(_Turns, value, place) if is_turns else checked(_Question, value, place)
