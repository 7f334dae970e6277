"""Conversations, and questions whose evidence in them is known."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import InvalidRequestError


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What somebody said, or a memory; `id` is its own within the conversation.

    `speaker` is a name, `role` the protocol's. Turns with one `session` were said together;
    `said_at` (UTC) is None where it is not known.
    """

    id: str
    text: str
    speaker: str | None = None
    role: str = "user"
    said_at: datetime | None = None
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, and the ids of the turns that answer it; `id` is its own within the data.

    One that is not `is_answerable` asks for what nobody said, whatever its evidence is. `asked_at`
    (UTC) and `answer` are None where they are not known.
    """

    id: str
    text: str
    evidence: tuple[str, ...]
    category: str
    is_answerable: bool = True
    asked_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Turns in the order they were said, and what is asked about them.

    The evidence of its questions is among its turns.
    """

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def chosen(
    conversations: Iterable[Conversation], *, limit: int | None = None, only: Collection[str] = ()
) -> Iterator[Conversation]:
    """Yield the conversations with at most `limit` questions together, of these categories only.

    None of the conversations is without questions; what stands behind the last is not read. Raises
    `InvalidRequestError` if two questions have one id: nobody could tell their results apart.
    """
    left, ids = limit, set[str]()
    for conversation in conversations:
        for question in conversation.questions:
            if question.id in ids:
                message = f"Two questions have the id {question.id}"
                raise InvalidRequestError(message)
            ids.add(question.id)
        some = [each for each in conversation.questions if not only or each.category in only]
        questions = tuple(some if left is None else some[:left])
        if questions:
            yield replace(conversation, questions=questions)
        if left is not None:
            left -= len(questions)
            if left <= 0:
                return
