"""What awaits the graph writer and the graph's projections, in the record table."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from recollect.adapters import stored, stored_graph
from recollect.adapters.aws import graph_items
from recollect.adapters.aws.dynamodb import Item, Key, Step, Table, key_item, key_of, number, text
from recollect.adapters.aws.graph_items import (
    ASIDE,
    CONFIRMED,
    PROJECTING,
    READING,
    UNPROJECTED,
    UNREAD,
    aside_key,
    graph_partition,
    place_of,
    unread_key,
)
from recollect.adapters.aws.outbox import SLACK
from recollect.adapters.aws.waiting import waiting_since
from recollect.adapters.aws.wide import first_places
from recollect.adapters.stored_graph import WHOLE
from recollect.domain.graph import Owner
from recollect.ports.graph import Unread
from recollect.ports.graph_outbox import SetAside, Unprojected
from recollect.ports.record import LostRaceError


@dataclass(frozen=True)
class DynamoGraphOutbox:
    """What is left to do for graphs; see the port `GraphOutbox` for what it promises.

    What is unread has an item for each memory of a change, so that a commit may be done with some
    of them. `settling` is how long an index may take to show what it has confirmed.
    """

    table: Table
    now: Callable[[], datetime]
    new_token: Callable[[], str]
    settling: timedelta

    def unread(self, owner: Owner, *, limit: int) -> list[Unread]:
        """Return what awaits the graph writer, oldest first. One Query."""
        items = self._between(owner, UNREAD, f"{UNREAD}~", limit)
        return list(map(graph_items.unread_of, items))

    def unread_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with changes unread since before then. 16 Queries at once."""
        return self._owners(READING, before, limit)

    def set_aside(self, owner: Owner, unread: Unread, *, reason: str) -> None:
        """Take a change out of what is unread. One TransactWriteItems."""
        item = graph_items.aside_item(SetAside(owner, unread, reason))
        self._move(unread_key(owner, unread.id), item)

    def aside(self, *, limit: int) -> list[SetAside]:
        """Return what was set aside, of all projects. 16 Queries at once, and a BatchGetItem."""
        oldest = list(map(key_of, first_places(self.table, ASIDE, limit=limit)))
        found = self.table.get_all(oldest)
        return [graph_items.aside_of(found[key]) for key in oldest if key in found]

    def take_up(self, aside: SetAside, *, at: datetime) -> None:
        """Have a change that was set aside be unread again. One TransactWriteItems."""
        owner, unread = aside.owner, aside.unread
        item = graph_items.unread_item(owner, unread, at)
        self._move(aside_key(owner, unread.id), item)

    def unprojected(self, owner: Owner, *, limit: int) -> list[Unprojected]:
        """Return commits that projections have not confirmed, oldest first. One Query."""
        items = self._between(owner, UNPROJECTED, f"{UNPROJECTED}~", limit)
        return list(map(graph_items.unprojected_of, items))

    def confirm(self, owner: Owner, done: Sequence[Unprojected]) -> None:
        """Take note that the projections have these; they are fresh for a while."""
        if self.settling:
            now = self.now()
            # First, so that there is no moment when they are neither.
            self.table.write_all(put=[self._confirmed(owner, each, now) for each in done])
        keys = [graph_items.unprojected_key(owner, each.id) for each in done]
        self.table.write_all(delete=keys)

    def unprojected_owners(self, *, before: datetime, limit: int) -> list[Owner]:
        """Return owners with commits unprojected since before then. 16 Queries at once."""
        return self._owners(PROJECTING, before, limit)

    def fresh(self, owner: Owner, *, limit: int) -> list[str]:
        """Return ids of entities that an index may not show yet, the last first. One Query."""
        settled = stored.time_text(self.now() - self.settling)
        start = f"{CONFIRMED}{settled}" if self.settling else UNPROJECTED
        items = self._between(owner, start, f"{UNPROJECTED}~", limit, forward=False)
        commits = map(graph_items.unprojected_of, items)
        return list(dict.fromkeys(an_id for each in commits for an_id in each.entity_ids))

    def project_again(self, owner: Owner, *, at: datetime) -> None:
        """Have the owner's whole graph be unprojected. One PutItem."""
        place = place_of(at, self.new_token())
        self.table.put(graph_items.unprojected_item(owner, place, at, WHOLE))

    def _between(
        self, owner: Owner, start: str, end: str, limit: int, *, forward: bool = True
    ) -> list[Item]:
        """Return the owner's first, or last, items between two sort keys, and read no others."""
        items = self.table.query(
            "pk = :pk AND sk BETWEEN :start AND :end",
            {":pk": text(graph_partition(owner)), ":start": text(start), ":end": text(end)},
            forward=forward,
            Limit=limit,
        )
        return list(islice(items, limit))

    def _owners(self, kind: str, before: datetime, limit: int) -> list[Owner]:
        found = waiting_since(self.table, kind, before=before, limit=limit)
        return [Owner(project, key) for project, key in found]

    def _move(self, place: Key, item: Item) -> None:
        """Exchange the item at a place for another one, unless it is there no more."""
        delete = {
            "TableName": self.table.name,
            "Key": key_item(place),
            "ConditionExpression": "attribute_exists(pk)",
        }
        steps = [
            Step({"Delete": delete}, LostRaceError("Somebody else was faster")),
            Step({"Put": {"TableName": self.table.name, "Item": item}}),
        ]
        with suppress(LostRaceError):
            self.table.transact(steps, self.new_token())

    def _confirmed(self, owner: Owner, done: Unprojected, now: datetime) -> Item:
        place = f"{CONFIRMED}{stored.time_text(now)}#{done.id}"
        return {
            **key_item((graph_partition(owner), place)),
            "body": text(stored.dump(stored_graph.dump_unprojected(replace(done, triples=())))),
            "ttl": number(int((now + self.settling + SLACK).timestamp())),
        }
