"""Whatever finds a memory, it is an answer: words, meaning, what surrounds it, or the graph."""

import pytest

from recollect.domain.filters import subject_is
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_change, a_memory, adding
from tests.service import OnlyProposing, Service
from tests.unit.usecases.graph_world import World

OTHERS = 300


def texts(service: Service, scope: Scope, question: str, *, with_graph: bool = False) -> list[str]:
    """Return what is found for a question, best first, with an index of either kind the same.

    Nothing is pending: what the index has not seen is a candidate anyway.
    """
    service.index_all(scope)
    indexes = (service.ports.index, OnlyProposing(service.ports.index))
    here, there = (
        service.having(index=index).search(
            scope.project, question, subject_is(scope.owner), with_graph=with_graph
        )
        for index in indexes
    )
    assert {each.memory.id for each in here.found} == {each.memory.id for each in there.found}
    return [each.memory.text for each in here.found]


def test_what_only_words_find(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"The part number {number} is in the cellar" for number in range(OTHERS)))
    without_vector = a_memory(scope, "XK42-B went to Turin")
    service.store.record.commit(scope.project, a_change(adding(without_vector)))

    assert texts(service, scope, "Which part is XK42?")[0] == "XK42-B went to Turin"


def test_what_only_its_meaning_finds(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"Line {number} of the ledger is settled" for number in range(OTHERS)))
    service.say(scope, "My spaniel and my poodle love to bark")

    assert texts(service, scope, "dogs")[0] == "My spaniel and my poodle love to bark"


def test_what_only_its_neighbour_finds(service: Service, scope: Scope) -> None:
    service.say(scope, *(f"Lisbon has a street number {number}" for number in range(OTHERS)))
    service.say(scope, "Did you ever go sailing off Lisbon?", "Yes, last Friday!")

    assert "Yes, last Friday!" in texts(service, scope, "When did they go sailing off Lisbon?")[:3]


def test_what_only_the_graph_finds(service: Service, scope: Scope) -> None:
    world = World.over(service, scope)
    service.say(scope, *(f"A sister ship of number {number} sails" for number in range(OTHERS)))
    service.say(scope, *(f"Some live in house number {number}" for number in range(OTHERS)))
    world.said("ada:user has_sister Anna:person")
    berlin = world.said("Anna:person lives_in Berlin:place")
    world.written()
    question = "Where does my sister live?"

    assert berlin.text not in texts(service, scope, question)
    assert berlin.text in texts(service, scope, question, with_graph=True)


@pytest.mark.parametrize("with_graph", [True, False])
def test_what_several_ways_find_is_found_once(
    service: Service, scope: Scope, *, with_graph: bool
) -> None:
    world = World.over(service, scope)
    world.said("ada:user likes tea:drink")
    world.written()

    found = texts(service, scope, "Does Ada like tea?", with_graph=with_graph)

    assert found == ["ada:user likes tea:drink"]
