"""Answers by what was found, and what a judge makes of them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recollect.domain.errors import InvalidRequestError, RecollectError, UnavailableError
from recollect.domain.memory import Memory
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from recollect.testing.builders import NOON, a_memory, a_scope
from recollect.usecases.asking import AskModel
from recollect.usecases.evaluation.answering import (
    MAX_UNAVAILABLE,
    MEMORIES,
    AnswerAndJudge,
    Spending,
)
from recollect.usecases.evaluation.questions import Question
from tests.unit.usecases.scripted_model import ScriptedModel, scripted

SCOPE = a_scope("acme", user="ada")
QUESTION = Question(
    id="q",
    text="What is the dog called?",
    evidence=("t1",),
    category="pets",
    asked_at=datetime(2023, 5, 8, tzinfo=UTC),
    answer="Biscuit",
)
ANSWERED, RIGHT, WRONG = {"answer": " It is Biscuit. "}, {"is_right": True}, {"is_right": False}
NO_FORM = "no form"


def answering(*replies: object) -> tuple[AnswerAndJudge, ScriptedModel]:
    ask, model = scripted(*replies)
    spending = Spending()
    return AnswerAndJudge(replace(ask, spend=spending), spending), model


def memories(count: int, text: str = "My dog is called Biscuit.") -> list[Memory]:
    """Return memories of which the best were said last."""
    return [
        replace(
            a_memory(SCOPE, f"{text} {at}"), created_at=NOON - timedelta(days=at), stated_at=None
        )
        for at in range(count)
    ]


def told_to(model: ScriptedModel, call: int) -> list[str]:
    return model.asked[call].turns[0].text.splitlines()


def test_an_answer_is_judged_by_the_known_one() -> None:
    answer, model = answering(ANSWERED, RIGHT)

    assert answer(QUESTION, memories(2)) is True
    asked, opened, first, *_ = told_to(model, 0)
    assert json.loads(asked) == {
        "question": "What is the dog called?",
        "now": "2023-05-08T00:00+00:00",
    }
    assert (opened, json.loads(first)["text"]) == ("<memories>", "My dog is called Biscuit. 1")
    assert json.loads(told_to(model, 1)[0]) == {
        "question": "What is the dog called?",
        "is_answerable": True,
        "right_answer": "Biscuit",
        "answer": "It is Biscuit.",
    }
    judging = answer.judging()
    assert (judging.model, judging.usage, judging.failed) == ("scripted", Usage(2, 20, 2), 0)


def test_only_the_best_memories_that_fit_are_told_first_said_first() -> None:
    many, many_model = answering(ANSWERED, WRONG)
    long, long_model = answering(ANSWERED, WRONG)

    assert many(QUESTION, memories(30)) is False
    long(QUESTION, memories(30, "word " * 4_000))

    numbers = [json.loads(line)["text"].split()[-1] for line in told_to(many_model, 0)[2:-1]]
    assert numbers == [str(at) for at in reversed(range(MEMORIES))]
    assert len(told_to(long_model, 0)[2:-1]) == 2


def test_a_question_that_cannot_be_answered_needs_no_answer_of_its_own() -> None:
    answer, model = answering({"answer": "I do not know"}, RIGHT)
    question = replace(QUESTION, is_answerable=False, answer=None, asked_at=None)

    assert answer(question, []) is True
    assert json.loads(told_to(model, 0)[0]) == {"question": "What is the dog called?"}
    assert json.loads(told_to(model, 1)[0])["is_answerable"] is False


def test_without_a_known_answer_nothing_is_asked() -> None:
    answer, model = answering()

    assert answer(replace(QUESTION, answer=None), memories(1)) is None
    assert (model.asked, answer.failed) == ([], 0)


@pytest.mark.parametrize("empty", [" ", "x" * 2_001])
def test_an_answer_must_be_one_that_can_be_judged(empty: str) -> None:
    answer, model = answering({"answer": empty}, ANSWERED, RIGHT)

    assert answer(QUESTION, memories(1)) is True
    assert len(model.asked) == 3


def test_nonsense_fails_one_question_and_is_paid_for() -> None:
    answer, _ = answering(NO_FORM, NO_FORM, ANSWERED, RIGHT)

    assert answer(QUESTION, memories(1)) is None
    assert answer(QUESTION, memories(1)) is True
    assert (answer.failed, answer.judging().usage.calls) == (1, 4)


class FailingModel:
    """Cannot be asked, or will not answer."""

    model = "failing"

    def __init__(self, *errors: RecollectError) -> None:
        self.errors = iter(errors)

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:  # noqa: ARG002
        raise next(self.errors)


def failing(*errors: RecollectError) -> AnswerAndJudge:
    return AnswerAndJudge(AskModel(FailingModel(*errors)), Spending())


def test_a_model_that_is_away_for_long_ends_it() -> None:
    answer = failing(*[UnavailableError("away")] * MAX_UNAVAILABLE)

    for _ in range(MAX_UNAVAILABLE - 1):
        assert answer(QUESTION, memories(1)) is None
    with pytest.raises(UnavailableError, match="away"):
        answer(QUESTION, memories(1))

    assert answer.failed == MAX_UNAVAILABLE - 1


def test_a_refusal_shows_that_it_is_there() -> None:
    away, refused = UnavailableError("away"), InvalidRequestError("refused")
    errors = [*[away] * (MAX_UNAVAILABLE - 1), refused, *[away] * (MAX_UNAVAILABLE - 1)]
    answer = failing(*errors)

    assert [answer(QUESTION, memories(1)) for _ in errors] == [None] * len(errors)
    assert answer.failed == len(errors)
