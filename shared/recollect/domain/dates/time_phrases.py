"""What the words around a time make of it: "since May", "late 2023", "the week before 9 June"."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from recollect.domain.dates.named_times import Place, says_before
from recollect.domain.dates.period_parts import (
    half_of,
    next_to,
    nth_of,
    nth_weekday_of,
    third_of,
    weekday_next_to,
)
from recollect.domain.dates.periods import (
    BEGINNING,
    DAYS_OF_WEEK,
    END,
    Asked,
    Period,
    Recurring,
    Unit,
    around,
    shifted,
    weekday_before,
)
from recollect.domain.dates.relative_times import NUMBER, counted
from recollect.domain.dates.time_words import (
    ORDINALS,
    PARTS,
    SHIFTS,
    SHIFTS_BEHIND,
    UNITS,
    WEEKDAYS,
    any_of,
)

_UNIT: Final = any_of([*UNITS, *WEEKDAYS, "night", "evening", "morning"])
_ARTICLE: Final = r"(?: the| le| la| el| il| o| dem| den)?"
_SHIFT: Final = re.compile(rf"\b(?P<shift>{any_of(SHIFTS)}) $")
_SHIFT_BEHIND: Final = re.compile(rf" (?P<shift>{any_of(SHIFTS_BEHIND)})\b")
_PART: Final = re.compile(
    rf"\b(?:(?P<part>early|mid|late|anfang|mitte|ende|debut|mi|fin)[ -]"
    rf"|(?P<part2>{any_of(PARTS)}) (?:of|de|del|du|di|do|des){_ARTICLE} )$"
)
_NTH: Final = re.compile(
    rf"\b(?P<nth>{any_of(ORDINALS)}) (?P<unit>half|{_UNIT}) (?:of|in|im|vom){_ARTICLE} $"
)
_AWAY: Final = re.compile(
    rf"\b(?:(?P<count>{NUMBER}|the|last) )?(?P<unit>{_UNIT})"
    rf" (?:(?P<before>before|prior to|vor|avant|antes del?|antes do|prima del?|prima di)|(?P<of>of)"
    rf"|after|following|nach|apres|despues del?|depois d[eo]|dopo){_ARTICLE} $"
)
_OPEN: Final = re.compile(
    r"\b(?:(?P<since>since|seit|depuis|desde|dal)"
    r"|(?P<until>until|till|by|up to|bis|bis zum|hasta|ate|jusqu'en|jusqu'au|fino al?)"
    r"|(?P<before>before|prior to|vor|avant|antes del?|antes do|prima del?|prima di)"
    rf"|after|following|nach|apres|despues del?|depois d[eo]|dopo){_ARTICLE} $"
)
_FROM: Final = re.compile(
    rf"\b(?:between|from|zwischen|vom|von|entre|de|du|desde|tra|fra|dal?){_ARTICLE} $"
)
_TO: Final = re.compile(
    rf" ?- ?| (?:(?P<weak>and|und|et|y|e|au|a|al)|to|until|till|through|bis|bis zum|hasta|ate)"
    rf"{_ARTICLE} "
)


_Reader: TypeAlias = Callable[[str, Place, datetime], Place]


def read_around(text: str, places: Sequence[Place], now: datetime) -> list[Place]:
    """Return the places in a plain text with the times that they are in their phrases.

    A time without a year that something is before, after or since is its last one that has begun.
    """
    phrases = [_read((_shifted, _part, _nth), text, place, now) for place in places]
    read = [_read((_away, _open), text, place, now) for place in _joined(text, phrases)]
    return [place for place in read if not any(_is_within(place, each) for each in read)]


def _is_within(place: Place, other: Place) -> bool:
    """Tell whether it became a part of a longer phrase: the day in "Friday of last week"."""
    longer = other.end - other.start > place.end - place.start
    return longer and other.start <= place.start and place.end <= other.end


def _read(readers: Sequence[_Reader], text: str, place: Place, now: datetime) -> Place:
    for reader in readers:
        place = reader(text, place, now)
    return place


def _changed(place: Place, match: re.Match[str], change: Callable[[Asked], Asked | None]) -> Place:
    """Return the place with the words that change its times, as far as they leave any of them."""
    times = tuple(time for time in map(change, place.times) if time)
    start, end = min(place.start, match.start()), max(place.end, match.end())
    return Place(start, end, times or place.times)


def _shifted(text: str, place: Place, now: datetime) -> Place:
    """Read "last May" and "l'\u00e9t\u00e9 dernier"."""
    behind = _SHIFT_BEHIND.match(text, place.end)
    match = behind or says_before(_SHIFT, text, place.start)
    if match is None:
        return place
    offset = (SHIFTS_BEHIND if behind else SHIFTS)[match["shift"]]

    def change(time: Asked) -> Asked | None:
        if isinstance(time, Period):
            return time
        if offset == 0:
            latest = time.latest(now)
            return latest if latest and now < latest.end else time.in_year(now.year)
        return time.past(now) if offset < 0 else time.coming(now)

    return _changed(place, match, change)


def _part(text: str, place: Place, _: datetime) -> Place:
    """Read "early May" and "the end of 2023"."""
    match = says_before(_PART, text, place.start)
    if match is None:
        return place
    third = PARTS[(match["part"] or match["part2"])]
    return _changed(place, match, lambda time: third_of(time, third))


def _nth(text: str, place: Place, now: datetime) -> Place:
    """Read "the second week of November" and "the last Friday in May"."""
    match = says_before(_NTH, text, place.start)
    if match is None:
        return place
    nth, word = ORDINALS[match["nth"]], match["unit"]

    def change(time: Asked) -> Asked | None:
        if word == "half":
            return half_of(time, nth)
        period = _period(time, now)
        if period and word in WEEKDAYS:
            return nth_weekday_of(period, nth, WEEKDAYS[word])
        return period and nth_of(period, nth, Unit(UNITS.get(word, Unit.DAY)))

    return _changed(place, match, change)


def _away(text: str, place: Place, now: datetime) -> Place:
    """Read "the week before 9 June", "two days after Christmas" and "the weekend of 3 June"."""
    match = says_before(_AWAY, text, place.start)
    if match is None:
        return place

    def change(time: Asked) -> Asked | None:
        period = _period(time, now)
        return period and _beside(period, match)

    return _changed(place, match, change)


def _beside(period: Period, match: re.Match[str]) -> Period | None:
    word, is_before = match["unit"], bool(match["before"])
    unit, (first, after) = Unit(UNITS.get(word, Unit.DAY)), period.days
    if match["of"]:
        return _within(period, word, unit)
    if word in WEEKDAYS:
        return weekday_next_to(period, WEEKDAYS[word], is_before=is_before)
    if (match["count"] or "the") in {"the", "last"}:
        return next_to(period, unit, is_before=is_before)
    count = counted(match["count"])
    return shifted(unit, first, -count) if is_before else shifted(unit, after - 1, count)


def _within(period: Period, word: str, unit: Unit) -> Period | None:
    """Read "the week of 7 May" and "Friday of last week"."""
    first, after = period.days
    if word in WEEKDAYS and after - first <= DAYS_OF_WEEK:
        return weekday_before(WEEKDAYS[word], after)
    return around(unit, first) if after - first == 1 else period


def _open(text: str, place: Place, now: datetime) -> Place:
    """Read "since March", "by 10 July 2022", "before 2022" and "after May 2023"."""
    match = says_before(_OPEN, text, place.start)
    if match is None:
        return place

    def change(time: Asked) -> Asked | None:
        period = _period(time, now)
        if period is None:
            return None
        is_since = bool(match["since"])
        if match["until"] or match["before"]:
            start, end = BEGINNING, period.end if match["until"] else period.start
        else:
            start, end = period.start if is_since else period.end, END
        return Period(start, end, period.length) if start < end else None

    return _changed(place, match, change)


def _joined(text: str, places: Sequence[Place]) -> Iterator[Place]:
    """Read "between March and June": what is joined becomes one."""
    last: Place | None = None
    for place in places:
        joined = _range(text, last, place) if last else None
        if last and not joined:
            yield last
        last = joined or place
    if last:
        yield last


def _range(text: str, first: Place, second: Place) -> Place | None:
    match = _TO.fullmatch(text, first.end, second.start)
    opening = says_before(_FROM, text, first.start)
    if match is None or (match["weak"] and not opening):
        return None
    times = [_through(start, end) for start in first.times for end in second.times]
    start = opening.start() if opening else first.start
    found = tuple(time for time in times if time)
    return Place(start, second.end, found) if found else None


def _through(first: Asked, last: Asked) -> Asked | None:
    if isinstance(first, Period):
        return _stretch(first, last.coming(first.start) if isinstance(last, Recurring) else last)
    if isinstance(last, Period):
        return _stretch(first.latest(last.start), last)
    return Recurring(first.first, last.last)


def _stretch(first: Period | None, last: Period | None) -> Period | None:
    if first is None or last is None or first.start >= last.end:
        return None
    return Period(first.start, last.end)


def _period(time: Asked, now: datetime) -> Period | None:
    return time if isinstance(time, Period) else time.latest(now)
