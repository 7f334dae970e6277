"""Jobs and idempotency keys in the record table."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Step, Table, key_item, number, text
from recollect.adapters.aws.dynamodb_errors import ConditionFailedError
from recollect.adapters.aws.items import (
    idempotency_key,
    is_possible,
    job_key,
    wide_ended_jobs,
)
from recollect.adapters.aws.job_items import JobItems, place_of, waiting, waiting_job
from recollect.adapters.aws.wide import END, first_places
from recollect.domain.errors import IdempotencyMismatchError, UnavailableError
from recollect.domain.jobs import KEPT, IdempotencyKey, Job, JobStatus
from recollect.ports.record import LostRaceError

MOST_UNFINISHED = 1_000
"""Unfinished jobs of all projects among which a project's own are looked for."""


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
        put_key = {
            "TableName": self.table.name,
            "Item": _belongs_to(job, key),
            "ConditionExpression": "attribute_not_exists(pk) OR job_id = :forgotten",
            "ExpressionAttributeValues": {":forgotten": text(forgotten)},
        }
        taken = LostRaceError("The key belongs to a job")
        steps = [
            Step({"Put": {"TableName": self.table.name, "Item": item}}),
            Step({"Put": put_key}, taken),
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
        if job is None or job.is_closed:
            return None
        mine = job.taken(now)
        try:
            self.table.put(
                self._item(mine, lease_end),
                ConditionExpression=(
                    "attempt = :attempt AND (#status <> :running OR lease_end <= :now)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":attempt": number(job.attempt),
                    ":running": text(JobStatus.RUNNING),
                    ":now": text(stored.time_text(now)),
                },
            )
        except ConditionFailedError:
            return None
        return mine

    def postpone(self, job: Job, *, now: datetime, until: datetime) -> bool:
        """Have a job that is abandoned wait; tell whether it was so."""
        place = {"lease_end": text(stored.time_text(until)), **waiting(job, until)}
        sets = ", ".join(f"{name} = :{name}" for name in place)
        try:
            self.table.update(
                job_key(job.project, job.id),
                f"SET #status = :pending, {sets}",
                {
                    **{f":{name}": value for name, value in place.items()},
                    ":attempt": number(job.attempt),
                    ":now": text(stored.time_text(now)),
                    ":pending": text(JobStatus.PENDING),
                    ":running": text(JobStatus.RUNNING),
                },
                ConditionExpression=(
                    "attempt = :attempt AND lease_end <= :now AND #status IN (:pending, :running)"
                ),
                ExpressionAttributeNames={"#status": "status"},
            )
        except ConditionFailedError:
            return False
        return True

    def recent(self, project: str, *, limit: int, after: Job | None = None) -> list[Job]:
        """Return the project's jobs, last created first, ties by id; those `after` one of them."""
        unfinished = first_places(self.table, "J#", limit=MOST_UNFINISHED)
        ids = [job_id for of, job_id in map(waiting_job, unfinished) if of == project]
        # One more, for the place of `after` is among them.
        ended = first_places(
            self.table,
            wide_ended_jobs(project),
            limit=limit + 1,
            up_to=place_of(after) if after else END,
            last_first=True,
        )
        ids += [item["gsk"]["S"].partition("#")[2] for item in ended]
        items = self.table.get_all(job_key(project, job_id) for job_id in ids)
        # Large parts are in S3: a round trip each.
        jobs = self.table.together(lambda item: self.items.job(project, item), [*items.values()])
        behind = [job for job in jobs if after is None or place_of(job) < place_of(after)]
        return sorted(behind, key=place_of, reverse=True)[:limit]

    def abandoned(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (project, job id) of unfinished jobs whose lease has run out."""
        due = stored.time_text(now) + END
        return list(map(waiting_job, first_places(self.table, "J#", limit=limit, up_to=due)))

    def forget_ended(self, *, before: datetime, limit: int) -> int:  # noqa: ARG002 - of the port
        """Return 0: the table does it, `KEPT` after a job has ended."""
        return 0

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


def _belongs_to(job: Job, key: IdempotencyKey) -> Item:
    """Return the item that tells whose the key is."""
    return {
        **key_item(idempotency_key(job.project, key.key)),
        "body_hash": text(key.body_hash),
        "job_id": text(job.id),
        "ttl": number(int((job.created_at + 2 * KEPT).timestamp())),
    }
