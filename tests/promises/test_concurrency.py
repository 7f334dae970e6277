"""Promise 5: concurrent changes lose nothing, and store nothing twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest

from recollect.domain.changes import MemoryChanges
from recollect.domain.errors import ConflictError, NotFoundError
from recollect.domain.jobs import Decision, Job
from recollect.domain.memory import HistoryAction, HistoryEvent
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from tests.service import UseCases

THREADS = 16

Result = TypeVar("Result")


@pytest.fixture
def service(edition: UseCases) -> UseCases:
    return edition


def at_once(call: Callable[[int], Result]) -> list[Result]:
    """Return what the call returns in each of 16 threads that start together."""
    everybody = Barrier(THREADS, timeout=10)

    def run(number: int) -> Result:
        everybody.wait()
        return call(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(run, range(THREADS)))


def events_of(service: UseCases, scope: Scope, memory_id: str) -> list[HistoryEvent]:
    return [event for event, _ in service.read.history(scope.project, memory_id).events]


@pytest.mark.parametrize("infer", [False, True], ids=["verbatim", "inferred"])
def test_promise_5_sixteen_threads_adding_one_text_leave_one_memory(
    service: UseCases, scope: Scope, *, infer: bool
) -> None:
    text = "My dog is called Rex."

    jobs = at_once(lambda _: service.say(scope, text, infer=infer))

    [memory] = service.listed(scope)
    outcomes = [outcome for job in jobs for outcome in job.outcomes]
    assert memory.text == text
    assert {outcome.memory_id for outcome in outcomes} == {memory.id}
    assert Counter(outcome.decision for outcome in outcomes) == {
        Decision.ADD: 1,
        Decision.NONE: THREADS - 1,
    }
    assert [event.action for event in events_of(service, scope, memory.id)] == [HistoryAction.ADD]
    assert service.ports.scopes.clock(scope) == 1


def test_promise_5_overlapping_batches_store_every_text_once(
    service: UseCases, scope: Scope
) -> None:
    texts = [f"text {number}" for number in range(THREADS + 9)]

    jobs = at_once(lambda number: service.say(scope, *texts[number : number + 10]))

    listed = service.listed(scope)
    ids = {memory.text: memory.id for memory in listed}
    outcomes = [outcome for job in jobs for outcome in job.outcomes]
    added = [outcome for outcome in outcomes if outcome.decision is Decision.ADD]
    assert sorted(memory.text for memory in listed) == sorted(texts)
    assert sorted(outcome.text for outcome in added) == sorted(texts)
    assert len(outcomes) == 10 * THREADS
    assert all(outcome.memory_id == ids[outcome.text] for outcome in outcomes)
    assert len({memory.turn for memory in listed}) == len(texts)
    for memory in listed:
        assert len(events_of(service, scope, memory.id)) == 1


def test_promise_5_batches_in_opposite_orders_do_not_block_each_other(
    service: UseCases, scope: Scope
) -> None:
    texts = [f"text {number}" for number in range(10)]

    jobs = at_once(lambda number: service.say(scope, *texts[:: 1 if number % 2 else -1]))

    assert len(service.listed(scope)) == len(texts)
    assert all(len(job.outcomes) == len(texts) for job in jobs)


def test_promise_5_the_same_text_in_many_scopes_is_a_memory_in_each(
    service: UseCases, scope: Scope
) -> None:
    scopes = [a_scope(scope.project, user="ada", run=f"r{n}") for n in range(THREADS)]

    jobs: list[Job] = at_once(lambda number: service.say(scopes[number], "likes tea"))

    assert {job.outcomes[0].decision for job in jobs} == {Decision.ADD}
    assert len(service.listed(scope)) == THREADS


def test_promise_5_updates_at_once_leave_a_chain_without_gaps(
    service: UseCases, scope: Scope
) -> None:
    memory = service.remember(scope, "start")
    rounds = 4

    def update(number: int) -> list[str]:
        texts = [f"text {number} of round {each}" for each in range(rounds)]
        return [text for text in texts if _is_updated(service, scope, memory.id, text)]

    answered = [text for texts in at_once(update) for text in texts]

    events = events_of(service, scope, memory.id)
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    assert [event.old_text for event in events[1:]] == [event.new_text for event in events[:-1]]
    assert sorted(event.new_text or "" for event in events[1:]) == sorted(answered)
    current = service.read(scope.project, memory.id)
    assert (current.text, current.version) == (events[-1].new_text, len(events))
    assert answered


def _is_updated(service: UseCases, scope: Scope, memory_id: str, text: str) -> bool:
    try:
        after = service.update(scope.project, memory_id, MemoryChanges(text=text))
    except ConflictError:
        return False
    return after.text == text


def test_promise_5_two_memories_cannot_take_one_text_by_updates(
    service: UseCases, scope: Scope
) -> None:
    job = service.say(scope, *(f"text {number}" for number in range(THREADS)))
    ids = [outcome.memory_id for outcome in job.outcomes]

    won = at_once(lambda number: _is_updated(service, scope, ids[number], "the one"))

    assert won.count(True) == 1
    assert [memory.text for memory in service.listed(scope)].count("the one") == 1


def test_promise_5_a_memory_is_deleted_by_one(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")

    def is_deleted(_: int) -> bool:
        try:
            service.delete(scope.project, memory.id)
        except NotFoundError:
            return False
        return True

    assert at_once(is_deleted).count(True) == 1

    actions = [event.action for event in events_of(service, scope, memory.id)]
    assert actions == [HistoryAction.ADD, HistoryAction.DELETE]


def test_promise_5_texts_given_up_can_be_taken_at_once(service: UseCases, scope: Scope) -> None:
    memory = service.remember(scope, "likes tea")
    service.delete(scope.project, memory.id)

    jobs = at_once(lambda _: service.say(scope, "likes tea"))

    [again] = service.listed(scope)
    assert again.id != memory.id
    assert {job.outcomes[0].memory_id for job in jobs} == {again.id}
