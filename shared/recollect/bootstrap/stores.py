"""The record, the index and the wake-ups of the configured edition."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from recollect.bootstrap.chance import new_id, now
from recollect.bootstrap.configuration import (
    LONGEST_REFRESH_SECONDS,
    closed_at_the_end,
    configured,
    later,
    once,
    part,
    settings,
)
from recollect.bootstrap.current import correlation_id
from recollect.bootstrap.models import embedder
from recollect.ports.index import IndexBuilds, MemoryIndex
from recollect.ports.keys import Keys
from recollect.ports.letters import QueueName
from recollect.ports.projects import SettingsStore
from recollect.ports.queue import DeadLetters, WakeUps

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

    from recollect.adapters.aws.entity_index import OpenSearchEntityIndex
    from recollect.adapters.aws.index_family import IndexSettings
    from recollect.adapters.aws.store import DynamoStore
    from recollect.adapters.local.store import LocalStore
    from recollect.adapters.local.wake_ups import LocalWakeUps

SEARCH_TIMEOUT_SECONDS = 4.0
"""For each of up to three attempts, which with those of embedding stay below an HTTP API's 30 s."""
BULK_TIMEOUT_SECONDS = 20.0
"""The projector's, for bulk writes; its own time-out is longer than three attempts."""
COLLECTION_REFRESH_SECONDS = 60
"""Serverless collections choose themselves; 10 to 60 s are documented."""

PROJECT_WIDE_SECONDS = 10.0
"""DynamoDB promises no time in which its secondary indexes follow; they take less than one second
unless they are throttled."""


@once
def local_store() -> "LocalStore":
    """Return the local edition's data file, for the commands that look after it."""
    from recollect.adapters.local.store import LocalStore

    store = LocalStore(
        settings().data,
        embedding_model=embedder().model,
        resident_bytes=settings().resident_megabytes * 1024 * 1024,
    )
    closed_at_the_end(store.database.close)
    return store


@once
def local_wake_ups() -> "LocalWakeUps":
    """Return this process's wake-ups, for the worker that answers them."""
    from recollect.adapters.local.wake_ups import LocalWakeUps

    return LocalWakeUps()


def store() -> "LocalStore | DynamoStore":
    """Return the record with all that is kept beside it."""
    return local_store() if settings().edition == "local" else dynamo_store()


@once
def dynamo_store() -> "DynamoStore":
    """Return the AWS edition's tables and bucket."""
    with part("aws"):
        from recollect.adapters.aws import clients
        from recollect.adapters.aws.store import DynamoStore

    return DynamoStore(
        dynamodb=clients.dynamodb(),
        s3=clients.s3(),
        record_table=configured("record_table"),
        control_table=configured("control_table"),
        bucket=configured("bucket"),
        now=now,
        new_token=new_id,
        settling=_settling(),
        embedding_model=later(lambda: embedder().model),
    )


def _settling() -> timedelta:
    """Return how long the index may take to show what it has confirmed: twice its interval.

    That is the longest one that can be configured, since an index keeps the one it was made with
    until it is prepared again.
    """
    is_collection = settings().opensearch_auth == "aoss"
    slowest = COLLECTION_REFRESH_SECONDS if is_collection else LONGEST_REFRESH_SECONDS
    return timedelta(seconds=2 * slowest)


@once
def trusted_keys() -> Keys:
    """Return the keys as requests are checked against them."""
    if settings().edition == "local":
        return local_store().keys
    with part("aws"):
        from recollect.adapters.aws.trusted import TrustedKeys

    return TrustedKeys(dynamo_store().keys, now)


@once
def trusted_projects() -> SettingsStore:
    """Return the settings of projects as work follows them."""
    if settings().edition == "local":
        return local_store().projects
    with part("aws"):
        from recollect.adapters.aws.trusted import TrustedSettings

    return TrustedSettings(dynamo_store().projects, now)


@once
def index() -> MemoryIndex:
    """Return the search index, for those whose callers wait."""
    if settings().edition == "local":
        return local_store().index
    return _opensearch_index(SEARCH_TIMEOUT_SECONDS)


@once
def patient_index() -> MemoryIndex:
    """Return the search index, for those who write much and nobody waits for."""
    if settings().edition == "local":
        return local_store().index
    return _opensearch_index(BULK_TIMEOUT_SECONDS)


@once
def opensearch_entity_index(timeout_seconds: float) -> "OpenSearchEntityIndex":
    """Return the index of entities beside that of memories."""
    with part("aws"):
        from recollect.adapters.aws.entity_index import OpenSearchEntityIndex

    return OpenSearchEntityIndex(_opensearch(timeout_seconds), _index_settings(), time.sleep)


@once
def index_builds() -> IndexBuilds:
    """Return what makes the search index, and makes it anew."""
    if settings().edition == "local":
        from recollect.adapters.local.index_builds import LocalIndexBuilds

        return LocalIndexBuilds(local_store().database)
    with part("aws"):
        from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds

    return OpenSearchIndexBuilds(_opensearch(BULK_TIMEOUT_SECONDS), _index_settings(), time.sleep)


def settle() -> None:
    """Wait until lists of whole projects show all that was committed before."""
    if settings().edition == "aws":
        time.sleep(PROJECT_WIDE_SECONDS)


def _opensearch_index(timeout_seconds: float) -> MemoryIndex:
    with part("aws"):
        from recollect.adapters.aws.index import OpenSearchIndex

    return OpenSearchIndex(_opensearch(timeout_seconds), _index_settings(), time.sleep)


@once
def _opensearch(timeout_seconds: float) -> "OpenSearch":
    import boto3

    from recollect.adapters.aws.opensearch import opensearch_client

    return opensearch_client(
        configured("opensearch_url"),
        auth=settings().opensearch_auth,
        session=boto3.Session(),
        timeout_seconds=timeout_seconds,
    )


def _index_settings() -> "IndexSettings":
    from recollect.adapters.aws.index_family import IndexSettings

    chosen = settings()
    return IndexSettings(
        prefix=chosen.opensearch_index,
        model=embedder().model,
        dimensions=embedder().dimensions,
        engine=chosen.opensearch_engine,
        refresh_seconds=chosen.opensearch_refresh_seconds,
        versioning="none" if chosen.opensearch_auth == "aoss" else "external",
    )


@once
def wake_ups() -> WakeUps:
    """Return what tells those behind queues that there is work."""
    if settings().edition == "local":
        return local_wake_ups()
    with part("aws"):
        from recollect.adapters.aws import clients
        from recollect.adapters.aws.wake_ups import SqsWakeUps

    return SqsWakeUps(
        client=clients.sqs(),
        index_queue_url=configured("index_queue_url"),
        worker_queue_url=configured("worker_queue_url"),
        graph_queue_url=settings().graph_queue_url,
        graph_projection_queue_url=settings().graph_projection_queue_url,
        webhook_queue_url=settings().webhook_queue_url,
        new_token=new_id,
        correlation_id=correlation_id,
    )


def dead_letters(queue: QueueName) -> DeadLetters:
    """Return what keeps the messages of a queue that cannot be handled.

    On AWS each function is configured with the place for those of its own queue.
    """
    if settings().edition == "local":
        from recollect.adapters.local.letters import LocalDeadLetters

        return LocalDeadLetters(local_store().database, queue, now, new_id)
    with part("aws"):
        from recollect.adapters.aws import clients
        from recollect.adapters.aws.wake_ups import SqsDeadLetters

    return SqsDeadLetters(clients.sqs(), configured("dead_letters_url"), new_id)
