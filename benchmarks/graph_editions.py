"""Ways of keeping graphs, and counting what they are asked."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from recollect.adapters.aws.dynamodb import PARALLEL_CALLS
from recollect.adapters.aws.gremlin import GremlinGraphStore
from recollect.adapters.aws.gremlin_connection import GremlinConnection
from tests.engines import REGION, endpoint
from tests.promises.graph_worlds import Servers
from tests.service import Clock, UseCases
from tests.unit.usecases.test_round_trips import Counted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PATIENCE_SECONDS = 60
"""For an answer of DynamoDB Local, which writes one transaction after the other."""
WATCHED = (
    *("graph", "graph_outbox", "record", "outbox", "index"),
    *("graph_reader", "embedder", "entities", "graph_store"),
)


@dataclass(frozen=True)
class Edition:
    """A way of keeping graphs; `show` has its indices show what was put."""

    use_cases: UseCases
    show: Callable[[], object]
    dynamodb: "DynamoDBClient | None" = None
    gremlin: GremlinConnection | None = None

    @contextmanager
    def counted(self) -> Iterator[tuple[UseCases, Counter[str]]]:
        """Yield the use cases, whose calls of ports and requests to engines are counted."""
        calls: Counter[str] = Counter()

        def count(**_: object) -> None:
            calls["dynamodb.request"] += 1

        ports = self.use_cases.ports
        watched = {name: Counted(name, getattr(ports, name), calls) for name in WATCHED}
        if self.gremlin:
            store = GremlinGraphStore(Counted("gremlin", self.gremlin, calls).ask)
            watched["graph_store"] = Counted("graph_store", store, calls)
        with ExitStack() as counting:
            if self.dynamodb:
                events = self.dynamodb.meta.events
                events.register("before-call", count, unique_id="counting")
                counting.callback(events.unregister, "before-call", unique_id="counting")
            yield self.use_cases.having(**watched), calls


def over(engines: Servers) -> Edition:
    """Return DynamoDB and OpenSearch, whose graph store is the record."""
    # Without it filling ends where the disk is busy, and a second try hides what took long.
    patient = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=endpoint("dynamodb"),
        config=Config(read_timeout=PATIENCE_SECONDS, max_pool_connections=PARALLEL_CALLS),
    )
    deployed = replace(engines.deployed, store=replace(engines.deployed.store, dynamodb=patient))
    use_cases = deployed.use_cases(Clock()).having(entities=engines.entities)

    def show() -> None:
        engines.show()
        deployed.refresh()

    return Edition(use_cases, show, patient)
