"""What tells how far indexes and graphs have drifted, within the time of an invocation."""

from dataclasses import replace

from recollect.bootstrap import current, graphs, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import once, settings
from recollect.usecases.report_drift import ReportDrift
from recollect.usecases.verify_graph import VerifyGraph
from recollect.usecases.verify_index import VerifyIndex


@once
def report_drift() -> ReportDrift:
    """Return the use case behind the hourly schedule."""
    store = stores.store()
    verify_index = VerifyIndex(
        store.keys,
        store.listing,
        store.record,
        stores.patient_index(),
        store.outbox,
        current.is_late,
    )
    return ReportDrift(store.keys, verify_index, _verify_graph(), now)


def _verify_graph() -> VerifyGraph | None:
    # A cluster is reached by those functions alone that search it and write to it.
    if not graphs.has_graph() or settings().graph == "neptune":
        return None
    return replace(graphs.verify_graph(), is_late=current.is_late)
