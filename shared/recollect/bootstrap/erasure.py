"""Erasing subjects in the configured edition."""

from datetime import timedelta

from recollect.bootstrap import graphs, jobs, models, projects, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import later, once, settings
from recollect.usecases.erase_subject import EraseSubject
from recollect.usecases.find_remains import FindRemains
from recollect.usecases.reapply_erasures import ReapplyErasures


@once
def erase_subject() -> EraseSubject:
    """Return the use case that erases all of a subject."""
    store = stores.store()
    is_local = settings().edition == "local"
    return EraseSubject(
        store.record,
        store.episodes,
        store.erasures,
        store.remains,
        jobs.work(),
        jobs.wipe_memories(),
        graphs.erase_graph(),
        projects.empty_jobs(),
        _find_remains(),
        now,
        None if is_local else timedelta(days=settings().backup_days),
    )


def _find_remains() -> FindRemains:
    store = stores.store()
    return FindRemains(
        store.record,
        store.listing,
        store.archive,
        store.remains,
        store.outbox,
        later(stores.index),
        later(lambda: models.embedder().dimensions),
        store.graph,
        store.graph_outbox,
        projects.empty_jobs(),
    )


@once
def reapply_erasures() -> ReapplyErasures:
    """Return the use case that erases again what a restored record has brought back."""
    store = stores.store()
    return ReapplyErasures(store.keys, store.subjects, store.erasures, erase_subject())
