"""Counts in DynamoDB expire by themselves, and never before they are needed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from recollect.adapters.aws.dynamodb import Table
from recollect.adapters.aws.store import DynamoStore
from recollect.adapters.aws.usage import USAGE_PARTITIONS
from recollect.domain.usage import KEPT_DAYS, Counts, minute_of
from tests.aws import dynamo_store, dynamodb

pytestmark = pytest.mark.engines

MINUTE = minute_of(datetime.now(UTC))
TODAY = MINUTE.date()


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as built:
        yield built


def test_every_count_says_when_it_is_of_no_use_any_more(store: DynamoStore) -> None:
    project = f"project-{uuid4().hex}"
    for _ in range(2):
        store.usage.add(project, "key", TODAY, Counts(requests=1))
        store.usage.add_to_minute(project, MINUTE, "key")
        store.usage.add_to_minute(project, MINUTE)

    table = Table(dynamodb(), store.control_table)
    values = {":pk": {"S": f"{USAGE_PARTITIONS}{project}"}}
    items = {item["sk"]["S"]: item for item in table.query("pk = :pk", values)}
    kept = {
        name: datetime.fromtimestamp(int(item["ttl"]["N"]), UTC) for name, item in items.items()
    }

    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
    assert kept.pop(f"D#{TODAY}#key") == midnight + timedelta(days=KEPT_DAYS)
    assert {name[:2] for name in kept} == {"M#"}
    assert {name.split("#")[-1] for name in kept} == {"key", ""}
    assert set(kept.values()) == {MINUTE + timedelta(hours=1)}
