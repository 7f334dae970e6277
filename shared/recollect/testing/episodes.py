"""What all Episodes promise, whichever engine is behind them: a fixture `store`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from recollect.domain.memory import Attachment, Episode, Message
from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding, an_episode
from recollect.testing.fixtures import *
from recollect.testing.store import Store, a_project

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
LONG = "and so on \U0001f642 " * 10_000
"""Some 150 KB, more than some records keep in one piece."""
ERA = datetime(1999, 3, 1, tzinfo=UTC)
"""So long ago that nothing else expires: expired episodes are removed from all projects."""
MOST_CALLS = 99
"""More than any of these removals takes."""
lengths = pytest.mark.parametrize("text", ["I like tea", LONG], ids=["short", "long"])


def stored(store: Store, scope: Scope, *texts: str, **changes: Any) -> Episode:  # noqa: ANN401
    episode = an_episode(scope, *texts, **changes)
    store.record.commit(scope.project, a_change(episode=episode))
    return episode


def read(store: Store, episode: Episode, now: datetime = NOON) -> Episode | None:
    return store.episodes.get(episode.scope.project, [episode.id], now=now).get(episode.id)


def recent(store: Store, scope: Scope, limit: int = 99, now: datetime = NOON) -> list[Episode]:
    return store.episodes.recent(scope, limit=limit, now=now)


def remove(store: Store, scope: Scope, before: datetime = NOON + TICK, after: str = "") -> None:
    """Remove the episodes of all scopes with the subjects of this one."""
    for _ in range(MOST_CALLS):
        place = store.episodes.remove(scope.project, scope.subjects, before=before, after=after)
        if place is None:
            return
        after = place
    pytest.fail("A removal does not come to its end")


def forever(store: Store, *episodes: Episode) -> list[Episode]:
    """Return those of the episodes that are there, expired or not."""
    first = datetime.min.replace(tzinfo=UTC)
    return [episode for episode in episodes if read(store, episode, first)]


# --- what is kept


def test_an_episode_comes_back_as_it_was_said(store: Store, scope: Scope) -> None:
    episode = an_episode(
        scope,
        "I like tea",
        "",
        first_turn=4,
        said_at=NOON - HOUR,
        recorded_at=NOON - TICK,
        expires_at=NOON + HOUR,
    )
    looked_at = Message(
        "assistant",
        "\U0001f642\n\u2028 '\"; DROP TABLE episodes; --",
        "Zoë",
        NOON - timedelta(days=400),
        (Attachment("document", "a text"), Attachment("image", "a dog", "https://example.org/a")),
    )
    episode = Episode(**{**vars(episode), "messages": (*episode.messages, looked_at)})

    store.record.commit(scope.project, a_change(episode=episode))

    assert read(store, episode) == episode
    assert recent(store, scope) == [episode]


def test_a_long_episode_comes_back(store: Store, scope: Scope) -> None:
    episode = stored(store, scope, LONG, "short", LONG)

    assert read(store, episode) == episode
    assert recent(store, scope) == [episode]


@lengths
def test_an_episode_may_be_stored_again_by_a_resumed_add(
    store: Store, scope: Scope, text: str
) -> None:
    episode = an_episode(scope, text)

    for _ in range(2):
        store.record.commit(scope.project, a_change(episode=episode))

    assert read(store, episode) == episode
    assert recent(store, scope) == [episode]


@pytest.mark.parametrize("unknown", ["", "a b/'\"🙂", "x" * 5_000, "7d3c9f52-1f04-4b9b"])
def test_an_unknown_episode_is_left_out(store: Store, scope: Scope, unknown: str) -> None:
    known = stored(store, scope)

    ids = [unknown, known.id]
    assert store.episodes.get(scope.project, ids, now=NOON) == {known.id: known}


def test_many_are_read_at_once(store: Store, scope: Scope) -> None:
    texts = ["short", LONG] + [f"number {number}" for number in range(120)]
    there = [stored(store, scope, text) for text in texts]
    gone = stored(store, scope, expires_at=NOON)

    found = store.episodes.get(scope.project, [each.id for each in (*there, gone)], now=NOON)

    assert found == {each.id: each for each in there}
    assert store.episodes.get(scope.project, [], now=NOON) == {}


def test_another_project_knows_nothing(store: Store, scope: Scope) -> None:
    episode = stored(store, scope)
    other = a_scope(a_project(store), user="ada")

    assert not store.episodes.get(other.project, [episode.id], now=NOON)
    assert recent(store, other) == []
    remove(store, other)
    assert read(store, episode) == episode


# --- the last ones of a scope


def test_what_was_recorded_last_comes_first(store: Store, scope: Scope) -> None:
    hours = [3, 1, 5, 2, 4]
    episodes = {
        hour: stored(store, scope, recorded_at=NOON + hour * HOUR, said_at=NOON - hour * HOUR)
        for hour in hours
    }

    assert recent(store, scope) == [episodes[hour] for hour in (5, 4, 3, 2, 1)]
    assert recent(store, scope, limit=2) == [episodes[5], episodes[4]]
    assert recent(store, scope, limit=0) == []


def test_only_those_of_exactly_the_scope_are_recent(store: Store, project: str) -> None:
    ada = a_scope(project, user="ada")
    ada_today, ada_monday = (a_scope(project, user="ada", run=run) for run in ("today", "monday"))
    for scope in (ada, ada_today, a_scope(project, user="bob", run="monday")):
        stored(store, scope)
    last = stored(store, ada_monday)

    assert recent(store, ada_monday) == [last]


def test_expired_ones_are_left_out_and_not_counted(store: Store, scope: Scope) -> None:
    kept = stored(store, scope, recorded_at=NOON)
    for hour in range(1, 8):
        stored(store, scope, recorded_at=NOON + hour * HOUR, expires_at=NOON + 8 * HOUR)
    last = stored(store, scope, recorded_at=NOON + 9 * HOUR)

    assert recent(store, scope, limit=2, now=NOON + 9 * HOUR) == [last, kept]


@lengths
def test_an_episode_is_read_until_it_expires(store: Store, scope: Scope, text: str) -> None:
    episode = stored(store, scope, text, expires_at=NOON + HOUR)

    before, after = NOON + HOUR - TICK, NOON + HOUR
    assert read(store, episode, before) == episode
    assert recent(store, scope, now=before) == [episode]
    assert read(store, episode, after) is None
    assert recent(store, scope, now=after) == []


# --- removing those of subjects


@lengths
def test_what_is_removed_is_gone(store: Store, scope: Scope, text: str) -> None:
    episodes = [stored(store, scope, f"{text} {number}") for number in range(3)]

    for _ in range(2):
        remove(store, scope)

        assert forever(store, *episodes) == []
        assert recent(store, scope) == []


def test_those_of_every_scope_of_the_subject_go(store: Store, project: str) -> None:
    ada, bob = a_scope(project, user="ada"), a_scope(project, user="bob", run="monday")
    of_ada = [ada, *(a_scope(project, user="ada", run=run) for run in ("monday", "today"))]
    gone = [stored(store, scope) for scope in of_ada]
    kept = stored(store, bob)

    remove(store, ada)

    assert forever(store, *gone, kept) == [kept]
    assert recent(store, bob) == [kept]


def test_only_scopes_with_all_of_the_subjects_lose_theirs(store: Store, project: str) -> None:
    both = a_scope(project, user="ada", agent="tutor")
    gone = [
        stored(store, both),
        stored(store, a_scope(project, user="ada", agent="tutor", run="r")),
    ]
    kept = [
        stored(store, a_scope(project, **names))
        for names in (
            {"user": "ada"},
            {"agent": "tutor"},
            {"user": "ada", "agent": "cook"},
            {"user": "bob", "agent": "tutor"},
            {"user": "tutor", "agent": "ada"},
        )
    ]

    remove(store, both)

    assert forever(store, *gone, *kept) == kept


def test_of_no_subjects_none_are_removed(store: Store, scope: Scope) -> None:
    episode = stored(store, scope)

    assert store.episodes.remove(scope.project, (), before=NOON + HOUR) is None

    assert read(store, episode) == episode


def test_an_unknown_subject_has_none(store: Store, scope: Scope) -> None:
    episode = stored(store, scope)

    remove(store, a_scope(scope.project, user="bob"))
    remove(store, a_scope(scope.project, user="ada", run="r"))

    assert read(store, episode) == episode


def test_what_was_recorded_later_stays(store: Store, scope: Scope) -> None:
    gone = stored(store, scope, recorded_at=NOON - TICK, said_at=NOON + HOUR)
    kept = [stored(store, scope, recorded_at=at, said_at=NOON - HOUR) for at in (NOON + HOUR, NOON)]

    remove(store, scope, before=NOON)

    assert forever(store, gone, *kept) == kept
    assert recent(store, scope) == kept


def test_more_than_a_page_goes(store: Store, scope: Scope) -> None:
    for number in range(501):
        stored(store, scope, recorded_at=NOON - number * TICK)

    first = store.episodes.remove(scope.project, scope.subjects, before=NOON + TICK)

    assert first is not None
    assert len(recent(store, scope)) == 1
    remove(store, scope)
    assert recent(store, scope) == []


def test_those_of_more_scopes_than_a_page_has_go(store: Store, project: str) -> None:
    runs = [f"run {number}" for number in range(120)]
    gone = [stored(store, a_scope(project, user="ada", agent="tutor", run=run)) for run in runs]
    kept = [stored(store, a_scope(project, user="ada", agent="cook", run=run)) for run in runs]

    remove(store, a_scope(project, user="ada", agent="tutor"))

    assert forever(store, *gone, *kept) == kept


def test_a_removal_goes_on_where_it_was_left(store: Store, project: str) -> None:
    ada = a_scope(project, user="ada")
    scopes = [a_scope(project, user="ada", run=f"run {number}") for number in range(120)]
    first = [stored(store, scope) for scope in scopes]
    place = store.episodes.remove(project, ada.subjects, before=NOON + TICK)
    behind = forever(store, *first)
    again = [stored(store, episode.scope) for episode in first if episode not in behind]

    assert place is not None
    remove(store, ada, after=place)

    assert 0 < len(behind) < len(first)
    assert forever(store, *first) == []
    assert forever(store, *again) == again


def test_memories_stay_when_episodes_go(store: Store, scope: Scope) -> None:
    memory = a_memory(scope)
    episode = an_episode(scope, id=memory.episode_id)
    store.record.commit(scope.project, a_change(adding(memory), episode=episode))

    remove(store, scope)

    assert read(store, episode) is None
    assert store.record.get(scope.project, [memory.id]) == {memory.id: memory}
    assert store.scopes.clock(scope) == 1


@lengths
def test_what_was_removed_can_be_stored_again(store: Store, scope: Scope, text: str) -> None:
    episode = stored(store, scope, text)
    remove(store, scope)

    store.record.commit(scope.project, a_change(episode=episode))

    assert read(store, episode) == episode


# --- removing those that expired


def test_expired_episodes_of_all_projects_are_removed(store: Store) -> None:
    scopes = [a_scope(a_project(store), user="ada") for _ in range(2)]
    now = ERA + HOUR
    gone = [
        stored(store, scope, text, expires_at=at)
        for scope in scopes
        for text in ("short", LONG)
        for at in (ERA, now)
    ]
    kept = [stored(store, scope, expires_at=now + TICK) for scope in scopes]
    kept += [stored(store, scope) for scope in scopes]

    assert store.episodes.remove_expired(now=now, limit=99) == len(gone)

    assert forever(store, *gone, *kept) == kept
    assert store.episodes.remove_expired(now=now, limit=99) == 0


def test_what_expired_first_goes_first(store: Store, scope: Scope) -> None:
    times = [ERA - number * HOUR for number in (3, 1, 5, 2, 4)]
    episodes = {at: stored(store, scope, expires_at=at) for at in times}

    assert store.episodes.remove_expired(now=ERA, limit=3) == 3

    left = [episodes[at] for at in sorted(times)[3:]]
    assert sorted(forever(store, *episodes.values()), key=lambda each: str(each.expires_at)) == left
    assert store.episodes.remove_expired(now=ERA, limit=3) == 2


def test_an_expired_episode_may_be_removed_with_its_subjects(store: Store, scope: Scope) -> None:
    episode = stored(store, scope, str(uuid4()), expires_at=ERA)

    remove(store, scope)

    assert forever(store, episode) == []
    assert store.episodes.remove_expired(now=ERA, limit=9) == 0
