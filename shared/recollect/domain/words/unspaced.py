"""The terms of scripts that write no spaces between words, and of Korean."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise

from recollect.domain.words.stems import MAX_TERM_LENGTH

HANGUL = "\uac00-\ud7af"
CLUSTERED = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Myanmar, Khmer."""
KATAKANA = "\u30a1-\u30fa\u31f0-\u31ff"
HAN = (
    "\u3005-\u3007"  # iteration mark, zero
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
HIRAGANA = "\u3040-\u309f\u30fc"
"""With the sign of long vowels, which also follows Katakana."""
UNSPACED = f"{HANGUL}{CLUSTERED}\u30a0-\u30ff\u31f0-\u31ff\u3040-\u309f{HAN}"

_RUN = re.compile(
    rf"([{HANGUL}]+)|([{CLUSTERED}]+)|([{KATAKANA}][{KATAKANA}\u30fb-\u30ff]*)|[{HAN}{HIRAGANA}]+"
    "|[\u30a0-\u30ff]"
)
_IS_HAN = re.compile(f"[{HAN}]")

_HAN_PARTICLES = frozenset("的了吗嗎呢吧啊呀嘛")
"""Characters that are hardly ever part of a word."""
_HAN_FUNCTIONS = "是在和与與也就而及之我你您他她它们們这這那很不个個有"
_HAN_GRAMMAR = _HAN_PARTICLES | frozenset(_HAN_FUNCTIONS)
"""Characters that nearly every Chinese text has: they count in pairs only."""
_PARTICLES = frozenset("はがのにでともへやかねよな")
_JAPANESE_ENDINGS = """
した して いる った てい ない から まで こと もの ので のに だっ たい
には では とは への との でも どこ なに だれ いつ ある いま され れる
られ せる って よう そう これ それ あれ この その あの
"""
_JAPANESE_GRAMMAR = frozenset(_JAPANESE_ENDINGS.split())
"""Pairs of Hiragana that end verbs or ask."""
_POLITE = re.compile("ませんでした|ません|ました|ましょう|ます|でしょう|でした|です|ください|を")
"""What parts words as a space does."""

_CLUSTER = re.compile(
    "[\u0e40-\u0e44\u0ec0-\u0ec4]?"  # vowels that are written before their consonant
    "[^\u0e30-\u0e3a\u0e40-\u0e4e\u0eb0-\u0ebd\u0ec0-\u0ece\u102b-\u103e\u17b4-\u17d3]"
    # The marks and vowels behind it, and consonants that are joined below it; at most some, so
    # that no row of marks is one term.
    "(?:[\u1039\u17d2].|[\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebd\u0ec6-\u0ece\u102b-\u103e"
    "\u17b4-\u17d3]){0,8}"
    "|."
)
_THAI_SYLLABLES = "ที่ ใน จะ ได้ ให้ ไม่ มี ก็ นี้ นั้น แล้ และ หรื ไป มา ว่า ค่ะ คะ"
_THAI_GRAMMAR = frozenset(_THAI_SYLLABLES.split())
"""Syllables, or first ones, of words that nearly every Thai text has: they count in pairs only."""

_KOREAN_PARTICLES = """
에서는 에서도 에서의 에게서 에게는 에게도 한테서 한테는 으로는 으로도 으로서 으로써 까지는 까지도
부터는 이라는 이라고 께서는 들에게 에서 에게 에는 에도 한테 께서 으로 로서 로써 로는 로도 까지 부터
보다 처럼 마다 밖에 조차 마저 이나 이랑 하고 라고 라는 이며 들은 들이 들을 들의 들과 들도 이에요
예요 입니다 입니까 인가요 에 의 도 만
"""
_KOREAN_ENDINGS = sorted(_KOREAN_PARTICLES.split(), key=len, reverse=True)
_AFTER_CONSONANT = frozenset("은이을과")
_AFTER_VOWEL = frozenset("는가를와랑")
_KOREAN_WORDS = """
그리고 그런데 그래서 하지만 그 이 저 것 수 등 및 나 너 우리 누구 누 무엇 뭐 어디 언제 왜 어떻게
어떤 무슨 있다 있는 있어요 했다 하는 한다 합니다 해요 니다 습니 합니 입니 어요 아요 에요 나요 었다
았다 까요
"""
_KOREAN_GRAMMAR = frozenset(_KOREAN_WORDS.split())
"""Words, and endings of verbs as pairs."""
_FIRST_SYLLABLE = ord("가")
_FINALS = 28
"""Syllables are numbered by their final consonant within the others; 0 is none
(https://www.unicode.org/versions/Unicode15.0.0/ch03.pdf, 3.12)."""
_FINAL_L = 8
_MOST_ENDINGS = 3
_WORDS_KEPT = 20_000
"""Korean words whose terms are remembered, in about 6 MB."""
_PAIRS_KEPT = 50_000
"""Pairs of characters of which it is remembered what they give, in about 15 MB."""


def unspaced_terms(run: str) -> Iterator[str]:
    """Return the terms of characters that are all in `UNSPACED`.

    Chinese and Japanese give pairs of characters, each Chinese character also for itself, and a
    word in Katakana as a whole, too. Korean gives words without particles, and their pairs of
    syllables. Thai, Lao, Myanmar and Khmer give pairs of clusters (a consonant with its vowels and
    marks), each cluster with a mark also for itself. What only carries grammar is left out.
    """
    return chain.from_iterable(map(_run_terms, _RUN.finditer(run)))


def _run_terms(found: re.Match[str]) -> Iterable[str]:
    hangul, clustered, katakana = found.groups()
    if hangul:
        # A longer one is no word, and is not worth remembering.
        return _korean(hangul) if len(hangul) <= MAX_TERM_LENGTH else _pairs(hangul)
    if clustered:
        return _clustered(clustered)
    if katakana:
        return _with_pairs(katakana)
    return chain.from_iterable(map(_han, _POLITE.split(found[0])))


def _pairs(parts: Sequence[str]) -> Iterator[str]:
    return map("".join, pairwise(parts))


def _with_pairs(word: str) -> Iterator[str]:
    yield word[:MAX_TERM_LENGTH]
    if len(word) > 2:  # noqa: PLR2004 - a pair
        yield from _pairs(word)


def _han(run: str) -> Iterable[str]:
    if len(run) == 1:
        return () if run in _PARTICLES else run
    return chain.from_iterable(map(_from, run, chain(run[1:], ("",))))


@lru_cache(maxsize=_PAIRS_KEPT)
def _from(first: str, second: str) -> tuple[str, ...]:
    """Return the terms that begin with the first of two characters; nothing may follow it."""
    alone = _IS_HAN.match(first) and first not in _HAN_GRAMMAR
    together = second and not _is_grammar(first, second)
    return ((first,) if alone else ()) + ((first + second,) if together else ())


def _is_grammar(first: str, second: str) -> bool:
    """Tell whether a pair is a particle beside a word, or an ending."""
    if first + second in _JAPANESE_GRAMMAR or not _HAN_PARTICLES.isdisjoint((first, second)):
        return True
    if _IS_HAN.match(first):
        return second in _PARTICLES
    return first in _PARTICLES and bool(_IS_HAN.match(second))


def _clustered(run: str) -> Iterable[str]:
    clusters = _CLUSTER.findall(run)
    if len(clusters) == 1:
        return (run,)
    alone = (each for each in clusters if len(each) > 1 and each not in _THAI_GRAMMAR)
    return chain(alone, _pairs(clusters))


@lru_cache(maxsize=_WORDS_KEPT)
def _korean(word: str) -> tuple[str, ...]:
    base = once = _without_ending(word)
    for _ in range(_MOST_ENDINGS):
        base = _without_ending(base)
    return tuple(
        each for each in dict.fromkeys([base, *_pairs(once)]) if each not in _KOREAN_GRAMMAR
    )


def _without_ending(word: str) -> str:
    """Return a word without its particle; one that is nothing else stays."""
    if len(word) == 1:
        return word
    for ending in _KOREAN_ENDINGS:
        if len(word) > len(ending) and word.endswith(ending):
            return word.removesuffix(ending)
    rest, last = word[:-1], word[-1]
    final = (ord(rest[-1]) - _FIRST_SYLLABLE) % _FINALS
    is_particle = last in (_AFTER_CONSONANT if final else _AFTER_VOWEL)
    return rest if is_particle or (last == "로" and final in {0, _FINAL_L}) else word
