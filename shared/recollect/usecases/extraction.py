"""Finding the facts of a conversation with a language model."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from recollect.domain.errors import InvalidRequestError
from recollect.domain.jobs import Fact
from recollect.domain.memory import Json, MemoryKind, Message, checked_text
from recollect.domain.recall import without_recalled
from recollect.domain.roles import AGENT_ROLES, SYSTEM_ROLES, TOOL_ROLES
from recollect.domain.times import period
from recollect.ports.models import Conversation, Extraction, PromptTurn, Usage
from recollect.usecases.asking import AskModel, CutOffError, or_nothing
from recollect.usecases.extraction_prompt import catalogue_of, extraction_prompt
from recollect.usecases.parts import MAX_CHARACTERS, characters, halves
from recollect.usecases.prompts import Prompt, as_data, shipped

SILENT_ROLES = SYSTEM_ROLES | TOOL_ROLES
"""What is said in these roles helps to understand the rest, but is no fact about anybody."""
MAX_CATEGORIES = 3
MAX_EARLIER_CHARACTERS = 1_000
"""Of a message that is only context."""
LEAST_QUOTE = 3
"""Letters: the words that ask to forget are hardly fewer in any script."""
_MARKS = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
MAX_FACT_CHARACTERS = 4_000
"""A sentence is asked for; what is so much longer is a copy of the conversation, or rambling."""


def _fact_text(text: str) -> str:
    if len(text) > MAX_FACT_CHARACTERS:
        message = f"a fact must have at most {MAX_FACT_CHARACTERS} characters"
        raise ValueError(message)
    return _memory_text(text)


def _memory_text(text: str) -> str:
    try:
        return checked_text(text)
    except InvalidRequestError as error:
        raise ValueError(str(error)) from error


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


class FoundFact(BaseModel):
    """One fact that is worth remembering."""

    text: Annotated[str, AfterValidator(_fact_text)]
    message: int
    kind: MemoryKind
    categories: Annotated[list[str], or_nothing(list)] = []
    valid_from: Annotated[str, or_nothing(str)] = ""
    valid_to: Annotated[str, or_nothing(str)] = ""
    salience: Annotated[float, AfterValidator(_share), Field(allow_inf_nan=False)] = 0.5


class ForgetRequest(BaseModel):
    """Something that a user asks to forget."""

    text: Annotated[str, AfterValidator(_fact_text)]
    message: int
    quote: Annotated[str, AfterValidator(_fact_text)]


class RememberFacts(BaseModel):
    """Remember the facts of the conversation; empty lists if nothing is worth it."""

    facts: list[FoundFact]
    forget: Annotated[list[ForgetRequest], or_nothing(list)] = []


class KeepSummary(BaseModel):
    """Keep the summary of how the task was done."""

    summary: Annotated[str, AfterValidator(_memory_text)]


@dataclass(frozen=True)
class ModelExtractor:
    """Takes self-contained facts out of what was said, in the language it was said in.

    One call of the model, none if nobody said anything; a conversation whose answer is cut off is
    read again in two halves. The model tells in which message a fact was said; who said it is
    taken from that message, never from the model's answer.
    """

    ask: AskModel

    def extract(self, conversation: Conversation) -> Extraction:
        """Return the facts in the order they were said; none if nothing is worth remembering.

        What users ask to forget comes among them, with the words they ask for it in. Raises
        `UnavailableError` when the model cannot be reached, `ModelAnswerError` when it answers
        nonsense twice, and `InvalidRequestError` when it will not read this conversation.
        """
        prompt = extraction_prompt(conversation)
        facts, usage = self._facts(conversation, prompt)
        found = sorted(facts, key=lambda fact: fact.message or 0)
        return self._extraction(found, usage, prompt)

    def summarise(self, conversation: Conversation) -> Extraction:
        """Return one procedural fact: how the agent did its task; raise as `extract` does."""
        own = conversation.guidance.extraction_prompt
        prompt = Prompt.of("summarise", own or shipped("summarise"), shipped("summarise_form"))
        turn = PromptTurn("user", _told(conversation, {}))
        summary, usage = self.ask(prompt.text, turn, KeepSummary, lambda answer: answer.summary)
        said = Fact(
            text=summary,
            role="assistant",
            attributed_to="assistant",
            kind=MemoryKind.PROCEDURAL,
            message=len(conversation.messages) - 1,
        )
        return self._extraction([said], usage, prompt)

    def _facts(self, conversation: Conversation, prompt: Prompt) -> tuple[list[Fact], Usage]:
        spoken = {
            place: message
            for place, message in enumerate(conversation.messages)
            if _is_read(conversation, message)
        }
        if not spoken:
            return [], Usage()
        catalogue = catalogue_of(conversation.guidance)

        def read(answer: RememberFacts) -> list[Fact]:
            facts = [_fact(each, spoken, catalogue) for each in answer.facts]
            return [*facts, *(_request_to_forget(each, spoken) for each in answer.forget)]

        smaller = halves(conversation)
        if smaller and sum(map(characters, conversation.messages)) > MAX_CHARACTERS:
            return self._facts_of(smaller, prompt, Usage())
        turn = PromptTurn("user", _told(conversation, spoken))
        try:
            return self.ask(prompt.text, turn, RememberFacts, read, is_divisible=bool(smaller))
        except CutOffError as error:
            return self._facts_of(smaller, prompt, error.usage)

    def _facts_of(
        self, parts: Sequence[tuple[int, Conversation]], prompt: Prompt, usage: Usage
    ) -> tuple[list[Fact], Usage]:
        facts: list[Fact] = []
        for start, part in parts:
            found, cost = self._facts(part, prompt)
            facts += [replace(fact, message=(fact.message or 0) + start) for fact in found]
            usage += cost
        return facts, usage

    def _extraction(self, facts: Sequence[Fact], usage: Usage, prompt: Prompt) -> Extraction:
        return Extraction(
            facts=tuple(replace(fact, prompt_version=prompt.version) for fact in facts),
            notes={"extractor": self.ask.model.model, "is_model": True},
            usage=usage,
            prompt_version=prompt.version,
        )


def _is_read(conversation: Conversation, message: Message) -> bool:
    role = message.role.casefold()
    if role in SILENT_ROLES:
        return False
    is_wanted = conversation.of_agent if role in AGENT_ROLES else conversation.of_users
    return is_wanted and bool(without_recalled(message.content).strip() or message.attachments)


def _told(conversation: Conversation, spoken: Mapping[int, Message]) -> str:
    before = [as_data(_line(None, _short(each))) for each in conversation.before]
    lines = [
        as_data(_line(place if place in spoken else None, message))
        for place, message in enumerate(conversation.messages)
    ]
    earlier = ["<earlier>", *before, "</earlier>"] if before else []
    opening = f'<conversation said_at="{_when(conversation.said_at)}">'
    return "\n".join([*earlier, opening, *lines, "</conversation>"])


def _when(time: datetime) -> str:
    return f"{time:%A}, {time.isoformat(timespec='minutes')}"


def _short(message: Message) -> Message:
    return replace(message, content=message.content[:MAX_EARLIER_CHARACTERS], attachments=())


def _line(place: int | None, message: Message) -> dict[str, Json]:
    attached = {
        f"{kind}s": [each.text for each in message.attachments if each.kind == stored]
        for kind, stored in (("document", "document"), ("picture", "image"))
    }
    return {
        **({} if place is None else {"message": place}),
        "speaker": message.speaker,
        **({"role": message.role} if message.name else {}),
        **({"said_at": _when(message.said_at)} if message.said_at else {}),
        "text": without_recalled(message.content),
        **{name: texts for name, texts in attached.items() if texts},
    }


def _message(number: int, spoken: Mapping[int, Message]) -> Message:
    message = spoken.get(number)
    if message is None:
        problem = "message is none of the numbered ones"
        raise ValueError(problem)
    return message


def _fact(found: FoundFact, spoken: Mapping[int, Message], catalogue: Mapping[str, str]) -> Fact:
    message = _message(found.message, spoken)
    start, end = period(found.valid_from, found.valid_to)
    return Fact(
        text=found.text,
        role=message.role,
        actor=message.name,
        attributed_to=message.speaker,
        kind=found.kind,
        categories=_categories(found.categories, catalogue),
        message=found.message,
        valid_from=start,
        valid_to=end,
        salience=found.salience,
    )


def _request_to_forget(found: ForgetRequest, spoken: Mapping[int, Message]) -> Fact:
    message = _message(found.message, spoken)
    said, quote = _plain(without_recalled(message.content)), _plain(found.quote)
    is_said = quote in said and sum(map(str.isalnum, quote)) >= LEAST_QUOTE
    if message.role.casefold() in AGENT_ROLES or not is_said:
        problem = "quote must be copied exactly from what a user says in that message"
        raise ValueError(problem)
    return Fact(
        text=found.text,
        role=message.role,
        actor=message.name,
        attributed_to=message.speaker,
        message=found.message,
        quote=found.quote,
    )


def _plain(text: str) -> str:
    """Return a text as it is compared: models write other quotation marks and spaces."""
    normal = unicodedata.normalize("NFKC", text).translate(_MARKS)
    return " ".join(normal.casefold().split())


def _categories(named: Sequence[str], catalogue: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of the catalogue, as it spells them: the model may make up others."""
    spelled = {name.casefold(): name for name in catalogue}
    known = (spelled.get(name.strip().casefold()) for name in named)
    return tuple(dict.fromkeys(name for name in known if name))[:MAX_CATEGORIES]
