"""Wake-ups inside one process; other processes find what is left to do themselves."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Generic, TypeAlias, TypeVar

from recollect.domain.graph import Owner
from recollect.domain.jobs import Job

Name = TypeVar("Name", bound=Hashable)
Subjects: TypeAlias = tuple[str, tuple[str, ...]]
"""A project and the keys of subjects."""
Lane: TypeAlias = tuple[str, str]
"""A project and the name of one of its lanes."""
Due: TypeAlias = tuple[str, str, str]
"""A project, a webhook of it, and a delivery to that."""


class News(Generic[Name]):
    """Remembers who has news until somebody takes it; the same news twice is one."""

    def __init__(self) -> None:
        self._names: dict[Name, None] = {}
        self._condition = threading.Condition()

    def __len__(self) -> int:
        """Return how many have news."""
        with self._condition:
            return len(self._names)

    def add(self, name: Name) -> None:
        """Remember who has news."""
        with self._condition:
            self._names[name] = None
            self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until somebody has news, at most so long; tell whether somebody has."""
        with self._condition:
            return self._condition.wait_for(lambda: bool(self._names), seconds)

    def take(self, *, limit: int) -> list[Name]:
        """Return, and forget, at most `limit` who have news."""
        with self._condition:
            taken = list(self._names)[:limit]
            for name in taken:
                del self._names[name]
            return taken


class Lanes:
    """Jobs that wait for a worker, in order within a lane; projects take turns, as do their lanes.

    While one of a lane is being worked on, the others of it wait.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, OrderedDict[Lane, dict[str, None]]] = OrderedDict()
        self._busy: set[Lane] = set()
        self._condition = threading.Condition()

    def __len__(self) -> int:
        """Return how many jobs wait."""
        with self._condition:
            return sum(len(jobs) for lanes in self._waiting.values() for jobs in lanes.values())

    def add(self, job: Job) -> None:
        """Have a job wait, unless it does."""
        with self._condition:
            lanes = self._waiting.setdefault(job.project, OrderedDict())
            lanes.setdefault((job.project, job.lane), {})[job.id] = None
            self._condition.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until a job can be worked on, at most so long; tell whether one can."""
        with self._condition:
            return self._condition.wait_for(lambda: self._free() is not None, seconds)

    @contextmanager
    def next(self) -> Iterator[tuple[str, str] | None]:
        """Yield (project, job id) of the next job; its lane is nobody else's until the block ends.

        None if no job can be worked on now.
        """
        with self._condition:
            lane = self._free()
            job_id = self._take(lane) if lane else ""
        try:
            yield (lane[0], job_id) if lane else None
        finally:
            with self._condition:
                if lane:
                    self._busy.remove(lane)
                self._condition.notify_all()

    def _free(self) -> Lane | None:
        every = chain.from_iterable(self._waiting.values())
        return next((lane for lane in every if lane not in self._busy), None)

    def _take(self, lane: Lane) -> str:
        project, _ = lane
        lanes = self._waiting.pop(project)
        jobs = lanes.pop(lane)
        job_id = next(iter(jobs))
        del jobs[job_id]
        # Behind the others.
        if jobs:
            lanes[lane] = jobs
        if lanes:
            self._waiting[project] = lanes
        self._busy.add(lane)
        return job_id


class LocalWakeUps:
    """Who has news for the worker, the projectors, the graph writer and the notifier."""

    def __init__(self) -> None:
        self.jobs = Lanes()
        self.subjects: News[Subjects] = News()
        self.unread: News[Owner] = News()
        self.unprojected: News[Owner] = News()
        self.deliveries: News[Due] = News()

    def work(self, job: Job) -> bool:
        """Say that a job waits for a worker."""
        self.jobs.add(job)
        return True

    def waiting(self) -> int:
        """Return 0: a job that is told of twice waits once, and no line outlives the process."""
        return 0

    def index(self, project: str, subject_keys: Sequence[str]) -> None:
        """Say that these subjects have changes that the index has not confirmed."""
        self.subjects.add((project, tuple(subject_keys)))

    def read_graph(self, owner: Owner) -> None:
        """Say that this owner has changes that the graph writer has not read."""
        self.unread.add(owner)

    def project_graph(self, owner: Owner) -> None:
        """Say that this owner's graph has commits that its projections have not confirmed."""
        self.unprojected.add(owner)

    def deliver(
        self,
        project: str,
        webhook_id: str,
        delivery_ids: Sequence[str],
        *,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Say that deliveries to a webhook are due; those of later are found by maintenance."""
        if not delay:
            for delivery_id in delivery_ids:
                self.deliveries.add((project, webhook_id, delivery_id))
