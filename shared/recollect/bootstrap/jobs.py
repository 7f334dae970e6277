"""What works on jobs, follows them, and changes many memories under one."""

import time

from recollect.bootstrap import current, graphs, models, projects, stores
from recollect.bootstrap.chance import new_id, now
from recollect.bootstrap.configuration import once
from recollect.usecases.change_memories import DeleteBatch, UpdateBatch
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.read_jobs import AwaitJob, ListJobs, ReadJob
from recollect.usecases.wipe_memories import WipeMemories
from recollect.usecases.work_on_jobs import WorkOnJobs


@once
def work() -> WorkOnJobs:
    """Return what accepts jobs and carries them out."""
    store = stores.store()
    return WorkOnJobs(
        store.jobs,
        store.record,
        stores.wake_ups(),
        now,
        new_id,
        current.is_late,
        current.asked_with,
    )


@once
def read_job() -> ReadJob:
    """Return the use case behind events."""
    return ReadJob(stores.store().jobs)


@once
def await_job() -> AwaitJob:
    """Return the use case behind events that are waited for."""
    return AwaitJob(read_job(), now, time.sleep, current.seconds_left)


@once
def list_jobs() -> ListJobs:
    """Return the use case behind the list of events."""
    return ListJobs(stores.store().jobs)


@once
def update_batch() -> UpdateBatch:
    """Return the use case behind updates of many memories."""
    return UpdateBatch(
        stores.store().record,
        models.embedder(),
        stores.trusted_projects(),
        work(),
        stores.wake_ups(),
        now,
    )


@once
def delete_batch() -> DeleteBatch:
    """Return the use case behind deletes of many memories."""
    return DeleteBatch(stores.store().record, work(), stores.wake_ups(), now)


@once
def delete_memories() -> DeleteMemories:
    """Return the use case behind deletes of everything."""
    store = stores.store()
    return DeleteMemories(
        store.record,
        store.episodes,
        work(),
        wipe_memories(),
        graphs.erase_graph(),
        projects.end_project(),
        now,
    )


@once
def wipe_memories() -> WipeMemories:
    """Return what deletes many memories under a job."""
    store = stores.store()
    return WipeMemories(
        store.record, store.listing, work(), graphs.erase_graph(), stores.wake_ups(), now
    )
