"""What every Scopes promises, whichever engine is behind it: a fixture `store`."""

from datetime import timedelta
from itertools import chain
from uuid import UUID

import pytest

from recollect.domain.subjects import Scope
from recollect.testing.builders import NOON, a_change, a_memory, a_scope, adding
from recollect.testing.fixtures import *
from recollect.testing.store import THREADS, Store, a_project, at_once

DAY = timedelta(days=1)


def test_an_unknown_scope_has_seen_nothing(store: Store, scope: Scope) -> None:
    assert store.scopes.clock(scope) == 0
    assert store.scopes.find_texts(scope, ["likes tea"], now=NOON) == {}


def test_turns_follow_each_other(store: Store, scope: Scope) -> None:
    turns = [*store.scopes.reserve_turns(scope, 3), *store.scopes.reserve_turns(scope, 2)]

    assert [turn.number for turn in turns] == [0, 1, 2, 3, 4]
    assert len({turn.memory_id for turn in turns}) == 5


def test_no_turns_can_be_reserved(store: Store, scope: Scope) -> None:
    assert store.scopes.reserve_turns(scope, 0) == ()
    assert [turn.number for turn in store.scopes.reserve_turns(scope, 1)] == [0]


def test_the_id_of_a_turn_looks_like_any_other(store: Store, scope: Scope) -> None:
    for turn in store.scopes.reserve_turns(scope, 200):
        looks = UUID(turn.memory_id)
        assert (str(looks), looks.version) == (turn.memory_id, 4)
        assert looks.variant == "specified in RFC 4122"


def test_the_ids_of_turns_are_known_by_their_numbers(store: Store, scope: Scope) -> None:
    turns = store.scopes.reserve_turns(scope, 3)

    assert store.scopes.turns_at(scope, [2, 0]) == (turns[2].memory_id, turns[0].memory_id)
    assert store.scopes.turns_at(scope, []) == ()
    assert store.scopes.turns_at(scope, [3]) == tuple(
        turn.memory_id for turn in store.scopes.reserve_turns(scope, 1)
    )


def test_each_scope_and_each_project_has_turns_of_its_own(store: Store, scope: Scope) -> None:
    scopes = [
        scope,
        a_scope(scope.project, user="ada", run="r1"),
        a_scope(scope.project, agent="ada"),
        a_scope(a_project(store), user="ada"),
    ]

    turns = list(chain.from_iterable(store.scopes.reserve_turns(each, 2) for each in scopes))

    assert [turn.number for turn in turns] == [0, 1] * len(scopes)
    assert len({turn.memory_id for turn in turns}) == len(turns)


def test_sixteen_threads_reserve_different_turns(store: Store, scope: Scope) -> None:
    reserved = at_once(lambda number: store.scopes.reserve_turns(scope, number + 1))

    turns = list(chain.from_iterable(reserved))
    assert sorted(turn.number for turn in turns) == list(range(THREADS * (THREADS + 1) // 2))
    assert len({turn.memory_id for turn in turns}) == len(turns)
    for own in reserved:
        assert [turn.number for turn in own] == list(range(own[0].number, own[-1].number + 1))


def test_turns_do_not_move_the_clock(store: Store, scope: Scope) -> None:
    store.scopes.reserve_turns(scope, 5)
    assert store.scopes.clock(scope) == 0

    store.record.commit(scope.project, a_change(adding(a_memory(scope))))

    assert store.scopes.clock(scope) == 1
    assert [turn.number for turn in store.scopes.reserve_turns(scope, 1)] == [5]


def test_the_texts_that_are_there_are_found(store: Store, scope: Scope) -> None:
    known = [a_memory(scope, text) for text in ("one", "two")]
    store.record.commit(scope.project, a_change(*map(adding, known)))

    found = store.scopes.find_texts(scope, ["two", "three", "one", "One", "two"], now=NOON)

    assert found == {memory.text: memory.id for memory in known}
    assert store.scopes.find_texts(scope, [], now=NOON) == {}


@pytest.mark.parametrize(("days", "is_found"), [(-1, True), (0, True), (1, False)])
def test_a_text_is_found_to_the_end_of_its_last_day(
    store: Store,
    scope: Scope,
    days: int,
    is_found: bool,  # noqa: FBT001
) -> None:
    memory = a_memory(scope, expires_on=NOON.date())
    store.record.commit(scope.project, a_change(adding(memory)))

    found = store.scopes.find_texts(scope, [memory.text], now=NOON + days * DAY)

    assert (memory.text in found) is is_found
