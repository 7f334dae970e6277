"""What tests ask of a record, whichever engine is behind it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from recollect.domain.memory import Memory
from recollect.ports.archive import Archive
from recollect.ports.erasure import Erasures, Remains
from recollect.ports.graph import GraphRecord
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.jobs import Jobs
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.ports.record import Episodes, Listing, Outbox, Record, Scopes
from recollect.ports.subjects import Subjects
from recollect.ports.touches import Touches
from recollect.ports.usage import Usage
from recollect.ports.webhooks import Deliveries, Webhooks
from recollect.testing.builders import a_change, a_key, updating

THREADS = 16
"""Enough that some are always in each other's way."""

Result = TypeVar("Result")


class Store(Protocol):
    """The record's ports, all over the same data."""

    @property
    def record(self) -> Record:
        """Memories and what becomes of them."""
        ...

    @property
    def episodes(self) -> Episodes:
        """The messages of adds."""
        ...

    @property
    def scopes(self) -> Scopes:
        """Clocks, turns and texts."""
        ...

    @property
    def listing(self) -> Listing:
        """Pages of memories and subjects."""
        ...

    @property
    def subjects(self) -> Subjects:
        """What is said of subjects."""
        ...

    @property
    def archive(self) -> Archive:
        """What only exports read."""
        ...

    @property
    def erasures(self) -> Erasures:
        """Whom to remember nothing of."""
        ...

    @property
    def remains(self) -> Remains:
        """What is left of what was deleted."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What the index has not confirmed."""
        ...

    @property
    def graph(self) -> GraphRecord:
        """What memories speak of."""
        ...

    @property
    def graph_outbox(self) -> GraphOutbox:
        """What the graph has yet to follow."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Work that is followed."""
        ...

    @property
    def keys(self) -> Keys:
        """Projects and what opens them."""
        ...

    @property
    def projects(self) -> SettingsStore:
        """What projects set for themselves."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Whom projects tell of changes."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """What is told to them."""
        ...

    @property
    def usage(self) -> Usage:
        """What keys use."""
        ...

    @property
    def touches(self) -> Touches:
        """When searches showed memories."""
        ...


def a_project(store: Store) -> str:
    """Return a project that no other test has seen, so that tests can share one store."""
    project = f"project-{uuid4().hex}"
    store.keys.create(project, a_key(project), key_hash=uuid4().hex)
    return project


def at_once(call: Callable[[int], Result]) -> list[Result]:
    """Return what the call returns in each of 16 threads, given the thread's number."""
    ready = Barrier(THREADS)

    def together(number: int) -> Result:
        ready.wait()
        return call(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(together, range(THREADS)))


def update(store: Store, before: Memory, **changes: Any) -> Memory:  # noqa: ANN401 - a Memory's
    """Commit the memory with these changes, and return it so."""
    write = updating(before, **changes)
    store.record.commit(before.scope.project, a_change(write))
    assert write.after is not None
    return write.after
