"""A change as the steps of one DynamoDB transaction, no item twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key, Step, key_item, number, text
from recollect.adapters.aws.graph_items import unread_items
from recollect.adapters.aws.items import (
    DELETED,
    EXPIRING,
    WIDE_SHARDS,
    event_key,
    marker_key,
    member_key,
    place,
    project_part,
    scope_partition,
    shard,
    state_key,
    subject_partition,
    vectors_item,
    wide_memories,
)
from recollect.adapters.aws.outbox import pending_item
from recollect.adapters.derived import text_marker
from recollect.domain.memory import HistoryEvent, Memory
from recollect.ports.record import (
    Change,
    ClockMovedError,
    LostRaceError,
    MemoryWrite,
    TextTakenError,
    VersionMovedError,
)

PENDING_SPREAD = 3
"""Digits of a pending item's place within its change."""


@dataclass
class _Text:
    """Who gives up a text of a scope in a change, and who has it at the end."""

    given_up_by: set[str] = field(default_factory=set)
    taken_by: Memory | None = None
    is_needed: bool = True
    """Whether nothing is stored without it."""

    def take(self, memory: Memory, *, is_needed: bool) -> None:
        if self.taken_by:
            raise text_taken()
        self.taken_by, self.is_needed = memory, is_needed


@dataclass(frozen=True)
class Plan:
    """The steps of a change but for its job's and its episode's.

    `unique` is a text that no other change has and that sorts by time.
    """

    table: str
    project: str
    secret: bytes
    unique: str

    def steps(self, change: Change, erasures: Mapping[str, str]) -> list[Step]:
        """Return the steps; raise `TextTakenError` if two memories would end with one text.

        `erasures` tells which scopes must have no other stamp of an erasure than somebody has seen,
        and the ids of these, empty where there was none.
        """
        return [
            *self._clocks(change, erasures),
            *(step for write in change.writes for step in self._memory(write)),
            *self._markers(change),
            *self._pending(change),
            *map(self._put, unread_items(self.unique, change.at, change.writes)),
        ]

    def _clocks(self, change: Change, erasures: Mapping[str, str]) -> Iterator[Step]:
        expected = change.expected_clocks or {}
        written = {write.scope.key for write in change.writes}
        for scope_key in sorted(written | set(expected) | set(erasures)):
            conditions, values = _scope_conditions(expected.get(scope_key), erasures.get(scope_key))
            request: Item = {
                "TableName": self.table,
                "Key": key_item((scope_partition(self.project, scope_key), "A")),
                **({"ConditionExpression": " AND ".join(conditions)} if conditions else {}),
            }
            if scope_key in written:
                request["UpdateExpression"] = "ADD clock :one"
                values = {**values, ":one": number(1)}
            if values:
                request["ExpressionAttributeValues"] = values
            moved = ClockMovedError("The scope changed while this was decided")
            yield Step({"Update" if scope_key in written else "ConditionCheck": request}, moved)

    def _memory(self, write: MemoryWrite) -> Iterator[Step]:
        yield self._state(write)
        yield self._put(event_item(self.project, write.event))
        before, after = self._members(write.before), self._members(write.after)
        for member in sorted(before.keys() - after.keys()):
            yield Step({"Delete": {"TableName": self.table, "Key": key_item(member)}})
        for member, item in after.items():
            if before.get(member) != item:
                yield self._put(item)

    def _state(self, write: MemoryWrite) -> Step:
        before, after = write.before, write.after
        memory_id = write.event.memory_id
        item = key_item(state_key(self.project, memory_id))
        if after:
            item |= _state(after)
            item["gpk"] = text(wide_memories(self.project, shard(memory_id, WIDE_SHARDS)))
            item["gsk"] = text(place(after))
        else:
            item |= _tombstone(write)
        if before is None:
            exists = VersionMovedError(f"Memory {memory_id} exists already")
            return self._put(item, exists, ConditionExpression="attribute_not_exists(pk)")
        return self._put(
            item,
            VersionMovedError(f"Memory {memory_id} was changed by somebody else"),
            ConditionExpression="version = :before AND attribute_exists(body)",
            ExpressionAttributeValues={":before": number(before.version)},
        )

    def _members(self, memory: Memory | None) -> dict[Key, Item]:
        if memory is None:
            return {}
        day = memory.expires_on.isoformat() if memory.expires_on else None
        expiry = {"expires_on": text(day)} if day else {}
        keys = [member_key(self.project, subject, memory) for subject in memory.scope.subjects]
        members = {key: {**key_item(key), **expiry} for key in keys}
        if day:
            # One of them is enough to be found by; the state itself is found by its time.
            members[keys[0]] |= {
                "gpk": text(f"{EXPIRING}{shard(memory.id, WIDE_SHARDS)}"),
                "gsk": text(f"{day}#{project_part(self.project)}#{memory.id}"),
            }
        return members

    def _markers(self, change: Change) -> Iterator[Step]:
        texts: dict[Key, _Text] = defaultdict(_Text)
        for write in change.writes:
            if write.before:
                texts[self._marker(write.before)].given_up_by.add(write.before.id)
            if write.after:
                # An expired one that is added would lose its text at once to whoever has it.
                is_needed = bool(write.before) or not write.after.is_expired(change.at)
                texts[self._marker(write.after)].take(write.after, is_needed=is_needed)
        today = stored.day_text(change.at)
        for key, each in texts.items():
            if each.taken_by:
                step = self._take(key, each.taken_by, each.given_up_by, today)
                yield step if each.is_needed else replace(step, lost=None)
            else:
                yield self._give_up(key, each.given_up_by)

    def _marker(self, memory: Memory) -> Key:
        marker = text_marker(self.secret, memory.text)
        return marker_key(self.project, memory.scope.key, marker)

    def _take(self, key: Key, memory: Memory, given_up_by: set[str], today: str) -> Step:
        """Take a text that nobody has, or an expired memory, or one that gives it up here."""
        holders = {f":holder{at}": text(an_id) for at, an_id in enumerate(sorted(given_up_by))}
        condition = "attribute_not_exists(pk) OR expires_on < :today"
        if holders:
            condition += f" OR memory_id IN ({', '.join(holders)})"
        item = {**key_item(key), "memory_id": text(memory.id)}
        if memory.expires_on:
            item["expires_on"] = text(memory.expires_on.isoformat())
        return self._put(
            item,
            text_taken(),
            ConditionExpression=condition,
            ExpressionAttributeValues={":today": text(today), **holders},
        )

    def _give_up(self, key: Key, given_up_by: set[str]) -> Step:
        """Delete a marker while it names who gives the text up; an heir of it keeps it."""
        holders = {f":holder{at}": text(an_id) for at, an_id in enumerate(sorted(given_up_by))}
        request = {
            "TableName": self.table,
            "Key": key_item(key),
            "ConditionExpression": (
                f"attribute_not_exists(pk) OR memory_id IN ({', '.join(holders)})"
            ),
            "ExpressionAttributeValues": holders,
        }
        return Step({"Delete": request}, lost=None)

    def _pending(self, change: Change) -> Iterator[Step]:
        of_subjects: dict[str, list[MemoryWrite]] = defaultdict(list)
        for write in change.writes:
            for subject in write.scope.subjects:
                of_subjects[subject.key].append(write)
        for at, (subject_key, writes) in enumerate(of_subjects.items()):
            unique = f"{self.unique}-{at:0{PENDING_SPREAD}d}"
            yield self._put(pending_item(self.project, subject_key, unique, change.at, writes))

    def _put(self, item: Item, lost: LostRaceError | None = None, **condition: object) -> Step:
        return Step({"Put": {"TableName": self.table, "Item": item, **condition}}, lost)


