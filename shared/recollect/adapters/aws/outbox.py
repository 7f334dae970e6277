"""Changes that the index has not confirmed, or does not show yet, in the record table."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Table, key_item, number, text
from recollect.adapters.aws.items import subject_partition
from recollect.adapters.aws.waiting import waiting_marks, waiting_since
from recollect.ports.record import MemoryWrite, Pending

WAITING = "P"
NEW = "P#N#"
CONFIRMED = "P#C#"
"""Sorts before what is new, so that one query reads what was confirmed lately and all that is new;
what was confirmed earlier is behind it, and is never read again."""
END = "P#~"
SLACK = timedelta(hours=1)
"""DynamoDB may delete what was confirmed this long after the index shows it."""


def pending_item(
    project: str, subject_key: str, place: str, at: datetime, writes: Sequence[MemoryWrite]
) -> Item:
    """Return the item that tells the projector of a subject's part of a change."""
    return {
        **key_item((subject_partition(project, subject_key), f"{NEW}{place}")),
        **waiting_marks(WAITING, project, subject_key, place, at),
        "changes": _changes((write.event.version, write.event.memory_id) for write in writes),
    }


@dataclass(frozen=True)
class DynamoOutbox:
    """The pending changes in the record table, an item for each subject of a change.

    `settling` is how long the index may take to show what it has confirmed: twice its refresh
    interval. Until then a confirmed change is still among the unseen ones.
    """

    table: Table
    now: Callable[[], datetime]
    settling: timedelta

    def pending(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the pending changes of these subjects, oldest first."""
        return self._read(project, subject_keys, NEW, limit, is_newest_first=False)

    def unseen(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the changes that a search may miss: pending, or confirmed a moment ago."""
        settled = stored.time_text(self.now() - self.settling)
        start = f"{CONFIRMED}{settled}" if self.settling else NEW
        return self._read(project, subject_keys, start, limit, is_newest_first=True)

    def confirm(self, project: str, done: Sequence[Pending]) -> None:
        """Take note that the index has these: they are pending no more."""
        of_items: dict[tuple[str, str], list[Pending]] = defaultdict(list)
        for each in done:
            of_items[subject_partition(project, each.subject_key), _place(each)].append(each)
        if self.settling:
            now = self.now()
            # First, so that there is no moment when a search misses them.
            self.table.write_all(
                put=[self._confirmed(*key, of_items[key], now) for key in of_items]
            )
        self.table.write_all(delete=[(partition, f"{NEW}{at}") for partition, at in of_items])

    def stale(self, *, before: datetime, limit: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return (project, subject keys) with changes pending since before then."""
        waiting = waiting_since(self.table, WAITING, before=before, limit=limit)
        return [(project, (subject_key,)) for project, subject_key in waiting]

    def _read(
        self,
        project: str,
        subject_keys: Sequence[str],
        start: str,
        limit: int,
        *,
        is_newest_first: bool,
    ) -> list[Pending]:
        def of_subject(subject_key: str) -> list[Pending]:
            items = self.table.query(
                "pk = :pk AND sk BETWEEN :start AND :end",
                {
                    ":pk": text(subject_partition(project, subject_key)),
                    ":start": text(start),
                    ":end": text(END),
                },
                forward=not is_newest_first,
                Limit=limit,
            )
            return _whole((_pending_of(item, subject_key) for item in items), limit)

        found = self.table.together(of_subject, subject_keys)
        merged = heapq.merge(*found, key=_item_of, reverse=is_newest_first)
        return _whole((list(group) for _, group in groupby(merged, key=_item_of)), limit)

    def _confirmed(
        self, partition: str, place: str, done: Sequence[Pending], now: datetime
    ) -> Item:
        return {
            **key_item((partition, f"{CONFIRMED}{stored.time_text(now)}#{place}")),
            "changes": _changes((each.version, each.memory_id) for each in done),
            "ttl": number(int((now + self.settling + SLACK).timestamp())),
        }


def _whole(changes: Iterable[list[Pending]], limit: int) -> list[Pending]:
    """Return the first changes, each whole, until there are `limit` pending memories."""
    taken: list[Pending] = []
    for change in changes:
        if len(taken) >= limit:
            break
        taken += change
    return taken


def _changes(steps: Iterable[tuple[int, str]]) -> Item:
    return {"L": [text(f"{version}#{memory_id}") for version, memory_id in steps]}


def _pending_of(item: Item, subject_key: str) -> list[Pending]:
    place = item["sk"]["S"].removeprefix(NEW)
    changes = (change["S"].split("#", 1) for change in item["changes"]["L"])
    return [
        Pending(f"{place}/{at}", subject_key, memory_id, int(version))
        for at, (version, memory_id) in enumerate(changes)
    ]


def _place(pending: Pending) -> str:
    return pending.id.rpartition("/")[0]


def _item_of(pending: Pending) -> tuple[str, str]:
    return _place(pending), pending.subject_key
