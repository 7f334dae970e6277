"""The AWS edition's tables and bucket on engines, made as the deployed template says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from cfnlint.decode import cfn_yaml

from recollect.adapters.aws.clients import STORAGE
from recollect.adapters.aws.store import DynamoStore
from tests.engines import REGION, endpoint, s3_server

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

STACK = Path(__file__).parents[1] / "stacks" / "record.yaml"
TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")


@cache
def dynamodb() -> "DynamoDBClient":
    return boto3.client(
        "dynamodb", region_name=REGION, endpoint_url=endpoint("dynamodb"), config=STORAGE
    )


def make_tables(client: "DynamoDBClient", prefix: str) -> tuple[str, str]:
    """Make the record's and the control table of the deployed stack; return their names."""
    resources = cfn_yaml.load(str(STACK))["Resources"]
    names = []
    for table in ("RecordTable", "ControlTable"):
        properties: dict[str, Any] = resources[table]["Properties"]
        wanted = {name: properties[name] for name in TABLE_PROPERTIES if name in properties}
        client.create_table(TableName=f"{prefix}-{table}", **_plain(wanted))
        names.append(f"{prefix}-{table}")
    return names[0], names[1]


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
        s3.create_bucket(Bucket=prefix, CreateBucketConfiguration={"LocationConstraint": REGION})
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


def _plain(node: Any) -> Any:  # noqa: ANN401 - parsed YAML
    """Return plain lists, dicts and texts; botocore does not take their subclasses for them."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node
