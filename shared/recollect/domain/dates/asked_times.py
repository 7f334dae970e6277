"""Which times a question asks about, and whether it asks when something was."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from recollect.domain.dates.periods import Asked, Period
from recollect.domain.dates.time_words import TIME_WORDS, plain, small

if TYPE_CHECKING:
    from recollect.domain.dates.named_times import Place

MOST_TIMES: Final = 8
"""Who lists more asks about no time in particular."""
_DIGIT: Final = re.compile(r"[0-9]")
_LETTERS: Final = re.compile(r"[a-z\u00e7]+")
_ASKS_WHEN: Final = re.compile(
    r"\bwhen(?:'s|'d|'ll| (?:exactly |else |again |next |last )?(?:did|was|were|is|are|will|does|do"
    r"|has|had|have|am|can|could|should|would|might)\b| ?\?|$)"
    r"|\b(?:know|tell me|remember|recall|remind me|say|mention) when\b"
    r"|\b(?:what|which) (?:\w+ )?(?:date|day|month|year|week|weekend|weekday|time|season|decade)"
    r"s?\b"
    r"|\bhow long ago\b|\bhow many (?:days|weeks|months|years) (?:ago|since|until)\b"
    r"|\bwann\b|\bwelche[mnrs]? (?:tag|datum|monat|jahr|woche|wochenende|jahreszeit)\b"
    r"|\bwie lange ist\b|\b(?:quel|quelle) (?:date|jour|mois|annee|semaine|saison|heure)\b"
    r"|\bil y a combien\b|\b(?:que|qual|in che|quale) (?:fecha|dia|mes|ano|semana|data"
    r"|giorno|mese|anno|settimana|hora|ora)\b|\bcuanto hace\b|\bha quanto tempo\b"
    r"|(?:^|[.,;:!?\u00bf] ?)(?:y |e |et |depuis |desde |hasta |da )?(?:quand|cuando|quando)\b"
    r"|\b(?:quand|cuando|quando) ?\?"
)
_ANY_DAY: Final = datetime(2000, 6, 15, tzinfo=UTC)
"""Far from both ends of the calendar."""


def asked_periods(question: str, reference: datetime) -> tuple[Asked, ...]:
    """Return the times that a question asks about, in its order; empty if it names none.

    What it names without a year comes back as `Recurring`. Relative times ("yesterday", "last
    week") count from the day in UTC of `reference`, which must be aware, or from the first whole
    date in the question: "what did she do last Friday, as she said on 23 January 2022". A date that
    can be read in two ways gives both; seasons are those of the northern half of the world. Takes
    time linear in the length of the question.
    """
    cased = plain(question)
    text = small(cased)
    if not _may_tell_time(text):
        return ()
    from recollect.domain.dates.named_times import named_times  # noqa: PLC0415 - 40 ms of patterns
    from recollect.domain.dates.relative_times import relative_times  # noqa: PLC0415 - as above
    from recollect.domain.dates.time_phrases import read_around  # noqa: PLC0415 - as above

    now = reference.astimezone(UTC)
    named = named_times(text, cased)
    phrases = read_around(text, named, now)
    free = [
        place
        for place in relative_times(text, _today(named, now))
        if not any(each.start < place.end and place.start < each.end for each in phrases)
    ]
    places = sorted([*phrases, *read_around(text, free, now)], key=lambda place: place.start)
    return tuple(dict.fromkeys(time for place in places for time in place.times))[:MOST_TIMES]


def asks_when(question: str) -> bool:
    """Tell whether a question asks for a time: "When did...", "what date", "how long ago"."""
    return bool(_ASKS_WHEN.search(small(plain(question))) or "cu\u00e1ndo" in question.lower())


def names_a_time(text: str) -> bool:
    """Tell whether a text says when something is: "yesterday", "in May", "two weeks ago"."""
    cased = plain(text)
    written = small(cased)
    if not _may_tell_time(written):
        return False
    from recollect.domain.dates.named_times import named_times  # noqa: PLC0415 - as above
    from recollect.domain.dates.relative_times import relative_times  # noqa: PLC0415 - as above

    return bool(relative_times(written, _ANY_DAY.toordinal()) or named_times(written, cased))


def _may_tell_time(text: str) -> bool:
    return bool(_DIGIT.search(text)) or not TIME_WORDS.isdisjoint(_LETTERS.findall(text))


def _today(named: "list[Place]", now: datetime) -> int:
    dates = (time.days for place in named for time in place.times[:1] if isinstance(time, Period))
    return next((first for first, after in dates if after - first == 1), now.toordinal())
