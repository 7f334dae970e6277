"""Times that a text names by the calendar: days, months, seasons, feasts, years, decades."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from recollect.domain.dates.periods import Asked, Period, Recurring, days, month_start
from recollect.domain.dates.time_words import (
    FEASTS,
    MONTHS,
    PARTS,
    SEASONS,
    SHIFTS,
    SHIFTS_BEHIND,
    WEAK_MONTHS,
    any_of,
)

MOST_TIMES = 8
"""Of one kind in one text."""
_NEAR = 32
"""Characters before a word that can tell what it means."""
_NEW_YEARS = 70
"""What POSIX takes for the first of the two-digit years that are of 1900."""
_DECADES = 30
"""The '30s are those of 1930, but the '20s those of 2020."""
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])(?![0-9])"
_NTH: Final = r"(?:st|nd|rd|th|er|o|\.)?"
_THRU: Final = r"(?: ?- ?| (?:to|and|until|through|bis|und|au|et|al|a|y|e) (?:the |le |el |il )?)"
_OF: Final = r"(?:of |de |del |di |do |d')?"
_YEAR: Final = r"(?:1[0-9]|2[01])[0-9]{2}"
_DATE: Final = re.compile(
    rf"\b(?:(?P<day>{_DAY})(?P<nth>{_NTH})(?:{_THRU}(?P<until>{_DAY}){_NTH})? ?{_OF})?"
    rf"\b(?P<month>{any_of(MONTHS)})\b\.?"
    rf"(?:,? (?:the )?(?P<day2>{_DAY})(?P<nth2>{_NTH})(?![0-9:/])\b"
    rf"(?:{_THRU}(?P<until2>{_DAY}){_NTH}(?![0-9:/])\b)?)?"
    rf"(?:,? ?{_OF}(?P<year>[0-9]{{4}})(?![0-9]))?"
)
_DIGITS: Final = re.compile(
    r"(?<![\w./-])(?:(?P<y>[0-9]{4})(?P<mark>[-/])(?P<m>[0-9]{1,2})(?:(?P=mark)(?P<d>[0-9]{1,2}))?"
    r"|(?P<a>[0-9]{1,2})(?P<parted>[./-])(?P<b>[0-9]{1,2})(?P=parted)(?P<c>[0-9]{4}))"
    r"(?![\w/-]|\.[0-9])"
    r"|(?<![\w./-])(?P<a2>[0-9]{1,2})/(?P<b2>[0-9]{1,2})/(?P<c2>[0-9]{2})(?![\w/-]|\.[0-9])"
)
_SEASON: Final = re.compile(rf"\b(?P<word>{any_of(SEASONS)})\b(?:,? {_OF}(?P<year>{_YEAR})\b)?")
_FEAST: Final = re.compile(rf"\b(?P<word>{any_of(FEASTS)})\b(?:,? {_OF}(?P<year>{_YEAR})\b)?")
_QUARTER: Final = re.compile(
    rf"\b(?:(?P<before>{_YEAR}),? )?q(?P<quarter>[1-4])(?:,? (?:of )?(?P<year>{_YEAR}))?\b"
)
_DECADE: Final = re.compile(r"\b(?P<long>(?:1[0-9]|20)[0-9]0)'?s\b|\bthe '?(?P<short>[0-9]0)'?s\b")
_YEARS: Final = re.compile(rf"(?<![\w.,/$-])(?P<year>{_YEAR})(?P<joint>{_THRU})(?P<last>{_YEAR})\b")
_LONE_YEAR: Final = re.compile(rf"(?<![\w.,/$])(?P<year>{_YEAR})\b")
_NO_YEAR: Final = re.compile(
    r"[.,:/-][0-9]| ?[%$\u20ac\u00a3\u00b0]| (?:(?:more |other )?(?:people|persons?|users?|guests"
    r"|men|women|kids|children|students|players|followers|subscribers|members|copies|books|pages|words"
    r"|photos|songs|votes|likes|points|items|pieces|dollars|bucks|euros?|pounds|yen|miles|meters"
    r"|metres|steps|feet|km|kilometers|kilometres|kg|grams?|calories|kcal|hours|minutes|seconds"
    r"|days|weeks|months|years|times|square|personen|leute|menschen|personnes|personas|pessoas"
    r"|persone))\b"
)
_BEFORE: Final = (
    r"in|of|since|before|after|until|till|by|during|from|between|through|throughout|around|for|over"
    r"|every|im|seit|vor|nach|bis|ab|zwischen|von|en|de|depuis|avant|apres|pendant|desde|hasta"
    r"|antes de|despues de|durante|entre|em|ate|depois de|nel|nell'|dal|dopo|prima di|tra|fra|al"
    rf"|{any_of(PARTS)}|{any_of(set(SHIFTS) - {'this'})}"
)
_BEFORE_MONTH: Final = re.compile(rf"\b(?:{_BEFORE})[ -]$")
_BEFORE_CAPITAL: Final = re.compile(r"\b(?:the|this|a|an) $")
_BEFORE_DAY: Final = re.compile(r"\b(?:on|the|am|den|dem|le|el|il|dia) $")
_BEFORE_SEASON: Final = re.compile(
    rf"\b(?:(?:{_BEFORE}|this|au|der)(?: the| der| dem| den| le| la| el| il| o)?[ -]"
    r"|(?:in |en )?(?:l|d|dell|nell|quest)')$"
)
_BEHIND_SEASON: Final = re.compile(rf" {any_of(SHIFTS_BEHIND)}\b")
_BEFORE_YEAR: Final = re.compile(
    rf"\b(?:{_BEFORE}|the)[ -](?:the )?(?:(?:year|jahre?|ano|annee|anno) )?$"
    r"|\b(?:year|jahre?|ano|annee|anno|l'annee) $"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text names times, from `start` until before `end`; several if it is ambiguous."""

    start: int
    end: int
    times: tuple[Asked, ...]


