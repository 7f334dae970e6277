"""Times as people and models write them: a year, a month, a day or a moment."""

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\S+))?)?)?")
_DECEMBER = 12


def period(start: str, end: str) -> tuple[datetime | None, datetime | None]:
    """Return when the first begins and when the last is over, in UTC; the end itself is outside.

    Each is a year, a month, a day or a time of ISO 8601; anything else, and an end before the
    start, says nothing and gives None.
    """
    first, last = _span(start), _span(end)
    begins = first[0] if first else None
    ends = last[1] if last else None
    if begins and ends and ends <= begins:
        return begins, None
    return begins, ends


def _span(text: str) -> tuple[datetime, datetime] | None:
    """Return the start and the end of a written period; None if it is none."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    year, month, day, moment = written.groups()
    try:
        if moment:
            time = datetime.fromisoformat(text.strip())
            exact = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
            return exact, exact + timedelta(microseconds=1)
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        return start, _following(start, has_month=month is not None, has_day=day is not None)
    except (ValueError, OverflowError):
        return None


def _following(start: datetime, *, has_month: bool, has_day: bool) -> datetime:
    if has_day:
        return start + timedelta(days=1)
    if has_month and start.month < _DECEMBER:
        return start.replace(month=start.month + 1)
    return start.replace(year=start.year + 1, month=1)
