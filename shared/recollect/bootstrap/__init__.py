"""Composition root: the only package that reads the environment or picks an adapter.

Every factory is cached, so that one execution environment builds each object once, and only those
that its function asks for. Adapters are imported inside the factories to keep cold starts short.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recollect.bootstrap import (
    erasure,
    exports,
    graphs,
    jobs,
    keys,
    models,
    projects,
    stores,
    webhooks,
)
from recollect.bootstrap.chance import new_id, now
from recollect.bootstrap.configuration import (
    Settings,
    choosing,
    choosing_for_all,
    later,
    once,
    part,
    settings,
    variable,
)
from recollect.bootstrap.jobs import delete_memories
from recollect.bootstrap.keys import check_key, create_key
from recollect.bootstrap.stores import local_store, local_wake_ups
from recollect.domain.errors import UnavailableError
from recollect.ports.letters import QueueName
from recollect.ports.queue import DeadLetters
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.candidates import FindCandidates
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.context import RecentMessages
from recollect.usecases.decisions import DecideDrafts
from recollect.usecases.find_origins import FindOrigins
from recollect.usecases.gather_evidence import GatherEvidence
from recollect.usecases.give_feedback import GiveFeedback
from recollect.usecases.neighbours import FindNeighbours
from recollect.usecases.project_changes import Maintain, ProjectChanges
from recollect.usecases.read_memories import ListMemories, ListSubjects, ReadMemory
from recollect.usecases.reading import ReadMessages
from recollect.usecases.rebuild_index import RebuildIndex
from recollect.usecases.reembed import Reembed
from recollect.usecases.remove_expired import RemoveExpired
from recollect.usecases.search_memories import SearchMemories
from recollect.usecases.verify_index import VerifyIndex

if TYPE_CHECKING:
    from recollect.adapters.local.store import LocalStore
    from recollect.usecases.diagnose import Diagnose

__all__ = [
    "Settings",
    "check_key",
    "choosing",
    "create_key",
    "delete_memories",
    "erasure",
    "exports",
    "jobs",
    "keys",
    "local_store",
    "local_wake_ups",
    "projects",
    "settings",
    "variable",
]


@once
def add_memories() -> AddMemories:
    """Return the use case behind adds."""
    store = stores.store()
    minds = models.minds()
    recent = RecentMessages(store.episodes, store.jobs, store.record, now)
    read = ReadMessages(store.scopes, minds.extractor, minds.describer, recent)
    decide = DecideDrafts(
        store.scopes, models.embedder(), minds.decider, _candidates(), now, new_id
    )
    return AddMemories(
        store.record,
        jobs.work(),
        read,
        decide,
        stores.trusted_projects(),
        stores.wake_ups(),
        now,
        graphs.has_graph(),
    )


@once
def search_memories() -> SearchMemories:
    """Return the use case behind searches."""
    store = stores.store()
    return SearchMemories(
        models.embedder(),
        GatherEvidence(
            _candidates(),
            store.record,
            FindNeighbours(store.record, store.scopes),
            FindOrigins(store.episodes, now),
            models.embedder(),
            graphs.threads(),
        ),
        store.record,
        graphs.search_graph() if graphs.has_graph() else None,
        stores.trusted_projects(),
        store.touches,
        models.rerank(),
        graphs.threads(),
        now,
    )


@once
def list_memories() -> ListMemories:
    """Return the use case behind lists."""
    return ListMemories(stores.store().listing, now)


@once
def read_memory() -> ReadMemory:
    """Return the use case behind reads by id."""
    store = stores.store()
    return ReadMemory(store.record, store.episodes, now)


@once
def list_subjects() -> ListSubjects:
    """Return the use case behind the list of entities."""
    return ListSubjects(stores.store().listing)


@once
def update_memory() -> UpdateMemory:
    """Return the use case behind updates by id."""
    return UpdateMemory(
        stores.store().record,
        models.embedder(),
        stores.trusted_projects(),
        stores.wake_ups(),
        now,
        new_id,
    )


@once
def delete_memory() -> DeleteMemory:
    """Return the use case behind deletes by id."""
    return DeleteMemory(stores.store().record, stores.wake_ups(), now, new_id)


@once
def give_feedback() -> GiveFeedback:
    """Return the use case behind feedback."""
    return GiveFeedback(stores.store().record, stores.wake_ups(), now, new_id)


@once
def project_changes() -> ProjectChanges:
    """Return the use case that brings the index to the record's state."""
    store = stores.store()
    announce = webhooks.announce_changes()
    return ProjectChanges(store.outbox, store.record, stores.patient_index(), announce)


