"""What keys used, as it is answered."""

from typing_extensions import TypedDict

from recollect.domain.usage import Counts, KeyDay
from recollect.usecases.metering import UsageOfDays


class CountsAnswer(TypedDict):
    """How many requests there were, and tokens that language models read and wrote for them."""

    requests: int
    tokens: int


class KeyDayAnswer(TypedDict):
    """What one key used on one day (of UTC); the key may be revoked."""

    date: str
    key_id: str
    requests: int
    tokens: int


class UsageAnswer(TypedDict):
    """What a project's keys used from the day `start` to the day `end`, both included."""

    start: str
    end: str
    totals: CountsAnswer
    results: list[KeyDayAnswer]


def usage_answer(usage: UsageOfDays) -> UsageAnswer:
    """Return what was used, by day and then by key."""
    return {
        "start": usage.first.isoformat(),
        "end": usage.last.isoformat(),
        "totals": _counts(usage.total),
        "results": [_line(line) for line in usage.lines],
    }


def _counts(counts: Counts) -> CountsAnswer:
    return {"requests": counts.requests, "tokens": counts.tokens}


def _line(line: KeyDay) -> KeyDayAnswer:
    return {
        "date": line.day.isoformat(),
        "key_id": line.key_id,
        "requests": line.counts.requests,
        "tokens": line.counts.tokens,
    }
