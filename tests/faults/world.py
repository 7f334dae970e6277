"""The AWS edition before engines, each behind a proxy that can misbehave."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from recollect.adapters.aws import clients
from recollect.adapters.aws.bedrock_embedder import BedrockEmbedder
from recollect.adapters.aws.bedrock_language_model import BedrockLanguageModel
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.aws.wake_ups import SqsWakeUps
from recollect.bootstrap import models
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from tests.aws import REFRESH_SECONDS, dynamo_store, make_queue, make_tables
from tests.contract import bedrock_invoke
from tests.contract.bedrock_server import running_bedrock
from tests.engines import REGION, endpoint
from tests.faults.fault_proxy import FaultProxy, fault_proxy
from tests.service import Clock, Ports, UseCases, embedder

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from opensearchpy import OpenSearch

EMBEDDING = "eu.cohere.embed-v4:0"
CHAT = "eu.anthropic.claude-haiku-5-5"
DIMENSIONS = 1024
IMPATIENT_SECONDS = 0.5
"""How long the clients wait for an answer here; the engines take some 5 ms, unless the machine has
more to do."""
PATIENT_SECONDS = 10.0


@dataclass
class Pauses:
    """Sleeps through nothing, but remembers for how long, in which thread."""

    of_threads: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def __call__(self, seconds: float) -> None:
        self.of_threads[threading.get_ident()] += seconds

    @property
    def seconds(self) -> float:
        """How long the thread slept that slept longest."""
        return max(self.of_threads.values(), default=0)


@dataclass(frozen=True)
class World:
    """Engines with tables, a bucket, a queue and an index for tests, and proxies before them."""

    store: DynamoStore
    settings: IndexSettings
    queue_url: str
    proxies: dict[str, FaultProxy]
    clients: dict[str, Any]
    """Clients that ask the engines themselves."""
    pauses: Pauses = field(default_factory=Pauses)

    def service(self, clock: Clock, *, with_models: bool, through: Iterable[str] = ()) -> UseCases:
        """Return use cases that have just been started, and reach some engines through proxies.

        `with_models` has Bedrock embed and read; otherwise what is bundled does.
        """
        clients = dict(self.clients)
        for engine in through:
            clients[engine] = _client(engine, self.proxies[engine].url, IMPATIENT_SECONDS)
        store = replace(
            self.store,
            dynamodb=clients["dynamodb"],
            s3=clients["s3"],
            now=clock,
            settling=timedelta(seconds=2 * REFRESH_SECONDS),
        )
        index = OpenSearchIndex(clients["opensearch"], self.settings, self.pauses)
        wake_ups: Any = SqsWakeUps(
            client=clients["sqs"],
            index_queue_url=self.queue_url,
            worker_queue_url=self.queue_url,
            new_token=lambda: uuid4().hex,
        )
        ports = replace(Ports.over(store, index, clock, lambda: str(uuid4())), wake_ups=wake_ups)
        if with_models:
            ports = _with_models(ports, *clients["bedrock"])
        name = uuid4().hex
        return UseCases(ports=ports, clock=clock, name_of=lambda each: f"{each}-{name}")

    @contextmanager
    def at_work(self) -> Iterator[Pauses]:
        """Have botocore pause for no time in the block; yield how long it would have."""
        self.pauses.of_threads.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=self.pauses))
            yield self.pauses

    @contextmanager
    def own_tables(self) -> "Iterator[World]":
        """Yield the same world with empty tables and an empty queue."""
        name = f"test-{uuid4().hex[:12]}"
        record, control = make_tables(self.store.dynamodb, name)
        queue_url = make_queue(self.clients["sqs"], name)
        store = replace(self.store, record_table=record, control_table=control)
        yield replace(self, store=store, queue_url=queue_url)
        self.clients["sqs"].delete_queue(QueueUrl=queue_url)
        for table in (record, control):
            self.store.dynamodb.delete_table(TableName=table)

    def messages(self) -> list[str]:
        """Return what waits in the queue, as far as one look shows it."""
        answer = self.clients["sqs"].receive_message(QueueUrl=self.queue_url)
        return [message["Body"] for message in answer.get("Messages", [])]

    def refresh(self) -> None:
        """Have the index show what it knows."""
        self.clients["opensearch"].indices.refresh(index=f"{self.settings.prefix}-read")


def _client(engine: str, url: str, seconds: float) -> Any:  # noqa: ANN401 - each is of its own kind
    """Return a client as the service makes it, but for where it asks and how long it waits."""
    if engine == "opensearch":
        return _opensearch(url, seconds)
    with pytest.MonkeyPatch.context() as patch:
        for name in (engine, "bedrock_runtime"):
            patch.setenv(f"AWS_ENDPOINT_URL_{name.upper()}", url)
        for config in ("STORAGE", "WAKE_UPS"):
            times = Config(connect_timeout=seconds, read_timeout=seconds)
            patch.setattr(clients, config, getattr(clients, config).merge(times))
        if engine == "bedrock":
            attempts = (models.EMBEDDING_ATTEMPTS, models.ANSWER_ATTEMPTS)
            return [clients.bedrock(read_seconds=seconds, attempts=each) for each in attempts]
        return getattr(clients, engine)()


def _with_models(
    ports: Ports, embedding: "BedrockRuntimeClient", answering: "BedrockRuntimeClient"
) -> Ports:
    ask = AskModel(BedrockLanguageModel(answering, model=CHAT))
    return replace(
        ports,
        embedder=BedrockEmbedder(embedding, model=EMBEDDING, dimensions=DIMENSIONS),
        extractor=ModelExtractor(ask),
        decider=ModelDecider(ask),
    )


def _opensearch(url: str, seconds: float) -> "OpenSearch":
    return opensearch_client(url, auth="none", session=boto3.Session(), timeout_seconds=seconds)


@contextmanager
def world() -> Iterator[World]:
    """Yield a world of its own, and remove it from the engines."""
    name = f"faults-{uuid4().hex[:12]}"
    settings = IndexSettings(
        prefix=name,
        model=embedder().model,
        dimensions=embedder().dimensions,
        engine="lucene",
        refresh_seconds=REFRESH_SECONDS,
    )
    sqs = boto3.client("sqs", region_name=REGION, endpoint_url=endpoint("sqs"))
    opensearch = _opensearch(endpoint("opensearch"), PATIENT_SECONDS)
    with ExitStack() as stack:
        store = stack.enter_context(dynamo_store())
        queue_url = make_queue(sqs, name)
        stack.callback(sqs.delete_queue, QueueUrl=queue_url)
        OpenSearchIndexBuilds(opensearch, settings, time.sleep).prepare()
        stack.callback(opensearch.indices.delete, index=f"{name}-*")
        urls = {
            "dynamodb": endpoint("dynamodb"),
            "s3": store.s3.meta.endpoint_url,
            "sqs": endpoint("sqs"),
            "opensearch": endpoint("opensearch"),
            "bedrock": stack.enter_context(running_bedrock()).address,
        }
        # Its model is read at its first use, for which nobody here would wait.
        bedrock_invoke.vectors(["warm"], DIMENSIONS)
        proxies = {
            engine: stack.enter_context(fault_proxy(engine, url)) for engine, url in urls.items()
        }
        healthy = {engine: _client(engine, url, PATIENT_SECONDS) for engine, url in urls.items()}
        yield World(store, settings, queue_url, proxies, healthy)
