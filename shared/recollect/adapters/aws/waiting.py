"""What waits for somebody in the record table, found by how long it has waited."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Table, text
from recollect.adapters.aws.items import WIDE_INDEX, WIDE_SHARDS, project_of, project_part, shard


def waiting_marks(kind: str, project: str, key: str, place: str, since: datetime) -> Item:
    """Return the attributes by which `wide` finds an item of a kind (a letter) that waits.

    `key` is that of the subject or owner whose item it is, `place` its own among these.
    """
    return {
        "gpk": text(f"{kind}#{shard(key, WIDE_SHARDS)}"),
        "gsk": text(f"{stored.time_text(since)}#{project_part(project)}#{key}#{place}"),
    }


def waiting_since(
    table: Table, kind: str, *, before: datetime, limit: int
) -> list[tuple[str, str]]:
    """Return (project, key) of those whose items have waited since before then, longest first.

    16 Queries at once.
    """

    def of_shard(at: int) -> list[tuple[str, str, str]]:
        found = table.query(
            "gpk = :gpk AND gsk <= :before",
            {":gpk": text(f"{kind}#{at}"), ":before": text(stored.time_text(before) + "~")},
            IndexName=WIDE_INDEX,
            Limit=limit,
        )
        return list(islice(_oldest_of_each(found), limit))

    shards = table.together(of_shard, range(WIDE_SHARDS))
    oldest = sorted(each for found in shards for each in found)[:limit]
    return [(project_of(project), key) for _, project, key in oldest]


def _oldest_of_each(items: Iterable[Item]) -> Iterator[tuple[str, str, str]]:
    """Yield since when, project and key of the first item of each."""
    seen = set()
    for item in items:
        since, project, key, _ = item["gsk"]["S"].split("#", 3)
        if (project, key) not in seen:
            seen.add((project, key))
            yield since, project, key
