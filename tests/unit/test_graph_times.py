"""When relations hold, by all that is said of them, in whatever order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from recollect.domain.graph import MAX_SUPPORT, Owner, Relation, Support, Triple
from recollect.domain.graph_times import settled
from recollect.testing.builders import NOON

OWNER = Owner("acme", "ada")
MINUTE = timedelta(minutes=1)


def day(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def said(on: str, since: str | None = None, until: str | None = None, *, after: int = 0) -> Support:
    """Return the support of a memory that says so on a day; learned minutes after others."""
    at = datetime.fromisoformat(on).replace(tzinfo=UTC)
    name = f"{on} {since} {until} {after}"
    return Support(name, at, day(since), day(until), NOON + after * MINUTE)


def lives_in(place: str, *support: Support, is_exclusive: bool = True) -> Relation:
    triple = Triple("ada", "lives_in", place)
    return Relation(owner=OWNER, triple=triple, support=support, is_exclusive=is_exclusive)


def held(*group: Relation) -> dict[str, str]:
    """Return from when to when each place is believed to be the home."""
    beliefs = {each.triple.target: each.belief for each in settled(group, NOON)}
    return {
        place: f"{_day(belief.valid_from)}..{_day(belief.valid_to)}"
        for place, belief in beliefs.items()
        if belief
    }


def _day(time: datetime | None) -> str:
    return time.date().isoformat() if time else ""


CASES = {
    "one home is open": ([lives_in("Lisbon", said("2024-01-10"))], {"Lisbon": ".."}),
    "the next one begins when it is said": (
        [lives_in("Lisbon", said("2024-01-10")), lives_in("Porto", said("2024-06-10"))],
        {"Lisbon": "..2024-06-10", "Porto": "2024-06-10.."},
    ),
    "or when that is said to have been": (
        [
            lives_in("Lisbon", said("2024-01-10")),
            lives_in("Porto", said("2024-06-10", since="2024-03-01")),
        ],
        {"Lisbon": "..2024-03-01", "Porto": "2024-03-01.."},
    ),
    "what is said last counts, whenever it began": (
        [
            lives_in("Lisbon", said("2026-11-21")),
            lives_in("Porto", said("2026-11-22", since="2026-11-01")),
        ],
        {"Lisbon": "..2026-11-22", "Porto": "2026-11-01.."},
    ),
    "also behind two others": (
        [
            lives_in("Lisbon", said("2024-01-10")),
            lives_in("Porto", said("2024-06-10")),
            lives_in("Berlin", said("2025-01-10", since="2023-03-01")),
        ],
        {
            "Lisbon": "..2024-06-10",
            "Porto": "2024-06-10..2025-01-10",
            "Berlin": "2023-03-01..",
        },
    ),
    "an older home that is told of later ends nothing": (
        [
            lives_in("Porto", said("2026-01-01", since="2024-05-01")),
            lives_in("Lisbon", said("2026-02-01", since="2020-01-01")),
        ],
        {"Lisbon": "2020-01-01..2024-05-01", "Porto": "2024-05-01.."},
    ),
    "a plan ends what is so when it is due": (
        [
            lives_in("Lisbon", said("2026-01-01"), said("2026-06-15")),
            lives_in("Porto", said("2026-06-01", since="2026-07-01")),
        ],
        {"Lisbon": "..2026-07-01", "Porto": "2026-07-01.."},
    ),
    "what is said again after the plan was due is still so": (
        [
            lives_in("Lisbon", said("2026-01-01"), said("2026-07-10")),
            lives_in("Porto", said("2026-06-01", since="2026-07-01")),
        ],
        {"Lisbon": "..", "Porto": "2026-07-01..2026-07-10"},
    ),
    "said at one time, the last that was learned counts": (
        [
            lives_in("Lisbon", said("2024-01-10", after=1)),
            lives_in("Porto", said("2024-01-10", after=2)),
        ],
        {"Lisbon": "..2024-01-10", "Porto": "2024-01-10.."},
    ),
    "said and learned at one time, both hold": (
        [lives_in("Lisbon", said("2024-01-10")), lives_in("Porto", said("2024-01-10"))],
        {"Lisbon": "..", "Porto": ".."},
    ),
    "an end that is said ends it": (
        [lives_in("Lisbon", said("2024-01-10"), said("2024-06-10", until="2024-06-01"))],
        {"Lisbon": "..2024-06-01"},
    ),
    "an end that was said before ends nothing": (
        [lives_in("Lisbon", said("2024-01-10", until="2023-01-01"), said("2024-06-10"))],
        {"Lisbon": ".."},
    ),
    "what is over by all accounts lasted to the last of its ends": (
        [
            lives_in(
                "Lisbon",
                said("2024-01-10", "2019-01-01", "2020-01-01"),
                said("2024-01-11", "2020-05-01", "2021-01-01"),
            )
        ],
        {"Lisbon": "2019-01-01..2021-01-01"},
    ),
    "what was over when it was told ends nothing": (
        [
            lives_in("Lisbon", said("2024-01-10")),
            lives_in("Porto", said("2024-06-10", until="2020-01-01")),
        ],
        {"Lisbon": "..", "Porto": "..2020-01-01"},
    ),
    "one of many ends nothing": (
        [
            lives_in("Lisbon", said("2024-01-10"), is_exclusive=False),
            lives_in("Porto", said("2024-06-10"), is_exclusive=False),
        ],
        {"Lisbon": "..", "Porto": ".."},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_when_it_holds(name: str) -> None:
    group, expected = CASES[name]

    for order in permutations(group):
        assert held(*order) == expected


def test_what_was_known_of_a_group_is_not_lost_with_a_part_of_it() -> None:
    lisbon, porto = settled(
        [lives_in("Lisbon", said("2024-01-10")), lives_in("Porto", said("2024-06-10"))], NOON
    )

    assert settled([lisbon], NOON, is_whole=False) == [lisbon]
    assert settled([porto], NOON, is_whole=False) == [porto]
    [alone] = settled([lisbon], NOON)
    assert alone.belief is not None
    assert alone.belief.valid_to is None


def test_the_last_memories_that_say_so_are_remembered() -> None:
    relation = lives_in("Lisbon")
    for number in range(MAX_SUPPORT + 5):
        relation = relation.supported(said("2024-01-10", after=number))

    assert relation.mentions == MAX_SUPPORT
    last = NOON + (MAX_SUPPORT + 4) * MINUTE
    assert relation.support[-1].learned_at == last
