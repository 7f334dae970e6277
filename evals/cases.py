"""The hand-written cases of `decisions.jsonl`: what a careful person would do with new facts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recollect.domain.jobs import Decision, Fact
from recollect.ports.models import Known

CASES = Path(__file__).with_name("decisions.jsonl")

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownMemory(_Strict):
    """A memory that is there before the facts; in its case, the place in the list is its number."""

    text: Text
    said_at: date
    said_by: Text

    def known(self) -> Known:
        """Return it as a decider is told of it: said at noon."""
        return Known(self.text, datetime.combine(self.said_at, time(12), UTC), self.said_by)


class NewFact(_Strict):
    """What was said just now; with a `quote`, what is to be forgotten."""

    text: Text
    said_by: Text
    quote: Text | None = None

    def fact(self) -> Fact:
        """Return it as an extractor finds it."""
        return Fact(
            text=self.text,
            role="user",
            actor=None if self.said_by == "user" else self.said_by,
            attributed_to=self.said_by,
            quote=self.quote,
        )


class Wanted(_Strict):
    """One right answer about a fact: what to do, to which memories."""

    event: Decision
    memories: frozenset[int]


class Case(_Strict):
    """Memories, new facts about the same people, and the right answers: `expected[fact]`.

    Where two answers can be defended both are listed, the better one first.
    """

    id: Text
    language: Literal["de", "en", "es", "fr", "ja", "pt"]
    category: Literal[
        "contradiction",
        "correction",
        "injection-like text",
        "multi-valued attribute",
        "negation",
        "refinement",
        "repetition",
        "request to forget",
        "sarcasm",
        "temporary state",
        "third-party facts",
        "time passing",
        "two people with the same name",
        "unrelated new fact",
    ]
    memories: Annotated[tuple[KnownMemory, ...], Field(min_length=1)]
    facts: Annotated[tuple[NewFact, ...], Field(min_length=1)]
    expected: tuple[Annotated[tuple[Wanted, ...], Field(min_length=1)], ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = frozenset(range(len(self.memories)))
        for fact, accepted in zip(self.facts, self.expected, strict=True):
            for wanted in accepted:
                if not (wanted.memories <= known and _can_be_chosen(wanted, fact)):
                    message = f"{wanted.event} of {sorted(wanted.memories)} is no answer"
                    raise ValueError(message)
        return self


def _can_be_chosen(wanted: Wanted, fact: NewFact) -> bool:
    count = len(wanted.memories)
    if wanted.event is Decision.DELETE:
        return count >= 1
    if fact.quote is not None:
        return wanted.event is Decision.NONE and count == 0
    return count == (0 if wanted.event is Decision.ADD else 1)


def cases() -> Iterator[Case]:
    """Yield the cases in their order; raise `ValueError` if one cannot be understood."""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        yield Case.model_validate_json(line)
