"""The terms of a text: what keyword search compares, the same for every index."""

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

MAX_TERM_LENGTH = 64
"""Characters; longer words (mostly encoded data) are cut to this: nobody searches for them."""

_STEMS_KEPT = 20_000
"""Words whose stems are remembered: a subject's vocabulary, in about 3 MB."""
_PIECE = re.compile(r"\S{1,256}")
"""What is normalised at once: normalising a run of combining marks takes the square of its length,
so that a hostile text of 1 MB would take an hour in one piece."""

_UNSPACED = (
    "\u3005-\u3007"  # iteration mark, zero
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\uac00-\ud7af"  # Hangul
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\U00020000-\U000323af"  # Han, supplementary planes
)
_MARKS = (
    "\u0300-\u036f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"  # Arabic
    "\u0900-\u0963\u0966-\u0dff"  # Devanagari to Sinhala, without the danda
    "\u0e31-\u0e4e\u0eb1-\u0ece\u102b-\u103e\u17b4-\u17d3"  # Thai, Lao, Myanmar, Khmer
)
"""Vowel signs and other marks, which are part of a word but no letters to `re`."""
_WORD = re.compile(rf"[\w{_MARKS}]+")
_SCRIPT_RUN = re.compile(rf"([{_UNSPACED}]+)|[^{_UNSPACED}]+")

_ENGLISH_STOP_WORDS = """
i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves
he him his himself she she's her hers herself it it's its itself they them their theirs themselves
what which who whom this that that'll these those am is are was were be been being have has had
having do does did doing a an the and but if or because as until while of at by for with about
against between into through during before after above below to from up down in out on off over
under again further then once here there when where why how all any both each few more most other
some such no nor not only own same so than too very s t can will just don don't should should've
now d ll m o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn hadn't hasn
hasn't haven haven't isn isn't ma mightn mightn't mustn mustn't needn needn't shan shan't shouldn
shouldn't wasn wasn't weren weren't won won't wouldn wouldn't
"""
STOP_WORDS = frozenset(_ENGLISH_STOP_WORDS.split() + _ENGLISH_STOP_WORDS.replace("'", "").split())
"""The 179 English stop words of NLTK 3.8, and those with an apostrophe also without it."""

_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, repeated as often as they occur.

    Words are compared regardless of case and Unicode form, without English stop words and by
    their English stem (Snowball); numbers are kept. An apostrophe ends a word, so that `Mia's`
    is found by `Mia`, and `don't` is a stop word in either spelling. Scripts that write no spaces
    between words (Chinese, Japanese, Thai, Khmer...; Korean is treated alike) give overlapping
    pairs of characters. Takes time linear in the length of the text.
    """
    if text.isascii():
        # A search reads a hundred texts: without a call for each word this takes half as long.
        words = _WORD.findall(text.lower())
        return [_stem(word[:MAX_TERM_LENGTH]) for word in words if word not in STOP_WORDS]
    return [term for word in _WORD.findall(_normal(text)) for term in _word_terms(word)]


def _normal(text: str) -> str:
    # The modifier letter apostrophe is the only one that counts as a letter.
    spelled = text.replace("\u02bc", "'")
    return _PIECE.sub(lambda piece: unicodedata.normalize("NFKC", piece[0]), spelled).casefold()


def _word_terms(word: str) -> list[str]:
    if word.isascii():
        return _kept(word)
    return [
        term
        for run in _SCRIPT_RUN.finditer(word)
        for term in (_pairs(run[0]) if run[1] else _kept(run[0]))
    ]


def _kept(word: str) -> list[str]:
    return [] if word in STOP_WORDS else [_stem(word[:MAX_TERM_LENGTH])]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(len(run) - 1, 1))]


@lru_cache(maxsize=_STEMS_KEPT)
def _stem(word: str) -> str:
    # One stemmer keeps the word it works on in itself; the cache answers without the lock.
    with _stemmer_lock:
        return str(_stemmer.stemWord(word))
