"""Times that a text tells by their distance from a day: "yesterday", "last week", "a year ago"."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from recollect.domain.dates.named_times import Place, apart, says_before
from recollect.domain.dates.periods import (
    DAYS_OF_WEEK,
    Period,
    Unit,
    around,
    days,
    nth_before,
    rolling,
    shifted,
    weekday_before,
    weekday_of,
)
from recollect.domain.dates.time_words import (
    DAY_WORDS,
    NUMBERS,
    SHIFTS,
    SHIFTS_BEHIND,
    UNITS,
    WEEKDAYS,
    any_of,
)

NUMBER: Final = rf"(?:[0-9]{{1,4}}|{any_of(NUMBERS)})"
_UNIT: Final = any_of(UNITS)
_THING: Final = any_of(
    [word for word, unit in UNITS.items() if unit != Unit.DAY and word not in {"an", "ans"}]
    + list(WEEKDAYS)
)
_DAY_WORD: Final = re.compile(rf"(?<!\bla )\b{any_of(DAY_WORDS)}\b")
_FRENCH: Final = re.compile(
    r"\b(?:est-ce|quoi|quel|quelle|ai|as|avez|avons|ont|fait|je|tu|il|elle|nous|vous)\b"
)
"""Tells the French "hier" (yesterday) from the German one (here)."""
_SHIFTED: Final = re.compile(
    rf"\b(?P<shift>{any_of(SHIFTS)}) (?P<thing>{_THING})\b"
    rf"|\b(?P<thing2>{_THING}|l'an) (?P<shift2>{any_of(SHIFTS_BEHIND)})\b"
)
_AGO: Final = re.compile(
    rf"\b(?P<count>{NUMBER}) (?P<unit>{_UNIT}) (?:ago|back|atras|fa)\b"
    rf"|\b(?:vor|hace|ha|il y a) (?P<count2>{NUMBER}) (?P<unit2>{_UNIT})\b"
)
_ROLLING: Final = re.compile(
    rf"\b(?P<side>last|past|previous|next|coming|letzten|nachsten) (?:(?P<count>{NUMBER}) )"
    rf"(?P<unit>{_UNIT})\b|\bpast (?P<one>day|week|month|quarter|year|decade)\b"
)
_AHEAD: Final = frozenset(["next", "coming", "nachsten"])
_WEEKDAY: Final = re.compile(rf"\b{any_of(WEEKDAYS)}\b")
_HABIT: Final = re.compile(r"\b(?:every|each|any|jeden|chaque|cada|ogni) $")
_NTH_DAY: Final = re.compile(
    r"\bon the (?P<day>[12]?[0-9]|3[01])(?:st|nd|rd|th)\b"
    r"(?! (?:of|floor|street|avenue|day|time|try|page|place|level|anniversary|birthday)\b)"
)


def relative_times(text: str, day: int) -> list[Place]:
    """Return where a plain text tells times by their distance from a day, in order, none twice.

    The day is counted as `date.toordinal` does. A day of the week is the last one, today included;
    "last Friday" is before today, "next Friday" after it. Weeks begin on Monday.
    """
    finders = (_rolling, _ago, _shifted_times, _day_words, _weekdays, _nth_days)
    return apart(tuple(_bound(finder, day) for finder in finders), text)


def counted(word: str) -> int:
    """Return the number that digits or a word of `NUMBERS` stand for."""
    return int(word) if word.isdigit() else NUMBERS[word]


def _bound(
    finder: Callable[[str, int], Iterator[tuple[re.Match[str], Period | None]]], day: int
) -> Callable[[str], Iterator[Place]]:
    def find(text: str) -> Iterator[Place]:
        for match, period in finder(text, day):
            if period:
                yield Place(*match.span(), (period,))

    return find


_Found = Iterator[tuple[re.Match[str], Period | None]]


def _rolling(text: str, day: int) -> _Found:
    for match in _ROLLING.finditer(text):
        unit = Unit(UNITS[(match["unit"] or match["one"])])
        count = counted(match["count"]) if match["count"] else 1
        is_ahead = bool(match["side"]) and match["side"] in _AHEAD
        yield match, rolling(unit, day, -count if is_ahead else count)


def _ago(text: str, day: int) -> _Found:
    for match in _AGO.finditer(text):
        unit = Unit(UNITS[(match["unit"] or match["unit2"])])
        yield match, shifted(unit, day, -counted(match["count"] or match["count2"]))


def _shifted_times(text: str, day: int) -> _Found:
    for match in _SHIFTED.finditer(text):
        thing = match["thing"] or match["thing2"]
        behind = match["shift2"]
        offset = SHIFTS_BEHIND[behind] if behind else SHIFTS[match["shift"]]
        if thing in WEEKDAYS:
            yield match, _shifted_weekday(WEEKDAYS[thing], day, offset)
        else:
            yield match, around(Unit(UNITS.get(thing, Unit.YEAR)), day, offset)


def _shifted_weekday(weekday: int, day: int, offset: int) -> Period | None:
    if offset == 0:
        place = day - weekday_of(day) + weekday
        return days(place, place + 1)
    return weekday_before(weekday, day if offset < 0 else day + DAYS_OF_WEEK + 1)


def _day_words(text: str, day: int) -> _Found:
    for match in _DAY_WORD.finditer(text):
        word = match[0]
        if word != "hier" or _FRENCH.search(text):
            yield match, around(Unit.DAY, day, DAY_WORDS[word])


def _weekdays(text: str, day: int) -> _Found:
    for match in _WEEKDAY.finditer(text):
        if not says_before(_HABIT, text, match.start()):
            yield match, weekday_before(WEEKDAYS[match[0]], day + 1)


def _nth_days(text: str, day: int) -> _Found:
    """Find "on the 3rd": the last day of this number, today included."""
    for match in _NTH_DAY.finditer(text):
        yield match, nth_before(int(match["day"]), day + 1)
