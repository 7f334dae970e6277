"""Memories as the lines of a prompt: by session under the date, and about how many tokens long."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

QUARTERS: Final = 4
"""Of a token, which characters are counted in."""
_SCRIPTS: Final = re.compile("([\u0080-\u08ff])|([\u0900-\U0001efff])|[\U0001f000-\U0010ffff]")
"""What is beyond ASCII: alphabets up to Arabic, what is behind them, emoji."""
_NO_TEXT: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]+"
)
"""Control characters, what turns the direction of writing, halves of pairs, invisible tags."""
_MARKS: Final = "#-*> \u00a0"
"""What a line of Markdown that is no plain text begins with."""

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Passage:
    """One memory that a prompt may tell of.

    `score` is how well it answers, 0 to 1; `place` is its number in its session; `terms` are the
    different words that it is compared with others by (see `domain.text`), or what stands for them.
    """

    text: str
    score: float
    said_at: datetime
    speaker: str | None = None
    session: Hashable = None
    place: int = 0
    terms: frozenset[Hashable] = frozenset()

    @property
    def line(self) -> str:
        """One line, "Speaker: text" or "- text", which nothing in it can end or make a heading."""
        speaker = _one_line(self.speaker or "").lstrip(_MARKS)
        return f"{speaker or '-'}{':' if speaker else ''} {_one_line(self.text)}"

    @property
    def says(self) -> bool:
        """Whether there is anything to tell."""
        return bool(_one_line(self.text))

    @property
    def group(self) -> tuple[Hashable, date]:
        """What it shares a heading with: the same session on the same day, in UTC."""
        return self.session, self.said_at.astimezone(UTC).date()


def quarters_in(text: str) -> int:
    """Return about how many quarters of a token a text has; that of a sum is the sum.

    One for a character of ASCII (the four characters of English a token that makers of language
    models name), two for one of another alphabet up to Arabic, four for one of Chinese and all
    else, eight for an emoji. Against the vocabulary of Llama 2, 2,760 messages of five development
    conversations (LoCoMo) come to .98 of their tokens, nine of ten messages to between .79 and
    1.15; that vocabulary needs up to twice as many for Chinese, larger ones need fewer.
    """
    if text.isascii():
        return len(text)
    found = _SCRIPTS.findall(text)
    alphabets = sum(1 for alphabet, _ in found if alphabet)
    characters = sum(1 for _, character in found if character)
    emoji = len(found) - alphabets - characters
    return len(text) + alphabets + 3 * characters + 7 * emoji


def tokens_in(text: str) -> int:
    """Return about how many tokens a language model takes a text for; see `quarters_in`."""
    return -(-quarters_in(text) // QUARTERS)


def heading(day: date) -> str:
    """Return the heading of a day, such as "## 7 May 2023", in English wherever it is run."""
    return f"## {day.day} {_MONTHS[day.month - 1]} {day.year}"


def written(passages: Sequence[Passage]) -> str:
    """Return passages as a text: grouped by session under its date, all in the order of time."""
    blocks = [
        "\n".join([heading(day), *(passage.line for passage in group)])
        for (_, day), group in _groups(passages).items()
    ]
    return "\n\n".join(blocks)


def _groups(passages: Sequence[Passage]) -> dict[tuple[Hashable, date], list[Passage]]:
    groups: dict[tuple[Hashable, date], list[Passage]] = {}
    for passage in sorted(passages, key=lambda each: (each.said_at, each.place)):
        groups.setdefault(passage.group, []).append(passage)
    return groups


def _one_line(text: str) -> str:
    return " ".join(_NO_TEXT.sub(" ", text).split())
