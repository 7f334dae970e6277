"""A job as an item of the record table."""

import json
from dataclasses import dataclass
from datetime import datetime

from recollect.adapters import stored, stored_jobs
from recollect.adapters.aws.dynamodb import Item, Step, key_item, number, text
from recollect.adapters.aws.items import (
    WIDE_SHARDS,
    job_key,
    project_of,
    project_part,
    shard,
    wide_ended_jobs,
)
from recollect.adapters.aws.objects import Objects
from recollect.domain.jobs import KEPT, UNFINISHED, Job, JobStatus
from recollect.ports.record import FencedError

SAME_PARTS = ("request", "plan", "result")
"""What of a job may be too large for an item, and seldom changes."""
OUTCOMES_TOGETHER = 100
"""A large add is written with each of its commits: only the last such block of outcomes is new."""
LARGEST_PART_BYTES = 16 * 1024
"""A job is written with every commit of a large add, and a transaction pays twice for each KB of
it: from about 2 KB on an object, written once, is cheaper, but it takes a round trip more."""


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
        body = {**json.loads(item["body"]["S"]), "status": item["status"]["S"]}
        return stored_jobs.load_job(project, stored.upcast({**body, **parts, "outcomes": outcomes}))

    def _part(self, job: Job, part: object) -> Item:
        whole = json.dumps(part, ensure_ascii=False)
        return self.objects.outsourced(whole, _parts_of(job), above=LARGEST_PART_BYTES)

    def ended(self, job: Job) -> Item:
        """Return the whole item of a job that has ended."""
        ended_at = job.completed_at or job.created_at
        return {
            **key_item(job_key(job.project, job.id)),
            **self.attributes(job),
            **_ended(job),
            "lease_end": text(stored.time_text(ended_at)),
        }

    def forget_parts(self, job: Job) -> None:
        """Remove whatever is kept of a job outside of its item, once nothing there is needed."""
        self.objects.remove_all(f"{_parts_of(job)}/")

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


def _parts_of(job: Job) -> str:
    """Return what the names of the objects begin with that hold parts of a job."""
    return f"parts/{project_part(job.project)}/{job.id}"


def waiting_job(item: Item) -> tuple[str, str]:
    """Return (project, job id) of what `waiting` wrote."""
    _, project, job_id = item["gsk"]["S"].split("#")
    return project_of(project), job_id


def place_of(job: Job) -> str:
    """Return the job's place among the project's: when it was created, and its id."""
    return f"{stored.time_text(job.created_at)}#{job.id}"


def _ended(job: Job) -> Item:
    """Return where the index `wide` has a job that has ended, and when it is forgotten."""
    ended = job.completed_at or job.created_at
    return {
        "gpk": text(f"{wide_ended_jobs(job.project)}{shard(job.id, WIDE_SHARDS)}"),
        "gsk": text(place_of(job)),
        "ttl": number(int((ended + KEPT).timestamp())),
    }


def waiting(job: Job, lease_end: datetime) -> Item:
    """Return where the index `wide` has an unfinished job."""
    return {
        "gpk": text(f"J#{shard(job.id, WIDE_SHARDS)}"),
        "gsk": text(f"{stored.time_text(lease_end)}#{project_part(job.project)}#{job.id}"),
    }
