"""The messages of adds in the record table, and in S3 where they are long."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeAlias, TypeVar

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import (
    KEYS_PER_READ,
    PARALLEL_CALLS,
    Item,
    Key,
    Table,
    key_item,
    key_of,
    text,
)
from recollect.adapters.aws.items import (
    WIDE_INDEX,
    WIDE_SHARDS,
    episode_key,
    episode_place,
    is_possible,
    project_of,
    project_part,
    scope_partition,
    shard,
    subject_partition,
    wide_episodes,
)
from recollect.adapters.aws.objects import Objects
from recollect.domain.filters.logic import narrowness
from recollect.domain.memory import Episode
from recollect.domain.subjects import Scope, Subject

T = TypeVar("T")
Pages: TypeAlias = Iterator[Mapping[str, Any]]

FIRST = "E#"
LAST = "E#~"
REMOVED_AT_ONCE = 500
"""Episodes of a scope whose places are read together: written in 20 batches at once."""


@dataclass(frozen=True)
class EpisodeItems:
    """An episode as items of the record table: itself, and its place among those of its scope.

    The place leads to all there is of the episode and is removed last, so that a removal that
    breaks off is found again.
    """

    objects: Objects

    def of(self, project: str, episode: Episode) -> tuple[Item, Item]:
        """Return the items to be stored; stores a long body."""
        whole = stored.dump(stored.dump_episode(episode))
        body = self.objects.outsourced(whole, f"episodes/{project_part(project)}/{episode.id}")
        item: Item = {**key_item(episode_key(project, episode.id)), "body": body}
        place = key_item(episode_place(project, episode))
        if "M" in body:
            place |= body["M"]
        if episode.expires_at:
            expiry = stored.time_text(episode.expires_at)
            item["expires_at"] = text(expiry)
            place["gpk"] = text(_wide_expiring(shard(episode.id, WIDE_SHARDS)))
            place["gsk"] = text(f"{expiry}#{episode.id}")
        return item, place


@dataclass(frozen=True)
class DynamoEpisodes:
    """The episodes of the AWS edition; see the port `Episodes` for what it promises."""

    table: Table
    objects: Objects

    def get(self, project: str, episode_id: str, *, now: datetime) -> Episode | None:
        """Return the messages of one add, or None."""
        item = self.table.get(episode_key(project, episode_id)) if is_possible(episode_id) else None
        if item is None or _is_expired(item, now):
            return None
        return self._episode(project, item)

    def recent(self, scope: Scope, *, limit: int, now: datetime) -> list[Episode]:
        """Return the last episodes of the scope, newest first.

        Not among them are those that have no place among the scope's own items yet.
        """
        places = self.table.query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {
                ":pk": text(scope_partition(scope.project, scope.key)),
                ":first": text(FIRST),
                ":last": text(LAST),
            },
            forward=False,
            Limit=max(limit, 1),
        )
        found: list[Item] = []
        while len(found) < limit and (part := list(islice(places, limit))):
            keys = [_episode_at(key_of(place)) for place in part]
            items = self.table.get_all(keys)
            living = (items[key] for key in keys if key in items)
            found += (item for item in living if not _is_expired(item, now))
        return self.table.together(lambda item: self._episode(scope.project, item), found[:limit])

    def remove(self, project: str, subjects: Sequence[Subject], *, before: datetime) -> int:
        """Remove what was recorded before then of all scopes with all of these subjects.

        What the release before stored was recorded before any time of this one.
        """
        removed = 0
        for scope_keys in _parts(self._scopes_of(project, subjects), PARALLEL_CALLS):
            walks = [self._places(project, scope_key, before) for scope_key in scope_keys]
            removed += sum(map(self._remove, self._read_together(walks)))
            walks = [self._unplaced(project, scope_key) for scope_key in scope_keys]
            removed += sum(map(self._remove_unplaced, self._read_together(walks)))
        return removed

    def remove_expired(self, *, now: datetime, limit: int) -> int:
        """Remove the first `limit` expired episodes of all projects; return how many it were."""

        def of_shard(at: int) -> list[Item]:
            found = self.table.query(
                "gpk = :gpk AND gsk <= :now",
                {":gpk": text(_wide_expiring(at)), ":now": text(stored.time_text(now) + "~")},
                IndexName=WIDE_INDEX,
                Limit=limit,
            )
            return list(islice(found, limit))

        shards = self.table.together(of_shard, range(WIDE_SHARDS))
        oldest = sorted(chain(*shards), key=lambda place: str(place["gsk"]["S"]))[:limit]
        # Those that the index has still, though they are gone, do not count.
        return self._remove(list(self.table.get_all(map(key_of, oldest)).values()))

    def _episode(self, project: str, item: Item) -> Episode:
        return stored.load_episode(project, stored.load(self.objects.text_of(item["body"])))

    def _scopes_of(self, project: str, subjects: Sequence[Subject]) -> Iterator[str]:
        """Yield the keys of the scopes with all of these subjects: some of the narrowest one's."""
        if not subjects:
            return
        first, *others = sorted(subjects, key=narrowness)
        partition = subject_partition(project, first.key)
        values = {":pk": text(partition), ":scopes": text("C#")}
        items = self.table.query("pk = :pk AND begins_with(sk, :scopes)", values)
        for part in _parts((item["sk"]["S"] for item in items), KEYS_PER_READ):
            shared = set(part)
            for other in others:
                of_other = subject_partition(project, other.key)
                found = self.table.get_all((of_other, place) for place in part)
                shared &= {place for _, place in found}
            yield from (place.removeprefix("C#") for place in part if place in shared)

    def _places(self, project: str, scope_key: str, before: datetime) -> Pages:
        values = {
            ":pk": text(scope_partition(project, scope_key)),
            ":first": text(FIRST),
            ":before": text(FIRST + stored.time_text(before)),
        }
        return self.table.query_pages(
            "pk = :pk AND sk BETWEEN :first AND :before", values, Limit=REMOVED_AT_ONCE
        )

    def _unplaced(self, project: str, scope_key: str) -> Pages:
        values = {":gpk": text(wide_episodes(project, scope_key))}
        return self.table.query_pages(
            "gpk = :gpk", values, IndexName=WIDE_INDEX, Limit=REMOVED_AT_ONCE
        )

    def _read_together(self, walks: Sequence[Pages]) -> Iterator[list[Item]]:
        """Yield the items of each page; the first pages are read at once."""
        firsts = self.table.together(next, walks)
        for first, rest in zip(firsts, walks, strict=True):
            yield from (page["Items"] for page in chain([first], rest))

    def _remove(self, places: Sequence[Item]) -> int:
        keys = [key_of(place) for place in places]
        # First what is read, so that nothing is found without its object.
        self.table.write_all(delete=[_episode_at(key) for key in keys])
        objects = [place["object"]["S"] for place in places if "object" in place]
        self.table.together(self.objects.remove, objects)
        self.table.write_all(delete=keys)
        return len(keys)

    def _remove_unplaced(self, found: Sequence[Item]) -> int:
        removed = 0
        for part in _parts(map(key_of, found), KEYS_PER_READ):
            items = self.table.get_all(part)
            bodies = [item["body"] for item in items.values()]
            objects = [body["M"]["object"]["S"] for body in bodies if "M" in body]
            # Nothing else leads to them.
            self.table.together(self.objects.remove, objects)
            self.table.write_all(delete=list(items))
            removed += len(items)
        return removed


def _is_expired(item: Item, now: datetime) -> bool:
    return "expires_at" in item and item["expires_at"]["S"] <= stored.time_text(now)


def _episode_at(place: Key) -> Key:
    """Return where the episode is whose place this is."""
    partition, sort = place
    return episode_key(project_of(partition.split("#")[1]), sort.split("#", 2)[2])


def _wide_expiring(at: int) -> str:
    return f"X#{at}"


def _parts(values: Iterable[T], size: int) -> Iterator[list[T]]:
    walk = iter(values)
    while part := list(islice(walk, size)):
        yield part