Finder: TypeAlias = Callable[[str], Iterator[Place]]


def named_times(text: str, cased: str) -> list[Place]:
    """Return where a plain text in small letters names times, in order, none twice.

    `cased` is the same text with its capitals, which tell "May" from "may" (see `time_words`).
    """

    def dates(_: str) -> Iterator[Place]:
        return _dates(text, cased)

    return apart((_digits, dates, *_FINDERS), text)


def apart(finders: tuple[Finder, ...], text: str) -> list[Place]:
    """Return what the finders find, in order; the first of those that overlap wins."""
    found: list[Place] = []
    for finder in finders:
        found += [
            place
            for place in islice(finder(text), MOST_TIMES)
            if not any(each.start < place.end and place.start < each.end for each in found)
        ]
    return sorted(found, key=lambda place: place.start)


def says_before(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str] | None:
    """Return what ends with the pattern right before a place of a text."""
    return pattern.search(text, max(at - _NEAR, 0), at)


def _digits(text: str) -> Iterator[Place]:
    for match in _DIGITS.finditer(text):
        parts = match.groupdict()
        if parts["y"]:
            times = [_on(parts["y"], parts["m"], parts["d"])]
        else:
            first, second = parts["a"] or parts["a2"], parts["b"] or parts["b2"]
            year = parts["c"] or _long_year(parts["c2"])
            days_first = parts["parted"] == "."
            orders = ((second, first),) if days_first else ((first, second), (second, first))
            times = [_on(year, month, day) for month, day in dict.fromkeys(orders)]
        yield from _found(match, times)


def _dates(text: str, cased: str) -> Iterator[Place]:
    end = 0
    for match in _DATE.finditer(text):
        if _is_date(match, cased, end):
            yield from _found(match, [_in_year(_named_days(match), match["year"])])
            end = match.end()


