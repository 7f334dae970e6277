"""Memories as a language model is told of them, as many as it reads at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from recollect.domain.filters import Filter, Unexpired, both
from recollect.domain.memory import Json, Memory
from recollect.domain.subjects import SubjectKind
from recollect.ports.record import Listing
from recollect.usecases.prompts import as_data
from recollect.usecases.walking import matching_pages

MOST_TOKENS = 30_000
"""Some 600 memories of a sentence. A model of 128,000 tokens has room for them, a schema and an
answer, and reads them while an HTTP call waits."""
BYTES_PER_TOKEN = 3
"""English has some four of them, Chinese three: a little too careful, without a tokenizer."""


@dataclass(frozen=True)
class Told:
    """Memories, last created first, each with the line that tells of it."""

    memories: tuple[Memory, ...]
    lines: tuple[str, ...]
    is_cut: bool
    """There are others that did not fit."""


def tokens(text: str) -> int:
    """Return about how many tokens a model takes a text for, rather too many."""
    return len(text.encode()) // BYTES_PER_TOKEN + 1


def told_memories(listing: Listing, project: str, matching: Filter, *, now: datetime) -> Told:
    """Return the memories that match and have not expired, up to `MOST_TOKENS`."""
    memories: list[Memory] = []
    lines: list[str] = []
    left, is_cut = MOST_TOKENS, False
    for memory in _memories(listing, project, both(matching, Unexpired(now))):
        line = _line(memory)
        size = tokens(line)
        if size <= left:
            memories.append(memory)
            lines.append(line)
            left -= size
            continue
        is_cut = True
        if size <= MOST_TOKENS:
            # Older ones must not be told of where one that came later is not.
            break
    return Told(tuple(memories), tuple(lines), is_cut)


def fenced(lines: Sequence[str]) -> str:
    """Return lines as the data of a prompt, which no text in them can leave."""
    return "\n".join(["<memories>", *lines, "</memories>"])


def _memories(listing: Listing, project: str, matching: Filter) -> Iterator[Memory]:
    seen: set[str] = set()
    for page in matching_pages(listing, project, matching):
        # One that is given another time meanwhile may come twice.
        yield from (memory for memory in page if memory.id not in seen)
        seen.update(memory.id for memory in page)


def _line(memory: Memory) -> str:
    names = {f"{kind}_id": memory.scope.name_of(kind) for kind in SubjectKind}
    times = {"valid_from": memory.valid_from, "valid_to": memory.valid_to}
    told: dict[str, Json] = {
        "text": memory.text,
        "said_at": memory.said_at.isoformat(timespec="minutes"),
        "said_by": memory.attributed_to,
        **{name: time.isoformat(timespec="minutes") for name, time in times.items() if time},
        "categories": memory.categories,
        "metadata": memory.metadata,
        **names,
    }
    return as_data({name: each for name, each in told.items() if each})
