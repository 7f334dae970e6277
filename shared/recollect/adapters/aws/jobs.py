"""Jobs and idempotency keys in the record table."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from recollect.adapters import stored, stored_jobs
from recollect.adapters.aws.dynamodb import (
    Item,
    Step,
    Table,
    key_item,
    number,
    text,
)
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.items import (
    WIDE_SHARDS,
    idempotency_key,
    is_possible,
    job_key,
    project_of,
    project_part,
    shard,
    wide_ended_jobs,
)
from recollect.adapters.aws.objects import Objects
from recollect.adapters.aws.wide import END, first_places
from recollect.domain.errors import IdempotencyMismatchError, UnavailableError
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.ports.record import FencedError, LostRaceError

KEPT = timedelta(days=30)
"""A finished job is forgotten after this; longer than any queue keeps a message (14 days)."""
SAME_PARTS = ("request", "plan", "result")
"""What of a job may be too large for an item, and seldom changes."""
MOST_UNFINISHED = 1_000
"""Unfinished jobs of all projects among which a project's own are looked for."""
OUTCOMES_TOGETHER = 100
"""A large add is written with each of its commits: only the last such block of outcomes is new."""
LARGEST_PART_BYTES = 16 * 1024
"""A job is written with every commit of a large add, and a transaction pays twice for each KB of
it: from about 2 KB on an object, written once, is cheaper, but it takes a round trip more."""
UNFINISHED = frozenset({JobStatus.PENDING, JobStatus.RUNNING})


@dataclass(frozen=True)
class JobItems:
    """A job as an item of the record table, its large parts in S3."""

    objects: Objects

    def attributes(self, job: Job) -> Item:
        """Return what is stored of a job's state, but for its lease; stores large parts."""
        document = stored_jobs.dump_job(job)
        parts = {name: document.pop(name) for name in SAME_PARTS}
        outcomes = document.pop("outcomes")
        blocks = (
            outcomes[start : start + OUTCOMES_TOGETHER]
            for start in range(0, len(outcomes), OUTCOMES_TOGETHER)
        )
        return {
            "status": text(job.status),
            "attempt": number(job.attempt),
            "body": text(stored.dump(document)),
            **{name: self._part(job, part) for name, part in parts.items()},
            "outcomes": {"L": [self._part(job, block) for block in blocks]},
        }

    def job(self, project: str, item: Item) -> Job:
        """Return the job of an item."""
        # The release before exports wrote no result.
        there = [name for name in SAME_PARTS if name in item]
        parts = {name: json.loads(self.objects.text_of(item[name])) for name in there}
        blocks = [json.loads(self.objects.text_of(block)) for block in item["outcomes"]["L"]]
        outcomes = [outcome for block in blocks for outcome in block]
        body = json.loads(item["body"]["S"])
        return stored_jobs.load_job(project, stored.upcast({**body, **parts, "outcomes": outcomes}))

    def _part(self, job: Job, part: object) -> Item:
        prefix = f"parts/{project_part(job.project)}/{job.id}"
        whole = json.dumps(part, ensure_ascii=False)
        return self.objects.outsourced(whole, prefix, above=LARGEST_PART_BYTES)

    def replacing(self, table: str, job: Job, lease_end: datetime | None) -> Step:
        """Return the step that stores a job's new state unless a later attempt has taken it over.

        Its lease stays as it is unless a new one is given.
        """
        attributes = self.attributes(job)
        if lease_end:
            attributes["lease_end"] = text(stored.time_text(lease_end))
        if job.status not in UNFINISHED:
            attributes |= _ended(job)
        elif lease_end:
            attributes |= waiting(job, lease_end)
        lost = FencedError(f"Job {job.id} is being worked on by somebody else")
        sets = ", ".join(f"#{name} = :{name}" for name in attributes)
        update = {
            "TableName": table,
            "Key": key_item(job_key(job.project, job.id)),
            "UpdateExpression": f"SET {sets}",
            "ConditionExpression": "attempt = :attempt AND #status IN (:pending, :running)",
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {
                **{f":{name}": value for name, value in attributes.items()},
                ":pending": text(JobStatus.PENDING),
                ":running": text(JobStatus.RUNNING),
            },
        }
        return Step({"Update": update}, lost)


def _waiting_job(item: Item) -> tuple[str, str]:
    """Return (project, job id) of what `waiting` wrote."""
    _, project, job_id = item["gsk"]["S"].split("#")
    return project_of(project), job_id


def _place(job: Job) -> str:
    """Return the job's place among the project's: when it was created, and its id."""
    return f"{stored.time_text(job.created_at)}#{job.id}"


def _ended(job: Job) -> Item:
    """Return where the index `wide` has a job that has ended, and when it is forgotten."""
    ended = job.completed_at or job.created_at
    return {
        "gpk": text(f"{wide_ended_jobs(job.project)}{shard(job.id, WIDE_SHARDS)}"),
        "gsk": text(_place(job)),
        "ttl": number(int((ended + KEPT).timestamp())),
    }


