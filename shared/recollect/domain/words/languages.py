"""Which language a line in Latin letters is in."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from recollect.domain.words.function_words import FUNCTION_WORDS, MARKERS, NAMES, STOP_WORDS

ENGLISH: tuple[str, ...] = ()
"""No other language than English was recognised."""
MAX_LANGUAGES = 3
"""More languages than this that fit equally well are as good as none."""
LEAST_SHARE = 0.1
"""Of the different words of a line those that speak for its language: what is written by people has
every third, a list of English keywords with a foreign one among them has fewer."""
_INFLECTING_NAMES = frozenset({"finnish", "german", "polish", "turkish"})
"""Where names have endings as well, or as in German every noun has a capital."""


class Token(NamedTuple):
    """A word of a line, casefolded; a name is written with a capital though no sentence begins."""

    word: str
    is_name: bool

    @classmethod
    def of(cls, word: str, *, begins_sentence: bool) -> "Token":
        """Return the token of a word as it is written."""
        spelled = word.casefold()
        is_capital = word[0].isupper()
        return cls(spelled, is_capital and (not begins_sentence or spelled in NAMES))

    def languages(self, recognised: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the line's languages that the word has a stem in: few have names'."""
        if not self.is_name:
            return recognised
        return tuple(each for each in recognised if each in _INFLECTING_NAMES)


def _languages_by_word() -> Mapping[str, tuple[str, ...]]:
    known = {"english": STOP_WORDS, **FUNCTION_WORDS}
    every = frozenset().union(*known.values())
    return {
        word: tuple(language for language, words in known.items() if word in words)
        for word in every
    }


_LANGUAGES = _languages_by_word()


def languages_of(tokens: Iterable[Token]) -> tuple[str, ...]:
    """Return the language whose function words most of these are; some, if equally many.

    None for English, and where it is in doubt: a language needs a word that English lacks, and
    more of its words than English has of its own. Names say nothing.
    """
    words = {word for word, is_name in tokens if not is_name}
    found = Counter(chain.from_iterable(_LANGUAGES.get(word, ()) for word in words))
    possible = set(chain.from_iterable(_LANGUAGES[word] for word in words & MARKERS))
    most = max((found[language] for language in possible), default=0)
    if most <= found["english"] or most < LEAST_SHARE * len(words):
        return ENGLISH
    best = tuple(sorted(language for language in possible if found[language] == most))
    return best if len(best) <= MAX_LANGUAGES else ENGLISH
