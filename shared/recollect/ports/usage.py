"""What the keys of projects use."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from recollect.domain.usage import Counts, KeyDay


class Usage(Protocol):
    """Counts what keys use, and loses no count, however many count at once.

    What a call that raises `UnavailableError` was to count may be counted or not, and more than
    once where the way to the store is bad.
    """

    def add(self, project: str, key_id: str, day: date, counts: Counts) -> Counts:
        """Count what a key used on a day; return all that it has used on it.

        It is kept for `KEPT_DAYS`.
        """
        ...

    def add_to_minute(self, project: str, minute: datetime, key_id: str | None = None) -> int:
        """Count a request of a key, or of the whole project; return how many the minute has.

        Minutes of keys and of the project are counted apart, and are kept for an hour at least.
        """
        ...

    def total(self, project: str, day: date) -> Counts:
        """Return what all keys of the project together have used on a day."""
        ...

    def days(self, project: str, first: date, last: date, *, limit: int) -> Sequence[KeyDay]:
        """Return what keys used on these days, both included, by day and then by key.

        At most so many; days on which a key used nothing are missing.
        """
        ...
