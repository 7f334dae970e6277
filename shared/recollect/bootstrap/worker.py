"""What works on the jobs that wait."""

from recollect import bootstrap
from recollect.bootstrap import exports, jobs, objects, stores
from recollect.bootstrap.configuration import once
from recollect.bootstrap.erasure import erase_subject
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    EraseRequest,
    ExportRequest,
    IngestRequest,
)
from recollect.usecases.carry_on import CarryOn


@once
def carry_on() -> CarryOn:
    """Return the use case that carries on a job, whatever it was asked to do."""
    resume = {
        AddRequest: bootstrap.add_memories().resume,
        DeleteAllRequest: jobs.delete_memories().resume,
        BatchUpdateRequest: jobs.update_batch().resume,
        BatchDeleteRequest: jobs.delete_batch().resume,
        EraseRequest: erase_subject().resume,
        ExportRequest: exports.export_memories().resume,
        IngestRequest: objects.ingest_object().resume,
    }
    return CarryOn(stores.store().jobs, resume)
