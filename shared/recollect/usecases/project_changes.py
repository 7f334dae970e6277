"""Bringing the index to the record's state, and driving what was left behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recollect.domain.jobs import KEPT
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.index import MemoryIndex
from recollect.ports.jobs import Jobs
from recollect.ports.queue import WakeUps
from recollect.ports.record import Episodes, Outbox, Record
from recollect.ports.webhooks import Deliveries
from recollect.usecases.announce_changes import AnnounceChanges, wake_notifier
from recollect.usecases.remove_expired import RemoveExpired
from recollect.usecases.work_on_jobs import WorkOnJobs

BATCH = 500
STALE_AFTER = timedelta(minutes=1)
LONG_LINE = 1_000
"""Jobs that wait for workers: what has waited for long, among so many, was hardly forgotten."""
MAX_BATCHES = 20
"""Of expired episodes a run: what one leaves, the next one removes."""


@dataclass(frozen=True)
class ProjectChanges:
    """Write what the index has not seen of some subjects, from the record's current state.

    Webhooks hear of it on the way.
    """

    outbox: Outbox
    record: Record
    index: MemoryIndex
    announce: AnnounceChanges

    def __call__(self, project: str, subject_keys: Sequence[str]) -> int:
        """Return how many pending changes were confirmed.

        Repeating it is safe: the index ignores versions it has, and what is confirmed is gone.
        """
        confirmed = 0
        is_more = True
        while is_more:
            pending = self.outbox.pending(project, subject_keys, limit=BATCH)
            # What comes after this has a wake-up of its own.
            is_more = len(pending) >= BATCH
            newest = {item.memory_id: 0 for item in pending}
            for item in pending:
                newest[item.memory_id] = max(newest[item.memory_id], item.version)
            living = self.record.get(project, list(newest))
            gone = {key: version for key, version in newest.items() if key not in living}
            if living:
                self.index.put(project, list(living.values()))
            if gone:
                self.index.remove(project, gone)
            # What can be found, others may hear of; what nobody heard of must stay pending.
            self.announce(project, pending, living)
            self.outbox.confirm(project, pending)
            confirmed += len(pending)
        return confirmed


@dataclass(frozen=True)
class Maintain:
    """Wake those who left something to do behind, and remove what expired."""

    outbox: Outbox
    graph_outbox: GraphOutbox
    jobs: Jobs
    episodes: Episodes
    wake_ups: WakeUps
    work: WorkOnJobs
    expire: RemoveExpired
    now: Callable[[], datetime]
    deliveries: Deliveries

    def __call__(self, *, stale_after: timedelta = STALE_AFTER) -> int:
        """Return how much was driven on or removed; repeating it is safe."""
        now = self.now()
        driven_on = self._wake(now - stale_after)
        expired = self._remove_expired(now) + self.expire(limit=BATCH)
        forgotten = self.jobs.forget_ended(before=now - KEPT, limit=BATCH)
        return driven_on + expired + forgotten + self._requeue(now)

    def _wake(self, before: datetime) -> int:
        """Wake those who have not followed what was committed before then; return how many."""
        stale = self.outbox.stale(before=before, limit=BATCH)
        for project, subject_keys in stale:
            self.wake_ups.index(project, subject_keys)
        unread = self.graph_outbox.unread_owners(before=before, limit=BATCH)
        for owner in unread:
            self.wake_ups.read_graph(owner)
        unprojected = self.graph_outbox.unprojected_owners(before=before, limit=BATCH)
        for owner in unprojected:
            self.wake_ups.project_graph(owner)
        due = self.deliveries.due(before=before, limit=BATCH)
        wake_notifier(self.wake_ups, due)
        return len(stale) + len(unread) + len(unprojected) + len(due)

    def _requeue(self, now: datetime) -> int:
        """Wake workers for abandoned jobs while there is time; return for how many."""
        requeued = 0
        for _ in range(MAX_BATCHES):
            abandoned = self.jobs.abandoned(now=now, limit=BATCH)
            is_long = bool(abandoned) and self.wake_ups.waiting() >= LONG_LINE
            some = sum(self.work.requeue(*each, is_long_line=is_long) for each in abandoned)
            requeued += some
            if not some or len(abandoned) < BATCH or self.work.is_late():
                break
        return requeued

    def _remove_expired(self, now: datetime) -> int:
        removed = 0
        for _ in range(MAX_BATCHES):
            some = self.episodes.remove_expired(now=now, limit=BATCH)
            removed += some
            if some < BATCH:
                break
        return removed
