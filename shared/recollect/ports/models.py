"""What thinks: embedders, rerankers, language models, extractors and deciders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from recollect.domain.guidance import Guidance
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


class Reranker(Protocol):
    """Reads texts beside a question, and tells how well each of them answers it."""

    @property
    def model(self) -> str:
        """Name of the model, as it is configured."""
        ...

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score of 0..1 a text, in the order of the texts; 1 answers the query best.

        Scores of one call can be compared with each other. Texts that are too long count by their
        beginning. Raises `UnavailableError` when the model cannot be reached, may not be used, or
        does not answer with one number a text; its text holds nothing of what was asked.
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


class Pictures(Protocol):
    """Gets the pictures that messages only point at."""

    def fetch(self, url: str) -> Image:
        """Return the picture at a data URL or a public https address.

        Raises `InvalidRequestError` if there is none that may be looked at, and `UnavailableError`
        when its server does not answer.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Messages to be read, with what helps to understand them and what is asked for.

    `before` was said earlier and is only context. `said_at` is when it was said, where a message
    does not tell itself. Facts are wanted of what users said, of what the agent (the assistant)
    said, or of both.
    """

    messages: Sequence[Message]
    said_at: datetime
    before: Sequence[Message] = ()
    of_users: bool = True
    of_agent: bool = False
    guidance: Guidance = field(default_factory=Guidance)


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """The facts of a conversation, what finding them cost, and by which prompt they were found.

    `message` of a fact is a place among the conversation's messages. `notes` are for the job.
    """

    facts: tuple[Fact, ...]
    notes: Mapping[str, Json]
    usage: Usage = field(default_factory=Usage)
    prompt_version: str | None = None


class Extractor(Protocol):
    """Finds the facts in a conversation."""

    def extract(self, conversation: Conversation) -> Extraction:
        """Return the facts in the order they were said; none if nothing is worth remembering.

        Raises `UnavailableError` when the model cannot be reached, `ModelAnswerError` when it makes
        no sense, and `InvalidRequestError` when it will not read this: never an empty answer then.
        """
        ...

    def summarise(self, conversation: Conversation) -> Extraction:
        """Return one procedural fact: how the agent did its task, with what came of each step.

        Raises as `extract` does, and `InvalidRequestError` if this extractor cannot summarise.
        """
        ...


class Describer(Protocol):
    """Puts pictures into words."""

    def describe(self, messages: Sequence[Message]) -> tuple[tuple[Message, ...], Usage]:
        """Return the messages with every picture described, and what that cost.

        Raises as an extractor does, and `InvalidRequestError` if a picture cannot be had.
        """
        ...


@dataclass(frozen=True)
class Known:
    """What is told of a memory that a fact is compared with; never its id.

    The times mean what they mean of a `Memory`.
    """

    text: str
    said_at: datetime
    said_by: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True)
class Choice:
    """What to do with one fact; `candidates` are places in its list of candidates.

    ADD names none, UPDATE and NONE one, DELETE one or more: what the fact contradicts, or what is
    to be forgotten. `text` is what the updated memory says, if it is not the fact's.
    """

    decision: Decision
    candidates: tuple[int, ...] = ()
    reason: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One choice a fact, what choosing cost, and by which prompt it was done."""

    choices: tuple[Choice, ...]
    usage: Usage = field(default_factory=Usage)
    prompt_version: str | None = None


class Decider(Protocol):
    """Decides what a new fact means for what is already known."""

    def decide(
        self, facts: Sequence[Fact], candidates: Sequence[Sequence[Known]], guidance: Guidance
    ) -> Decided:
        """Return one choice a fact; its candidates are near memories, nearest first.

        A fact without candidates is added, without asking a model; a request to forget is NONE
        then. Raises as an extractor does, and `ValueError` unless there is one list of candidates
        a fact.
        """
        ...