def _is_date(match: re.Match[str], cased: str, end_of_last: int) -> bool:
    """Tell whether the name of a month is meant as one."""
    word, start, text = match["month"], match.start(), match.string
    if word not in WEAK_MONTHS or match["year"] or match["nth"] or match["nth2"]:
        return True
    has_day = bool(match["day"] or match["day2"])
    is_capital = cased[match.start("month")].isupper()
    return bool(
        (has_day and (is_capital or says_before(_BEFORE_DAY, text, start)))
        or says_before(_BEFORE_MONTH, text, start)
        or (is_capital and says_before(_BEFORE_CAPITAL, text, start))
        or _BEHIND_SEASON.match(text, match.end())
        or (end_of_last and re.fullmatch(_THRU, text[end_of_last:start]))
    )


def _named_days(match: re.Match[str]) -> Recurring | None:
    month = MONTHS[match["month"]]
    length = _LENGTHS[month - 1]
    first = int(match["day"] or match["day2"] or 0)
    if not first:
        return Recurring((month, 1), (month, length))
    last = int((match["until"] if match["day"] else match["until2"]) or first)
    return Recurring((month, first), (month, max(first, last))) if last <= length else None


def _feasts(text: str) -> Iterator[Place]:
    for match in _FEAST.finditer(text):
        yield from _found(match, [_in_year(FEASTS[match["word"]], match["year"])])


def _seasons(text: str) -> Iterator[Place]:
    for match in _SEASON.finditer(text):
        is_season = (
            match["year"]
            or says_before(_BEFORE_SEASON, text, match.start())
            or _BEHIND_SEASON.match(text, match.end())
        )
        if is_season:
            season, year = SEASONS[match["word"]], match["year"]
            times = [_in_year(season, year)]
            if year and season.last < season.first:
                # "The winter of 2022" can also be the one that ends in it.
                times.append(season.in_year(int(year) - 1))
            yield from _found(match, times)


def _quarters(text: str) -> Iterator[Place]:
    for match in _QUARTER.finditer(text):
        last = 3 * int(match["quarter"])
        quarter = Recurring((last - 2, 1), (last, _LENGTHS[last - 1]))
        yield from _found(match, [_in_year(quarter, match["year"] or match["before"])])


def _decades(text: str) -> Iterator[Place]:
    for match in _DECADE.finditer(text):
        short = int(match["short"] or 0)
        first = int(match["long"] or 0) or short + (1900 if short >= _DECADES else 2000)
        start = match.start("long" if match["long"] else "short")
        yield Place(start, match.end(), _whole(first, first + 9))


def _year_ranges(text: str) -> Iterator[Place]:
    for match in _YEARS.finditer(text):
        first, last = int(match["year"]), int(match["last"])
        said = "-" in match["joint"] or says_before(_BEFORE_YEAR, text, match.start())
        if first < last and said and not _NO_YEAR.match(text, match.end()):
            yield Place(match.start(), match.end(), _whole(first, last))


def _years(text: str) -> Iterator[Place]:
    for match in _LONE_YEAR.finditer(text):
        if says_before(_BEFORE_YEAR, text, match.start()) and not _NO_YEAR.match(text, match.end()):
            yield Place(match.start(), match.end(), _whole(int(match[0]), int(match[0])))


_FINDERS: Final[tuple[Finder, ...]] = (
    _feasts,
    _quarters,
    _seasons,
    _decades,
    _year_ranges,
    _years,
)


def _found(
    match: re.Match[str], times: list[Asked | None] | list[Period | None]
) -> Iterator[Place]:
    said = tuple(time for time in times if time)
    if said:
        yield Place(*match.span(), said)


def _in_year(recurring: Recurring | None, year: str | None) -> Asked | None:
    return recurring.in_year(int(year)) if recurring and year else recurring


def _on(year: str, month: str, day: str | None) -> Period | None:
    place = int(month)
    if not 1 <= place <= len(_LENGTHS):
        return None
    length = _LENGTHS[place - 1]
    first, last = (1, length) if day is None else (int(day), int(day))
    if first < 1 or last > length:
        return None
    return Recurring((place, first), (place, last)).in_year(int(year))


def _long_year(short: str) -> str:
    return f"{19 if int(short) >= _NEW_YEARS else 20}{short}"


def _whole(first: int, last: int) -> tuple[Asked, ...]:
    period = days(month_start(first, 1), month_start(last + 1, 1))
    return (period,) if period else ()
