"""Erasing: whatever is killed between any two writes, nothing is left, and nothing comes back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.keys import Access
from recollect.domain.memory import Message
from recollect.domain.requests import AddRequest, EraseRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_key, a_scope
from tests.promises.breaking import NEVER, TABLES, BreakingDatabase, CrashError
from tests.promises.dying import AwsWorld, Build, LocalWorld, World, aws, local
from tests.service import UseCases

MOST_DEATHS = 300
MOST_ROUNDS = 20
LATER = timedelta(minutes=10)
SECRET = "heliotrope"
KEY = IdempotencyKey("k", "erase ada")


@pytest.fixture(
    params=[
        pytest.param(local, id="local"),
        pytest.param(aws, id="aws", marks=pytest.mark.engines),
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    build: Build = request.param
    with build(tmp_path) as world:
        yield world


def everything(world: World) -> str:
    """Return all that is stored, for a search of words."""
    if isinstance(world, AwsWorld):
        client, tables = world.store.dynamodb, (world.store.record_table, world.store.control_table)
        pages = [page for name in tables for page in _pages(client, name)]
        return repr(pages)
    assert isinstance(world, LocalWorld)
    with BreakingDatabase(world.path).reading() as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        rows = [
            tuple(row)
            for name in names
            for row in connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - ours
        ]
    return repr(rows)


def _pages(client: Any, table: str) -> list[Any]:  # noqa: ANN401 - boto3's
    return list(client.get_paginator("scan").paginate(TableName=table))


def live(service: UseCases, scope: Scope, word: str) -> None:
    """Have a subject whose every kind of trace has this word."""
    memory = service.remember(scope, f"likes {word}")
    gone = service.remember(scope, f"grows {word}")
    service.update(scope.project, memory.id, MemoryChanges(text=f"loves {word}"))
    service.delete(scope.project, gone.id)
    service.describe_subject(scope.project, scope.owner, {"flower": word})
    service.index_all(scope)


def finished(world: World, scope: Scope) -> Job:
    """Let time pass, and the projector and workers run, until the erasure has ended."""
    for _ in range(MOST_ROUNDS):
        world.clock.forward(LATER)
        service = world.process(NEVER).service
        service.index_all(scope)
        world.show()
        jobs = service.ports.jobs.recent(scope.project, limit=99)
        [job] = [each for each in jobs if isinstance(each.request, EraseRequest)]
        if job.status is JobStatus.SUCCEEDED:
            return job
        service.erase.resume(job)
    pytest.fail("The erasure does not come to its end")


@pytest.mark.slow
def test_an_erasure_is_finished_whatever_dies(world: World) -> None:
    deaths = 0
    # On AWS each takes seconds.
    for deaths in range(0, MOST_DEATHS, 5 if isinstance(world, AwsWorld) else 1):
        service = world.process(NEVER).service
        project, word = f"project-{deaths}", f"{SECRET}{deaths}x"
        service.ports.keys.create(project, a_key(project), key_hash=f"hash {deaths}")
        scope = a_scope(project, user="ada", agent="helper")
        asked_at = service.clock()
        live(service, scope, word)
        try:
            world.process(deaths).service.erase(Access(project), scope.owner, KEY)
            is_dead = False
        except CrashError:
            is_dead = True
        world.clock.forward(LATER)
        survivor = world.process(NEVER).service
        # Whoever asked got no answer, and asks again.
        survivor.erase(Access(project), scope.owner, KEY)

        done = finished(world, scope)

        assert done.status is JobStatus.SUCCEEDED
        _nothing_comes_back(survivor, scope, asked_at)
        if not is_dead:
            break
    assert 10 < deaths < MOST_DEATHS - 5
    assert SECRET not in everything(world)


def _nothing_comes_back(service: UseCases, scope: Scope, asked_at: datetime) -> None:
    request = AddRequest(scope=scope, messages=(Message("user", "a late word"),), infer=False)
    late = service.add.accept(request, asked_at=asked_at)
    service.carry_on(scope.project, late.id)
    new = service.remember(scope, "likes tea")
    assert service.listed(scope) == (new,)
