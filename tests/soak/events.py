"""What a bucket tells of its objects."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

TEST_SHARE = 0.1


def created(bucket: str, key: str, *, size: int, **version: str) -> dict[str, Any]:
    """Return the event of an object's being written; its version is as S3 tells it."""
    told = {"key": quote_plus(key), "size": size, **version}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": datetime.now(UTC).isoformat(),
        "eventName": "ObjectCreated:Put",
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": told},
    }
    return {"Records": [record]}


def told(events: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """Return the events in disorder, some repeated, with tests and deletions between them."""
    several = [event for event in events for _ in range(chance.choice([1, 1, 2, 3]))]
    for event in events:
        if chance.random() < TEST_SHARE:
            several += [{"Event": "s3:TestEvent", "Bucket": "bucket"}, _removed(event)]
    chance.shuffle(several)
    return several


def _removed(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"Records": [{**event["Records"][0], "eventName": "ObjectRemoved:Delete"}]}
