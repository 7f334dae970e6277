"""Finding out what is left of a subject that is being erased."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from recollect.domain.filters import subject_is
from recollect.domain.graph import Owner
from recollect.domain.jobs import Job
from recollect.domain.memory import Vector
from recollect.domain.subjects import Subject
from recollect.ports.archive import Archive
from recollect.ports.erasure import Remains
from recollect.ports.graph import GraphRecord
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.index import IndexQuery, MemoryIndex
from recollect.ports.jobs import Jobs
from recollect.ports.record import Listing, Outbox, Record
from recollect.usecases.empty_jobs import EmptyJobs
from recollect.usecases.walking import by_places, entity_pages, matching_pages

PAGE = 100
"""Deleted memories whose histories are read together."""
MOST_UNSEEN = 10_000
MOST_UNPROJECTED = 100
MOST_PROPOSED = 1_000
"""More than any search may ask the index for."""
MOST_SKEW = timedelta(minutes=5)
"""How much later the clock of one process may be than that of another."""
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Before:
    """Tells what was asked for before an erasure, from when it was recorded and by which job.

    `refused_at` is when everything that was asked for before was refused already.
    """

    jobs: Jobs
    erasure: Job
    refused_at: datetime

    def __call__(self, recorded_at: datetime, job_id: str) -> bool:
        """Tell whether it was; what nobody knows the job of, if it was recorded before."""
        if recorded_at <= self.erasure.said_by:
            return True
        if recorded_at > self.refused_at + MOST_SKEW:
            return False
        job = self.jobs.get(self.erasure.project, job_id)
        return job is not None and job.said_by <= self.erasure.said_by


@dataclass(frozen=True)
class FindRemains:
    """Look for what is left of a subject from before its erasure, wherever it may be."""

    record: Record
    listing: Listing
    archive: Archive
    remains: Remains
    outbox: Outbox
    index: Callable[[], MemoryIndex]
    dimensions: Callable[[], int]
    """How many numbers the vectors in the index have."""
    graph: GraphRecord
    graph_outbox: GraphOutbox
    jobs: EmptyJobs

    def __call__(self, erasure: Job, subject: Subject, is_before: Before) -> dict[str, int]:
        """Return how much there is by its kind; nothing of kinds of which nothing is left.

        The index and the graph are asked what they show now.
        """
        project = erasure.project
        living = [
            memory.id
            for memories in matching_pages(self.listing, project, subject_is(subject))
            for memory in memories
            if is_before(memory.recorded_at, memory.episode_id)
        ]
        left = {
            "memories": len(living),
            "histories": sum(map(len, self.deleted(project, subject, is_before))),
            "episodes": self._episodes(erasure, subject),
            "jobs": self.jobs.count(erasure, subject),
            "entities": self._entities(erasure, subject),
            "index": self._proposed(project, subject),
        }
        return {kind: count for kind, count in left.items() if count}

    def is_followed(self, project: str, subject: Subject) -> bool:
        """Tell whether the index, and the graph, show what was deleted as deleted."""
        unseen = self.outbox.unseen(project, [subject.key], limit=MOST_UNSEEN)
        ids = list(dict.fromkeys(each.memory_id for each in unseen))
        living = self.record.get(project, ids)
        owner = Owner(project, subject.key)
        unprojected = self.graph_outbox.unprojected(owner, limit=MOST_UNPROJECTED)
        return len(living) == len(ids) and not any(each.is_whole for each in unprojected)

    def is_withdrawn(self, project: str, memory_ids: Iterable[str]) -> bool:
        """Tell whether no graph, whoever owns it, has anything of these memories."""
        readings = self.graph.readings(project, list(memory_ids))
        return not any(each.entities or each.triples for each in readings.values())

    def deleted(
        self, project: str, subject: Subject, is_before: Before
    ) -> Iterator[dict[str, str]]:
        """Yield pages of place -> id of memories that were deleted and have left a history."""
        for some in by_places(partial(self.archive.deleted, project, subject, limit=PAGE)):
            gone = set(some.values()) - self.record.get(project, list(some.values())).keys()
            yield {
                place: memory_id
                for place, memory_id in some.items()
                if memory_id in gone and self._began(project, memory_id, is_before)
            }

    def _began(self, project: str, memory_id: str, is_before: Before) -> bool:
        events = self.record.history(project, memory_id)
        return not events or events[0].is_stripped or is_before(events[0].at, events[0].cause)

    def _episodes(self, erasure: Job, subject: Subject) -> int:
        total, place = 0, ""
        before = erasure.said_by + TICK
        while True:
            count, following = self.remains.count_episodes(
                erasure.project, subject, before=before, after=place
            )
            total += count
            if following is None:
                return total
            place = following

    def _entities(self, erasure: Job, subject: Subject) -> int:
        owner = Owner(erasure.project, subject.key)
        return sum(
            entity.recorded_at <= erasure.said_by
            for entities in entity_pages(self.graph, owner)
            for entity in entities
        )

    def _proposed(self, project: str, subject: Subject) -> int:
        """Return how many memories the index proposes that are not there."""
        query = IndexQuery(subject_is(subject), self._anywhere(), (), MOST_PROPOSED)
        [proposal] = self.index().propose(project, [query])
        return len(proposal.memory_ids) - len(self.record.get(project, proposal.memory_ids))

    def _anywhere(self) -> Vector:
        size = self.dimensions()
        return np.full(size, size**-0.5, dtype=np.float32)
