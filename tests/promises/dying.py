"""Both editions, in processes that die before a write that a test chooses."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from uuid import uuid4

import boto3
from opensearchpy import OpenSearch, Transport, Urllib3HttpConnection

from recollect.adapters.aws.clients import STORAGE
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.local.episodes import LocalEpisodes
from recollect.adapters.local.erasure import LocalErasures, LocalRemains
from recollect.adapters.local.index import LocalIndex
from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.adapters.local.jobs import LocalJobs
from recollect.adapters.local.outbox import LocalOutbox
from recollect.adapters.local.record import LocalRecord
from recollect.adapters.local.scopes import LocalScopes
from recollect.adapters.local.webhooks import LocalDeliveries, LocalWebhooks
from recollect.domain.jobs import Turn
from recollect.domain.subjects import Scope
from recollect.ports.index import IndexBuilds
from recollect.ports.record import Scopes
from tests.aws import REFRESH_SECONDS, dynamo_store
from tests.contract.indexes import a_client, drop, no_sleep, refresh, some_settings
from tests.engines import REGION, endpoint
from tests.promises.breaking import BreakingDatabase, CrashError
from tests.service import RESIDENT_BYTES, Clock, Ports, UseCases, a_service, embedder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = {"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"}
READS = ("_msearch", "_refresh")
"""Ends of the URLs that are posted to without a change."""


@dataclass
class Death:
    """Comes to a process when it is about to do one more write than this; then it does nothing."""

    writes_left: int
    has_come: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_by(self, *, is_write: bool) -> None:
        """Let a call through, or raise `CrashError`."""
        with self._lock:
            if self.has_come or (is_write and not self.writes_left):
                self.has_come = True
                raise CrashError
            self.writes_left -= is_write


@dataclass(frozen=True)
class Process:
    """The use cases in one process, and how it builds the index anew."""

    service: UseCases
    builds: IndexBuilds


class World(Protocol):
    """An edition whose processes die."""

    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> list[str]:
        """The ids that memories may have been given since a test last cleared them."""
        ...

    def process(self, writes: int) -> Process:
        """Return a new process that dies before it has done more writes than this."""
        ...

    def show(self) -> None:
        """Have the index show what was written to it."""
        ...


Build: TypeAlias = Callable[[Path], AbstractContextManager[World]]
"""Makes a world that may keep files in a folder."""


@dataclass(frozen=True)
class NotedScopes:
    """Notes the ids of the turns that are handed out."""

    scopes: Scopes
    ids: list[str]

    def clock(self, scope: Scope) -> int:
        return self.scopes.clock(scope)

    def reserve_turns(self, scope: Scope, count: int) -> tuple[Turn, ...]:
        turns = self.scopes.reserve_turns(scope, count)
        self.ids.extend(turn.memory_id for turn in turns)
        return turns

    def find_texts(self, scope: Scope, texts: Sequence[str], *, now: datetime) -> dict[str, str]:
        return self.scopes.find_texts(scope, texts, now=now)


def noted_id(ids: list[str]) -> str:
    ids.append(str(uuid4()))
    return ids[-1]


@dataclass(frozen=True)
class LocalWorld:
    """Processes on one data file, which die before a statement."""

    path: Path
    clock: Clock = field(default_factory=Clock)
    ids: list[str] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)

    def process(self, writes: int) -> Process:
        service = a_service(self.path, self.clock, partial(noted_id, self.ids))
        database = BreakingDatabase(self.path)
        for each in (service.store.database, database):
            self.opened.enter_context(closing(each))
        database.die_after(writes)
        return Process(
            service.having(
                record=LocalRecord(database),
                scopes=NotedScopes(LocalScopes(database), self.ids),
                outbox=LocalOutbox(database),
                jobs=LocalJobs(database),
                episodes=LocalEpisodes(database),
                erasures=LocalErasures(database),
                remains=LocalRemains(database),
                webhooks=LocalWebhooks(database),
                deliveries=LocalDeliveries(database),
                index=LocalIndex(database, max_resident_bytes=RESIDENT_BYTES),
            ),
            LocalIndexBuilds(database),
        )

    def show(self) -> None:
        """Do nothing: this edition's index shows at once what it has."""


@contextmanager
def local(folder: Path) -> Iterator[World]:
    world = LocalWorld(folder / "recollect.db")
    with world.opened:
        yield world


class MortalTransport(Transport):
    """Sends requests to an engine until death comes."""

    def __init__(self, hosts: Any, *, death: Death, **options: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(hosts, **options)
        self._death = death

    def perform_request(self, method: str, url: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        self._death.pass_by(is_write=method != "GET" and not url.endswith(READS))
        return super().perform_request(method, url, *args, **options)


def mortal_dynamodb(death: Death) -> "DynamoDBClient":
    client = boto3.client(
        "dynamodb", region_name=REGION, endpoint_url=endpoint("dynamodb"), config=STORAGE
    )

    def before_call(model: Any, **_: Any) -> None:  # noqa: ANN401 - botocore's
        death.pass_by(is_write=model.name in WRITES)

    client.meta.events.register("before-call.dynamodb", before_call)
    return client


@dataclass(frozen=True)
class AwsWorld:
    """Processes before DynamoDB and OpenSearch, which die before a request that writes."""

    store: DynamoStore
    show: Callable[[], None]
    clock: Clock = field(default_factory=Clock)
    ids: list[str] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)
    settings: Any = field(
        default_factory=lambda: some_settings(
            model=embedder().model, dimensions=embedder().dimensions
        )
    )

    def process(self, writes: int) -> Process:
        death = Death(writes)
        store = replace(
            self.store,
            dynamodb=self.opened.enter_context(closing(mortal_dynamodb(death))),
            now=self.clock,
            settling=timedelta(seconds=2 * REFRESH_SECONDS),
        )
        client = self.opened.enter_context(closing(self._opensearch(death)))
        ports = Ports.over(
            store,
            OpenSearchIndex(client, self.settings, no_sleep),
            self.clock,
            partial(noted_id, self.ids),
        )
        service = UseCases(ports=ports, clock=self.clock)
        return Process(
            service.having(scopes=NotedScopes(store.scopes, self.ids)),
            OpenSearchIndexBuilds(client, self.settings, no_sleep),
        )

    def _opensearch(self, death: Death) -> OpenSearch:
        return OpenSearch(
            hosts=[endpoint("opensearch")],
            connection_class=Urllib3HttpConnection,
            transport_class=MortalTransport,
            timeout=30,
            death=death,
        )


@contextmanager
def aws(_: Path) -> Iterator[World]:
    settings = some_settings(model=embedder().model, dimensions=embedder().dimensions)
    with dynamo_store() as store, a_client(endpoint("opensearch")) as engine:
        world = AwsWorld(store, partial(refresh, engine, settings.prefix), settings=settings)
        with world.opened:
            yield world
        drop(engine, settings.prefix)
