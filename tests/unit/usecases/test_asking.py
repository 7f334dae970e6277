"""How a language model is asked, and what becomes of answers that are no good."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from recollect.domain.errors import ModelAnswerError
from recollect.ports.models import Form, PromptTurn, Reply, Usage
from recollect.usecases import asking
from recollect.usecases.asking import (
    LEAST_SECONDS,
    MAX_PROBLEM_CHARACTERS,
    AskModel,
    CutOffError,
    OutOfTimeError,
)
from tests.unit.usecases.scripted_model import scripted

TURN = PromptTurn("user", "my cat is called Plus")


class Animal(BaseModel):
    """One animal."""

    name: str
    legs: int


class NameAnimals(BaseModel):
    """Name the animals."""

    animals: list[Animal]


def names(answer: NameAnimals) -> list[str]:
    for animal in answer.animals:
        if animal.legs % 2:
            message = "animals have an even number of legs"
            raise ValueError(message)
    return [animal.name for animal in answer.animals]


def ask(model: AskModel) -> tuple[list[str], Usage]:
    return model("Be exact.", TURN, NameAnimals, names)


def animals(legs: object = 4) -> dict[str, object]:
    return {"animals": [{"name": "cat", "legs": legs}]}


def test_a_valid_answer_costs_one_call() -> None:
    model, asked = scripted(animals())

    assert ask(model) == (["cat"], Usage(1, 10, 1))
    assert [(call.system, call.turns) for call in asked.asked] == [("Be exact.", [TURN])]


def test_the_form_is_plain_enough_for_every_model() -> None:
    model, asked = scripted(animals())

    ask(model)

    form = asked.asked[0].form
    assert (form.name, form.purpose) == ("name_animals", "Name the animals.")
    assert form.schema == {
        "type": "object",
        "properties": {
            "animals": {
                "type": "array",
                "items": {
                    "type": "object",
                    "description": "One animal.",
                    "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
                    "required": ["name", "legs"],
                },
            }
        },
        "required": ["animals"],
    }


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"animals": [{"name": "cat", "legs": 4}]}\n```',
        'Sure!\n```\n{"animals": [{"name": "cat", "legs": 4}]}\n```\nAnything else?',
        '<think>{"animals": 0}</think>\n{"animals": [{"name": "cat", "legs": 4}]}',
        ' {"animals": [{"name": "cat", "legs": 4}]}\n',
        '{"animals": [{"name": "cat", "legs": 4, "colour": "black"}], "count": 1}',
    ],
)
def test_an_answer_may_come_with_what_nobody_asked_for(text: str) -> None:
    model, _ = scripted(text)

    assert ask(model) == (["cat"], Usage(1, 10, 1))


def test_text_that_looks_like_a_fence_stays_in_the_answer() -> None:
    model, _ = scripted({"animals": [{"name": "```cat```</think>", "legs": 4}]})

    assert ask(model)[0] == ["```cat```</think>"]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("They have a cat.", "the answer: Invalid JSON"),
        ("", "the answer: Invalid JSON"),
        ("null", "the answer: Input should be an object"),
        ({"animals": "cat"}, "animals: Input should be a valid array"),
        (animals("four"), "animals.0.legs: Input should be a valid integer"),
        ({}, "animals: Field required"),
        (animals(3), "animals have an even number of legs"),
        (Reply('{"animals": []}', Usage(1, 10, 1), is_cut_off=True), "it was cut off"),
    ],
)
def test_an_invalid_answer_is_sent_back_once_with_what_is_wrong(bad: object, problem: str) -> None:
    model, asked = scripted(bad, animals())

    assert ask(model) == (["cat"], Usage(2, 20, 2))
    first, answered, again = asked.asked[1].turns
    assert (first, answered.role, again.role) == (TURN, "assistant", "user")
    assert problem in again.text
    assert '"animals"' in again.text


def test_the_model_is_shown_its_own_answer() -> None:
    model, asked = scripted("a cat", animals())
    ask(model)
    assert asked.asked[1].turns[1].text == "a cat"

    model, asked = scripted(" \n", animals())
    ask(model)
    assert asked.asked[1].turns[1].text == "(nothing)"


def test_a_second_invalid_answer_is_an_error_that_quotes_nothing() -> None:
    model, asked = scripted("a cat", animals("Plus"))

    with pytest.raises(ModelAnswerError) as caught:
        ask(model)

    assert str(caught.value) == (
        "The language model scripted gave two invalid answers; what is wrong with the last:"
        " animals.0.legs: Input should be a valid integer, unable to parse string as an integer"
    )
    assert len(asked.asked) == 2
    assert caught.value.__cause__ is None


def test_many_mistakes_are_told_briefly() -> None:
    many: dict[str, object] = {"animals": [{}] * 1_000}
    model, asked = scripted(many, many)

    with pytest.raises(ModelAnswerError) as caught:
        ask(model)

    assert len(str(caught.value)) < MAX_PROBLEM_CHARACTERS + 100
    assert len(asked.asked[1].turns[2].text) < MAX_PROBLEM_CHARACTERS + 600


def test_a_defect_in_reading_is_no_invalid_answer() -> None:
    model, asked = scripted(animals())

    def defect(answer: NameAnimals) -> str:
        raise TypeError(str(answer))

    with pytest.raises(TypeError):
        model("", TURN, NameAnimals, defect)

    assert len(asked.asked) == 1


CUT_OFF = Reply('{"animals": []}', Usage(1, 10, 9), is_cut_off=True)


def test_a_divisible_question_is_not_asked_again_when_its_answer_is_cut_off() -> None:
    model, asked = scripted(CUT_OFF)

    with pytest.raises(CutOffError) as caught:
        model("", TURN, NameAnimals, names, is_divisible=True)

    assert caught.value.usage == Usage(1, 10, 9)
    assert len(asked.asked) == 1


def test_an_answer_that_is_cut_off_twice_is_an_error() -> None:
    model, _ = scripted(CUT_OFF, CUT_OFF)

    with pytest.raises(ModelAnswerError, match="cut off"):
        ask(model)


@dataclass(frozen=True)
class SlowModel:
    """Answers when it is let go."""

    go: threading.Event = field(default_factory=threading.Event)
    model: str = "slow"

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        assert system + turns[0].text + form.name
        self.go.wait(timeout=30)
        return Reply('{"animals": []}', Usage(1, 1, 1))


@pytest.fixture
def slow() -> Iterator[SlowModel]:
    model = SlowModel()
    yield model
    model.go.set()


def test_an_answer_is_waited_for_no_longer_than_there_is_time(
    slow: SlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LEAST_SECONDS", 0.0)

    with pytest.raises(OutOfTimeError):
        ask(AskModel(slow, lambda: 0.05))


def test_an_answer_in_time_is_taken(slow: SlowModel) -> None:
    slow.go.set()

    assert ask(AskModel(slow, lambda: 60.0)) == ([], Usage(1, 1, 1))


def test_nobody_is_asked_when_there_is_no_time(slow: SlowModel) -> None:
    with pytest.raises(OutOfTimeError):
        ask(AskModel(slow, lambda: LEAST_SECONDS - 0.1))


def test_every_answer_is_paid_for_whatever_comes_of_it() -> None:
    _, model = scripted("nonsense", "more of it")
    paid: list[Usage] = []

    with pytest.raises(ModelAnswerError):
        ask(AskModel(model, spend=paid.append))

    assert paid == [Usage(1, 10, 1)] * 2
