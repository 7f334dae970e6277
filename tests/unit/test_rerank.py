"""Reranking helps in time, or is gone without: whatever the reranker does."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import Event

import pytest

from recollect.domain.errors import InvalidRequestError, UnavailableError
from recollect.usecases.rerank import CALLS_AT_ONCE, MAX_CHARACTERS, MAX_TEXTS, Rerank

QUESTION = "Where does Ada live?"
TEXTS = ["Ada lives in Turin.", "Ada has a cat."]
SOON = 0.05


class Model:
    """A reranker that does what it is told, and remembers what it was asked."""

    model = "scripted"

    def __init__(self, answer: Callable[[Sequence[str]], list[float]]) -> None:
        self.asked: list[tuple[str, Sequence[str]]] = []
        self._answer = answer

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, texts))
        return self._answer(texts)


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        yield pool


@pytest.fixture
def freed() -> Iterator[Event]:
    """What hanging calls wait for; set at the end, before the threads are joined."""
    event = Event()
    yield event
    event.set()


def hanging(freed: Event) -> Model:
    def wait(texts: Sequence[str]) -> list[float]:
        freed.wait(30)
        return [1.0] * len(texts)

    return Model(wait)


def raising(error: Exception) -> Model:
    def fail(_: Sequence[str]) -> list[float]:
        raise error

    return Model(fail)


def test_it_gives_the_scores_in_the_order_of_the_texts(threads: Executor) -> None:
    model = Model(lambda _: [0.9, 0.1])

    assert Rerank(model, threads)(QUESTION, TEXTS) == (0.9, 0.1)
    assert model.asked == [(QUESTION, TEXTS)]


def test_no_texts_ask_nobody(threads: Executor) -> None:
    model = Model(lambda _: [])

    assert Rerank(model, threads)(QUESTION, []) == ()
    assert model.asked == []


def test_more_than_the_best_are_a_mistake(threads: Executor) -> None:
    rerank = Rerank(Model(lambda texts: [0.5] * len(texts)), threads)

    assert rerank(QUESTION, ["x"] * MAX_TEXTS) == (0.5,) * MAX_TEXTS
    with pytest.raises(ValueError, match="at most 50 texts are reranked, not 51"):
        rerank(QUESTION, ["x"] * (MAX_TEXTS + 1))


def test_long_texts_are_sent_by_their_beginning(threads: Executor) -> None:
    model = Model(lambda _: [0.5])

    Rerank(model, threads)(QUESTION, ["ab" * MAX_CHARACTERS])

    assert model.asked == [(QUESTION, ["ab" * (MAX_CHARACTERS // 2)])]


@pytest.mark.parametrize("error", [UnavailableError("gone"), InvalidRequestError("too long")])
def test_a_failure_is_gone_without(threads: Executor, error: Exception) -> None:
    assert Rerank(raising(error), threads)(QUESTION, TEXTS) is None


def test_a_defect_is_not_hidden(threads: Executor) -> None:
    with pytest.raises(ZeroDivisionError):
        Rerank(raising(ZeroDivisionError()), threads)(QUESTION, TEXTS)


@pytest.mark.parametrize(
    "scores", [[], [0.5], [0.5, 0.5, 0.5], [0.5, math.nan], [0.5, 1.5], [-0.1, 0.5], [math.inf, 0]]
)
def test_nonsense_is_gone_without(threads: Executor, scores: list[float]) -> None:
    assert Rerank(Model(lambda _: scores), threads)(QUESTION, TEXTS) is None


def test_what_is_late_is_not_waited_for(threads: Executor, freed: Event) -> None:
    rerank = Rerank(hanging(freed), threads, seconds=SOON)
    began = time.monotonic()

    assert rerank(QUESTION, TEXTS) is None
    assert SOON <= time.monotonic() - began < 5


def test_while_calls_hang_no_more_are_made_and_none_is_waited_for(
    threads: Executor, freed: Event
) -> None:
    model = hanging(freed)
    rerank = Rerank(model, threads, seconds=SOON)
    for _ in range(CALLS_AT_ONCE):
        rerank(QUESTION, TEXTS)
    patient = Rerank(model, threads, seconds=30, slots=rerank.slots)

    assert [patient(QUESTION, TEXTS) for _ in range(20)] == [None] * 20
    assert len(model.asked) == CALLS_AT_ONCE


def test_it_helps_again_when_the_late_calls_have_ended(threads: Executor, freed: Event) -> None:
    rerank = Rerank(hanging(freed), threads, seconds=SOON)
    for _ in range(CALLS_AT_ONCE):
        rerank(QUESTION, TEXTS)
    freed.set()
    threads.shutdown()

    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        again = Rerank(Model(lambda _: [0.9, 0.1]), pool, slots=rerank.slots)
        assert [again(QUESTION, TEXTS) for _ in range(20)] == [(0.9, 0.1)] * 20


def test_a_failed_call_makes_room_for_the_next(threads: Executor) -> None:
    model = raising(UnavailableError("gone"))
    rerank = Rerank(model, threads)

    for _ in range(3 * CALLS_AT_ONCE):
        rerank(QUESTION, TEXTS)

    assert len(model.asked) > CALLS_AT_ONCE


def test_a_call_that_has_not_begun_in_time_is_never_made(freed: Event) -> None:
    model = hanging(freed)
    with ThreadPoolExecutor(1) as one:
        rerank = Rerank(model, one, seconds=SOON)
        first, second = rerank(QUESTION, TEXTS), rerank("Who?", TEXTS)
        freed.set()

    assert (first, second) == (None, None)
    assert model.asked == [(QUESTION, TEXTS)]


def test_without_threads_it_is_gone_without() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    rerank = Rerank(Model(lambda _: [0.9, 0.1]), pool)

    assert [rerank(QUESTION, TEXTS) for _ in range(2 * CALLS_AT_ONCE)] == [None] * 16