def waiting(job: Job, lease_end: datetime) -> Item:
    """Return where the index `wide` has an unfinished job."""
    return {
        "gpk": text(f"J#{shard(job.id, WIDE_SHARDS)}"),
        "gsk": text(f"{stored.time_text(lease_end)}#{project_part(job.project)}#{job.id}"),
    }


@dataclass(frozen=True)
class DynamoJobs:
    """Jobs in the record table."""

    table: Table
    items: JobItems
    new_token: Callable[[], str]

    def accept(self, job: Job, key: IdempotencyKey | None, *, lease_end: datetime) -> Job:
        """Store the job, or return the one that this idempotency key already belongs to."""
        item = self._item(job, lease_end)
        if key is None:
            # A repeated call whose first try was stored after all changes nothing.
            with suppress(ConditionFailedError):
                self.table.put(item, ConditionExpression="attribute_not_exists(pk)")
            return job
        return self._accept_once(job, item, key, forgotten="")

    def _accept_once(self, job: Job, item: Item, key: IdempotencyKey, *, forgotten: str) -> Job:
        """Accept the job unless its key belongs to one that is there still."""
        place = idempotency_key(job.project, key.key)
        belongs = {
            **key_item(place),
            "body_hash": text(key.body_hash),
            "job_id": text(job.id),
            "ttl": number(int((job.created_at + 2 * KEPT).timestamp())),
        }
        put_key = {
            "Item": belongs,
            "ConditionExpression": "attribute_not_exists(pk) OR job_id = :forgotten",
            "ExpressionAttributeValues": {":forgotten": text(forgotten)},
        }
        taken = LostRaceError("The key belongs to a job")
        steps = [
            Step({"Put": {"TableName": self.table.name, "Item": item}}),
            Step({"Put": {"TableName": self.table.name, **put_key}}, taken),
        ]
        try:
            self.table.transact(steps, self.new_token())
        except LostRaceError as lost:
            if lost is not taken:
                raise
        else:
            return job
        earlier = self._id_of_key(job.project, key)
        return self.get(job.project, earlier) or self._accept_once(
            job, item, key, forgotten=earlier
        )

    def get(self, project: str, job_id: str) -> Job | None:
        """Return the job, or None."""
        item = self.table.get(job_key(project, job_id)) if is_possible(job_id) else None
        return self.items.job(project, item) if item else None

    def claim(self, project: str, job_id: str, *, now: datetime, lease_end: datetime) -> Job | None:
        """Take the job over with the next attempt; None if it succeeded or is being worked on."""
        job = self.get(project, job_id)
        if job is None or job.status == JobStatus.SUCCEEDED:
            return None
        mine = replace(
            job, attempt=job.attempt + 1, status=JobStatus.RUNNING, error=None, completed_at=None
        )
        try:
            self.table.put(
                self._item(mine, lease_end),
                ConditionExpression=(
                    "attempt = :attempt AND (#status = :failed OR lease_end <= :now)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":attempt": number(job.attempt),
                    ":failed": text(JobStatus.FAILED),
                    ":now": text(stored.time_text(now)),
                },
            )
        except ConditionFailedError:
            return None
        return mine

    def recent(self, project: str, *, limit: int, after: Job | None = None) -> list[Job]:
        """Return the project's jobs, last created first, ties by id; those `after` one of them."""
        unfinished = first_places(self.table, "J#", limit=MOST_UNFINISHED)
        ids = [job_id for of, job_id in map(_waiting_job, unfinished) if of == project]
        # One more, for the place of `after` is among them.
        ended = first_places(
            self.table,
            wide_ended_jobs(project),
            limit=limit + 1,
            up_to=_place(after) if after else END,
            last_first=True,
        )
        ids += [item["gsk"]["S"].partition("#")[2] for item in ended]
        items = self.table.get_all(job_key(project, job_id) for job_id in ids)
        # Large parts are in S3: a round trip each.
        jobs = self.table.together(lambda item: self.items.job(project, item), [*items.values()])
        behind = [job for job in jobs if after is None or _place(job) < _place(after)]
        return sorted(behind, key=_place, reverse=True)[:limit]

    def abandoned(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (project, job id) of unfinished jobs whose lease has run out."""
        due = stored.time_text(now) + END
        return list(map(_waiting_job, first_places(self.table, "J#", limit=limit, up_to=due)))

    def _item(self, job: Job, lease_end: datetime) -> dict[str, Any]:
        return {
            **key_item(job_key(job.project, job.id)),
            **self.items.attributes(job),
            **waiting(job, lease_end),
            "lease_end": text(stored.time_text(lease_end)),
        }

    def _id_of_key(self, project: str, key: IdempotencyKey) -> str:
        belongs = self.table.get(idempotency_key(project, key.key))
        if belongs is None:
            message = "The job of this Idempotency-Key was forgotten a moment ago; try again"
            raise UnavailableError(message)
        if belongs["body_hash"]["S"] != key.body_hash:
            message = "This Idempotency-Key was used with another request"
            raise IdempotencyMismatchError(message)
        job_id: str = belongs["job_id"]["S"]
        return job_id
