"""The messages of adds in the record table, and in S3 where they are long."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice

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
from recollect.adapters.aws.objects import MissingObjectError, Objects
from recollect.adapters.aws.wide import END, first_places
from recollect.domain.filters.logic import narrowness
from recollect.domain.memory import Episode
from recollect.domain.subjects import Scope, Subject

FIRST = "E#"
LAST = "E#~"
SCOPE = "C#"
SCOPES_AT_ONCE = PARALLEL_CALLS
"""Scopes whose episodes are removed together, read in one round trip."""
EXPIRING = "X#"
"""Where `wide` has the shards of episodes that expire."""
REMOVED_AT_ONCE = 500
"""Episodes of a scope that are removed together: written in 20 batches at once."""


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
        body = self.objects.outsourced(whole, _objects_of(project, episode.id))
        item: Item = {**key_item(episode_key(project, episode.id)), "body": body}
        place = key_item(episode_place(project, episode))
        if "M" in body:
            place |= body["M"]
        if episode.expires_at:
            expiry = stored.time_text(episode.expires_at)
            item["expires_at"] = text(expiry)
            place["gpk"] = text(f"{EXPIRING}{shard(episode.id, WIDE_SHARDS)}")
            place["gsk"] = text(f"{expiry}#{episode.id}")
        return item, place

    def forget(self, project: str, episode_id: str) -> None:
        """Remove the long bodies of an episode that no item tells of."""
        self.objects.remove_all(f"{_objects_of(project, episode_id)}/")


@dataclass(frozen=True)
class DynamoEpisodes:
    """The episodes of the AWS edition; see the port `Episodes` for what it promises."""

    table: Table
    objects: Objects

    def get(
        self, project: str, episode_ids: Collection[str], *, now: datetime
    ) -> dict[str, Episode]:
        """Return the messages of adds that are there, by their ids; one round, and one of S3."""
        keys = [episode_key(project, an_id) for an_id in episode_ids if is_possible(an_id)]
        living = [item for item in self.table.get_all(keys).values() if not _is_expired(item, now)]
        episodes = self.table.together(partial(self._episode, project), living)
        return {episode.id: episode for episode in episodes if episode}

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
        found: list[Episode] = []
        while len(found) < limit and (part := list(islice(places, limit))):
            keys = [_episode_at(key_of(place)) for place in part]
            items = self.table.get_all(keys)
            there = [items[key] for key in keys if key in items]
            living = [item for item in there if not _is_expired(item, now)]
            episodes = self.table.together(partial(self._episode, scope.project), living)
            found += (episode for episode in episodes if episode)
        return found[:limit]

    def remove(
        self, project: str, subjects: Sequence[Subject], *, before: datetime, after: str = ""
    ) -> str | None:
        """Remove what was recorded before then of the next scopes with all of these subjects.

        What the release before stored was recorded before any time of this one.
        """
        if not subjects:
            return None
        narrowest, *others = sorted(subjects, key=narrowness)
        scope_keys = self.scopes_of(project, narrowest, after)
        shared = self._shared(project, others, scope_keys)
        placed = self.table.together(partial(self._places, project, before), shared)
        unplaced = self.table.together(partial(self._unplaced, project), shared)
        self._remove(list(chain(*placed)))
        self._remove_unplaced(list(chain(*unplaced)))
        if any(len(found) == REMOVED_AT_ONCE for found in (*placed, *unplaced)):
            return after
        return scope_keys[-1] if len(scope_keys) == SCOPES_AT_ONCE else None

    def remove_expired(self, *, now: datetime, limit: int) -> int:
        """Remove the first `limit` expired episodes of all projects; return how many it were."""
        due = stored.time_text(now) + END
        oldest = first_places(self.table, EXPIRING, limit=limit, up_to=due)
        # Those that the index has still, though they are gone, do not count.
        return self._remove(list(self.table.get_all(map(key_of, oldest)).values()))

    def _episode(self, project: str, item: Item) -> Episode | None:
        """Return an item's episode; None if its object is gone, as it is after a restore."""
        try:
            body = self.objects.text_of(item["body"])
        except MissingObjectError:
            return None
        return stored.load_episode(project, stored.load(body))

    def remove_one(self, project: str, episode_id: str) -> None:
        """Remove an episode by its id, if it is there."""
        item = self.table.get(episode_key(project, episode_id))
        if item is None:
            return
        episode = self._episode(project, item)
        if episode is None:
            # Its object is gone, and only that told its place.
            self.table.delete(key_of(item))
        else:
            self._remove([key_item(episode_place(project, episode)) | item["body"].get("M", {})])

    def count(self, project: str, before: datetime, scope_key: str) -> int:
        """Return how many episodes of a scope were recorded before then. One Query."""
        pages = self.table.query_pages(
            "pk = :pk AND sk BETWEEN :first AND :before",
            _places_before(project, scope_key, before),
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)

    def scopes_of(self, project: str, subject: Subject, after: str) -> list[str]:
        """Return the keys of the subject's first scopes behind that one."""
        partition = subject_partition(project, subject.key)
        start: Item = {"ExclusiveStartKey": key_item((partition, SCOPE + after))} if after else {}
        items = self.table.query(
            "pk = :pk AND begins_with(sk, :scope)",
            {":pk": text(partition), ":scope": text(SCOPE)},
            Limit=SCOPES_AT_ONCE,
            **start,
        )
        found = islice(items, SCOPES_AT_ONCE)
        return [item["sk"]["S"].removeprefix(SCOPE) for item in found]

    def _shared(
        self, project: str, subjects: Sequence[Subject], scope_keys: Sequence[str]
    ) -> list[str]:
        """Return the keys of those scopes that have all of the subjects, too."""
        for subject in subjects:
            partition = subject_partition(project, subject.key)
            found = self.table.get_all((partition, SCOPE + key) for key in scope_keys)
            scope_keys = [key for key in scope_keys if (partition, SCOPE + key) in found]
        return list(scope_keys)

    def _places(self, project: str, before: datetime, scope_key: str) -> list[Item]:
        found = self.table.query(
            "pk = :pk AND sk BETWEEN :first AND :before",
            _places_before(project, scope_key, before),
            Limit=REMOVED_AT_ONCE,
        )
        return list(islice(found, REMOVED_AT_ONCE))

    def _unplaced(self, project: str, scope_key: str) -> list[Item]:
        values = {":gpk": text(wide_episodes(project, scope_key))}
        found = self.table.query("gpk = :gpk", values, IndexName=WIDE_INDEX, Limit=REMOVED_AT_ONCE)
        return list(islice(found, REMOVED_AT_ONCE))

    def _remove(self, places: Sequence[Item]) -> int:
        keys = [key_of(place) for place in places]
        # First what is read, so that nothing is found without its object.
        self.table.write_all(delete=[_episode_at(key) for key in keys])
        objects = [place["object"]["S"] for place in places if "object" in place]
        self.table.together(self.objects.remove, objects)
        self.table.write_all(delete=keys)
        return len(keys)

    def _remove_unplaced(self, found: Sequence[Item]) -> None:
        keys = list(map(key_of, found))
        for at in range(0, len(keys), KEYS_PER_READ):
            items = self.table.get_all(keys[at : at + KEYS_PER_READ])
            bodies = [item["body"] for item in items.values()]
            objects = [body["M"]["object"]["S"] for body in bodies if "M" in body]
            # Nothing else leads to them.
            self.table.together(self.objects.remove, objects)
            self.table.write_all(delete=list(items))


def _objects_of(project: str, episode_id: str) -> str:
    """Return what the names of the objects begin with that hold an episode's body."""
    return f"episodes/{project_part(project)}/{episode_id}"


def _places_before(project: str, scope_key: str, before: datetime) -> Item:
    """Return the values of a query for the places of what was recorded before then."""
    return {
        ":pk": text(scope_partition(project, scope_key)),
        ":first": text(FIRST),
        ":before": text(FIRST + stored.time_text(before)),
    }


def _is_expired(item: Item, now: datetime) -> bool:
    return "expires_at" in item and item["expires_at"]["S"] <= stored.time_text(now)


def _episode_at(place: Key) -> Key:
    """Return where the episode is whose place this is."""
    partition, sort = place
    return episode_key(project_of(partition.split("#")[1]), sort.split("#", 2)[2])
