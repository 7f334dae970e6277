"""What wake-ups promise: at least one taker hears of every subject with news; a fixture `line`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from recollect.ports.queue import WakeUps

News: TypeAlias = tuple[str, tuple[str, ...]]
"""A project and the keys of its subjects that have news."""


@dataclass(frozen=True)
class Line:
    """Wake-ups and the way to hear of them: `take` returns, and forgets, all that was said."""

    wake_ups: WakeUps
    take: Callable[[], list[News]]


def test_who_has_news_is_heard_of(line: Line) -> None:
    line.wake_ups.index("acme", ["ada"])
    line.wake_ups.index("acme", ["ben", "r1"])

    assert sorted(line.take()) == [("acme", ("ada",)), ("acme", ("ben", "r1"))]
    assert line.take() == []


def test_the_same_news_twice_is_heard_of(line: Line) -> None:
    line.wake_ups.index("acme", ["ada"])
    line.wake_ups.index("acme", ["ada"])

    assert set(line.take()) == {("acme", ("ada",))}


def test_news_after_it_was_taken_is_news_again(line: Line) -> None:
    line.wake_ups.index("acme", ["ada"])
    line.take()
    line.wake_ups.index("acme", ["ada"])

    assert line.take() == [("acme", ("ada",))]


def test_projects_with_equal_subjects_stay_apart(line: Line) -> None:
    line.wake_ups.index("acme", ["ada"])
    line.wake_ups.index("umbrella", ["ada"])

    assert sorted(line.take()) == [("acme", ("ada",)), ("umbrella", ("ada",))]


def test_threads_together_lose_no_news(line: Line) -> None:
    subjects = [f"subject-{number}" for number in range(200)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: line.wake_ups.index("acme", [name]), subjects))

    assert {keys for _, keys in line.take()} == {(name,) for name in subjects}
