"""What moves memories from one place to another: exports, and imports of what others have.

Only commands do that, so that each use case is imported where it is made.
"""

import time
from typing import TYPE_CHECKING

from recollect.bootstrap import graphs, models, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import once

if TYPE_CHECKING:
    import httpx

    from recollect.adapters.mem0_service import ReadMem0
    from recollect.usecases.export_records import ExportRecords
    from recollect.usecases.import_records import ImportRecords


@once
def export_records() -> "ExportRecords":
    """Return the use case that tells everything of a project."""
    from recollect.usecases.export_records import ExportRecords

    store = stores.store()
    return ExportRecords(
        store.keys,
        store.record,
        store.listing,
        store.archive,
        store.subjects,
        store.graph,
        graphs.threads(),
        now,
    )


@once
def import_records() -> "ImportRecords":
    """Return the use case that brings everything back."""
    from recollect.usecases.import_graph import ImportGraph
    from recollect.usecases.import_records import ImportRecords

    store, embedder, wake_ups = stores.store(), models.embedder(), stores.wake_ups()
    return ImportRecords(
        store.keys,
        store.record,
        store.scopes,
        store.episodes,
        store.subjects,
        store.erasures,
        store.archive,
        ImportGraph(store.graph, embedder, wake_ups, now),
        embedder,
        wake_ups,
        now,
    )


def read_mem0(client: "httpx.Client", *, is_open_source: bool = False) -> "ReadMem0":
    """Return what reads the mem0 that this client calls, with its key."""
    from recollect.adapters.mem0_service import Asking, HostedMem0, OpenSourceMem0, ReadMem0

    asking = Asking(client, time.sleep)
    mem0 = OpenSourceMem0(asking) if is_open_source else HostedMem0(asking)
    return ReadMem0(mem0, graphs.threads(), now)
