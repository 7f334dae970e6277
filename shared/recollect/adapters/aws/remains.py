"""Removing from the record table what is left of what was deleted, done or said."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key, Table, key_of, text
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.episodes import SCOPES_AT_ONCE, DynamoEpisodes
from recollect.adapters.aws.erasure import DynamoErasures
from recollect.adapters.aws.items import member_partitions, state_key, subject_partition
from recollect.adapters.aws.job_items import JobItems
from recollect.adapters.aws.plan import event_item
from recollect.adapters.aws.subject_items import SubjectItems
from recollect.adapters.aws.touches import DynamoTouches
from recollect.domain.jobs import Job
from recollect.domain.memory import HistoryAction, HistoryEvent
from recollect.domain.subjects import Subject

EVENTS = "E#"
"""The sort keys of a memory's history begin with it."""


@dataclass(frozen=True)
class DynamoRemains:
    """What is left in the AWS edition's tables and bucket; see the port `Remains`."""

    table: Table
    episodes: DynamoEpisodes
    touches: DynamoTouches
    job_items: JobItems
    subject_items: SubjectItems
    erasures: DynamoErasures

    def strip(self, project: str, memory_ids: Sequence[str]) -> None:
        """Leave of what happened to deleted memories only that they were deleted."""
        self.table.together(partial(self._strip, project), memory_ids)
        self.touches.forget(project, memory_ids)

    def remove(self, project: str, subject: Subject, places: Mapping[str, str]) -> None:
        """Remove the history, the tombstones and the marks of deleted memories."""
        items = self.table.together(partial(self._items, project), list(places.values()))
        gone = {
            place: found
            for place, found in zip(places, items, strict=True)
            if not any("body" in item for item in found if item["sk"]["S"] == "S")
        }
        keys: list[Key] = []
        for place, found in gone.items():
            events = [_event(project, item) for item in found if _is_event(item)]
            keys += {
                (subject_partition(project, each.key), place)
                for event in events
                for each in event.scope.subjects
                if each != subject
            }
            keys += map(key_of, found)
        self.table.write_all(delete=keys)
        # They lead to all the rest.
        own = subject_partition(project, subject.key)
        self.table.write_all(delete=[(own, place) for place in gone])

    def count_episodes(
        self, project: str, subject: Subject, *, before: datetime, after: str = ""
    ) -> tuple[int, str | None]:
        """Return how many episodes the next scopes of the subject have. A Query a scope."""
        scope_keys = self.episodes.scopes_of(project, subject, after)
        counts = self.table.together(partial(self.episodes.count, project, before), scope_keys)
        is_more = len(scope_keys) == SCOPES_AT_ONCE
        return sum(counts), scope_keys[-1] if is_more else None

    def empty(self, job: Job) -> None:
        """Store a job that was emptied, whatever it has become since; its episode goes."""
        self.episodes.remove_one(job.project, job.id)
        # First what leads nowhere else: without it, nobody can find the parts.
        self.table.put(self.job_items.ended(job))
        self.job_items.forget_parts(job)

    def overwrite(self) -> bool:
        """Return True: what is deleted is out of everybody's reach at once."""
        return True

    def forget(
        self, project: str, subject: Subject, *, at: datetime, now: datetime, after: str = ""
    ) -> str | None:
        """Forget the name of a subject; new stamps have whoever knows its scopes tell it again.

        Whoever committed before, without telling it, has left memories: then it is told here.
        """
        if not after:
            self._forget_name(project, subject, at)
        following = self.erasures.refuse(project, subject, at=at, after=after)
        if following is None and self._has_memories(project, subject):
            self.subject_items.make_known(project, subject, now)
        return following

    def _forget_name(self, project: str, subject: Subject, at: datetime) -> None:
        with suppress(ConditionFailedError):
            self.table.delete(
                (subject_partition(project, subject.key), "A"),
                ConditionExpression="created_at <= :at",
                ExpressionAttributeValues={":at": text(stored.time_text(at))},
            )

    def _has_memories(self, project: str, subject: Subject) -> bool:
        return any(
            page["Items"]
            for partition in member_partitions(project, subject.kind, subject.key)
            for page in self.table.query_pages("pk = :pk", {":pk": text(partition)}, Limit=1)
        )

    def _items(self, project: str, memory_id: str) -> list[Item]:
        partition, _ = state_key(project, memory_id)
        return list(self.table.query("pk = :pk", {":pk": text(partition)}))

    def _strip(self, project: str, memory_id: str) -> None:
        items = [item for item in self._items(project, memory_id) if _is_event(item)]
        if not items:
            return
        last = _event(project, items[-1])
        if last.action is HistoryAction.DELETE:
            self.table.put(event_item(project, last.stripped()))
            self.table.write_all(delete=[key_of(item) for item in items[:-1]])


def _is_event(item: Item) -> bool:
    is_event: bool = item["sk"]["S"].startswith(EVENTS)
    return is_event


def _event(project: str, item: Item) -> HistoryEvent:
    return stored.load_event(project, stored.load(item["body"]["S"]))
