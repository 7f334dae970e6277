"""Promises 2, 4 and 9 for a killed process: nothing acknowledged is lost, nothing is twice."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recollect.domain.filters import subject_is
from recollect.domain.jobs import Decision, JobStatus
from recollect.domain.memory import HistoryAction, Memory
from recollect.domain.text import terms
from recollect.ports.index import IndexQuery
from recollect.usecases.work_on_jobs import LEASE
from tests.promises import adding
from tests.promises.adding import MESSAGES, PROJECT, the_key, the_message, the_scope
from tests.service import Clock, Service, a_service, embedder

ROUNDS = 5
AGAIN = 20
ROOT = Path(__file__).parents[2]


def killed_while_adding(path: Path, chance: random.Random) -> list[str]:
    """Return the ids that the process had acknowledged when it was killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "shared"), str(ROOT)])}
    with subprocess.Popen(  # noqa: S603 - this interpreter and a script of ours
        [sys.executable, adding.__file__, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        acknowledged = [
            process.stdout.readline() for _ in range(chance.randrange(1, MESSAGES - 50))
        ]
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        acknowledged += process.stdout.readlines()
    assert process.returncode < 0, "the process ended before it was killed"
    return [line.strip() for line in acknowledged if line.endswith("\n")]


@contextmanager
def opened_anew(path: Path) -> Iterator[Service]:
    """Open the file an hour later, when every lease has run out."""
    clock = Clock(datetime.now(UTC) + timedelta(hours=1))
    service = a_service(path, clock, adding.new_id)
    yield service
    service.store.database.close()


def repair(service: Service) -> None:
    service.drive_on(stale_after=timedelta(0))
    while news := service.ports.wake_ups.subjects.take(limit=10):
        for project, keys in news:
            service.project_changes(project, keys)


def every_memory(service: Service) -> list[Memory]:
    matching = subject_is(the_scope().owner)
    page = service.store.listing.memories(PROJECT, matching, limit=2 * MESSAGES)
    assert page.count == len(page.memories)
    return list(page.memories)


def searched(service: Service) -> list[str]:
    return [found.memory.id for found in service.found(the_scope(), "message about a topic")]


def proposed(service: Service) -> set[str]:
    """Return what the index alone knows."""
    [vector] = embedder().embed(["message"], "query")
    query = IndexQuery(subject_is(the_scope().owner), vector, tuple(terms("message")), 2 * MESSAGES)
    [proposal] = service.store.index.propose(PROJECT, [query])
    return set(proposal.memory_ids)


def assert_nothing_is_twice(service: Service, memories: list[Memory]) -> None:
    assert len({memory.id for memory in memories}) == len(memories)
    assert len({memory.text for memory in memories}) == len(memories)
    assert len({memory.turn for memory in memories}) == len(memories)
    for memory in memories:
        [(event, messages)] = service.read.history(PROJECT, memory.id).events
        assert (event.action, event.new_text) == (HistoryAction.ADD, memory.text)
        assert [message.content for message in messages] == [memory.text]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_promise_2_what_was_acknowledged_survives_a_kill(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "recollect.db"
    acknowledged = killed_while_adding(path, random.Random(seed))

    with opened_anew(path) as service:
        at_once = every_memory(service)
        assert set(acknowledged) <= {memory.id for memory in at_once}
        assert set(acknowledged) <= set(searched(service))

        repair(service)

        memories = every_memory(service)
        ids = {memory.id for memory in memories}
        assert set(acknowledged) <= ids
        # One more may have been committed, and another one been accepted, before the kill.
        assert len(acknowledged) <= len(memories) <= len(acknowledged) + 1
        assert sorted(searched(service)) == sorted(ids)
        assert proposed(service) == ids
        assert_nothing_is_twice(service, memories)
        keys = [subject.key for subject in the_scope().subjects]
        assert service.store.outbox.pending(PROJECT, keys, limit=1) == []
        assert service.store.jobs.abandoned(now=service.clock() + LEASE, limit=1) == []
        assert_the_caller_can_start_again(service, acknowledged)


def assert_the_caller_can_start_again(service: Service, acknowledged: list[str]) -> None:
    """Repeat the last adds with their keys, and go on: acknowledged ones answer as before."""
    count = len(acknowledged)
    numbers = range(max(0, count - AGAIN), min(count + AGAIN, MESSAGES))

    jobs = [service.say(the_scope(), the_message(each), key=the_key(each)) for each in numbers]

    answered = [outcome.memory_id for job in jobs for outcome in job.outcomes]
    memories = every_memory(service)[::-1]
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    assert {outcome.decision for job in jobs for outcome in job.outcomes} == {Decision.ADD}
    assert [memory.id for memory in memories] == acknowledged[: numbers.start] + answered
    assert [memory.text for memory in memories] == [
        the_message(number) for number in range(numbers.stop)
    ]
    assert_nothing_is_twice(service, memories)
