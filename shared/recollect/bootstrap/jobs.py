"""What works on jobs, follows them, and changes many memories under one."""

from recollect.bootstrap import current, graphs, models, projects, stores
from recollect.bootstrap.chance import new_id, now
from recollect.bootstrap.configuration import once
from recollect.usecases.change_memories import DeleteBatch, UpdateBatch
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.read_jobs import ListJobs, ReadJob
from recollect.usecases.work_on_jobs import WorkOnJobs


@once
def work() -> WorkOnJobs:
    """Return what accepts jobs and carries them out."""
    store = stores.store()
    return WorkOnJobs(store.jobs, store.record, now, new_id, current.is_late)


@once
def read_job() -> ReadJob:
    """Return the use case behind events."""
    return ReadJob(stores.store().jobs)


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
        store.listing,
        store.subjects,
        work(),
        graphs.erase_graph(),
        projects.end_project(),
        stores.wake_ups(),
        now,
    )
