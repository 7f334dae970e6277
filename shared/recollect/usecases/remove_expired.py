"""Removing memories whose last day is long over."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, Record, VersionMovedError
from recollect.usecases.change_memory import deletion
from recollect.usecases.waking import wake

KEPT_DAYS = 30
"""Expired memories are hidden at once; for so long they are still shown to whoever asks for them,
and a new last day brings them back."""


@dataclass(frozen=True)
class RemoveExpired:
    """Delete the memories whose last day is `KEPT_DAYS` and more ago; their history stays."""

    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(self, *, limit: int) -> int:
        """Return how many were looked at, at most `limit`; repeating it is safe."""
        now = self.now()
        day = now.astimezone(UTC).date() - timedelta(days=KEPT_DAYS)
        found = sorted(self.record.expired(before=day, limit=limit))
        for project, places in groupby(found, key=itemgetter(0)):
            for memory in self.record.get(project, [an_id for _, an_id in places]).values():
                if memory.expires_on is None or memory.expires_on >= day:
                    # It was given another day since.
                    continue
                write = deletion(memory, at=now, cause=self.new_id())
                # Who changes it at the same time may want it to stay; the next run looks again.
                with suppress(VersionMovedError):
                    self.record.commit(project, Change(at=now, writes=(write,)))
                    wake(self.wake_ups, project, [write])
        return len(found)
