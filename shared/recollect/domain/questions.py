"""What is asked for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from recollect.domain.dates.asked_times import asked_periods, asks_when
from recollect.domain.dates.time_nearness import nearness_of
from recollect.domain.memory import Vector
from recollect.domain.ranking import Floats
from recollect.domain.text import terms

_WORD = re.compile(r"(?<=\s)([^\W\d_][\w-]*)(?:['\u2019]s\b)?")
"""A word behind another."""


@dataclass(frozen=True)
class Question:
    """What is asked for, as its vector, its different terms and its text.

    Dates such as "last summer" are seen from `reference`; without one, those are not understood.
    """

    vector: Vector
    terms: tuple[str, ...]
    text: str = ""
    reference: datetime | None = None

    @classmethod
    def of(cls, text: str, vector: Vector, reference: datetime | None = None) -> "Question":
        """Return the question of a text with this vector."""
        return cls(vector, tuple(dict.fromkeys(terms(text))), text, reference)

    def names(self, name: str) -> bool:
        """Tell whether it names somebody by the first name."""
        return any(term in self.terms for term in terms(name)[:1])

    def without(self, names: Iterable[str]) -> str | None:
        """Return its text without the first names of those of these whom it names.

        None if it names nobody, or asks nothing else. A name has a capital letter, and is not the
        first word, which has one anyway: what stands before a colon need not be a name.
        """
        called = {term for name in names for term in terms(name)[:1]} & set(self.terms)
        if not called:
            return None

        def plain(word: re.Match[str]) -> str:
            is_name = not word[1][0].islower() and called.intersection(terms(word[1])[:1])
            return "" if is_name else word[0]

        text = _WORD.sub(plain, self.text)
        return text if text != self.text and terms(text) else None

    @cached_property
    def asks_when(self) -> bool:
        """Tell whether it asks for a time."""
        return asks_when(self.text)

    def nearness(self, times: Floats) -> Floats:
        """Return how near times, in seconds since 1970, are to those that it names: 0 to 1."""
        periods = asked_periods(self.text, self.reference) if self.reference else ()
        return nearness_of(periods, times) if periods else np.zeros(len(times))
