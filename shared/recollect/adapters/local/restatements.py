"""When one statement says what another said already."""

import re
import unicodedata
from collections.abc import Sequence

from recollect.adapters.local.sentences import EMOJI
from recollect.adapters.local.statements import CJK, opened

RESTATEMENT_OVERLAP = 0.8
"""Jaccard similarity of the word sets from which one text may restate another."""

_WORD = re.compile(
    rf"[{CJK}]|(?:(?<!\w)-)?\d+(?:[.,:/]\d+)*|[^\W\d_]+[+#]*"
    r"|[^\w\s.,;:!?\u2026'\"()\[\]{}<>*~`\u2018-\u201d\u2013\u2014\u3000-\u303f\uff00-\uff1f-]"
)
_SYMBOL = re.compile(rf"[{EMOJI}\ufe0f\u200d]")
_SHORTENED = re.compile(
    r"\b(?P<not>ca|wo|do|does|did|is|are|was|were|has|have|had|would|could|should)n'?t\b"
    r"|\b(?P<can>can)not\b|'(?P<verb>m|re|s|ve|ll|d)\b",
    re.IGNORECASE,
)
_LONG = {
    "ca": "can",
    "wo": "will",
    "m": "am",
    "re": "are",
    "s": "is",
    "ve": "have",
    "ll": "will",
    "d": "would",
}
_LIGHT = re.compile(
    r"an?|the|am|is|are|that|really|very|so|also|just|too|now|still|actually|quite|already"
)
"""What a restatement may add or drop; tenses, prepositions and pronouns are not among it."""
_WEIGHTY = re.compile(
    r"not?|never|none|n?either|nor|without|except|rarely|hardly|barely|almost|maybe|might|used"
    r"|stopped|quit|longer|anymore|nicht|nie|keine?|pas|jamais|nunca|non|n\u00e3o|mai|one|two|three"
    r"|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|half|both|was|were|had|will|would|could|should|may"
    r"|wants?|wish|hope|plan|going"
)
"""What negates, counts, doubts or dates: with it and without it are two statements."""


def restates(text: str, candidate: str) -> bool:
    """Tell whether the candidate says all that the text says, and little besides."""
    if text.strip() == candidate.strip():
        return True
    return _is_restated(_weighed(text), _weighed(candidate))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return _WORD.findall(_SHORTENED.sub(_spelled_out, plain))


def _spelled_out(short: re.Match[str]) -> str:
    part = short["verb"] or short["not"] or short["can"]
    word = _LONG.get(part.lower(), part)
    return f" {word}" if short["verb"] else f"{word} not"


def _weighed(text: str) -> list[str]:
    """Return the words that carry the meaning, without closing symbols such as emoji."""
    words = _words(opened(text.strip()))
    while words and _SYMBOL.fullmatch(words[-1]):
        words.pop()
    return [word for word in words if not _LIGHT.fullmatch(word.casefold())]


def _is_restated(new: Sequence[str], known: Sequence[str]) -> bool:
    """Tell whether `known` says all of `new`, in order, and little that matters besides.

    The similarity alone would take "my dog" for "my cat" in a long sentence.
    """
    said = [word.casefold() for word in new]
    left = iter(said)
    expected = next(left, None)
    omitted = []
    for word in known:
        if word.casefold() == expected:
            expected = next(left, None)
        else:
            omitted.append(word)
    is_contained = bool(said) and expected is None
    union = {word.casefold() for word in known}
    is_similar = len(set(said)) >= RESTATEMENT_OVERLAP * len(union)
    return is_contained and is_similar and not any(_matters(word) for word in omitted)


def _matters(word: str) -> bool:
    """Tell whether a statement with this word differs from the same one without it."""
    is_plain_word = word.isalpha() and word.islower()
    return not is_plain_word or _WEIGHTY.fullmatch(word) is not None
