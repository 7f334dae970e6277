"""Which entity a name stands for, when the same batch names it with a type and without one."""

import pytest

from recollect.domain.graph import UNKNOWN_TYPE, USER_TYPE, entity_id
from recollect.domain.subjects import Scope
from tests.service import Service
from tests.unit.usecases.graph_world import World


@pytest.fixture
def world(service: Service, scope: Scope) -> World:
    return World.over(service, scope)


def test_what_has_no_type_is_its_only_namesake(world: World) -> None:
    world.said("ANNA:thing likes tea:drink")
    world.said("Anna:person likes tea:drink; Tom:person")
    world.written()

    assert world.entities() == {"Anna:person": 2, "Tom:person": 1, "tea:drink": 2}
    assert world.relation("Anna:person likes tea:drink").mentions == 2


def test_it_is_decided_once(world: World) -> None:
    world.said("Anna:thing; Anna:person")
    world.written()
    world.said("Anna:thing; Anna:city; Anna:ship")
    world.written()

    assert world.entities() == {"Anna:person": 2, "Anna:city": 1, "Anna:ship": 1}
    own_id = entity_id(world.owner, "Anna", UNKNOWN_TYPE)
    found = world.service.store.graph.entities(world.owner, [own_id])
    assert [each.type for each in found.values()] == ["person"]


def test_with_a_namesake_that_is_another_name_of_a_known_one_it_is_that_one(world: World) -> None:
    world.said("New York City:place")
    world.written()
    world.said("the New York City:place; the New York City:thing")
    world.written()

    assert world.entities() == {"New York City:place": 2}


def test_of_several_namesakes_it_is_none(world: World) -> None:
    world.said("Mercury:thing; Mercury:planet; Mercury:metal")
    world.written()

    assert world.entities() == {"Mercury:thing": 1, "Mercury:planet": 1, "Mercury:metal": 1}


def test_a_namesake_that_is_known_counts_beside_that_of_the_batch(world: World) -> None:
    world.said("Mercury:planet")
    world.written()
    world.said("Mercury:thing; Mercury:metal")
    world.written()

    assert world.entities() == {"Mercury:thing": 1, "Mercury:planet": 1, "Mercury:metal": 1}


def test_a_known_name_that_is_only_alike_gives_way_to_the_same_name(world: World) -> None:
    world.said("New York City:place")
    world.written()
    world.said("the New York City:thing; the New York City:song")
    world.written()

    assert world.entities() == {"New York City:place": 1, "the New York City:song": 1}


def test_promise_14_nothing_is_the_user_by_name_alone(world: World) -> None:
    world.said(f"ada:{USER_TYPE} likes ada:thing")
    world.written()

    assert world.entities() == {"ada:user": 1, "ada:thing": 1}
