"""What every Touches promises, whichever engine is behind it: a fixture `store`."""

from datetime import timedelta
from uuid import uuid4

from recollect.testing.builders import NOON
from recollect.testing.fixtures import *
from recollect.testing.store import Store

HOUR = timedelta(hours=1)


def ids(count: int) -> list[str]:
    return [str(uuid4()) for _ in range(count)]


def test_touches_come_back_in_order(store: Store, project: str) -> None:
    [one, other, untouched] = ids(3)
    times = (NOON - HOUR, NOON, NOON + timedelta(microseconds=1))

    store.touches.put(project, {one: times, other: [NOON]})

    assert store.touches.get(project, [one, other, untouched]) == {one: times, other: (NOON,)}
    assert store.touches.get(project, []) == {}


def test_touches_take_the_place_of_those_before(store: Store, project: str) -> None:
    [one] = ids(1)
    store.touches.put(project, {one: [NOON]})

    store.touches.put(project, {one: [NOON, NOON + HOUR]})
    store.touches.put(project, {})

    assert store.touches.get(project, [one]) == {one: (NOON, NOON + HOUR)}


def test_another_project_has_no_touches(store: Store, project: str) -> None:
    [one] = ids(1)
    store.touches.put(project, {one: [NOON]})

    assert store.touches.get(f"not {project}", [one]) == {}


def test_many_memories_are_touched_at_once(store: Store, project: str) -> None:
    many = ids(250)
    store.touches.put(project, dict.fromkeys(many, (NOON,)))

    assert store.touches.get(project, many) == dict.fromkeys(many, (NOON,))
