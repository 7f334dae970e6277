"""How often counting asks DynamoDB: exact numbers, for what is limited and what is not."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from recollect.adapters.aws.trusted import TrustedSettings
from recollect.domain.keys import ApiKey, Limits
from recollect.domain.projects import ProjectSettings
from recollect.testing.builders import a_key
from recollect.testing.store import a_project
from recollect.usecases.metering import Meter
from tests.aws import Engines
from tests.callers import now

pytestmark = pytest.mark.engines

PATIENCE_SECONDS = 10


@pytest.fixture
def meter(deployed: Engines) -> Iterator[Meter]:
    store = deployed.store
    with ThreadPoolExecutor(1) as threads:
        yield Meter(store.usage, TrustedSettings(store.projects, now), threads, now)


@pytest.fixture
def key(deployed: Engines) -> ApiKey:
    return a_key(a_project(deployed.store))


@contextmanager
def counted(deployed: Engines) -> Iterator[Counter[str]]:
    """Count the calls that are made in the block, by operation."""
    calls: Counter[str] = Counter()

    def count(model: object, **_: object) -> None:
        calls[getattr(model, "name")] += 1  # noqa: B009 - botocore has no types

    events = deployed.store.dynamodb.meta.events
    events.register("before-call", count, unique_id="counting")
    try:
        yield calls
    finally:
        events.unregister("before-call", unique_id="counting")


def calls_of(deployed: Engines, ask: Callable[[], object]) -> dict[str, int]:
    with counted(deployed) as calls:
        ask()
    return dict(calls)


def admit(meter: Meter, key: ApiKey) -> None:
    meter.admit(key).settle(PATIENCE_SECONDS)


def test_a_request_without_limits_is_one_write(
    deployed: Engines, meter: Meter, key: ApiKey
) -> None:
    first = calls_of(deployed, lambda: admit(meter, key))
    second = calls_of(deployed, lambda: admit(meter, key))

    # Whether the project has limits is looked up once a minute.
    assert first == {"GetItem": 1, "UpdateItem": 1}
    assert second == {"UpdateItem": 1}


@pytest.mark.parametrize(
    ("of_key", "of_project", "expected"),
    [
        (Limits(requests_per_minute=9), Limits(), {"UpdateItem": 2}),
        (Limits(tokens_per_day=9), Limits(), {"UpdateItem": 1}),
        (Limits(), Limits(requests_per_minute=9), {"UpdateItem": 2}),
        (Limits(), Limits(tokens_per_day=9), {"UpdateItem": 1, "Query": 1}),
        (
            Limits(requests_per_minute=9, tokens_per_day=9),
            Limits(requests_per_minute=9, tokens_per_day=9),
            {"UpdateItem": 3, "Query": 1},
        ),
    ],
)
def test_each_limit_on_requests_is_a_write_more_and_a_projects_tokens_are_a_read(
    deployed: Engines,
    meter: Meter,
    key: ApiKey,
    *,
    of_key: Limits,
    of_project: Limits,
    expected: dict[str, int],
) -> None:
    deployed.store.projects.replace(key.project, ProjectSettings(limits=of_project, version=1))
    limited = replace(key, limits=of_key)
    admit(meter, limited)

    assert calls_of(deployed, lambda: admit(meter, limited)) == expected


def test_tokens_are_one_write_and_none_are_none(
    deployed: Engines, meter: Meter, key: ApiKey
) -> None:
    assert calls_of(deployed, lambda: meter.spend(key.project, key.id, 5)) == {"UpdateItem": 1}
    assert calls_of(deployed, lambda: meter.spend(key.project, key.id, 0)) == {}
