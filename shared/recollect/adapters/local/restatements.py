"""When one statement says what another said already."""

import re
import unicodedata

from recollect.adapters.local.sentences import EMOJI
from recollect.adapters.local.statements import CJK, opened

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


def restates(text: str, candidate: str) -> bool:
    """Tell whether both say the same, words apart that only colour it.

    Any other word more or less may make it another statement: "my ex wife", "I seldom eat meat".
    """
    if text.strip() == candidate.strip():
        return True
    said = _weighed(text)
    return bool(said) and said == _weighed(candidate)


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
    kept = (word.casefold() for word in words)
    return [word for word in kept if not _LIGHT.fullmatch(word)]
