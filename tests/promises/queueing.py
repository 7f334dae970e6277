"""Queues of jobs and their workers, simulated: time is a number, and nobody sleeps."""

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from recollect.adapters.local.wake_ups import Lanes
from recollect.domain.jobs import Job

LOOKED_AT = 120_000
"""Messages at the head of a FIFO queue in which SQS looks for groups that can be received:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html"""

Work = Callable[[], float]
"""Draws how many seconds a job takes."""


@dataclass(frozen=True)
class Asked:
    """A job, when it came, in seconds, and in which group."""

    at: float
    job: Job
    group: str


@dataclass(frozen=True)
class Told:
    """Whose job began, when, and how long it had waited."""

    project: str
    at: float
    waited: float


class JobQueue(Protocol):
    """A queue of which at most one job of a group is worked on at once."""

    def add(self, asked: Asked) -> None:
        """Have a job wait."""
        ...

    def take(self) -> Asked | None:
        """Return the next job, which is worked on from now on; None if all others must wait."""
        ...

    def end(self, asked: Asked) -> None:
        """Forget a job that was worked on, so that the next one of its group can be."""
        ...


class FifoQueue:
    """SQS's FIFO queue as it is documented, messages received one by one.

    A group of which a message is in flight is blocked, and only `LOOKED_AT` messages at the head
    are looked at. Which of the groups there comes next is not documented: the one whose message is
    the oldest, or with a chance any. The first serves the worst for who comes late.
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._groups: defaultdict[str, deque[tuple[int, Asked]]] = defaultdict(deque)
        self._free: list[tuple[int, str]] = []
        self._chance = chance
        self._sent = 0
        self._deleted = 0

    def add(self, asked: Asked) -> None:
        """Have a job wait."""
        waiting = self._groups[asked.group]
        waiting.append((self._sent, asked))
        if len(waiting) == 1:
            heapq.heappush(self._free, (self._sent, asked.group))
        self._sent += 1

    def take(self) -> Asked | None:
        """Return the job of a free group among the messages that are looked at."""
        # What lies behind them cannot have been deleted, so that places are numbers.
        end = LOOKED_AT + self._deleted
        if not self._free or self._free[0][0] >= end:
            return None
        if self._chance:
            seen = [place for place, (number, _) in enumerate(self._free) if number < end]
            _, group = self._free.pop(self._chance.choice(seen))
            heapq.heapify(self._free)
        else:
            _, group = heapq.heappop(self._free)
        return self._groups[group][0][1]

    def end(self, asked: Asked) -> None:
        """Delete a job's message."""
        waiting = self._groups[asked.group]
        waiting.popleft()
        self._deleted += 1
        if waiting:
            heapq.heappush(self._free, (waiting[0][0], asked.group))


class LocalQueue:
    """The local edition's own lanes."""

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._asked: dict[tuple[str, str], Asked] = {}
        self._in_hand: dict[tuple[str, str], ExitStack] = {}

    def add(self, asked: Asked) -> None:
        """Have a job wait."""
        self._asked[asked.job.project, asked.job.id] = asked
        self._lanes.add(asked.job)

    def take(self) -> Asked | None:
        """Return the next job, whose lane is busy until it ends."""
        hand = ExitStack()
        name = hand.enter_context(self._lanes.next())
        if name is None:
            return None
        self._in_hand[name] = hand
        return self._asked[name]

    def end(self, asked: Asked) -> None:
        """Free the job's lane."""
        self._in_hand.pop((asked.job.project, asked.job.id)).close()


def simulate(
    queue: JobQueue, asked: Iterable[Asked], work: Work, *, workers: int, until: str | None = None
) -> list[Told]:
    """Return how the jobs began, in order, until all of them, or of the project `until`, have."""
    coming = deque(sorted(asked, key=lambda each: each.at))
    left = sum(until in {None, each.job.project} for each in coming)
    ends: list[tuple[float, int, Asked]] = []
    told: list[Told] = []
    now = 0.0
    while left:
        while coming and coming[0].at <= now:
            queue.add(coming.popleft())
        while len(ends) < workers and (taken := queue.take()):
            project = taken.job.project
            told.append(Told(project, now, now - taken.at))
            left -= until in {None, project}
            heapq.heappush(ends, (now + work(), len(told), taken))
        # Whatever happens next: a job comes, or one ends.
        if ends and (not coming or ends[0][0] <= coming[0].at):
            now, _, ended = heapq.heappop(ends)
            queue.end(ended)
        elif coming:
            now = coming[0].at
    return told


class GroupsOnly:
    """Stands in for the client of SQS, to hear in which group a message would be sent."""

    def __init__(self) -> None:
        self.group = ""

    def send_message(self, **message: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as botocore's
        """Note the group."""
        self.group = message["MessageGroupId"]
        return {}


def waits(told: Iterable[Told], project: str) -> list[float]:
    """Return how long the project's jobs waited, the longest last."""
    return sorted(each.waited for each in told if each.project == project)
