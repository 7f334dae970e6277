"""What the words of a memory show besides what they say."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from recollect.domain.dates.asked_times import names_a_time
from recollect.domain.memory import Memory
from recollect.domain.text import terms

_TRAITS_KEPT = 20_000
"""Texts whose traits are remembered: those of a hundred searches, in about 30 MB."""
_SPEAKER = re.compile(r"\s*([^\W\d_][\w .'-]{0,38}\w|[^\W\d_]):\s")
"""How conversations without names of their own tell who speaks: `Mia: I like tea`."""
_QUESTION = re.compile(r"[?\uff1f\u061f]\s*(?:\[[^\]]*\]\s*)?$")
"""Ends with a question mark, of any script, with what came along behind it."""
ROLES = frozenset({"user", "assistant", "system"})


@dataclass(frozen=True)
class Traits:
    """What a search needs of a text; `length` is in terms, `speaker` is named in the text."""

    counts: Mapping[str, int]
    length: int
    speaker: str | None
    asks: bool
    tells_time: bool


@lru_cache(maxsize=_TRAITS_KEPT)
def traits_of(text: str) -> Traits:
    """Return the traits of a memory's text."""
    words = terms(text)
    named = _SPEAKER.match(text)
    speaker = named[1] if named and named[1].casefold() not in ROLES else None
    return Traits(
        Counter(words), len(words), speaker, bool(_QUESTION.search(text)), names_a_time(text)
    )


def speaker_of(memory: Memory) -> str | None:
    """Return who said a memory, as far as it was told or is written before it."""
    return memory.actor or traits_of(memory.text).speaker
