"""Summing up memories in a few sentences."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import Annotated

from pydantic import BaseModel

from recollect.domain.filters import Filter
from recollect.ports.models import PromptTurn, Usage
from recollect.ports.record import Listing
from recollect.usecases.asking import AskModel, bounded_text
from recollect.usecases.prompts import Prompt, as_data, shipped
from recollect.usecases.telling_memories import Told, fenced, tokens, told_memories

PART_TOKENS = 10_000
"""A model overlooks more in more, and parts are read at the same time."""
MAX_SUMMARY_CHARACTERS = 4_000
"""200 words are asked for; what is so much longer is a copy of the memories, or rambling."""
MAX_JOINED_CHARACTERS = 8_000
"""Of memories that stand for their summary: about a page and a half."""
_NOW = "now"


class SummaryMethod(StrEnum):
    """How a summary was made: by a language model, or of the memories' own texts."""

    MODEL = "model"
    TEXTS = "texts"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What some memories say, how many they are, and whether older ones are left out."""

    text: str
    method: SummaryMethod
    memories: int
    is_cut: bool
    model: str | None = None
    usage: Usage = field(default_factory=Usage)


class SumUpMemories(BaseModel):
    """Sum up what the memories say."""

    summary: Annotated[str, bounded_text("a summary", MAX_SUMMARY_CHARACTERS)]


@dataclass(frozen=True)
class SummariseMemories:
    """Sum up the memories that a filter lets through, the last created first.

    A model reads what does not fit into a call in parts, at the same time, and then their
    summaries. Without one the memories' texts stand for it, up to `MAX_JOINED_CHARACTERS`.
    """

    listing: Listing
    ask: Callable[[], AskModel | None]
    """None without a language model; asked for when there is something to sum up."""
    now: Callable[[], datetime]

    def __call__(self, project: str, matching: Filter) -> Summary | None:
        """Return the summary; None if there are no memories.

        Raises `InvalidRequestError` when the model refuses, `ModelAnswerError` when it makes no
        sense, and `UnavailableError` when it cannot be reached or takes too long.
        """
        now = self.now()
        told = told_memories(self.listing, project, matching, now=now)
        if not told.lines:
            return None
        ask = self.ask()
        if ask is None:
            return _joined(told)
        text, usage = _summed_up(ask, told.lines, now)
        return Summary(
            text=text,
            method=SummaryMethod.MODEL,
            memories=len(told.lines),
            is_cut=told.is_cut,
            model=ask.model.model,
            usage=usage,
        )


def _joined(told: Told) -> Summary:
    lengths = accumulate(len(memory.text) + 1 for memory in told.memories)
    # The first one in any case, but no more of it than of all.
    fitting = max(1, sum(length <= MAX_JOINED_CHARACTERS + 1 for length in lengths))
    kept = told.memories[:fitting]
    text = "\n".join(memory.text for memory in kept)
    is_whole = len(kept) == len(told.memories) and len(text) <= MAX_JOINED_CHARACTERS
    return Summary(
        text=text[:MAX_JOINED_CHARACTERS],
        method=SummaryMethod.TEXTS,
        memories=len(kept),
        is_cut=told.is_cut or not is_whole,
    )


def _summed_up(ask: AskModel, lines: Sequence[str], now: datetime) -> tuple[str, Usage]:
    parts = _parts(lines)
    if len(parts) == 1:
        return _asked(ask, parts[0], now)
    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        # Each with what this thread knows of the time that is left.
        reading = [pool.submit(copy_context().run, _asked, ask, part, now) for part in parts]
        read = [each.result() for each in reading]
    summaries = [as_data({"summary": text}) for text, _ in read]
    whole, cost = _asked(ask, summaries, now)
    return whole, sum((usage for _, usage in read), cost)


def _asked(ask: AskModel, lines: Sequence[str], now: datetime) -> tuple[str, Usage]:
    prompt = Prompt.of("summary", shipped("summary"), shipped("summary_form"))
    told = f"{as_data({_NOW: now.isoformat(timespec='minutes')})}\n{fenced(lines)}"
    turn = PromptTurn("user", told)
    return ask(prompt.text, turn, SumUpMemories, lambda answer: answer.summary)


def _parts(lines: Sequence[str]) -> list[list[str]]:
    """Return the lines in parts of at most `PART_TOKENS`, but at least one line each."""
    parts: list[list[str]] = []
    left = 0
    for line in lines:
        size = tokens(line)
        if not parts or size > left:
            parts.append([])
            left = PART_TOKENS
        parts[-1].append(line)
        left -= size
    return parts
