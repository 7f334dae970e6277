"""Promise 3: whatever is killed between any two of its writes, one repair brings drift to 0."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.filters import subject_is
from recollect.domain.memory import HistoryAction, Memory
from recollect.domain.requests import DeleteAllRequest
from recollect.domain.subjects import Scope
from recollect.testing.builders import (
    a_change,
    a_job,
    a_memory,
    a_scope,
    adding,
    deleting,
    updating,
)
from recollect.usecases.rebuild_index import RebuildIndex
from recollect.usecases.verify_index import IndexReport, VerifyIndex
from recollect.usecases.walking import pages
from tests.promises.breaking import NEVER, CrashError
from tests.promises.dying import Build, Process, World, aws, local
from tests.service import UseCases

LEAST_DEATHS, MOST_DEATHS = 2, 200
"""How often a piece of work can die before it is done."""
MANY = 12
"""More than one transaction of DynamoDB holds."""
LATER = timedelta(hours=1)
"""When every lease has run out."""


@dataclass(frozen=True)
class Stage:
    """Who works where, and the three memories that are there."""

    process: Process
    scope: Scope
    known: list[Memory]

    @property
    def service(self) -> UseCases:
        return self.process.service


Work: TypeAlias = Callable[[Stage], object]
"""Something that a process does, or that was done before it."""


def ignore(*_: object) -> None:
    """Nobody watches, and nothing has to be done before or to settle."""


EDITIONS = [
    pytest.param(local, id="local"),
    pytest.param(aws, id="aws", marks=pytest.mark.engines),
]


@pytest.fixture(scope="module", params=EDITIONS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One world for all, in which everybody works in a project of their own."""
    build: Build = request.param
    with build(tmp_path_factory.mktemp("drift")) as world:
        yield world


@pytest.fixture(params=EDITIONS)
def small_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    build: Build = request.param
    with build(tmp_path) as world:
        yield world


def add(stage: Stage) -> object:
    return stage.service.say(stage.scope, "likes rain", "likes snow")


def add_much(stage: Stage) -> object:
    return stage.service.say(stage.scope, *(f"fact {number}" for number in range(MANY)))


def infer(stage: Stage) -> object:
    return stage.service.say(stage.scope, "I live in Lisbon. My dog is Biscuit.", infer=True)


def update(stage: Stage) -> object:
    changes = MemoryChanges(text="likes coffee")
    return stage.service.update(stage.scope.project, stage.known[0].id, changes)


def delete(stage: Stage) -> object:
    stage.service.delete(stage.scope.project, stage.known[0].id)
    return None


def delete_all(stage: Stage) -> object:
    filters = {"user_id": stage.scope.owner.name}
    return stage.service.delete_all(DeleteAllRequest(project=stage.scope.project, filters=filters))


def leave_pending(stage: Stage) -> object:
    change = a_change(
        adding(a_memory(stage.scope, "likes rain")),
        updating(stage.known[0], text="likes coffee"),
        deleting(stage.known[1]),
    )
    stage.service.ports.record.commit(stage.scope.project, change)
    return None


def leave_a_job(stage: Stage) -> object:
    now = stage.service.clock()
    job = a_job(stage.scope, created_at=now)
    return stage.service.ports.jobs.accept(job, None, lease_end=now)


def project(stage: Stage) -> object:
    return stage.service.index_all(stage.scope)


def maintain(stage: Stage) -> object:
    return stage.service.drive_on(stale_after=timedelta(0))


def rebuild(stage: Stage) -> object:
    ports, builds = stage.service.ports, stage.process.builds
    return RebuildIndex(ports.keys, ports.listing, builds, settle=ignore)(ignore)


def a_stage(process: Process, scope: Scope) -> Stage:
    """Return a stage with memories that are in the record and in the index."""
    ports = process.service.ports
    memories = [a_memory(scope, f"likes {what}") for what in ("tea", "cake", "pie")]
    ports.record.commit(scope.project, a_change(*map(adding, memories)))
    ports.index.put(scope.project, memories)
    done = ports.outbox.pending(scope.project, [scope.owner.key], limit=9)
    ports.outbox.confirm(scope.project, done)
    return Stage(process, scope, memories)


def repair(world: World, process: Process) -> None:
    """Let time pass, and maintenance and the projector run once."""
    world.clock.forward(LATER)
    process.service.drive_on()
    while news := process.service.ports.wake_ups.subjects.take(limit=10):
        for of_project, keys in news:
            process.service.project_changes(of_project, keys)
    world.show()


