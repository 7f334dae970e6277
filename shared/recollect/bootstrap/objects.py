"""Objects of users, and remembering what they say."""

from recollect import bootstrap
from recollect.bootstrap import jobs, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import once, part, settings
from recollect.ports.objects import ObjectStore
from recollect.usecases.ingest_object import IngestObject


@once
def object_store() -> ObjectStore:
    """Return what reads objects: those of folders in the local edition."""
    if settings().edition == "local":
        from recollect.adapters.local.object_store import FolderObjectStore

        return FolderObjectStore()
    with part("aws"):
        from recollect.adapters.aws import clients
        from recollect.adapters.aws.object_store import S3ObjectStore

    return S3ObjectStore(clients.s3())


@once
def ingest_object() -> IngestObject:
    """Return the use case behind objects."""
    store = stores.store()
    return IngestObject(
        objects=object_store(),
        jobs=store.jobs,
        record=store.record,
        keys=store.keys,
        work=jobs.work(),
        add=bootstrap.add_memories(),
        now=now,
    )
