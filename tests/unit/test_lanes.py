"""What the local edition's lanes promise: order within each, turns among them, one of each."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from recollect.adapters.local.wake_ups import Lanes, LocalWakeUps
from recollect.domain.jobs import LANES, OTHER_LANES, Job
from recollect.domain.requests import DeleteAllRequest
from recollect.testing.builders import a_job, a_scope

PATIENCE_SECONDS = 10


def an_add(user: str, project: str = "acme") -> Job:
    return a_job(a_scope(project, user=user))


def apart(count: int, project: str = "acme") -> list[Job]:
    """Return adds that are in lanes of their own."""
    jobs: dict[str, Job] = {}
    for number in range(100):
        job = an_add(f"user {number}", project)
        jobs.setdefault(job.lane, job)
    return list(jobs.values())[:count]


def waiting(*jobs: Job) -> Lanes:
    lanes = Lanes()
    for job in jobs:
        lanes.add(job)
    return lanes


def taken(lanes: Lanes) -> list[str]:
    """Take all that wait, one after the other."""
    ids = []
    while len(lanes):
        with lanes.next() as name:
            assert name is not None
            ids.append(name[1])
    return ids


def test_adds_to_one_scope_are_in_one_lane_and_those_of_many_in_all() -> None:
    assert an_add("ada").lane == an_add("ada").lane
    assert len({an_add(f"user {number}").lane for number in range(500)}) == LANES


def test_other_work_is_in_lanes_of_its_own() -> None:
    scope = a_scope("acme")
    request = DeleteAllRequest(project="acme", filters={"user_id": "ada"})
    others = {a_job(scope, request=request).lane for _ in range(200)}

    assert len(others) == OTHER_LANES
    assert not others & {an_add(f"user {number}").lane for number in range(500)}


def test_jobs_of_one_lane_come_in_order() -> None:
    jobs = [an_add("ada") for _ in range(5)]

    assert taken(waiting(*jobs)) == [job.id for job in jobs]


def test_lanes_take_turns() -> None:
    one, two = apart(2)
    more = a_job(one.request.scope)  # type: ignore[union-attr]

    assert taken(waiting(one, more, two)) == [one.id, two.id, more.id]


def test_a_project_with_much_to_do_does_not_keep_another_waiting() -> None:
    crowd = [job for job in apart(LANES) for _ in range(3)]
    many = [an_add(f"user {number}") for number in range(300)]
    stranger = an_add("bob", "umbrella")

    ids = taken(waiting(*crowd, *many, stranger))

    assert ids.index(stranger.id) <= LANES


def test_a_job_waits_once_however_often_it_is_said_and_keeps_its_place() -> None:
    first, second = an_add("ada"), an_add("ada")
    lanes = waiting(first, second, first)

    assert len(lanes) == 2
    assert taken(lanes) == [first.id, second.id]


def test_a_job_that_was_taken_can_wait_again() -> None:
    job = an_add("ada")
    lanes = waiting(job)

    with lanes.next():
        lanes.add(job)
        assert len(lanes) == 1
        with lanes.next() as another:
            assert another is None

    assert taken(lanes) == [job.id]


def test_while_one_of_a_lane_is_worked_on_the_others_of_it_wait() -> None:
    one, two = apart(2)
    lanes = waiting(one, a_job(one.request.scope), two)  # type: ignore[union-attr]

    with ExitStack() as busy:
        names = [busy.enter_context(lanes.next()) for _ in range(3)]
        assert not lanes.wait(0.01)

    assert names == [("acme", one.id), ("acme", two.id), None]
    assert lanes.wait(0.01)
    assert len(lanes) == 1


def test_equal_scopes_of_two_projects_are_in_lanes_of_their_own() -> None:
    ours, theirs = an_add("ada"), an_add("ada", "umbrella")
    lanes = waiting(ours, theirs)

    with lanes.next() as first, lanes.next() as second:
        assert [first, second] == [("acme", ours.id), ("umbrella", theirs.id)]


def test_nothing_waits_at_first() -> None:
    lanes = Lanes()

    assert not lanes.wait(0.01)
    with lanes.next() as name:
        assert name is None


def test_waiting_ends_when_there_is_a_job() -> None:
    wake_ups = LocalWakeUps()

    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(wake_ups.jobs.wait, PATIENCE_SECONDS)
        assert wake_ups.work(an_add("ada"))

        assert heard.result(PATIENCE_SECONDS)


def test_waiting_ends_when_a_lane_is_free_again() -> None:
    lanes = waiting(an_add("ada"), an_add("ada"))

    with ThreadPoolExecutor(1) as threads:
        with lanes.next():
            heard = threads.submit(lanes.wait, PATIENCE_SECONDS)

        assert heard.result(PATIENCE_SECONDS)


def test_a_lane_is_free_again_though_the_work_broke() -> None:
    lanes = waiting(an_add("ada"), an_add("ada"))

    with pytest.raises(ZeroDivisionError), lanes.next():
        raise ZeroDivisionError

    assert lanes.wait(0.01)


def test_threads_together_do_each_job_once_and_one_of_a_lane_at_once() -> None:
    jobs = [an_add(f"user {number % 40}") for number in range(400)]
    lanes, lane_of = waiting(*jobs), {job.id: job.lane for job in jobs}
    seen: list[str] = []
    busy: set[str] = set()

    def work() -> None:
        while len(lanes):
            with lanes.next() as name:
                if name is None:
                    continue
                lane = lane_of[name[1]]
                assert lane not in busy
                busy.add(lane)
                seen.append(name[1])
                busy.remove(lane)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work) for _ in range(4)]:
            done.result(PATIENCE_SECONDS)

    assert sorted(seen) == sorted(job.id for job in jobs)
    for lane in {job.lane for job in jobs}:
        ids = [an_id for an_id in seen if lane_of[an_id] == lane]
        assert ids == [job.id for job in jobs if job.lane == lane]
