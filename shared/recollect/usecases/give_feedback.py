"""What people think of memories."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.memory import Feedback, HistoryEvent, Memory
from recollect.domain.subjects import Subject
from recollect.ports.queue import WakeUps
from recollect.ports.record import Change, MemoryWrite, Record, VersionMovedError
from recollect.usecases.change_memory import current_memory
from recollect.usecases.racing import until_first
from recollect.usecases.waking import wake


@dataclass(frozen=True)
class GiveFeedback:
    """Note what somebody thinks of a memory, an immutable one included; the last one counts."""

    record: Record
    wake_ups: WakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]

    def __call__(
        self,
        project: str,
        memory_id: str,
        feedback: Feedback | None,
        *,
        within: Subject | None = None,
    ) -> Memory:
        """Return the memory with this feedback; None takes it back.

        Raises `NotFoundError`, also for what is not `within` a subject's own if one is given, and
        `ConflictError` if others keep changing it.
        """

        def attempt() -> Memory:
            before = current_memory(self.record, project, memory_id, within)
            return before if before.feedback == feedback else self._noted(before, feedback)

        return until_first(attempt, what="This memory is", lost=VersionMovedError)

    def _noted(self, before: Memory, feedback: Feedback | None) -> Memory:
        # Its text and times are as they were: nobody has changed what it says.
        after = replace(before, feedback=feedback, version=before.version + 1)
        now, project = self.now(), before.scope.project
        event = HistoryEvent.of(before, after, at=now, cause=self.new_id())
        write = MemoryWrite(before=before, after=after, event=event)
        self.record.commit(project, Change(at=now, writes=(write,)))
        wake(self.wake_ups, project, [write])
        return after
