"""Having a language model answer questions by what was found, and judge the answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel

from recollect.domain.errors import InvalidRequestError, ModelAnswerError, UnavailableError
from recollect.domain.memory import Json, Memory
from recollect.ports.models import PromptTurn, Usage
from recollect.usecases.asking import AskModel, bounded_text
from recollect.usecases.evaluation.questions import Question
from recollect.usecases.evaluation.report import Judging
from recollect.usecases.prompts import Prompt, as_data, shipped
from recollect.usecases.telling_memories import fenced, tokens

MEMORIES: Final = 20
"""The best ones; more of them say little more, and cost as much."""
MOST_TOKENS: Final = 16_000
"""Of memories, for one answer: of chats with long replies not all of the best are told."""
MAX_ANSWER_CHARACTERS: Final = 2_000
MAX_UNAVAILABLE: Final = 5
"""Questions in a row without an answer after which the model is taken to be away for good."""


class AnswerQuestion(BaseModel):
    """Answer the question by what the memories say."""

    answer: Annotated[str, bounded_text("an answer", MAX_ANSWER_CHARACTERS)]


class JudgeAnswer(BaseModel):
    """Say whether the answer is right."""

    is_right: bool


@dataclass
class Spending:
    """What a language model has cost, whatever came of it."""

    usage: Usage = field(default_factory=Usage)

    def __call__(self, usage: Usage) -> None:
        """Add what another answer has cost."""
        self.usage += usage


@dataclass
class AnswerAndJudge:
    """Answer by the memories that were found, and compare with the known answer: two calls.

    Of a question that cannot be answered, the right answer is to say so. `failed` counts the
    questions of which nothing came. `ask` tells `spending` what every answer cost.
    """

    ask: AskModel
    spending: Spending
    failed: int = 0
    _away: int = 0

    def __call__(self, question: Question, memories: Sequence[Memory]) -> bool | None:
        """Return whether the answer is right; None without one, or without one to compare with.

        Raises `UnavailableError` once the model could not be reached for `MAX_UNAVAILABLE`
        questions in a row.
        """
        if question.answer is None and question.is_answerable:
            return None
        try:
            is_right = self._judged(question, self._answered(question, memories))
        except (InvalidRequestError, ModelAnswerError):
            is_right = None
        except UnavailableError:
            self._away += 1
            if self._away == MAX_UNAVAILABLE:
                raise
            self.failed += 1
            return None
        self._away = 0
        self.failed += is_right is None
        return is_right

    def judging(self) -> Judging:
        """Return what is told of it in a report."""
        return Judging(model=self.ask.model.model, usage=self.spending.usage, failed=self.failed)

    def _answered(self, question: Question, memories: Sequence[Memory]) -> str:
        prompt = Prompt.of("answer", shipped("answer"), shipped("answer_form"))
        asked: dict[str, Json] = {"question": question.text}
        if question.asked_at:
            asked["now"] = question.asked_at.isoformat(timespec="minutes")
        turn = PromptTurn("user", f"{as_data(asked)}\n{fenced(_lines(memories))}")
        answer, _ = self.ask(prompt.text, turn, AnswerQuestion, lambda told: told.answer)
        return answer

    def _judged(self, question: Question, answer: str) -> bool:
        prompt = Prompt.of("judge", shipped("judge"), shipped("judge_form"))
        told: dict[str, Json] = {
            "question": question.text,
            "is_answerable": question.is_answerable,
            "right_answer": question.answer,
            "answer": answer,
        }
        known = {name: each for name, each in told.items() if each is not None}
        turn = PromptTurn("user", as_data(known))
        is_right, _ = self.ask(prompt.text, turn, JudgeAnswer, lambda told: told.is_right)
        return is_right


def _lines(memories: Sequence[Memory]) -> list[str]:
    """Return the best memories that fit, first said first."""
    kept: list[tuple[Memory, str]] = []
    left = MOST_TOKENS
    for memory in memories[:MEMORIES]:
        line = _line(memory)
        left -= tokens(line)
        if left >= 0:
            kept.append((memory, line))
    return [line for _, line in sorted(kept, key=lambda each: each[0].said_at)]


def _line(memory: Memory) -> str:
    told: dict[str, Json] = {
        "text": memory.text,
        "said_at": memory.said_at.isoformat(timespec="minutes"),
        "said_by": memory.attributed_to,
    }
    return as_data({name: each for name, each in told.items() if each})
