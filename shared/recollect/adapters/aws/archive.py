"""What only exports read, in the record table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from recollect.adapters import stored
from recollect.adapters.aws import graph_items
from recollect.adapters.aws.dynamodb import Item, Table, text
from recollect.adapters.aws.episodes import FIRST, SCOPE, DynamoEpisodes
from recollect.adapters.aws.graph_items import ALIAS, graph_partition
from recollect.adapters.aws.items import DELETED, scope_partition, subject_partition
from recollect.domain.graph import Alias, Owner
from recollect.domain.memory import Episode, Json
from recollect.domain.subjects import Subject

_END = "~"
"""Sorts behind every key of ours."""


@dataclass(frozen=True)
class DynamoArchive:
    """The record table as exports read it; see the port `Archive` for what it promises."""

    table: Table
    episode_items: DynamoEpisodes

    def metadata(self, project: str, subject: Subject) -> Mapping[str, Json]:
        """Return what was said of the subject. One GetItem."""
        item = self.table.get((subject_partition(project, subject.key), "A")) or {}
        if "metadata" not in item:
            return {}
        found: Mapping[str, Json] = stored.load(item["metadata"]["S"])["metadata"]
        return found

    def deleted(
        self, project: str, subject: Subject, *, limit: int, after: str = ""
    ) -> dict[str, str]:
        """Return place -> id for memories of the subject that were deleted. One Query."""
        partition = subject_partition(project, subject.key)
        items = self._behind(partition, after or DELETED, DELETED, limit)
        places = [item["sk"]["S"] for item in items]
        return {place: place.rpartition("#")[2] for place in places}

    def episodes(
        self, project: str, subject: Subject, *, now: datetime, limit: int, after: str = ""
    ) -> dict[str, Episode | None]:
        """Return place -> episode for all scopes that the subject is in. A Query a scope."""
        found = list(islice(self._places(project, subject, after, limit), limit))
        ids = {sort: sort.split("#", 2)[2] for _, sort in found}
        episodes = self.episode_items.get(project, ids.values(), now=now)
        return {f"{scope_key}/{sort}": episodes.get(ids[sort]) for scope_key, sort in found}

    def aliases(self, owner: Owner, *, limit: int, after: str = "") -> list[Alias]:
        """Return the aliases of the owner's entities, in the order of ids. One Query."""
        items = self._behind(graph_partition(owner), f"{ALIAS}{after}", ALIAS, limit)
        return [graph_items.alias_of(item) for item in items]

    def _places(
        self, project: str, subject: Subject, after: str, limit: int
    ) -> Iterator[tuple[str, str]]:
        """Yield the key of a scope, and the sort key of an episode's place in it, in order."""
        first_scope, _, first_sort = after.partition("/")
        partition = subject_partition(project, subject.key)
        scopes = self.table.query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {
                ":pk": text(partition),
                ":first": text(SCOPE + first_scope),
                ":last": text(SCOPE + _END),
            },
        )
        for scope in scopes:
            scope_key = scope["sk"]["S"].removeprefix(SCOPE)
            start = first_sort if scope_key == first_scope else FIRST
            for item in self._behind(scope_partition(project, scope_key), start, FIRST, limit):
                yield scope_key, item["sk"]["S"]

    def _behind(self, partition: str, after: str, prefix: str, limit: int) -> list[Item]:
        """Return the first items behind a sort key that begin with this."""
        items = self.table.query(
            "pk = :pk AND sk BETWEEN :after AND :last",
            {":pk": text(partition), ":after": text(after), ":last": text(prefix + _END)},
            Limit=limit + 1,
        )
        behind = (item for item in items if item["sk"]["S"] != after)
        return list(islice(behind, limit))
