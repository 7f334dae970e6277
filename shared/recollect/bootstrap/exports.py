"""Exports and summaries in the configured edition."""

from recollect.bootstrap import current, jobs, models, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import later, once, settings
from recollect.usecases.asking import AskModel
from recollect.usecases.export_memories import ExportMemories, ReadExport
from recollect.usecases.summarise_memories import SummariseMemories


@once
def export_memories() -> ExportMemories:
    """Return the use case behind exports."""
    store = stores.store()
    return ExportMemories(store.listing, store.record, jobs.work(), later(_asking), now)


@once
def read_export() -> ReadExport:
    """Return the use case that shows exports."""
    return ReadExport(stores.store().jobs)


@once
def summarise_memories() -> SummariseMemories:
    """Return the use case behind summaries."""
    return SummariseMemories(stores.store().listing, later(_asking), now)


@once
def _asking() -> AskModel | None:
    """Return what asks the language model, made when it is first needed; None for the rules."""
    if settings().language_model == "rules":
        return None
    return AskModel(models.language_model(), current.seconds_left, current.spend)
