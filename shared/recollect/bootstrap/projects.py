"""What projects set, how they come to be, and how they go."""

from recollect.bootstrap import current, graphs, keys, stores
from recollect.bootstrap.chance import new_id, now
from recollect.bootstrap.configuration import once
from recollect.usecases.create_project import CreateProject
from recollect.usecases.empty_jobs import EmptyJobs
from recollect.usecases.end_project import EndProject
from recollect.usecases.manage_projects import ChangeProject, ReadProject


@once
def read_project() -> ReadProject:
    """Return the use case that tells what a project has set."""
    return ReadProject(stores.store().projects)


@once
def change_project() -> ChangeProject:
    """Return the use case that changes what a project has set."""
    return ChangeProject(stores.trusted_projects())


@once
def create_project() -> CreateProject:
    """Return the use case that makes projects."""
    return CreateProject(stores.store().projects, change_project(), keys.create_key(), new_id)


@once
def empty_jobs() -> EmptyJobs:
    """Return what takes out of jobs what they say."""
    store = stores.store()
    return EmptyJobs(store.jobs, store.record, store.remains, now)


@once
def end_project() -> EndProject:
    """Return what removes the rest of a project whose memories are deleted."""
    store = stores.store()
    return EndProject(
        store.subjects,
        store.episodes,
        store.erasures,
        store.archive,
        store.remains,
        empty_jobs(),
        graphs.erase_graph(),
        change_project(),
        stores.trusted_keys(),
        store.webhooks,
        now,
        current.is_late,
    )
