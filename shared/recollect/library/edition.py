"""One data file, opened in this process, with its use cases and without a server."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from recollect import bootstrap
from recollect.adapters.local.wake_ups import LocalWakeUps, News
from recollect.bootstrap import worker
from recollect.domain.errors import RecollectError
from recollect.domain.filters import Filter
from recollect.domain.graph import Owner
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Memory
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.carry_on import CarryOn
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.follow_graph import FollowGraph
from recollect.usecases.project_changes import Maintain, ProjectChanges
from recollect.usecases.project_graph import ProjectGraph
from recollect.usecases.read_jobs import ReadJob
from recollect.usecases.read_memories import (
    ListMemories,
    ReadMemory,
)
from recollect.usecases.search_memories import SearchMemories
from recollect.usecases.write_graph import WriteGraph

PROJECT: Final = "default"
"""The project that the commands use, too."""
KEY_NAME: Final = "library"
NAMES_AT_ONCE = 100
MAX_RESUMES = 3
"""How often an add is carried on that others overtook; each time it has tried several times."""
PATIENCE_SECONDS = 10.0
"""Begin no more of what a crash left behind: a service may have died of a long line of jobs."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The use cases over one data file; threads can share it."""

    closing: ExitStack
    wake_ups: LocalWakeUps
    add: AddMemories
    search: SearchMemories
    list_memories: ListMemories
    read: ReadMemory
    read_job: ReadJob
    update: UpdateMemory
    delete: DeleteMemory
    delete_all: DeleteMemories
    project: ProjectChanges
    write_graph: WriteGraph
    project_graph: ProjectGraph
    follow_graph: FollowGraph
    maintain: Maintain
    carry_on: CarryOn
    graph_thread: ThreadPoolExecutor
    is_closing: threading.Event

    @classmethod
    def opened(cls, data: Path | None, settings: dict[str, object]) -> "Edition":
        """Return the edition on a data file, made if it is missing.

        What is not given is read from the environment. What a crash left behind is finished
        first. Raises `InvalidRequestError` for settings that cannot be used, and
        `UnavailableError` if the file cannot be.
        """
        place = {} if data is None else {"data": data}
        choosing = bootstrap.choosing(edition="local", **place, **settings)
        with choosing as closing, ExitStack() as on_error:
            on_error.callback(closing.close)
            store = bootstrap.local_store()
            store.open()
            if PROJECT not in store.keys.projects():
                # A project comes to be with its first key; nobody needs this one.
                key, _ = bootstrap.create_key()(PROJECT, KEY_NAME)
                bootstrap.keys.revoke_key()(PROJECT, key.id)
            edition = cls._built(closing)
            with edition.following():
                edition.maintain(stale_after=timedelta())
            on_error.pop_all()
        return edition

    @classmethod
    def _built(cls, closing: ExitStack) -> "Edition":
        is_closing = threading.Event()
        return cls(
            closing=closing,
            wake_ups=bootstrap.local_wake_ups(),
            add=bootstrap.add_memories(),
            search=bootstrap.search_memories(),
            list_memories=bootstrap.list_memories(),
            read=bootstrap.read_memory(),
            read_job=bootstrap.jobs.read_job(),
            update=bootstrap.update_memory(),
            delete=bootstrap.delete_memory(),
            delete_all=bootstrap.delete_memories(),
            project=bootstrap.project_changes(),
            write_graph=replace(bootstrap.graphs.write_graph(), is_late=is_closing.is_set),
            project_graph=bootstrap.graphs.project_graph(),
            follow_graph=bootstrap.graphs.follow_graph(),
            maintain=bootstrap.maintain(),
            carry_on=worker.carry_on(),
            graph_thread=ThreadPoolExecutor(1, thread_name_prefix="graph"),
            is_closing=is_closing,
        )

    @contextmanager
    def following(self) -> Iterator[None]:
        """Bring the index, and soon the graph, to what the block committed, even where it fails.

        Jobs that the block left to a worker are carried on first.
        """
        try:
            yield
        finally:
            self._work_off()
            self._index_all()
            if self.wake_ups.unread or self.wake_ups.unprojected:
                self.write_graphs()

    def write_graphs(self) -> Future[None]:
        """Have graphs follow, in a thread of their own: reading memories may take a model."""
        return self.graph_thread.submit(self._write_graphs)

    def _work_off(self) -> None:
        """Carry on what waits; what there is no time for waits until the file is opened again."""
        lanes, end = self.wake_ups.jobs, time.monotonic() + PATIENCE_SECONDS
        for _ in range(len(lanes)):
            with lanes.next() as waiting:
                if waiting and time.monotonic() < end:
                    self._try(*waiting)

    def _try(self, project: str, job_id: str) -> None:
        try:
            self.carry_on(project, job_id)
        except Exception as error:  # noqa: BLE001 - an old job must keep nobody from the file
            kind = type(error).__qualname__
            _LOG.warning("unfinished work could not be finished: %s", kind)

    def _index_all(self) -> None:
        while news := self.wake_ups.subjects.take(limit=NAMES_AT_ONCE):
            for project, subject_keys in news:
                # It is in the record: a search finds it, and the next change indexes it.
                with suppress(RecollectError):
                    self.project(project, subject_keys)
        # Deliveries wait for a server that opens the file; nobody here sends anything.
        while self.wake_ups.deliveries.take(limit=NAMES_AT_ONCE):
            pass

    def _write_graphs(self) -> None:
        # What cannot be read now is read after the owner's next change, or the next start.
        self._tell(self.wake_ups.unread, self.write_graph)
        self._tell(self.wake_ups.unprojected, self.project_graph)

    def _tell(self, news: News[Owner], follow: Callable[[Owner], object]) -> None:
        while not self.is_closing.is_set() and (owners := news.take(limit=1)):
            with suppress(RecollectError):
                follow(owners[0])

    def finished(self, job: Job) -> Job:
        """Carry on an add that others overtook; it may still be PENDING afterwards."""
        for _ in range(MAX_RESUMES):
            if job.status is not JobStatus.PENDING:
                break
            job = self.add.resume(job) or self.read_job(job.project, job.id)
        return job

    def listed(self, matching: Filter, limit: int) -> list[Memory]:
        """Return at most `limit` memories, last created first."""
        return self.list_memories.first(PROJECT, matching, limit=limit)

    def close(self) -> None:
        """Close the file and the connections to models, after the batch that is being read.

        What the graph lacks then is read when the file is opened again.
        """
        self.is_closing.set()
        self.graph_thread.shutdown(cancel_futures=True)
        self.closing.close()
