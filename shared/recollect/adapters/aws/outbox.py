"""Changes that the index has not confirmed, in the record table."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice, repeat
from operator import attrgetter

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    ConditionFailedError,
    Item,
    Key,
    Table,
    key_of,
    number,
    text,
)
from recollect.adapters.aws.items import (
    WIDE_INDEX,
    WIDE_SHARDS,
    project_of,
    project_part,
    shard,
    subject_partition,
)
from recollect.ports.record import MemoryWrite, Pending

FORGOTTEN_AFTER = timedelta(hours=1)
"""DynamoDB deletes what was confirmed and never looked at again some time after this."""
OF_SUBJECT = "pk = :pk AND begins_with(sk, :pending)"


def pending_item(
    project: str, subject_key: str, place: str, at: datetime, writes: Sequence[MemoryWrite]
) -> Item:
    """Return the item that tells the projector of a subject's part of a change."""
    return {
        "pk": text(subject_partition(project, subject_key)),
        "sk": text(f"P#{place}"),
        "gpk": text(f"P#{shard(subject_key, WIDE_SHARDS)}"),
        "gsk": text(f"{stored.time_text(at)}#{project_part(project)}#{subject_key}#{place}"),
        "changes": {
            "L": [text(f"{write.event.version}#{write.event.memory_id}") for write in writes]
        },
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
        return self._changes(project, subject_keys, "attribute_not_exists(indexed_at)", {}, limit)

    def unseen(self, project: str, subject_keys: Sequence[str], *, limit: int) -> list[Pending]:
        """Return the changes that a search may miss: pending, or confirmed a moment ago."""
        return self._changes(
            project,
            subject_keys,
            "attribute_not_exists(indexed_at) OR indexed_at > :settled",
            {":settled": self._settled()},
            limit,
        )

    def confirm(self, project: str, done: Sequence[Pending]) -> None:
        """Note that the index has these, and forget those that it shows by now."""
        keys = {
            (subject_partition(project, each.subject_key), f"P#{_place(each)}") for each in done
        }
        if not self.settling:
            self.table.write_all(delete=sorted(keys))
            return
        self.table.together(self._stamp, sorted(keys))
        settled = self.table.together(self._settled_of, sorted({place for place, _ in keys}))
        self.table.write_all(delete=[key for found in settled for key in found])

    def stale(self, *, before: datetime, limit: int) -> list[tuple[str, tuple[str, ...]]]:
        """Return (project, subject keys) with changes pending since before then."""

        def of_shard(at: int) -> list[tuple[str, str]]:
            found = self.table.query(
                "gpk = :gpk AND gsk <= :before",
                {":gpk": text(f"P#{at}"), ":before": text(stored.time_text(before) + "~")},
                IndexName=WIDE_INDEX,
            )
            subjects = (tuple(item["gsk"]["S"].split("#")[1:3]) for item in found)
            return list(islice(dict.fromkeys(subjects), limit))  # type: ignore[arg-type]

        shards = self.table.together(of_shard, range(WIDE_SHARDS))
        subjects = [each for found in shards for each in found][:limit]
        return [(project_of(project), (subject_key,)) for project, subject_key in subjects]

    def _settled(self) -> Item:
        return text(stored.time_text(self.now() - self.settling))

    def _changes(
        self, project: str, subject_keys: Sequence[str], condition: str, values: Item, limit: int
    ) -> list[Pending]:
        def of_subject(subject_key: str) -> list[Pending]:
            items = self.table.query(
                OF_SUBJECT,
                {
                    ":pk": text(subject_partition(project, subject_key)),
                    ":pending": text("P#"),
                    **values,
                },
                FilterExpression=condition,
            )
            return _whole(map(_changes_of, items, repeat(subject_key)), limit)

        found = self.table.together(of_subject, subject_keys)
        merged = heapq.merge(*found, key=attrgetter("id"))
        return _whole((list(group) for _, group in groupby(merged, key=_item_of)), limit)

    def _stamp(self, key: tuple[str, str]) -> None:
        now = self.now()
        with suppress(ConditionFailedError):
            self.table.update(
                key,
                "SET indexed_at = :now, #ttl = :ttl REMOVE gpk, gsk",
                {
                    ":now": text(stored.time_text(now)),
                    ":ttl": number(int((now + FORGOTTEN_AFTER).timestamp())),
                },
                ExpressionAttributeNames={"#ttl": "ttl"},
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(indexed_at)",
            )

    def _settled_of(self, partition: str) -> list[Key]:
        items = self.table.query(
            OF_SUBJECT,
            {":pk": text(partition), ":pending": text("P#"), ":settled": self._settled()},
            FilterExpression="indexed_at <= :settled",
            ProjectionExpression="pk, sk",
        )
        return [key_of(item) for item in items]


def _whole(changes: Iterable[list[Pending]], limit: int) -> list[Pending]:
    """Return the first changes, each whole, until there are `limit` pending memories."""
    taken: list[Pending] = []
    for change in changes:
        if len(taken) >= limit:
            break
        taken += change
    return taken


def _changes_of(item: Item, subject_key: str) -> list[Pending]:
    place = item["sk"]["S"].removeprefix("P#")
    changes = (change["S"].split("#", 1) for change in item["changes"]["L"])
    return [
        # Of fixed width, so that ids sort as the changes were made.
        Pending(f"{place}/{at:03d}", subject_key, memory_id, int(version))
        for at, (version, memory_id) in enumerate(changes)
    ]


def _place(pending: Pending) -> str:
    return pending.id.rpartition("/")[0]


def _item_of(pending: Pending) -> tuple[str, str]:
    return _place(pending), pending.subject_key