def size_of(steps: Sequence[Step]) -> int:
    """Return how many bytes the documents and vectors of these steps have: most of them all."""
    items = [step.request["Put"]["Item"] for step in steps if "Put" in step.request]
    bodies = [item["body"].get("S", "") for item in items if "body" in item]
    vectors = [data["B"] for item in items for data in item.get("vec", {"M": {}})["M"].values()]
    return sum(len(body.encode()) for body in bodies) + sum(map(len, vectors))


def text_taken() -> TextTakenError:
    """Return the refusal of a text that another memory has."""
    return TextTakenError("Another memory of the same scope has this text already")


def deleted_marks(project: str, writes: Sequence[MemoryWrite]) -> list[Item]:
    """Return what tells an erasure of a subject that it had a memory that is deleted now.

    Written before the commit: one that names a living memory does no harm. So there is one for
    each memory whose earlier events are written then, too, or nothing would lead to those.
    """
    return [
        key_item((subject_partition(project, subject.key), f"{DELETED}{_place(write)}"))
        for write in writes
        if write.earlier or not write.after
        for subject in write.scope.subjects
    ]


def earlier_events(project: str, writes: Sequence[MemoryWrite]) -> list[Item]:
    """Return the items of what had happened elsewhere to memories that are added.

    Written before the commit, since there may be more than a transaction holds.
    """
    return [event_item(project, event) for write in writes for event in write.earlier]


def event_item(project: str, event: HistoryEvent) -> Item:
    """Return the item of an event of a memory's history."""
    key = event_key(project, event.memory_id, event.version)
    return {**key_item(key), "body": text(stored.dump(stored.dump_event(event)))}


def _scope_conditions(clock: int | None, erasure: str | None) -> tuple[list[str], Item]:
    """Return the conditions on a scope's item, with their values; None is not looked at."""
    conditions: list[str] = []
    values: Item = {}
    if clock:
        conditions.append("clock = :expected")
        values[":expected"] = number(clock)
    elif clock is not None:
        conditions.append("attribute_not_exists(clock)")
    if erasure:
        conditions.append("erasure = :erasure")
        values[":erasure"] = text(erasure)
    elif erasure is not None:
        conditions.append("attribute_not_exists(erasure)")
    return conditions, values


def _state(memory: Memory) -> Item:
    return {
        "version": number(memory.version),
        "body": text(stored.dump(stored.dump_memory(memory))),
        "vec": vectors_item(memory.embedding),
    }


def _tombstone(write: MemoryWrite) -> Item:
    return {
        "version": number(write.event.version),
        "scope": text(write.scope.key),
    }


def _place(write: MemoryWrite) -> str:
    """Return where a deleted memory was in lists; by its first event if nobody knows."""
    memory = write.before or write.after
    if memory:
        return place(memory)
    first = (*write.earlier, write.event)[0]
    return f"{stored.time_text(first.at)}#{first.memory_id}"
