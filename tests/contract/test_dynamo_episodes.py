"""What DynamoEpisodes leaves in S3, what it takes over, and what a removal that breaks off does."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from recollect.adapters import stored
from recollect.adapters.aws.objects import Objects
from recollect.adapters.aws.store import DynamoStore
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Episode
from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_scope, an_episode
from recollect.testing.fixtures import *
from tests.aws import dynamo_store

pytestmark = pytest.mark.engines

LONG = "and so on " * 20_000
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as opened:
        yield opened


def kept(store: DynamoStore, scope: Scope, text: str = LONG, **changes: Any) -> Episode:  # noqa: ANN401
    episode = an_episode(scope, text, **changes)
    store.record.commit(scope.project, a_change(episode=episode))
    return episode


def kept_by_the_release_before(store: DynamoStore, scope: Scope, text: str) -> Episode:
    """Store an episode as that release did: in no place of its scope, and without some fields."""
    episode = an_episode(scope, text)
    document = stored.dump_episode(episode)
    del document["recorded_at"], document["expires_at"]
    body = stored.dump({**document, "schema": 1})
    in_s3 = f"episodes/{scope.project}/{episode.id}/hash"
    is_long = len(body) > 100 * 1024
    if is_long:
        store.s3.put_object(Bucket=store.bucket, Key=in_s3, Body=body.encode())
    attributes = {
        "pk": {"S": f"J#{scope.project}#{episode.id}"},
        "sk": {"S": "E"},
        "gpk": {"S": f"E#{scope.project}#{scope.key}"},
        "gsk": {"S": episode.id},
        "body": {"M": {"object": {"S": in_s3}}} if is_long else {"S": body},
    }
    store.dynamodb.put_item(TableName=store.record_table, Item=attributes)
    for subject in scope.subjects:
        known = {"pk": {"S": f"B#{scope.project}#{subject.key}"}, "sk": {"S": f"C#{scope.key}"}}
        store.dynamodb.put_item(TableName=store.record_table, Item=known)
    return episode


def read(store: DynamoStore, episode: Episode) -> Episode | None:
    now = NOON - SECOND
    return store.episodes.get(episode.scope.project, [episode.id], now=now).get(episode.id)


def remove(store: DynamoStore, scope: Scope) -> None:
    episodes, subjects = store.episodes, scope.subjects
    assert episodes.remove(scope.project, subjects, before=NOON + SECOND) is None


def objects(store: DynamoStore, scope: Scope) -> int:
    """Return how many objects the project has."""
    prefix = f"episodes/{scope.project}/"
    return store.s3.list_objects_v2(Bucket=store.bucket, Prefix=prefix)["KeyCount"]


def items(store: DynamoStore, scope: Scope) -> list[str]:
    """Return the sort keys of all items that tell of the project's episodes, wherever they are."""
    found = store.dynamodb.scan(TableName=store.record_table)["Items"]
    of_project = (item for item in found if f"#{scope.project}#" in item["pk"]["S"])
    return [item["sk"]["S"] for item in of_project if item["sk"]["S"].startswith("E")]


@contextmanager
def failing(store: DynamoStore, operation: str, *, after: int = 0) -> Iterator[None]:
    """Let all calls of an operation but the first few fail inside the block."""
    engine = store.s3 if operation == "DeleteObject" else store.dynamodb
    event = f"before-call.{engine.meta.service_model.service_name}.{operation}"
    calls = Counter[str]()

    def fail(**_: object) -> None:
        calls[operation] += 1
        if calls[operation] > after:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    engine.meta.events.register(event, fail)
    try:
        yield
    finally:
        engine.meta.events.unregister(event, fail)


def test_nothing_is_left_of_what_is_removed(store: DynamoStore, scope: Scope) -> None:
    other = a_scope(scope.project, user="bob")
    for text in ("short", LONG):
        kept(store, scope, text)
        kept(store, other, text, expires_at=NOON)
    assert (objects(store, scope), len(items(store, scope))) == (2, 8)

    remove(store, scope)
    assert (objects(store, scope), len(items(store, scope))) == (1, 4)
    assert store.episodes.remove_expired(now=NOON, limit=9) == 2
    assert (objects(store, scope), items(store, scope)) == (0, [])


@pytest.mark.parametrize(
    ("operation", "after"), [("BatchWriteItem", 0), ("DeleteObject", 0), ("BatchWriteItem", 1)]
)
def test_a_removal_that_breaks_off_is_finished_by_the_next(
    store: DynamoStore, scope: Scope, operation: str, after: int
) -> None:
    episode = kept(store, scope)

    with failing(store, operation, after=after), pytest.raises(UnavailableError):
        remove(store, scope)

    is_untouched = (operation, after) == ("BatchWriteItem", 0)
    left = [episode] if is_untouched else []
    assert store.episodes.recent(scope, limit=9, now=NOON) == left
    assert read(store, episode) == (episode if is_untouched else None)
    remove(store, scope)
    assert (objects(store, scope), items(store, scope)) == (0, [])


def test_an_episode_whose_object_is_gone_is_gone(store: DynamoStore, scope: Scope) -> None:
    first = kept(store, scope, "short", recorded_at=NOON - SECOND)
    broken = [kept(store, scope, f"{LONG}{number}") for number in range(2)]
    lost = store.s3.list_objects_v2(Bucket=store.bucket, Prefix=f"episodes/{scope.project}/")
    for each in lost["Contents"]:
        store.s3.delete_object(Bucket=store.bucket, Key=each["Key"])

    assert [read(store, episode) for episode in (first, *broken)] == [first, None, None]
    assert store.episodes.recent(scope, limit=1, now=NOON) == [first]
    remove(store, scope)
    assert items(store, scope) == []


def test_a_bucket_that_is_gone_is_no_missing_object(store: DynamoStore, scope: Scope) -> None:
    episode = kept(store, scope)
    elsewhere = replace(store.episodes, objects=Objects(store.s3, f"no-{store.bucket}"))

    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        elsewhere.get(scope.project, [episode.id], now=NOON)


def test_the_last_ones_take_one_query_and_one_read(store: DynamoStore, scope: Scope) -> None:
    for number in range(12):
        kept(store, scope, "short", recorded_at=NOON - number * SECOND)
    calls = Counter[str]()

    def count(model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        calls[model.name] += 1

    store.dynamodb.meta.events.register("before-call.dynamodb", count)
    try:
        assert len(store.episodes.recent(scope, limit=10, now=NOON)) == 10
    finally:
        store.dynamodb.meta.events.unregister("before-call.dynamodb", count)

    assert calls == {"Query": 1, "BatchGetItem": 1}


@pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])
def test_what_the_release_before_stored_is_read_and_removed(
    store: DynamoStore, project: str, text: str
) -> None:
    scope = a_scope(project, user="ada", run="r1")
    episode = kept_by_the_release_before(store, scope, text)
    another = kept_by_the_release_before(store, a_scope(project, user="bob"), text)
    new = kept(store, scope, text)

    assert read(store, episode) == episode
    assert store.episodes.recent(scope, limit=9, now=NOON) == [new]
    remove(store, a_scope(project, user="ada"))

    assert [read(store, each) for each in (episode, new, another)] == [None, None, another]
    assert objects(store, scope) == (text == LONG)
