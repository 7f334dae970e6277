"""The terms of a text: what keyword search compares, the same for every index."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from recollect.domain.words.function_words import (
    FUNCTION_WORDS,
    MARKERS,
    RUSSIAN_STOP_WORDS,
    STOP_WORDS,
)
from recollect.domain.words.languages import ENGLISH, Token, languages_of
from recollect.domain.words.stems import MAX_TERM_LENGTH, english_stem, stems
from recollect.domain.words.unspaced import UNSPACED, unspaced_terms

__all__ = ["MAX_TERM_LENGTH", "TERMS_VERSION", "terms"]

TERMS_VERSION = 2
"""Grows whenever a text has other terms than before: what is stored by older ones is made anew."""

_MAX_WORD = 4 * MAX_TERM_LENGTH
"""Characters of a word that are looked at: many of them may be marks."""
_AT_ONCE = 256
_PIECE = re.compile(rf"\S{{1,{_AT_ONCE}}}")
"""What is normalised at once: normalising a run of combining marks takes the square of its length,
so that a hostile text of 1 MB would take an hour in one piece."""
_MARKS = (
    "\u0300-\u036f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"  # Arabic
    "\u0900-\u0963\u0966-\u0dff"  # Devanagari to Sinhala, without the danda
    "\u0e31-\u0e4e\u0eb1-\u0ece\u102b-\u103e\u17b4-\u17d3"  # Thai, Lao, Myanmar, Khmer
)
"""Vowel signs and other marks, which are part of a word but no letters to `re`."""
_WORD = re.compile(rf"[\w{_MARKS}]+")
_SPACED_WORD = re.compile(rf"([^\w{_MARKS}]*)([\w{_MARKS}]+)")
_SENTENCE_ENDS = frozenset('.!?…:;¡¿"„“”«»()')
_SCRIPT_RUN = re.compile(f"([{UNSPACED}]+)|[^{UNSPACED}]+")
_NOTHING: frozenset[str] = frozenset()
_LEFT_OUT = STOP_WORDS | RUSSIAN_STOP_WORDS


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, repeated as often as they occur.

    Words are compared regardless of case, accents and Unicode form, by their English stem
    (Snowball) and without English stop words; numbers are kept. An apostrophe ends a word, so that
    `Mia's` is found by `Mia`, and `don't` is a stop word in either spelling. A line whose function
    words tell another language loses these instead, and its words have their stems in that
    language beside the English ones: whatever is recognised, the same word is found. Scripts other
    than Latin have one stemmer each; those without spaces give pairs of characters (see
    `words.unspaced`). Takes time linear in the length of the text.
    """
    if text.isascii():
        # A search reads a hundred texts: without a call for each word this takes half as long.
        words = _WORD.findall(text.lower())
        if MARKERS.isdisjoint(words):
            return [
                english_stem(word[:MAX_TERM_LENGTH]) for word in words if word not in STOP_WORDS
            ]
    return [term for line in text.split("\n") for term in _line_terms(line)]


def _line_terms(line: str) -> list[str]:
    written = _normal(line)
    words = _WORD.findall(written.casefold())
    if not MARKERS.isdisjoint(words):
        tokens = list(_tokens(written))
        languages = languages_of(tokens)
        if languages != ENGLISH:
            return _recognised_terms(tokens, languages)
    return [term for word in words for term in _word_terms(word, ENGLISH, _LEFT_OUT)]


def _recognised_terms(tokens: Iterable[Token], languages: tuple[str, ...]) -> list[str]:
    left_out = _left_out_of(languages)
    return [
        term
        for token in tokens
        for term in _word_terms(
            token.word, token.languages(languages), _NOTHING if token.is_name else left_out
        )
    ]


@cache
def _left_out_of(languages: tuple[str, ...]) -> frozenset[str]:
    """Return what is a function word in whichever of these languages it is."""
    shared = frozenset.intersection(*(FUNCTION_WORDS[each] for each in languages))
    return shared | RUSSIAN_STOP_WORDS


def _normal(line: str) -> str:
    # The modifier letter apostrophe is the only one that counts as a letter.
    spelled = line.replace("\u02bc", "'")
    if len(spelled) <= _AT_ONCE:
        return unicodedata.normalize("NFKC", spelled)
    return _PIECE.sub(lambda piece: unicodedata.normalize("NFKC", piece[0]), spelled)


def _tokens(written: str) -> Iterator[Token]:
    begins = True
    for between, word in _SPACED_WORD.findall(written):
        begins = begins or (between != " " and not _SENTENCE_ENDS.isdisjoint(between))
        yield Token.of(word, begins_sentence=begins)
        begins = False


def _word_terms(word: str, languages: tuple[str, ...], left_out: frozenset[str]) -> Iterable[str]:
    if word.isascii():
        return _spelled(word, languages, left_out)
    runs = _SCRIPT_RUN.finditer(word)
    return chain.from_iterable(
        unspaced_terms(run[0]) if run[1] else _spelled(run[0], languages, left_out) for run in runs
    )


def _spelled(word: str, languages: tuple[str, ...], left_out: frozenset[str]) -> tuple[str, ...]:
    return () if word in left_out else stems(word[:_MAX_WORD], languages)
