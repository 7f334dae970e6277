"""A change as the steps of one DynamoDB transaction, no item twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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
from recollect.domain.memory import Memory
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

    def take(self, memory: Memory) -> None:
        if self.taken_by:
            raise text_taken()
        self.taken_by = memory


@dataclass(frozen=True)
class Plan:
    """The steps of a change but for its job's and its episode's.

    `unique` is a text that no other change has and that sorts by time.
    """

    table: str
    project: str
    secret: bytes
    unique: str

    def steps(self, change: Change) -> list[Step]:
        """Return the steps; raise `TextTakenError` if two memories would end with one text."""
        return [
            *self._clocks(change),
            *(step for write in change.writes for step in self._memory(write)),
            *self._markers(change),
            *self._pending(change),
            *map(self._put, unread_items(self.unique, change.at, change.writes)),
        ]

    def _clocks(self, change: Change) -> Iterator[Step]:
        expected = change.expected_clocks or {}
        written = {write.scope.key for write in change.writes}
        for scope_key in sorted(written | set(expected)):
            condition, values = _clock_condition(expected.get(scope_key))
            request: Item = {
                "TableName": self.table,
                "Key": key_item((scope_partition(self.project, scope_key), "A")),
                **({"ConditionExpression": condition} if condition else {}),
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
        event = write.event
        key = event_key(self.project, event.memory_id, event.version)
        body = text(stored.dump(stored.dump_event(event)))
        yield self._put({**key_item(key), "body": body})
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
        elif before:
            item |= _tombstone(before, write.event.version)
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
                texts[self._marker(write.after)].take(write.after)
        today = stored.day_text(change.at)
        for key, each in texts.items():
            if each.taken_by:
                yield self._take(key, each.taken_by, each.given_up_by, today)
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

    Written before the commit: one that names a living memory does no harm.
    """
    return [
        key_item((subject_partition(project, subject.key), f"{DELETED}{place(write.before)}"))
        for write in writes
        if write.before and not write.after
        for subject in write.scope.subjects
    ]


def _clock_condition(expected: int | None) -> tuple[str, Item]:
    if expected is None:
        return "", {}
    if expected == 0:
        return "attribute_not_exists(clock)", {}
    return "clock = :expected", {":expected": number(expected)}


def _state(memory: Memory) -> Item:
    return {
        "version": number(memory.version),
        "body": text(stored.dump(stored.dump_memory(memory))),
        "vec": vectors_item(memory.embedding),
    }


def _tombstone(memory: Memory, version: int) -> Item:
    return {
        "version": number(version),
        "scope": text(memory.scope.key),
    }
