"""The AWS edition's tables and bucket on engines, made as the deployed template says."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import yaml

from recollect.adapters.aws.clients import STORAGE
from recollect.adapters.aws.index import OpenSearchIndex
from recollect.adapters.aws.index_builds import OpenSearchIndexBuilds
from recollect.adapters.aws.index_family import IndexSettings
from recollect.adapters.aws.opensearch import opensearch_client
from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.aws.trusted import TrustedSettings, TrustedWebhooks
from tests.engines import REGION, endpoint, s3_server
from tests.infrastructure.templates import TemplateLoader
from tests.service import Clock, Ports, UseCases, embedder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

STACK = Path(__file__).parents[1] / "stacks" / "record.yaml"
REFRESH_SECONDS = 30
"""How late the test index shows what was written, so that no test can pass by its speed."""
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")


@cache
def dynamodb() -> "DynamoDBClient":
    return boto3.client(
        "dynamodb", region_name=REGION, endpoint_url=endpoint("dynamodb"), config=STORAGE
    )


def make_tables(client: "DynamoDBClient", prefix: str) -> tuple[str, str]:
    """Make the record's and the control table of the deployed stack; return their names."""
    resources = yaml.load(STACK.read_text(), TemplateLoader)["Resources"]  # noqa: S506 - a safe one
    names = []
    for table in ("RecordTable", "ControlTable"):
        properties: dict[str, Any] = resources[table]["Properties"]
        wanted = {name: properties[name] for name in TABLE_PROPERTIES if name in properties}
        client.create_table(TableName=f"{prefix}-{table}", **wanted)
        names.append(f"{prefix}-{table}")
    return names[0], names[1]


def make_bucket(client: "S3Client", name: str) -> str:
    """Make a bucket; return its name."""
    # Asked for again by botocore where the first answer comes late, it is there already.
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def make_queue(client: "SQSClient", name: str) -> str:
    """Make a queue, by its name first in, first out or not; return its URL."""
    is_fifo: dict[QueueAttributeNameType, str] = (
        {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    )
    attributes = {"VisibilityTimeout": "180", **is_fifo}
    return client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


@dataclass(frozen=True)
class Engines:
    """Tables, a bucket and an index of their own on the engines."""

    store: DynamoStore
    index: OpenSearchIndex
    refresh: Callable[[], object]
    """Makes the index show what was written; for tests that are not about its lateness."""

    def use_cases(self, clock: Clock) -> UseCases:
        """Return the use cases over them; the index is as late as a production one may be.

        What is confirmed counts as unseen for twice that time by this clock.
        """
        settling = timedelta(seconds=2 * REFRESH_SECONDS)
        store = replace(self.store, now=clock, settling=settling)
        ports = Ports.over(store, self.index, clock, lambda: str(uuid4()))
        ports = replace(
            ports,
            projects=TrustedSettings(store.projects, clock),
            webhooks=TrustedWebhooks(store.webhooks, clock),
        )
        return UseCases(ports=ports, clock=clock, name_of=lambda name: f"{name}-{uuid4().hex}")


@contextmanager
def engines() -> Iterator[Engines]:
    """Yield what the AWS edition stands on, with the bundled embedder's vectors."""
    settings = IndexSettings(
        prefix=f"test-{uuid4().hex[:12]}",
        model=embedder().model,
        dimensions=embedder().dimensions,
        engine="lucene",
        refresh_seconds=REFRESH_SECONDS,
    )
    client = opensearch_client(
        endpoint("opensearch"), auth="none", session=boto3.Session(), timeout_seconds=10
    )
    with dynamo_store() as store:
        OpenSearchIndexBuilds(client, settings, time.sleep).prepare()
        refresh = partial(client.indices.refresh, index=f"{settings.prefix}-read")
        yield Engines(store, OpenSearchIndex(client, settings, time.sleep), refresh)
        client.indices.delete(index=f"{settings.prefix}-*")
    client.close()


@contextmanager
def dynamo_store(
    *,
    settling: timedelta = timedelta(0),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    new_token: Callable[[], str] = lambda: str(uuid4()),
) -> Iterator[DynamoStore]:
    """Yield a store over tables and a bucket of its own."""
    prefix = f"test-{uuid4().hex[:12]}"
    client = dynamodb()
    record_table, control_table = make_tables(client, prefix)
    with s3_server() as s3_url:
        s3 = _s3(s3_url)
        make_bucket(s3, prefix)
        yield DynamoStore(
            dynamodb=client,
            s3=s3,
            record_table=record_table,
            control_table=control_table,
            bucket=prefix,
            now=now,
            new_token=new_token,
            settling=settling,
        )
    for name in (record_table, control_table):
        client.delete_table(TableName=name)


def _s3(url: str) -> "S3Client":
    return boto3.client("s3", region_name=REGION, endpoint_url=url, config=STORAGE)
