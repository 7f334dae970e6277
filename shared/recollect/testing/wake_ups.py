"""What wake-ups promise: at least one taker hears of every subject with news; a fixture `line`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from recollect.domain.jobs import Job
from recollect.ports.queue import WakeUps
from recollect.testing.builders import a_job, a_scope

News: TypeAlias = tuple[str, tuple[str, ...]]
"""A project and the keys of its subjects that have news."""
Waiting: TypeAlias = tuple[str, str]
"""A project, and the id of a job of it that waits."""


@dataclass(frozen=True)
class Line:
    """Wake-ups and the way to hear of them: `take` returns, and forgets, all that was said."""

    wake_ups: WakeUps
    take: Callable[[], list[News]]
    take_jobs: Callable[[], list[Waiting]]
    """The same of jobs that wait; while some are taken, the others of their lanes wait."""


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


# --- jobs that wait for a worker


def an_add(user: str, project: str = "acme") -> Job:
    return a_job(a_scope(project, user=user))


def test_a_job_that_waits_is_heard_of(line: Line) -> None:
    job = an_add("ada")

    assert line.wake_ups.work(job)

    assert line.wake_ups.waiting() <= 1
    assert line.take_jobs() == [("acme", job.id)]
    assert line.take_jobs() == []
    assert line.wake_ups.waiting() == 0
    assert line.take() == []


def test_the_jobs_of_one_scope_are_heard_of_in_order(line: Line) -> None:
    jobs = [an_add("ada") for _ in range(12)]
    for job in jobs:
        line.wake_ups.work(job)

    assert line.take_jobs() == [("acme", job.id) for job in jobs]


def test_a_job_that_waits_again_is_heard_of_again(line: Line) -> None:
    job = an_add("ada")
    line.wake_ups.work(job)
    line.take_jobs()

    line.wake_ups.work(job)

    assert line.take_jobs() == [("acme", job.id)]


def test_the_jobs_of_many_scopes_and_projects_are_heard_of(line: Line) -> None:
    jobs = [an_add(f"user {number}", f"project {number % 3}") for number in range(40)]

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(line.wake_ups.work, jobs))

    assert all(told)
    assert sorted(line.take_jobs()) == sorted((job.project, job.id) for job in jobs)
