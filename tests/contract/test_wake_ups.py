"""What wake-ups promise: at least one taker hears of every subject with news."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from recollect.adapters.local.wake_ups import LocalWakeUps


@pytest.fixture
def wake_ups() -> LocalWakeUps:
    return LocalWakeUps()


def test_who_has_news_is_heard_of_in_order(wake_ups: LocalWakeUps) -> None:
    wake_ups.index("acme", ["ada"])
    wake_ups.index("acme", ["ben", "r1"])

    assert wake_ups.take(limit=10) == [("acme", ("ada",)), ("acme", ("ben", "r1"))]
    assert wake_ups.take(limit=10) == []


def test_the_same_news_twice_is_one(wake_ups: LocalWakeUps) -> None:
    wake_ups.index("acme", ["ada"])
    wake_ups.index("acme", ["ada"])

    assert wake_ups.take(limit=10) == [("acme", ("ada",))]


def test_news_after_it_was_taken_is_news_again(wake_ups: LocalWakeUps) -> None:
    wake_ups.index("acme", ["ada"])
    wake_ups.take(limit=10)
    wake_ups.index("acme", ["ada"])

    assert wake_ups.take(limit=10) == [("acme", ("ada",))]


def test_projects_with_equal_subjects_stay_apart(wake_ups: LocalWakeUps) -> None:
    wake_ups.index("acme", ["ada"])
    wake_ups.index("umbrella", ["ada"])

    assert wake_ups.take(limit=1) == [("acme", ("ada",))]
    assert wake_ups.take(limit=1) == [("umbrella", ("ada",))]


def test_waiting_ends_when_somebody_has_news(wake_ups: LocalWakeUps) -> None:
    assert not wake_ups.wait(0.01)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wake_ups.wait, 10)
        wake_ups.index("acme", ["ada"])

        assert waiting.result(10)


def test_threads_together_lose_no_news(wake_ups: LocalWakeUps) -> None:
    subjects = [f"subject-{number}" for number in range(800)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: wake_ups.index("acme", [name]), subjects))

    taken = wake_ups.take(limit=len(subjects))
    assert {keys for _, keys in taken} == {(name,) for name in subjects}
