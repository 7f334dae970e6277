"""Jobs: accepted, claimed by one at a time, and followed until they are forgotten."""

from datetime import datetime
from typing import Protocol

from recollect.domain.jobs import IdempotencyKey, Job


class Jobs(Protocol):
    """Jobs from their acceptance on; their progress is committed with the changes they make."""

    def accept(self, job: Job, key: IdempotencyKey | None, *, lease_end: datetime) -> Job:
        """Store the job, or return the one that this idempotency key already belongs to.

        Until `lease_end` only who accepted it works on it, unless it is PENDING.

        Raises `IdempotencyMismatchError` if the key came with another body.
        """
        ...

    def get(self, project: str, job_id: str) -> Job | None:
        """Return the job, or None."""
        ...

    def claim(self, project: str, job_id: str, *, now: datetime, lease_end: datetime) -> Job | None:
        """Take the job over with the next attempt; None if it succeeded or is being worked on.

        It is being worked on while it is RUNNING and its lease has not run out. Whoever takes it
        first has started it.
        """
        ...

    def postpone(self, job: Job, *, now: datetime, until: datetime) -> bool:
        """Have a job that is abandoned wait, and be abandoned again only from `until` on.

        Nothing else of it changes. False, and nothing happens, unless its lease has run out and
        nobody took it over since `job` was read.
        """
        ...

    def recent(self, project: str, *, limit: int, after: Job | None = None) -> list[Job]:
        """Return the project's jobs, last created first, ties by id; those `after` one of them.

        It may be that one is found a moment after it was accepted, and while very many jobs are
        unfinished, some of these are not.
        """
        ...

    def abandoned(self, *, now: datetime, limit: int) -> list[tuple[str, str]]:
        """Return (project, job id) of unfinished jobs whose lease has run out, first these."""
        ...

    def forget_ended(self, *, before: datetime, limit: int) -> int:
        """Remove the first `limit` jobs that ended before then, with their idempotency keys.

        Of all projects. Returns how many it were: 0 from a store that forgets them by itself.
        """
        ...
