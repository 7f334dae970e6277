"""The stems of words in scripts that part them by spaces."""

import threading
from functools import cache, lru_cache
from typing import Protocol

import snowballstemmer

from recollect.domain.words.function_words import folded

MAX_TERM_LENGTH = 64
"""Characters; longer words (mostly encoded data) are cut to this: nobody searches for them."""

_WORDS_KEPT = 20_000
"""Words whose stems are remembered: a subject's vocabulary, in about 3 MB."""
_SCRIPTS = (
    ("\u0370", "\u03ff", "greek"),
    ("\u0400", "\u052f", "russian"),
    ("\u0530", "\u058f", "armenian"),
    ("\u0600", "\u077f", "arabic"),
    ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
    ("\u1f00", "\u1fff", "greek"),
)
"""First letter, last letter, and whose stemmer is for all languages that are written in these: a
word then has one stem, whatever it stands beside."""
_LATIN = (("\u0080", "\u036f"), ("\u1e00", "\u1eff"))
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How these are written where a keyboard lacks them."""


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - Snowball's name


_lock = threading.Lock()


@cache
def _stemmer(language: str) -> _Stemmer:
    made: _Stemmer = snowballstemmer.stemmer(language)
    return made


@lru_cache(maxsize=_WORDS_KEPT)
def english_stem(word: str) -> str:
    """Return the English stem of a word in ASCII, cut to `MAX_TERM_LENGTH`."""
    return _stem(word, "english")


@lru_cache(maxsize=_WORDS_KEPT)
def stems(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the terms of a casefolded word of a line in these languages.

    What is in Latin letters always has the English stem of its spelling without accents, so that a
    question finds the word even if its language was not recognised, or the text's was not. To this
    come its stem in each recognised language, and its spelling with `ue` for `ü`. Other scripts
    have one stem.
    """
    if not word.isascii():
        script = _script(word)
        if script != "latin":
            return (_stem(word[:MAX_TERM_LENGTH], script) if script else word[:MAX_TERM_LENGTH],)
    plain = folded(word) or word
    spelled = folded(word.translate(_DIGRAPHS)) or word
    found = [english_stem(plain[:MAX_TERM_LENGTH]), english_stem(spelled[:MAX_TERM_LENGTH])]
    found += [folded(_stem(word[:MAX_TERM_LENGTH], language)) for language in languages]
    return tuple(dict.fromkeys(filter(None, found)))


def _script(word: str) -> str:
    """Return `latin`, or the language whose stemmer is for the script; empty if there is none."""
    first = next(letter for letter in word if not letter.isascii())
    if any(low <= first <= high for low, high in _LATIN):
        return "latin"
    return next((name for low, high, name in _SCRIPTS if low <= first <= high), "")


def _stem(word: str, language: str) -> str:
    # One stemmer keeps the word it works on in itself; the caches answer without the lock.
    with _lock:
        return _stemmer(language).stemWord(word) or word
