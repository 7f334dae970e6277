"""The graph of the configured edition: its use cases, and what they are made of.

Most functions need none of the use cases, so that each is imported where it is made.
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from recollect.bootstrap import current, models, stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import closed_at_the_end, configured, once, part, settings
from recollect.ports.graph import EntityIndex, GraphReader, GraphStore

if TYPE_CHECKING:
    from recollect.usecases.browse_graph import BrowseGraph
    from recollect.usecases.erase_graph import EraseGraph
    from recollect.usecases.follow_graph import FollowGraph
    from recollect.usecases.project_graph import ProjectGraph
    from recollect.usecases.rebuild_graph import RebuildGraph, RenewGraph
    from recollect.usecases.redrive_graph import RedriveGraph
    from recollect.usecases.reembed_graph import ReembedGraph
    from recollect.usecases.search_graph import SearchGraph
    from recollect.usecases.verify_graph import VerifyGraph
    from recollect.usecases.write_graph import WriteGraph

THREADS = 4
"""Of a process; a function answers one search at a time."""
STORE_TIMEOUT_SECONDS = 3.0
"""For each of two attempts, which with the rest of a search stay below an HTTP API's 30 s."""


def has_graph() -> bool:
    """Tell whether memories can be in a graph."""
    chosen = settings()
    return (chosen.graph or ("record" if chosen.edition == "local" else "none")) != "none"


@once
def threads() -> Executor:
    """Return threads for what searches do meanwhile, started when they are first needed."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="search")
    closed_at_the_end(pool.shutdown)
    return pool


@once
def graph_store() -> GraphStore:
    """Return what finds what is near in a graph."""
    if settings().graph != "neptune":
        from recollect.adapters.record_graph import RecordGraphStore

        return RecordGraphStore(stores.store().graph)
    with part("neptune"):
        import boto3

        from recollect.adapters.aws.gremlin import GremlinGraphStore
        from recollect.adapters.aws.neptune import neptune_connection

    connection = neptune_connection(
        configured("neptune_url"),
        auth=settings().neptune_auth,
        session=boto3.Session(),
        timeout_seconds=STORE_TIMEOUT_SECONDS,
    )
    closed_at_the_end(connection.close)
    return GremlinGraphStore(connection.ask)


@once
def entity_index() -> EntityIndex:
    """Return what finds entities, for those whose callers wait."""
    return _entity_index(stores.SEARCH_TIMEOUT_SECONDS)


@once
def patient_entity_index() -> EntityIndex:
    """Return what finds entities, for those who write much and nobody waits for."""
    return _entity_index(stores.BULK_TIMEOUT_SECONDS)


def _entity_index(timeout_seconds: float) -> EntityIndex:
    if settings().edition == "local":
        from recollect.adapters.local.entity_index import LocalEntityIndex

        return LocalEntityIndex(stores.store().graph)
    return stores.opensearch_entity_index(timeout_seconds)


@once
def graph_reader() -> GraphReader:
    """Return what finds entities and relations in memories: a model, or the rules in its place."""
    if settings().language_model == "rules":
        from recollect.adapters.local.graph_rules import RuleBasedGraphReader

        return RuleBasedGraphReader()
    from recollect.usecases.asking import AskModel
    from recollect.usecases.graph_reading import ModelGraphReader

    return ModelGraphReader(AskModel(models.language_model(), current.seconds_left))


@once
def erase_graph() -> "EraseGraph":
    """Return the use case that removes owners' graphs."""
    from recollect.usecases.erase_graph import EraseGraph

    store = stores.store()
    return EraseGraph(store.graph, store.listing, stores.wake_ups(), now)


@once
def reembed_graph() -> "ReembedGraph":
    """Return the use case that exchanges entities' vectors for the configured embedder's."""
    from recollect.usecases.reembed_graph import ReembedGraph

    store = stores.store()
    return ReembedGraph(store.keys, store.graph, models.embedder(), now)


@once
def browse_graph() -> "BrowseGraph":
    """Return the use case that shows owners' graphs."""
    from recollect.usecases.browse_graph import BrowseGraph

    store = stores.store()
    return BrowseGraph(store.graph, store.record, now)


@once
def follow_graph() -> "FollowGraph":
    """Return the use case that tells what an add did to the graph."""
    from recollect.usecases.follow_graph import FollowGraph

    store = stores.store()
    return FollowGraph(store.graph, store.graph_outbox, store.record)


@once
def write_graph() -> "WriteGraph":
    """Return the use case that reads memories for the graph."""
    from recollect.usecases.resolving import ResolveEntities
    from recollect.usecases.write_graph import WriteGraph

    store = stores.store()
    resolve = ResolveEntities(
        store.graph, store.graph_outbox, patient_entity_index(), models.embedder()
    )
    return WriteGraph(
        store.graph,
        store.graph_outbox,
        store.record,
        graph_reader(),
        resolve,
        stores.wake_ups(),
        now,
        current.is_late,
    )


@once
def project_graph() -> "ProjectGraph":
    """Return the use case that brings a graph's projections to the record's state."""
    from recollect.usecases.project_graph import ProjectGraph

    store = stores.store()
    return ProjectGraph(
        store.graph,
        store.graph_outbox,
        graph_store(),
        patient_entity_index(),
        stores.wake_ups(),
        current.is_late,
    )


@once
def verify_graph() -> "VerifyGraph":
    """Return the use case that compares projections of graphs with the record."""
    from recollect.usecases.verify_graph import VerifyGraph

    store = stores.store()
    return VerifyGraph(
        store.keys,
        store.graph,
        store.graph_outbox,
        graph_store(),
        patient_entity_index(),
        _renew_graph(),
    )


@once
def rebuild_graph() -> "RebuildGraph":
    """Return the use case that writes graphs to their projections anew."""
    from recollect.usecases.rebuild_graph import RebuildGraph

    store = stores.store()
    return RebuildGraph(store.keys, store.graph, _renew_graph())


@once
def redrive_graph() -> "RedriveGraph":
    """Return the use case that has unreadable memories be read again."""
    from recollect.usecases.redrive_graph import RedriveGraph

    return RedriveGraph(stores.store().graph_outbox, stores.wake_ups(), now)


@once
def search_graph() -> "SearchGraph":
    """Return the use case that searches graphs."""
    from recollect.usecases.search_graph import SearchGraph

    store = stores.store()
    return SearchGraph(entity_index(), graph_store(), store.graph, store.record)


@once
def _renew_graph() -> "RenewGraph":
    from recollect.usecases.rebuild_graph import RenewGraph

    return RenewGraph(stores.store().graph_outbox, project_graph(), now)
