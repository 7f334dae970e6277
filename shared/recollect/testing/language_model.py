"""What every LanguageModel promises, whichever vendor is behind it: a fixture `scripted`."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol, TypeAlias

import pytest

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.ports.models import Form, LanguageModel, PromptTurn, Usage

SYSTEM = "Choose a colour."
SECRET = "my cat is called Plus"
TURNS = [PromptTurn("user", SECRET)]
FORM = Form(
    name="choose",
    purpose="Choose a colour.",
    schema={
        "type": "object",
        "properties": {"colour": {"type": "string"}},
        "required": ["colour"],
    },
)
FILLED = {"colour": "grün"}

Script: TypeAlias = Literal["fill", "say", "cut off", "refuse", "too long", "busy", "down", "reset"]
"""What a model's service can be told to do with a request.

`fill` in the form with the object given; `say` the text given, and fill in nothing; fill in what is
given until it is `cut off`; `refuse` to answer this; find it `too long`; be `busy` or `down`;
`reset` the connection. The words of an error are the service's own, and may repeat the question.
"""


class Scripted(Protocol):
    """A language model, and a service behind it that does what it is told."""

    @property
    def model(self) -> LanguageModel:
        """The adapter to be proved, as it is made for real."""
        ...

    @property
    def requests(self) -> int:
        """How many requests have reached the service."""
        ...

    def next(self, script: Script, *arguments: object) -> None:
        """Have the service do this with the first request for which it was told nothing yet."""
        ...


def test_the_filled_form_comes_back_as_json(scripted: Scripted) -> None:
    scripted.next("fill", FILLED)

    reply = scripted.model.ask(SYSTEM, TURNS, FORM)

    assert json.loads(reply.text) == FILLED
    assert not reply.is_cut_off


def test_what_the_model_says_instead_comes_back_as_it_is(scripted: Scripted) -> None:
    scripted.next("say", '```json\n{"colour": "blue"}\n```')

    assert scripted.model.ask(SYSTEM, TURNS, FORM).text == '```json\n{"colour": "blue"}\n```'


def test_a_call_costs_tokens(scripted: Scripted) -> None:
    scripted.next("fill", FILLED)

    usage = scripted.model.ask(SYSTEM, TURNS, FORM).usage

    assert usage.calls == 1
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert usage + Usage(1, 2, 3) == Usage(2, usage.input_tokens + 2, usage.output_tokens + 3)


def test_an_answer_that_was_cut_off_says_so(scripted: Scripted) -> None:
    scripted.next("cut off", FILLED)

    assert scripted.model.ask(SYSTEM, TURNS, FORM).is_cut_off


def test_an_empty_answer_is_an_answer(scripted: Scripted) -> None:
    scripted.next("say", "")

    assert scripted.model.ask(SYSTEM, TURNS, FORM).text == ""


def test_a_refusal_is_not_worth_asking_again(scripted: Scripted) -> None:
    scripted.next("refuse")

    refusal(scripted, InvalidRequestError)


def test_what_is_too_long_has_to_become_shorter(scripted: Scripted) -> None:
    scripted.next("too long")

    refusal(scripted, InvalidRequestError)


@pytest.mark.parametrize("trouble", ["busy", "down", "reset"])
def test_it_recovers_when_the_service_does(scripted: Scripted, trouble: Script) -> None:
    scripted.next(trouble)
    refusal(scripted)
    scripted.next("fill", FILLED)

    assert json.loads(scripted.model.ask(SYSTEM, TURNS, FORM).text) == FILLED
    assert scripted.requests == 2


def test_threads_can_share_it(scripted: Scripted) -> None:
    for _ in range(16):
        scripted.next("fill", FILLED)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: scripted.model.ask(SYSTEM, TURNS, FORM), range(16)))

    assert [json.loads(reply.text) for reply in replies] == [FILLED] * 16


def refusal(scripted: Scripted, kind: type[Exception] = UnavailableError) -> str:
    """Return what the model's error says, which holds nothing of what was asked."""
    with pytest.raises(kind) as caught:
        scripted.model.ask(SYSTEM, TURNS, FORM)
    assert SECRET not in str(caught.value)
    return str(caught.value)
