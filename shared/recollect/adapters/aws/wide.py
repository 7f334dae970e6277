"""Reading the index `wide`, whose partitions of one kind are shards of one list."""

from itertools import chain, islice

from recollect.adapters.aws.dynamodb import Item, Table, text
from recollect.adapters.aws.items import WIDE_INDEX, WIDE_SHARDS

END = "~"
"""Sorts behind every place."""


def first_places(
    table: Table, kind: str, *, limit: int, up_to: str = END, last_first: bool = False
) -> list[Item]:
    """Return the first items of all shards of a kind (`J#`, ...) together, in the order of `gsk`.

    At most `limit` items, whose `gsk` is at most `up_to`; from the end on if `last_first`. A Query
    of each shard, 16 at once.
    """

    def of_shard(at: int) -> list[Item]:
        found = table.query(
            "gpk = :gpk AND gsk <= :up_to",
            {":gpk": text(f"{kind}{at}"), ":up_to": text(up_to)},
            forward=not last_first,
            IndexName=WIDE_INDEX,
            Limit=limit,
        )
        return list(islice(found, limit))

    shards = table.together(of_shard, range(WIDE_SHARDS))
    together = sorted(chain(*shards), key=_place, reverse=last_first)
    return together[:limit]


def _place(item: Item) -> str:
    place: str = item["gsk"]["S"]
    return place
