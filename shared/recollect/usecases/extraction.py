"""Finding the facts of a conversation with a language model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import Fact
from recollect.domain.memory import Json, MemoryKind, Message, checked_text
from recollect.ports.models import Extraction, PromptTurn, Usage
from recollect.usecases.asking import AskModel
from recollect.usecases.prompts import Prompt, as_data

SILENT_ROLES = frozenset({"assistant", "system", "developer", "tool", "function"})
"""What is said in these roles helps to understand the rest, but is no fact about anybody."""
MAX_CATEGORIES = 5
MAX_CATEGORY_CHARACTERS = 64


def _fact_text(text: str) -> str:
    try:
        return checked_text(text)
    except InvalidRequestError as error:
        raise ValueError(str(error)) from error


class FoundFact(BaseModel):
    """One fact that is worth remembering."""

    text: Annotated[str, AfterValidator(_fact_text)]
    message: int
    kind: MemoryKind
    categories: list[str]


class RememberFacts(BaseModel):
    """Remember the facts of the conversation; an empty list if nothing is worth it."""

    facts: list[FoundFact]


@dataclass(frozen=True)
class ModelExtractor:
    """Takes self-contained facts out of what people said, in the language they said it in.

    One call of the model, none if nobody said anything. The model tells in which message a fact
    was said; who said it is taken from that message, never from the model's answer.
    """

    ask: AskModel
    prompt: Prompt = field(default_factory=lambda: Prompt.load("extract"))

    def extract(self, messages: Sequence[Message], *, said_at: datetime) -> Extraction:
        """Return the facts in the order they were said; none if nothing is worth remembering.

        Raises `UnavailableError` when the model cannot be reached or answers nonsense twice, and
        `InvalidRequestError` when it will not read this conversation.
        """
        spoken = {place: each for place, each in enumerate(messages) if _is_spoken(each)}
        if not spoken:
            return Extraction(facts=(), notes=self._notes(Usage()))
        turn = PromptTurn("user", _conversation(messages, spoken, said_at))

        def read(answer: RememberFacts) -> tuple[Fact, ...]:
            found = sorted(answer.facts, key=lambda fact: fact.message)
            return tuple(_fact(each, spoken) for each in found)

        facts, usage = self.ask(self.prompt.text, turn, RememberFacts, read)
        return Extraction(facts=facts, notes=self._notes(usage))

    def _notes(self, usage: Usage) -> dict[str, Json]:
        return {
            "extractor": self.ask.model.model,
            "is_model": True,
            "prompt": self.prompt.version,
            "model_calls": usage.calls,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
        }


def _is_spoken(message: Message) -> bool:
    return message.role.casefold() not in SILENT_ROLES and bool(message.content.strip())


def _conversation(
    messages: Sequence[Message], spoken: Mapping[int, Message], said_at: datetime
) -> str:
    lines = [
        as_data(_line(place if place in spoken else None, message))
        for place, message in enumerate(messages)
    ]
    when = f"{said_at:%A}, {said_at.isoformat(timespec='minutes')}"
    return "\n".join([f'<conversation said_at="{when}">', *lines, "</conversation>"])


def _line(place: int | None, message: Message) -> dict[str, Json]:
    told: dict[str, Json] = {} if place is None else {"message": place}
    return {**told, "speaker": message.name or message.role, "text": message.content}


def _fact(found: FoundFact, spoken: Mapping[int, Message]) -> Fact:
    message = spoken.get(found.message)
    if message is None:
        problem = f"facts must not name the message {found.message}, which is none of the numbered"
        raise ValueError(problem)
    return Fact(
        text=found.text,
        role=message.role,
        actor=message.name,
        attributed_to=message.name or message.role,
        kind=found.kind,
        categories=_categories(found.categories),
    )


def _categories(named: Sequence[str]) -> tuple[str, ...]:
    trimmed = (name.strip()[:MAX_CATEGORY_CHARACTERS] for name in named)
    return tuple(dict.fromkeys(name for name in trimmed if name))[:MAX_CATEGORIES]
