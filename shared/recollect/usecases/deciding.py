"""Deciding with a language model what new facts mean for what is already known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from recollect.domain.errors import InvalidRequestError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import Json, checked_text
from recollect.ports.models import Choice, Decided, Known, PromptTurn, Usage
from recollect.usecases.asking import AskModel, CutOffError, or_nothing
from recollect.usecases.prompts import Prompt, as_data, shipped

MAX_REASON_CHARACTERS = 300
"""A reason is kept with the outcome; a sentence is asked for."""
MAX_SHOWN_CHARACTERS = 2_000
"""Of a memory; a longer one, kept verbatim, is replaced by no fact: nobody has seen all of it."""
MAX_ADDED_CHARACTERS = 200
"""An updated memory may be so much longer than the memory and the fact that it is made of."""


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


class FactDecision(BaseModel):
    """What to do about one fact."""

    fact: int
    event: Annotated[Literal["ADD", "UPDATE", "DELETE", "NONE"], BeforeValidator(_upper)]
    memories: Annotated[list[int], or_nothing(list)] = []
    text: Annotated[str, or_nothing(str)] = ""
    reason: Annotated[str, or_nothing(str)] = ""


class DecideFacts(BaseModel):
    """Say for each fact, exactly once, what it means for the known memories."""

    decisions: list[FactDecision]


@dataclass(frozen=True)
class ModelDecider:
    """Lets a language model choose between ADD, UPDATE, DELETE and NONE.

    One call for all facts that have candidates, none if no fact has any; facts whose answer is cut
    off are asked about again in two halves. The model sees memories as small numbers, and only
    those that are near one of the facts; any other number is an invalid answer.
    """

    ask: AskModel

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], guidance: Guidance
    ) -> Decided:
        """Return one choice a fact; without candidates ADD, or NONE for a request to forget.

        Raises `ValueError` unless there is one list of candidates a fact, `UnavailableError`
        when the model cannot be reached, `ModelAnswerError` when it answers nonsense twice, and
        `InvalidRequestError` when it will not read these facts.
        """
        asked = [_Asked(*pair) for pair in zip(facts, candidates, strict=True)]
        open_ones = [each for each in asked if each.near]
        own = guidance.decision_prompt
        prompt = Prompt.of("decide", own or shipped("decide"), shipped("decide_form"))
        made, usage = self._choices(open_ones, prompt)
        chosen = iter(made)
        choices = tuple(next(chosen) if each.near else each.alone for each in asked)
        return Decided(
            choices=choices, usage=usage, prompt_version=prompt.version if open_ones else None
        )

    def _choices(self, asked: Sequence["_Asked"], prompt: Prompt) -> tuple[list[Choice], Usage]:
        if not asked:
            return [], Usage()
        known = dict.fromkeys(memory for each in asked for memory in each.near)
        numbers = {memory: number for number, memory in enumerate(known)}

        def read(answer: DecideFacts) -> list[Choice]:
            return _choices(answer.decisions, asked, numbers)

        turn = PromptTurn("user", _question(asked, numbers))
        middle = len(asked) // 2
        try:
            return self.ask(prompt.text, turn, DecideFacts, read, is_divisible=middle > 0)
        except CutOffError as error:
            first, first_usage = self._choices(asked[:middle], prompt)
            second, second_usage = self._choices(asked[middle:], prompt)
            return first + second, error.usage + first_usage + second_usage


@dataclass(frozen=True)
class _Asked:
    fact: Fact
    near: Sequence[Known]

    @property
    def alone(self) -> Choice:
        """What to do where nothing is near."""
        return Choice(Decision.NONE if self.fact.quote else Decision.ADD)


def _question(asked: Sequence[_Asked], numbers: Mapping[Known, int]) -> str:
    memories = [as_data(_memory_line(number, memory)) for memory, number in numbers.items()]
    facts = [as_data(_fact_line(place, each, numbers)) for place, each in enumerate(asked)]
    return "\n".join(
        ["<memories>", *memories, "</memories>", "<facts>", *facts, "</facts>"],
    )


def _memory_line(number: int, memory: Known) -> dict[str, Json]:
    shown = memory.text[:MAX_SHOWN_CHARACTERS]
    return {
        "memory": number,
        "said_at": f"{memory.said_at:%Y-%m-%d}",
        "said_by": memory.said_by,
        "text": shown if shown == memory.text else f"{shown}\u2026",
        **_times(memory),
    }


def _times(told: Known | Fact) -> dict[str, Json]:
    times = {"valid_from": told.valid_from, "valid_to": told.valid_to}
    return {name: f"{time:%Y-%m-%d}" for name, time in times.items() if time}


def _fact_line(place: int, asked: _Asked, numbers: Mapping[Known, int]) -> dict[str, Json]:
    fact = asked.fact
    return {
        "fact": place,
        "said_by": fact.attributed_to,
        **({"said_at": f"{fact.said_at:%Y-%m-%d}"} if fact.said_at else {}),
        "text": fact.text,
        **_times(fact),
        **({"asks_to_forget": fact.quote} if fact.quote else {}),
        "near": [numbers[memory] for memory in asked.near],
    }


def _choices(
    decisions: Sequence[FactDecision], asked: Sequence[_Asked], numbers: Mapping[Known, int]
) -> list[Choice]:
    made = {each.fact: each for each in decisions}
    if len(made) != len(decisions) or made.keys() != set(range(len(asked))):
        message = f"decisions must name each of the facts 0 to {len(asked) - 1} exactly once"
        raise ValueError(message)
    return [_choice(made[place], each, numbers) for place, each in enumerate(asked)]


def _choice(made: FactDecision, asked: _Asked, numbers: Mapping[Known, int]) -> Choice:
    reason = made.reason.strip()[:MAX_REASON_CHARACTERS] or None
    decision = Decision(made.event)
    is_request = asked.fact.quote is not None
    if is_request and decision not in {Decision.DELETE, Decision.NONE}:
        message = f"what is asked to be forgotten, {made.fact}, must be DELETE or NONE"
        raise ValueError(message)
    if decision is Decision.ADD or (is_request and decision is Decision.NONE):
        return Choice(decision, reason=reason)
    near = [numbers[memory] for memory in asked.near]
    if not made.memories or not set(made.memories) <= set(near):
        message = f"{decision} of the fact {made.fact} needs some of the memories {near}"
        raise ValueError(message)
    # Named twice is named; what two facts want to change, the first one changes (see `Step`).
    places = tuple(near.index(number) for number in dict.fromkeys(made.memories))
    match decision:
        case Decision.DELETE:
            return _deletion(asked, places, reason)
        case Decision.NONE:
            return Choice(decision, places[:1], reason)
        case _:
            return _update(made, asked, places, reason)


def _deletion(asked: _Asked, places: tuple[int, ...], reason: str | None) -> Choice:
    """Return what is deleted; what was not shown whole only if a user asks for it."""
    seen = [at for at in places if len(asked.near[at].text) <= MAX_SHOWN_CHARACTERS]
    deleted = places if asked.fact.quote else tuple(seen)
    return Choice(Decision.DELETE if deleted else Decision.ADD, deleted, reason)


def _update(
    made: FactDecision, asked: _Asked, places: tuple[int, ...], reason: str | None
) -> Choice:
    if len(places) > 1:
        message = f"UPDATE of the fact {made.fact} needs one memory, not several"
        raise ValueError(message)
    old = asked.near[places[0]].text
    if len(old) > MAX_SHOWN_CHARACTERS:
        return Choice(Decision.ADD, reason=reason)
    longest = len(old) + len(asked.fact.text) + MAX_ADDED_CHARACTERS
    if len(made.text) > longest:
        message = f"the text of the fact {made.fact} must have at most {longest} characters"
        raise ValueError(message)
    try:
        text = checked_text(made.text)
    except InvalidRequestError as error:
        message = f"UPDATE of the fact {made.fact} needs a text that can be kept: {error}"
        raise ValueError(message) from error
    return Choice(Decision.UPDATE, places, reason, text)
