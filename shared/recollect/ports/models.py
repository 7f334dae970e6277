"""What thinks: embedders, extractors and deciders."""

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
