"""What every IndexBuilds promises, and what an index tells of what it holds: fixture `indexed`.

It is empty, for vectors of two dimensions, and nobody else uses it.
"""

from dataclasses import replace

import pytest

from recollect.domain.errors import ConflictError
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_memory, a_scope
from recollect.testing.indexes import Indexed, found, held, near, rebuild


@pytest.fixture
def versioned(indexed: Indexed) -> Indexed:
    """Return an index that tells versions apart, so that it does not matter who writes first.

    Override it where `indexed` leaves that to the record.
    """
    return indexed


@pytest.fixture
def scope() -> Scope:
    return a_scope(user="ada")


def test_what_is_held_is_told_in_id_order_page_by_page(indexed: Indexed, scope: Scope) -> None:
    memories = [a_memory(scope, "tea") for _ in range(7)]
    stranger = a_scope(user="ada")
    indexed.index.put(scope.project, memories)
    indexed.index.put(stranger.project, [a_memory(stranger, "tea")])

    expected = sorted((memory.id, 1) for memory in memories)
    assert held(indexed.index, scope) == expected
    assert held(indexed.index, scope, limit=3) == expected
    assert indexed.index.held(scope.project, after=expected[5][0], limit=9) == expected[6:]


def test_what_is_held_has_its_version_and_nothing_removed(indexed: Indexed, scope: Scope) -> None:
    changed, removed = a_memory(scope), a_memory(scope)
    indexed.index.put(scope.project, [changed, removed])

    indexed.index.put(scope.project, [replace(changed, version=2)])
    indexed.index.remove(scope.project, {removed.id: 2})

    assert held(indexed.index, scope) == [(changed.id, 2)]


def test_an_index_that_was_never_written_holds_nothing(indexed: Indexed, scope: Scope) -> None:
    assert held(indexed.index, scope) == []
    assert found(indexed.index, scope) == set()


def test_preparing_again_and_again_changes_nothing(indexed: Indexed, scope: Scope) -> None:
    indexed.builds.prepare()
    memory = a_memory(scope, "tea")
    indexed.index.put(scope.project, [memory])

    indexed.builds.prepare()

    assert found(indexed.index, scope) == {memory.id}


def test_a_build_holds_what_was_put_and_nothing_else(indexed: Indexed, scope: Scope) -> None:
    kept, phantom = (a_memory(scope, "tea", vector=(1, 0)) for _ in range(2))
    missing = a_memory(scope, "tea", vector=(0, 1))
    indexed.index.put(scope.project, [kept, phantom])

    rebuild(indexed, [kept, missing])

    assert held(indexed.index, scope) == sorted([(kept.id, 1), (missing.id, 1)])
    assert found(indexed.index, scope) == {kept.id, missing.id}
    assert near(indexed.index, scope, 0, 1) == {kept.id, missing.id}


def test_a_build_sets_right_what_the_index_has_wrong(indexed: Indexed, scope: Scope) -> None:
    wrong, removed = a_memory(scope, "green tea"), a_memory(scope, "black tea")
    indexed.index.put(scope.project, [replace(wrong, text="pie", version=9), removed])
    indexed.index.remove(scope.project, {removed.id: 9})

    rebuild(indexed, [replace(wrong, version=2), removed])

    assert held(indexed.index, scope) == sorted([(wrong.id, 2), (removed.id, 1)])
    assert found(indexed.index, scope) == {wrong.id, removed.id}
    assert found(indexed.index, scope, "pie") == set()


def test_while_an_index_is_built_everything_is_found(indexed: Indexed, scope: Scope) -> None:
    first, second, third = (a_memory(scope, "tea") for _ in range(3))
    indexed.index.put(scope.project, [first, second])
    seen = []

    indexed.builds.begin()
    seen.append(found(indexed.index, scope))
    indexed.builds.put(scope.project, [first])
    seen.append(found(indexed.index, scope))
    indexed.index.put(scope.project, [third])
    seen.append(found(indexed.index, scope))
    indexed.builds.put(scope.project, [second])
    indexed.builds.finish()
    seen.append(found(indexed.index, scope))

    old = {first.id, second.id}
    assert seen == [old, old, {*old, third.id}, {*old, third.id}]


def test_what_changes_while_an_index_is_built_is_in_the_new_one(
    indexed: Indexed, scope: Scope
) -> None:
    changed, removed = a_memory(scope, "tea"), a_memory(scope, "tea")
    added = a_memory(scope, "tea")
    indexed.index.put(scope.project, [changed, removed])

    indexed.builds.begin()
    indexed.index.put(scope.project, [replace(changed, text="pie", version=2), added])
    indexed.index.remove(scope.project, {removed.id: 2})
    indexed.builds.finish()

    assert held(indexed.index, scope) == sorted([(changed.id, 2), (added.id, 1)])
    assert found(indexed.index, scope, "pie") == {changed.id}


def test_what_is_filled_in_late_never_wins_over_a_change(versioned: Indexed, scope: Scope) -> None:
    changed, removed = a_memory(scope, "tea"), a_memory(scope, "tea")
    versioned.index.put(scope.project, [changed, removed])

    versioned.builds.begin()
    versioned.index.put(scope.project, [replace(changed, text="pie", version=2)])
    versioned.index.remove(scope.project, {removed.id: 2})
    versioned.builds.put(scope.project, [changed, removed])
    versioned.builds.finish()

    assert held(versioned.index, scope) == [(changed.id, 2)]
    assert found(versioned.index, scope) == set()


def test_a_build_that_broke_off_goes_on(indexed: Indexed, scope: Scope) -> None:
    first, second, added = (a_memory(scope, "tea") for _ in range(3))
    indexed.index.put(scope.project, [first, second])

    indexed.builds.begin()
    indexed.builds.put(scope.project, [first])
    indexed.index.put(scope.project, [added])
    indexed.builds.begin()
    indexed.builds.put(scope.project, [second])
    indexed.builds.finish()

    assert found(indexed.index, scope) == {first.id, second.id, added.id}


def test_finishing_again_or_without_a_build_changes_nothing(indexed: Indexed, scope: Scope) -> None:
    memory = a_memory(scope, "tea")
    indexed.index.put(scope.project, [memory])
    indexed.builds.finish()
    rebuild(indexed, [memory])

    indexed.builds.finish()

    assert found(indexed.index, scope) == {memory.id}


def test_without_a_build_nothing_can_be_filled_in(indexed: Indexed, scope: Scope) -> None:
    indexed.index.put(scope.project, [a_memory(scope)])

    with pytest.raises(ConflictError, match="not being built"):
        indexed.builds.put(scope.project, [a_memory(scope)])
