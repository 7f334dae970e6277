"""What was found as a text for a prompt, of the length that there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from recollect.domain.memory import Memory
from recollect.domain.prompt_choice import worth_telling
from recollect.domain.prompt_lines import Passage, tokens_in, written
from recollect.domain.ranking import TermStatistics
from recollect.domain.recall import harmless, recalled
from recollect.domain.traits import speaker_of, traits_of

MOST_PACKED = 100
"""Of what was found, the best so many are chosen from: about 3,000 tokens of conversation."""
MAX_TOKENS = 100_000
TOKENS_PER_TERM = 2.7
"""Of English conversation: 2,760 messages of five development conversations (LoCoMo) have 2.70."""


@dataclass(frozen=True)
class Context:
    """A text for a prompt, about how many tokens it takes, and about how many all memories would.

    All are those that the subjects hold which the filter names.
    """

    text: str
    tokens: int
    all_tokens: int


def packed_context(
    found: Sequence[tuple[Memory, float]], statistics: TermStatistics, max_tokens: int
) -> Context:
    """Return the most useful of scored memories that so many tokens have room for, in time order.

    They stand between the markers of what is recalled. Empty but for these if nothing fits.
    """
    passages = [_passage(memory, score) for memory, score in found]
    room = max(max_tokens - tokens_in(recalled([])) - 1, 0)
    told = written(worth_telling(passages, room))
    text = recalled(told.split("\n") if told else [])
    return Context(text, tokens_in(text), _all_tokens(found, statistics))


def _passage(memory: Memory, score: float) -> Passage:
    speaker, named = speaker_of(memory), traits_of(memory.text).speaker
    is_written = speaker is not None and speaker == named
    return Passage(
        text=harmless(memory.text.partition(":")[2] if is_written else memory.text),
        score=score,
        said_at=memory.said_at,
        speaker=harmless(speaker) if speaker else None,
        session=memory.scope.key,
        place=memory.turn or 0,
        terms=frozenset(traits_of(memory.text).counts),
    )


def _all_tokens(found: Sequence[tuple[Memory, float]], statistics: TermStatistics) -> int:
    """Return about how many tokens all memories take, which the index counts in terms.

    A term takes as many as one of what was found, or, if nothing was, as in English.
    """
    terms = sum(traits_of(memory.text).length for memory, _ in found)
    tokens = sum(tokens_in(memory.text) for memory, _ in found)
    tokens_per_term = tokens / terms if terms else TOKENS_PER_TERM
    return round(statistics.documents * statistics.average_length * tokens_per_term)
