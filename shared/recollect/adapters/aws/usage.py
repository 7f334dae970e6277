"""What keys use, in the control table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key, Table, number, text
from recollect.adapters.aws.items import project_part
from recollect.domain.usage import KEPT_DAYS, Counts, KeyDay

KEPT_MINUTES = timedelta(hours=1)
USAGE_PARTITIONS = "U#"
"""Their keys begin with it; what counts may update no others, as the template says."""
# Each an alias, because DynamoDB has most words for itself.
_COUNT = "ADD #requests :requests, #tokens :tokens SET #ttl = :ttl"
_NAMES = {"#requests": "requests", "#tokens": "tokens", "#ttl": "ttl"}


@dataclass(frozen=True)
class DynamoUsage:
    """Counts in the control table, each in an item of its own that expires.

    They are in a partition of their own for each project, which takes 1,000 counts a second: no
    more than a project's requests, and nothing else has to wait for them.
    """

    control: Table

    def add(self, project: str, key_id: str, day: date, counts: Counts) -> Counts:
        """Count what a key used on a day; return all that it has used on it."""
        midnight = datetime.combine(day, datetime.min.time(), UTC)
        expires_at = midnight + timedelta(days=KEPT_DAYS)
        return self._add(_day_key(project, day, key_id), counts, expires_at)

    def add_to_minute(self, project: str, minute: datetime, key_id: str | None = None) -> int:
        """Count a request of a key, or of the whole project; return how many the minute has."""
        key = _partition(project), f"M#{stored.time_text(minute)}#{key_id or ''}"
        return self._add(key, Counts(requests=1), minute + KEPT_MINUTES).requests

    def total(self, project: str, day: date) -> Counts:
        """Return what all keys of the project together have used on a day."""
        return sum((each.counts for each in self._between(project, day, day)), Counts())

    def days(self, project: str, first: date, last: date, *, limit: int) -> Sequence[KeyDay]:
        """Return what keys used on these days, both included, by day and then by key."""
        return list(islice(self._between(project, first, last), limit))

    def _add(self, key: Key, counts: Counts, expires_at: datetime) -> Counts:
        values = {
            ":requests": number(counts.requests),
            ":tokens": number(counts.tokens),
            ":ttl": number(int(expires_at.timestamp())),
        }
        options: Item = {"ExpressionAttributeNames": _NAMES, "ReturnValues": "ALL_NEW"}
        return _counts(self.control.update(key, _COUNT, values, **options))

    def _between(self, project: str, first: date, last: date) -> Iterator[KeyDay]:
        # What follows # in the character set ends the last day.
        values = {
            ":pk": text(_partition(project)),
            ":first": text(f"D#{first.isoformat()}#"),
            ":last": text(f"D#{last.isoformat()}$"),
        }
        for item in self.control.query("pk = :pk AND sk BETWEEN :first AND :last", values):
            _, day, key_id = item["sk"]["S"].split("#", 2)
            yield KeyDay(date.fromisoformat(day), key_id, _counts(item))


def _partition(project: str) -> str:
    return f"{USAGE_PARTITIONS}{project_part(project)}"


def _day_key(project: str, day: date, key_id: str) -> Key:
    return _partition(project), f"D#{day.isoformat()}#{key_id}"


def _counts(item: Mapping[str, Any]) -> Counts:
    return Counts(requests=int(item["requests"]["N"]), tokens=int(item["tokens"]["N"]))
