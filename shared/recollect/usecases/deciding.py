"""Deciding with a language model what new facts mean for what is already known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from recollect.domain.jobs import Decision, Fact
from recollect.ports.models import Choice, PromptTurn
from recollect.usecases.asking import AskModel
from recollect.usecases.prompts import Prompt, as_data

NO_MEMORY = -1
"""A plain number, because not every model knows what to do with a field that may be null."""
MAX_REASON_CHARACTERS = 300
"""A reason is kept with the outcome; a sentence is asked for."""


class FactDecision(BaseModel):
    """What to do about one fact; `memory` is -1 for ADD."""

    fact: int
    decision: Literal["ADD", "UPDATE", "DELETE", "NONE"]
    memory: int
    reason: str


class DecideFacts(BaseModel):
    """Say for each fact, exactly once, what it means for the known memories."""

    decisions: list[FactDecision]


@dataclass(frozen=True)
class ModelDecider:
    """Lets a language model choose between ADD, UPDATE, DELETE and NONE.

    One call for all facts that have candidates, none if no fact has any. The model sees memories
    as small numbers, and only those that are near one of the facts; any other number is an
    invalid answer.
    """

    ask: AskModel
    prompt: Prompt = field(default_factory=lambda: Prompt.load("decide"))

    def decide(self, facts: Sequence[Fact], candidates: Sequence[Sequence[str]]) -> list[Choice]:
        """Return one choice a fact; ADD for a fact without candidates.

        Raises `ValueError` unless there is one list of candidates a fact, `UnavailableError`
        when the model cannot be reached or answers nonsense twice, and `InvalidRequestError`
        when it will not read these facts.
        """
        asked = [_Asked(*pair) for pair in zip(facts, candidates, strict=True)]
        open_ones = [each for each in asked if each.near]
        if not open_ones:
            return [Choice(Decision.ADD) for _ in asked]
        known = {text: None for each in open_ones for text in each.near}
        numbers = {text: number for number, text in enumerate(known)}

        def read(answer: DecideFacts) -> list[Choice]:
            return _choices(answer.decisions, open_ones, numbers)

        turn = PromptTurn("user", _question(open_ones, numbers))
        choices, _ = self.ask(self.prompt.text, turn, DecideFacts, read)
        chosen = iter(choices)
        return [next(chosen) if each.near else Choice(Decision.ADD) for each in asked]


@dataclass(frozen=True)
class _Asked:
    fact: Fact
    near: Sequence[str]


def _question(asked: Sequence[_Asked], numbers: Mapping[str, int]) -> str:
    memories = [as_data({"memory": number, "text": text}) for text, number in numbers.items()]
    facts = [
        as_data(
            {
                "fact": place,
                "said_by": each.fact.attributed_to,
                "text": each.fact.text,
                "near": [numbers[text] for text in each.near],
            }
        )
        for place, each in enumerate(asked)
    ]
    return "\n".join(
        ["<memories>", *memories, "</memories>", "<facts>", *facts, "</facts>"],
    )


def _choices(
    decisions: Sequence[FactDecision], asked: Sequence[_Asked], numbers: Mapping[str, int]
) -> list[Choice]:
    made = {each.fact: each for each in decisions}
    if len(made) != len(decisions) or made.keys() != set(range(len(asked))):
        message = f"decisions must name each of the facts 0 to {len(asked) - 1} exactly once"
        raise ValueError(message)
    return [_choice(made[place], each, numbers) for place, each in enumerate(asked)]


def _choice(made: FactDecision, asked: _Asked, numbers: Mapping[str, int]) -> Choice:
    reason = made.reason.strip()[:MAX_REASON_CHARACTERS] or None
    decision = Decision(made.decision)
    if decision is Decision.ADD:
        return Choice(decision, reason=reason)
    near = [numbers[text] for text in asked.near]
    if made.memory not in near:
        message = f"{decision} of the fact {made.fact} needs one of the memories {near}"
        raise ValueError(message)
    return Choice(decision, near.index(made.memory), reason)