def report(process: Process, scope: Scope) -> IndexReport:
    ports = process.service.ports
    verify = VerifyIndex(ports.keys, ports.listing, ports.record, ports.index, ports.outbox)
    [found] = verify(ignore, scope.project)
    return found


def assert_whole(service: UseCases, scope: Scope, handed_out: set[str]) -> None:
    """Check that state, history, text, memberships and counts of every memory agree."""
    ports = service.ports
    listed = ports.listing.memories(scope.project, subject_is(scope.owner), limit=99).memories
    ids = handed_out | {memory.id for memory in listed}
    living = ports.record.get(scope.project, sorted(ids))
    texts: set[str] = set()
    for an_id in ids:
        events = ports.record.history(scope.project, an_id)
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        texts.update(event.new_text for event in events if event.new_text)
        is_living = bool(events) and events[-1].action is not HistoryAction.DELETE
        assert is_living == (an_id in living)
        if is_living:
            memory = living[an_id]
            assert (memory.version, memory.text) == (len(events), events[-1].new_text)
    found = ports.scopes.find_texts(scope, sorted(texts), now=service.clock())
    assert found == {memory.text: memory.id for memory in living.values()}
    assert {memory.id: memory for memory in listed} == living
    everything = {each.id for page in pages(ports.listing, scope.project) for each in page}
    assert living.keys() <= everything


def assert_nothing_is_left_to_do(service: UseCases, scope: Scope) -> None:
    ports = service.ports
    assert ports.outbox.pending(scope.project, [scope.owner.key], limit=9) == []
    abandoned = ports.jobs.abandoned(now=service.clock() + LATER, limit=99)
    assert [each for each in abandoned if each[0] == scope.project] == []


def assert_all_is_right(world: World, stage: Stage) -> None:
    found = report(stage.process, stage.scope)
    assert (found.drift, found.pending, found.indexed) == (0, 0, found.memories)
    ids = {*world.ids, *(memory.id for memory in stage.known)}
    assert_whole(stage.service, stage.scope, ids)
    assert_nothing_is_left_to_do(stage.service, stage.scope)


def dies(world: World, work: Work, stage: Stage, *, at: int) -> bool:
    """Let another process do the work and die at this write; tell whether it came so far."""
    try:
        work(replace(stage, process=world.process(at)))
    except CrashError:
        return True
    return False


@pytest.mark.parametrize(
    ("work", "before"),
    [
        pytest.param(add, ignore, id="add"),
        pytest.param(add_much, ignore, id="add in parts"),
        pytest.param(infer, ignore, id="add inferred"),
        pytest.param(update, ignore, id="update"),
        pytest.param(delete, ignore, id="delete"),
        pytest.param(delete_all, ignore, id="delete all"),
        pytest.param(project, leave_pending, id="projector"),
        pytest.param(maintain, leave_a_job, id="maintenance"),
    ],
)
def test_promise_3_what_is_killed_between_two_writes_leaves_no_drift(
    world: World, work: Work, before: Work
) -> None:
    survivor = world.process(NEVER)
    of_project = survivor.service.open_project(f"{work.__name__} project")

    for died in range(MOST_DEATHS):
        stage = a_stage(survivor, a_scope(of_project, user=f"user {died}"))
        before(stage)
        world.ids.clear()

        has_died = dies(world, work, stage, at=died)
        repair(world, survivor)

        assert_all_is_right(world, stage)
        if not has_died:
            break

    assert not has_died
    assert died >= LEAST_DEATHS


def test_promise_3_a_rebuild_that_is_killed_leaves_no_drift_and_is_repeated(
    small_world: World,
) -> None:
    survivor = small_world.process(NEVER)
    stage = a_stage(survivor, a_scope(survivor.service.open_project("rebuilt"), user="ada"))

    for died in range(MOST_DEATHS):
        changes = MemoryChanges(text=f"likes tea number {died}")
        survivor.service.update(stage.scope.project, stage.known[0].id, changes)

        has_died = dies(small_world, rebuild, stage, at=died)
        repair(small_world, survivor)

        assert_all_is_right(small_world, stage)
        if not has_died:
            break
        rebuild(stage)
        assert_all_is_right(small_world, stage)

    assert not has_died
    assert died >= LEAST_DEATHS