def dead_letters(queue: QueueName) -> DeadLetters:
    """Return what keeps the messages that a queue's function cannot handle."""
    return stores.dead_letters(queue)


@once
def maintain() -> Maintain:
    """Return the use case that drives on what was left behind."""
    store = stores.store()
    return Maintain(
        store.outbox,
        store.graph_outbox,
        store.jobs,
        store.episodes,
        stores.wake_ups(),
        jobs.work(),
        RemoveExpired(store.record, stores.wake_ups(), now, new_id),
        now,
        store.deliveries,
    )


@once
def verify_index() -> VerifyIndex:
    """Return the use case that compares the index with the record."""
    store = stores.store()
    return VerifyIndex(store.keys, store.listing, store.record, stores.index(), store.outbox)


@once
def rebuild_index() -> RebuildIndex:
    """Return the use case that builds the index anew."""
    store = stores.store()
    return RebuildIndex(store.keys, store.listing, stores.index_builds(), later(stores.settle))


@once
def reembed() -> Reembed:
    """Return the use case that exchanges all vectors for the configured embedder's."""
    store = stores.store()
    return Reembed(store.keys, store.listing, store.vectors, models.embedder(), rebuild_index())


def prepare_index() -> Callable[[], None]:
    """Return what makes the search indexes that there are none of."""
    makers = [stores.index_builds().prepare]
    if settings().edition == "aws" and graphs.has_graph():
        makers.append(stores.opensearch_entity_index(stores.BULK_TIMEOUT_SECONDS).prepare)

    def prepare() -> None:
        for make in makers:
            make()

    return prepare


@contextmanager
def local_edition(data: Path, *, to_reembed: bool = False) -> Iterator["LocalStore"]:
    """Build everything on this data file inside the block, whatever the environment says.

    Yields the opened store and closes it at the end. Holds for all threads, so not for two files at
    once. Raises `UnavailableError` if the file cannot be used.
    """
    with choosing_for_all(edition="local", data=data):
        store = local_store()
        store.open(to_reembed=to_reembed)
        yield store


@contextmanager
def aws_edition() -> Iterator[None]:
    """Build everything on AWS inside the block, as the environment describes it.

    Raises `UnavailableError` if it names no region.
    """
    _require_region()
    with choosing_for_all(edition="aws"):
        yield


def diagnose() -> "Diagnose":
    """Return the use case that finds out whether the configured models can be used.

    Raises `UnavailableError` if they are on AWS and no region is named.
    """
    from recollect.usecases.diagnose import Diagnose

    if "bedrock" in (settings().embedder, settings().language_model):
        _require_region()
    language_model = None if settings().language_model == "rules" else models.language_model
    return Diagnose(models.embedder, language_model, time.perf_counter)


def embedding_model() -> str:
    """Return the name of the model that makes the vectors."""
    return models.embedder().model


def _require_region() -> None:
    with part("aws"):
        import boto3
    if boto3.Session().region_name is None:
        message = "No AWS region is configured: set AWS_DEFAULT_REGION"
        raise UnavailableError(message)


@once
def _candidates() -> FindCandidates:
    store = stores.store()
    return FindCandidates(stores.index(), store.record, store.outbox, store.listing)
