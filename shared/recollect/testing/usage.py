"""What every Usage promises, whichever engine is behind it: a fixture `store`."""

from datetime import UTC, date, datetime, timedelta

import pytest

from recollect.domain.usage import KEPT_DAYS, MINUTE, Counts, KeyDay, minute_of
from recollect.testing.fixtures import *
from recollect.testing.store import THREADS, Store, at_once

TODAY = datetime.now(UTC).date()
"""Not a day of long ago, which a store may forget at any time."""
YESTERDAY = TODAY - timedelta(days=1)
THIS_MINUTE = minute_of(datetime.now(UTC))
ONE = Counts(requests=1)
MANY = 1_000


def counted(store: Store, project: str, first: date = TODAY, last: date = TODAY) -> list[KeyDay]:
    return list(store.usage.days(project, first, last, limit=MANY))


def test_nothing_was_used_at_first(store: Store, project: str) -> None:
    assert counted(store, project, YESTERDAY, TODAY) == []
    assert store.usage.total(project, TODAY) == Counts()


def test_a_count_returns_what_the_key_has_used_on_the_day(store: Store, project: str) -> None:
    first = store.usage.add(project, "a", TODAY, ONE)
    second = store.usage.add(project, "a", TODAY, Counts(tokens=1_000_000))
    third = store.usage.add(project, "a", TODAY, Counts(requests=2, tokens=5))

    assert first == ONE
    assert second == Counts(requests=1, tokens=1_000_000)
    assert third == Counts(requests=3, tokens=1_000_005)
    assert counted(store, project) == [KeyDay(TODAY, "a", third)]


def test_keys_and_days_are_counted_apart(store: Store, project: str) -> None:
    store.usage.add(project, "b", TODAY, ONE)
    store.usage.add(project, "a", YESTERDAY, Counts(tokens=3))

    total = store.usage.add(project, "a", TODAY, Counts(requests=1, tokens=7))

    assert total == Counts(requests=1, tokens=7)
    assert counted(store, project, YESTERDAY, TODAY) == [
        KeyDay(YESTERDAY, "a", Counts(tokens=3)),
        KeyDay(TODAY, "a", total),
        KeyDay(TODAY, "b", ONE),
    ]
    assert store.usage.total(project, TODAY) == Counts(requests=2, tokens=7)
    assert store.usage.total(project, YESTERDAY) == Counts(tokens=3)


def test_both_ends_are_included_and_no_other_day(store: Store, project: str) -> None:
    for days in range(5):
        store.usage.add(project, "a", TODAY - timedelta(days=days), ONE)

    found = counted(store, project, TODAY - timedelta(days=3), YESTERDAY)

    assert [(TODAY - each.day).days for each in found] == [3, 2, 1]


def test_the_first_ones_are_returned_where_there_are_more(store: Store, project: str) -> None:
    for key_id in ("a", "c", "b"):
        store.usage.add(project, key_id, TODAY, ONE)

    found = store.usage.days(project, YESTERDAY, TODAY, limit=2)

    assert [each.key_id for each in found] == ["a", "b"]


def test_a_day_is_known_for_as_long_as_promised(store: Store, project: str) -> None:
    long_ago = TODAY - timedelta(days=KEPT_DAYS - 1)
    store.usage.add(project, "a", long_ago, ONE)

    store.usage.add(project, "a", TODAY, ONE)

    assert [each.day for each in counted(store, project, long_ago, TODAY)] == [long_ago, TODAY]


def test_another_project_counts_for_itself(store: Store, project: str) -> None:
    other = f"{project}#"
    store.usage.add(other, "a", TODAY, ONE)
    store.usage.add_to_minute(other, THIS_MINUTE, "a")
    store.usage.add_to_minute(other, THIS_MINUTE)

    assert counted(store, project) == []
    assert store.usage.total(project, TODAY) == Counts()
    assert store.usage.add(project, "a", TODAY, ONE) == ONE
    assert store.usage.add_to_minute(project, THIS_MINUTE, "a") == 1
    assert store.usage.add_to_minute(project, THIS_MINUTE) == 1


def test_minutes_are_counted_apart(store: Store, project: str) -> None:
    counts = [store.usage.add_to_minute(project, THIS_MINUTE, "a") for _ in range(3)]

    assert counts == [1, 2, 3]
    assert store.usage.add_to_minute(project, THIS_MINUTE + MINUTE, "a") == 1
    assert store.usage.add_to_minute(project, THIS_MINUTE, "a") == 4


def test_keys_and_the_project_have_minutes_of_their_own(store: Store, project: str) -> None:
    store.usage.add_to_minute(project, THIS_MINUTE, "a")
    store.usage.add_to_minute(project, THIS_MINUTE, "a")

    assert store.usage.add_to_minute(project, THIS_MINUTE, "b") == 1
    assert store.usage.add_to_minute(project, THIS_MINUTE) == 1


def test_minutes_are_no_part_of_days(store: Store, project: str) -> None:
    store.usage.add_to_minute(project, THIS_MINUTE, "a")
    store.usage.add_to_minute(project, THIS_MINUTE)

    assert counted(store, project) == []
    assert store.usage.total(project, TODAY) == Counts()


@pytest.mark.parametrize("key_id", [None, "a"])
def test_each_request_of_a_minute_gets_a_number_of_its_own(
    store: Store, project: str, key_id: str | None
) -> None:
    numbers = at_once(lambda _: store.usage.add_to_minute(project, THIS_MINUTE, key_id))

    assert sorted(numbers) == list(range(1, THREADS + 1))


def test_sixteen_threads_lose_no_count(store: Store, project: str) -> None:
    def use(number: int) -> int:
        for _ in range(3):
            store.usage.add(project, "a", TODAY, ONE)
        store.usage.add(project, "b", TODAY, Counts(tokens=number))
        return store.usage.add(project, "a", TODAY, Counts(tokens=number)).tokens

    at_once(use)

    tokens = sum(range(THREADS))
    assert counted(store, project) == [
        KeyDay(TODAY, "a", Counts(requests=3 * THREADS, tokens=tokens)),
        KeyDay(TODAY, "b", Counts(tokens=tokens)),
    ]
    assert store.usage.total(project, TODAY) == Counts(requests=3 * THREADS, tokens=2 * tokens)
