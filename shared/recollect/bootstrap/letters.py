"""Users' messages, and the letters that nobody could handle."""

from collections.abc import Callable

from recollect import bootstrap
from recollect.bootstrap import stores
from recollect.bootstrap.configuration import configured, once, part, settings
from recollect.domain.errors import InvalidRequestError
from recollect.ports.letters import Graveyard, Letter, QueueName
from recollect.usecases.ingest_messages import IngestMessages


@once
def ingest_messages() -> IngestMessages:
    """Return the use case behind the queue of users' messages."""
    return IngestMessages(
        configured("ingest_project"), stores.store().keys, bootstrap.add_memories()
    )


def local_graveyard(send: Callable[[Letter], bool]) -> Graveyard:
    """Return the letters in the data file; `send` gives a letter's message to its function."""
    from recollect.adapters.local.letters import LocalGraveyard

    return LocalGraveyard(stores.local_store().database, send)


def sqs_graveyard() -> Graveyard:
    """Return the letters beside the queues that are configured.

    Raises `InvalidRequestError` if none is.
    """
    with part("aws"):
        from recollect.adapters.aws import clients
        from recollect.adapters.aws.graveyard import SqsGraveyard

    chosen = settings()
    urls = {
        QueueName.INDEX: chosen.index_queue_url,
        QueueName.GRAPH: chosen.graph_queue_url,
        QueueName.GRAPH_PROJECTION: chosen.graph_projection_queue_url,
        QueueName.WEBHOOKS: chosen.webhook_queue_url,
        QueueName.WORKER: chosen.worker_queue_url,
        QueueName.INGEST: chosen.ingest_queue_url,
        QueueName.OBJECTS: chosen.object_queue_url,
    }
    there = {queue: url for queue, url in urls.items() if url}
    if not there:
        message = "No queue is configured: set RECOLLECT_INDEX_QUEUE_URL and those of other queues"
        raise InvalidRequestError(message)
    return SqsGraveyard(clients.sqs(), there)
