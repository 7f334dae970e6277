"""One data file, opened in this process, with its use cases and without a server."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from recollect import bootstrap
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.domain.errors import InvalidRequestError, RecollectError
from recollect.domain.filters import Filter
from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import Memory
from recollect.ports.record import Position
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.project_changes import Maintain, ProjectChanges
from recollect.usecases.read_memories import (
    MAX_PAGE_SIZE,
    ListMemories,
    ReadJob,
    ReadMemory,
)
from recollect.usecases.search_memories import SearchMemories

PROJECT: Final = "default"
"""The project that the commands use, too."""
KEY_NAME: Final = "library"
SUBJECTS_AT_ONCE = 100
MAX_RESUMES = 3
"""How often an add is carried on that others overtook; each time it has tried several times."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The use cases over one data file; threads can share it."""

    closing: ExitStack
    wake_ups: LocalWakeUps
    add: AddMemories
    search: SearchMemories
    page: ListMemories
    read: ReadMemory
    read_job: ReadJob
    update: UpdateMemory
    delete: DeleteMemory
    delete_all: DeleteMemories
    project: ProjectChanges
    maintain: Maintain

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
                bootstrap.revoke_key()(PROJECT, key.id)
            edition = cls._built(closing)
            with edition.indexing():
                _drive_on(edition.maintain)
            on_error.pop_all()
        return edition

    @classmethod
    def _built(cls, closing: ExitStack) -> "Edition":
        return cls(
            closing=closing,
            wake_ups=bootstrap.local_wake_ups(),
            add=bootstrap.add_memories(),
            search=bootstrap.search_memories(),
            page=bootstrap.list_memories(),
            read=bootstrap.read_memory(),
            read_job=bootstrap.read_job(),
            update=bootstrap.update_memory(),
            delete=bootstrap.delete_memory(),
            delete_all=bootstrap.delete_memories(),
            project=bootstrap.project_changes(),
            maintain=bootstrap.maintain(),
        )

    @contextmanager
    def indexing(self) -> Iterator[None]:
        """Bring the index to what the block committed, even where it fails."""
        try:
            yield
        finally:
            while news := self.wake_ups.take(limit=SUBJECTS_AT_ONCE):
                for project, subject_keys in news:
                    # It is in the record: a search finds it, and the next change indexes it.
                    with suppress(RecollectError):
                        self.project(project, subject_keys)

    def finished(self, job: Job) -> Job:
        """Carry on an add that others overtook; it may still be PENDING afterwards."""
        for _ in range(MAX_RESUMES):
            if job.status is not JobStatus.PENDING:
                break
            job = self.add.resume(job) or self.read_job(job.project, job.id)
        return job

    def listed(self, matching: Filter, limit: int) -> list[Memory]:
        """Return at most `limit` memories, last created first, page by page."""
        if limit < 1:
            message = "limit must be at least 1"
            raise InvalidRequestError(message)
        found: list[Memory] = []
        position: Position | None = None
        while True:
            size = min(limit - len(found), MAX_PAGE_SIZE)
            page = self.page(PROJECT, matching, page_size=size, after=position)
            found += page.memories
            if not page.has_more or len(found) >= limit:
                return found
            position = Position(found[-1].created_at, found[-1].id)

    def close(self) -> None:
        """Close the file and the connections to models."""
        self.closing.close()


def _drive_on(maintain: Maintain) -> None:
    try:
        maintain(stale_after=timedelta())
    except ExceptionGroup as group:
        # An old job must not keep the file from being used.
        kinds = {type(error).__qualname__ for error in group.exceptions}
        _LOG.warning("unfinished work could not be finished: %s", ", ".join(sorted(kinds)))
