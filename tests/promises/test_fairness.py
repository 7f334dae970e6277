"""A tenant with a hundred thousand jobs does not delay another's adds, on AWS and locally.

Simulated: the real names of groups and the real lanes, and a clock that is a number. `-s` prints
how long was waited.
"""

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from recollect.adapters.aws.wake_ups import SqsWakeUps
from recollect.domain.jobs import LANES, Job
from recollect.domain.requests import AddRequest
from recollect.entrypoints import worker
from recollect.testing.builders import a_job, a_scope
from tests.infrastructure.templates import template
from tests.promises.queueing import (
    LOOKED_AT,
    Asked,
    FifoQueue,
    GroupsOnly,
    JobQueue,
    LocalQueue,
    simulate,
    waits,
)

NOISY_JOBS = 100_000
NOISY_SCOPES = 5_000
OTHER = "other"
OTHER_JOBS = 100
EVERY_SECONDS = 5.0
A_FEW_SECONDS = 5.0
HOUR = 3_600.0
SEEDS = range(3)
WORKERS = int(template("template.yaml")["Parameters"]["WorkerConcurrency"]["Default"])


def lane_group(job: Job) -> str:
    """The group of the message that wakes a worker for the job."""
    client: Any = GroupsOnly()
    wake_ups = SqsWakeUps(
        client=client, index_queue_url="index", worker_queue_url="worker.fifo", new_token=str
    )
    assert wake_ups.work(job)
    group: str = client.group
    return group


def backlog(project: str, jobs: int) -> Iterator[Asked]:
    """Return adds of many scopes, all asked for at the start."""
    scopes = [a_scope(project, user=str(each)) for each in range(NOISY_SCOPES)]
    groups = [lane_group(a_job(scope)) for scope in scopes]
    for number in range(jobs):
        place = number % NOISY_SCOPES
        yield Asked(0.0, a_job(scopes[place]), groups[place])


def three_noisy() -> Iterator[Asked]:
    """Return backlogs of three."""
    for number in range(3):
        yield from backlog(f"noisy-{number}", NOISY_JOBS // 10)


def adds_in_between() -> Iterator[Asked]:
    """Return the adds of the tenant who asks for one now and then."""
    for number in range(1, OTHER_JOBS + 1):
        job = a_job(a_scope(OTHER, user=str(number % 7)))
        yield Asked(EVERY_SECONDS * number, job, lane_group(job))


def by_scope(asked: Iterable[Asked]) -> Iterator[Asked]:
    """Return the same in other groups: one for each scope."""
    for each in asked:
        assert isinstance(each.job.request, AddRequest)
        subjects = each.job.request.scope.subjects
        yield replace(each, group=f"{each.job.project} {subjects}")


def delays(
    queue: JobQueue, asked: Iterable[Asked], *, workers: int = WORKERS, seed: int = 0
) -> Sequence[float]:
    """Return how long the other tenant's adds waited, the longest last."""
    # As long as a model takes.
    work = partial(random.Random(seed).uniform, 1.0, 5.0)
    told = waits(simulate(queue, asked, work, workers=workers, until=OTHER), OTHER)
    assert len(told) == OTHER_JOBS
    half, most, longest = told[49], told[98], told[-1]
    sys.stdout.write(f"half {half:,.1f} s, 99 of 100 {most:,.1f} s, all {longest:,.1f} s\n")
    return told


@pytest.fixture(scope="module")
def noisy() -> Sequence[Asked]:
    return list(backlog("noisy", NOISY_JOBS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_by_chance", [False, True])
def test_another_tenants_adds_begin_within_seconds(
    noisy: Sequence[Asked], *, seed: int, is_by_chance: bool
) -> None:
    queue = FifoQueue(random.Random(seed) if is_by_chance else None)

    told = delays(queue, [*noisy, *adds_in_between()], seed=seed)

    assert told[-1] <= A_FEW_SECONDS


@pytest.mark.slow
def test_a_group_for_each_scope_would_make_them_wait_for_hours(noisy: Sequence[Asked]) -> None:
    asked = by_scope([*noisy, *adds_in_between()])

    assert delays(FifoQueue(), asked)[0] > HOUR


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_three_noisy_tenants_delay_them_by_seconds_if_groups_come_by_chance(seed: int) -> None:
    asked = [*three_noisy(), *adds_in_between()]

    told = delays(FifoQueue(random.Random(seed)), asked, seed=seed)

    assert told[49] <= A_FEW_SECONDS
    assert told[-1] <= 5 * A_FEW_SECONDS


@pytest.mark.slow
def test_three_noisy_tenants_need_a_worker_for_each_of_their_lanes_if_the_oldest_comes_first() -> (
    None
):
    asked = [*three_noisy(), *adds_in_between()]

    assert delays(FifoQueue(), asked, workers=3 * LANES + 4)[-1] <= A_FEW_SECONDS
    assert delays(FifoQueue(), asked, workers=3 * LANES)[0] > HOUR / 4


@pytest.mark.slow
def test_what_comes_behind_the_messages_that_sqs_looks_at_waits_until_it_is_looked_at(
    noisy: Sequence[Asked],
) -> None:
    too_many = [*noisy, *noisy]

    told = delays(FifoQueue(), [*too_many, *adds_in_between()])

    # All of the tenant's lanes are busy until then, three seconds a job.
    assert told[0] == pytest.approx((len(too_many) - LOOKED_AT) * 3.0 / LANES, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_locally_another_tenants_adds_begin_within_seconds(
    noisy: Sequence[Asked], seed: int
) -> None:
    asked = [*noisy, *adds_in_between()]

    assert delays(LocalQueue(), asked, workers=worker.WORKERS, seed=seed)[-1] <= A_FEW_SECONDS


@pytest.mark.slow
def test_locally_three_noisy_tenants_delay_them_by_seconds() -> None:
    asked = [*three_noisy(), *adds_in_between()]

    assert delays(LocalQueue(), asked, workers=worker.WORKERS)[98] <= 2 * A_FEW_SECONDS
