"""Splitting what people write into sentences, in time linear in the text."""

import re
from collections.abc import Iterator

LONGEST_SHORT_FORM = 12
"""Characters before a full stop that are looked at."""
MIN_WRAPPED_LENGTH = 50
"""Characters from which a line may be a wrapped one that goes on in the next line."""

_CODE = re.compile(r"```.*?```", re.DOTALL)
_LIST_MARK = re.compile(r"^(?:[-*+\u2022\u2013>#]+|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
EMOJI = "\u2600-\u27bf\U0001f1e6-\U0001faff"
_END = re.compile(
    rf"(?P<wide>[\u3002\uff01\uff1f\uff61]+[\u300d\u300f\u201d\uff09]*)"
    rf"|(?P<mark>[.!?\u2026]+)[\"'\u201d\u2019)\]*_]*|(?P<emoji>[{EMOJI}\ufe0f\u200d]+)"
)
_OPENING = re.compile(
    r"\s+[\"'(\u201c]?(?:I|i|My|We|Our|It|He|She|They|You|The|This|That|But|And|So|Also|What|How"
    r"|Do|Can|Could|Please|Ich|Mein|Wir|Je|J['\u2019]|Yo|Mi|Io|Eu|Meu)\b"
)
_TITLE = re.compile(r"dr|mrs?|ms|prof|st|mt|vs|approx|bzw|ca|sra?|e\.g|i\.e|z\.b|d\.h")
"""What a name, number or example follows."""
_SHORT_FORM = re.compile(
    r"\w?|\w+\.\S*|etc|inc|ltd|co|corp|jr|dept|ave|mins?|hrs?"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
"""What ends a sentence only where a new one visibly begins."""


def sentences(content: str) -> Iterator[str]:
    """Yield the sentences of a text in order, some of them empty; fenced code is left out."""
    for line in _lines(content):
        start = 0
        for end in _END.finditer(line):
            if _is_end(line, end):
                yield line[start : end.end()]
                start = end.end()
        yield line[start:]


def _lines(content: str) -> Iterator[str]:
    """Yield the lines of prose: without fenced code, list marks and wrapping."""
    wrapped: list[str] = []
    for raw in _CODE.sub("\n", content).splitlines():
        line = raw.strip()
        if not (wrapped and len(wrapped[-1]) >= MIN_WRAPPED_LENGTH and line[:1].islower()):
            yield " ".join(wrapped)
            wrapped = []
        wrapped.append(_LIST_MARK.sub("", line))
    yield " ".join(wrapped)


def _is_end(line: str, end: re.Match[str]) -> bool:
    if end["wide"]:
        return True
    if not line[end.end() : end.end() + 1].isspace():
        return False
    mark = end["mark"]
    if mark and ("!" in mark or "?" in mark):
        return True
    if mark == ".":
        before = line[max(0, end.start() - LONGEST_SHORT_FORM) : end.start()].rpartition(" ")[2]
        before = before.casefold().lstrip("(")
        if _TITLE.fullmatch(before):
            return False
        if before == "i" or not _SHORT_FORM.fullmatch(before):
            return True
    return _OPENING.match(line, end.end()) is not None
