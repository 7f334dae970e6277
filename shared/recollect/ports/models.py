"""What thinks: embedders, language models, extractors and deciders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from recollect.domain.jobs import Decision, Fact
from recollect.domain.memory import Json, Message, Vector

EmbeddingTask = Literal["document", "query"]


class Embedder(Protocol):
    """Turns texts into vectors of unit length."""

    @property
    def model(self) -> str:
        """Name and dimension, such as `wordllama-0.4-256`; stamped on everything it made."""
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:
        """Return one vector a text, in order; a text without words gives zeros.

        Raises `UnavailableError` when the model cannot be reached.
        """
        ...


@dataclass(frozen=True)
class Image:
    """A picture that a language model is to look at; `data` is the file itself."""

    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: bytes


@dataclass(frozen=True)
class PromptTurn:
    """What is said to a language model, or what it has answered before."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Form:
    """What an answer has to look like: a JSON object of this schema; `name` is `[a-z_]{1,64}`."""

    name: str
    purpose: str
    schema: Mapping[str, Json]


@dataclass(frozen=True)
class Usage:
    """What calls of a language model have cost so far, in its own tokens."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both have cost."""
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True)
class Reply:
    """What a language model wrote: meant to be a form filled in, but checked by nobody yet."""

    text: str
    usage: Usage
    is_cut_off: bool = False
    """It reached the most that the model may write, so that something is missing."""


class LanguageModel(Protocol):
    """Fills in a form by what it is told; whether it did so is for the caller to check."""

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        ...

    def ask(self, system: str, turns: Sequence[PromptTurn], form: Form) -> Reply:
        """Return the answer to the last turn; `turns` begin and end with the user's, by turns.

        Raises `InvalidRequestError` when the model will not answer this, however often it is
        asked (too long for it, or against its rules), and `UnavailableError` when it cannot be
        reached, is busy, or may not be used. Their texts hold nothing of what was asked.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """The facts of a conversation, and what is to be told in the job about how they were found."""

    facts: tuple[Fact, ...]
    notes: Mapping[str, Json]


class Extractor(Protocol):
    """Finds the facts in a conversation."""

    def extract(self, messages: Sequence[Message], *, said_at: datetime) -> Extraction:
        """Return the facts in the order they were said; none if nothing is worth remembering.

        Raises `UnavailableError` when the model cannot be reached: never an empty answer then.
        """
        ...


@dataclass(frozen=True)
class Choice:
    """What to do with one fact; `candidate` is a place in its list of candidates."""

    decision: Decision
    candidate: int | None = None
    reason: str | None = None


class Decider(Protocol):
    """Decides what a new fact means for what is already known."""

    def decide(self, facts: Sequence[Fact], candidates: Sequence[Sequence[str]]) -> list[Choice]:
        """Return one choice a fact; its candidates are texts of near memories, nearest first."""
        ...
