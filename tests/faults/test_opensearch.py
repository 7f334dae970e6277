"""OpenSearch fails while the service needs it."""

import pytest

from recollect.domain.errors import UnavailableError
from recollect.domain.filters import EVERYTHING, subject_is
from tests.faults.operations import TEXTS, Operation
from tests.faults.refusals import Fault
from tests.faults.sweep import check, needing
from tests.faults.world import World
from tests.service import Clock

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("operation", needing("opensearch"), ids=lambda each: each.name)
def test_no_fault_does_any_harm(world: World, operation: Operation) -> None:
    check(world, operation, "opensearch")


def test_without_an_index_the_record_answers_alike(world: World) -> None:
    service = world.service(Clock(), with_models=False, through=["opensearch"])
    scope = service.new_scope(user="ada")
    service.say(scope, *TEXTS)
    service.index_all(scope)
    world.refresh()
    question = (scope.project, "Where does the nurse live?", subject_is(scope.owner))
    usual = service.search(*question, threshold=0.0)

    with world.proxies["opensearch"].injecting(Fault.RESET, lasts=True):
        alone = service.search(*question, threshold=0.0)

    assert alone.degraded == ("index",)
    assert [found.memory for found in alone.found] == [found.memory for found in usual.found]
    assert [found.score.score for found in alone.found] == pytest.approx(
        [found.score.score for found in usual.found]
    )


def test_without_an_index_a_whole_project_is_not_searched(world: World) -> None:
    service = world.service(Clock(), with_models=False, through=["opensearch"])
    scope = service.new_scope(user="ada")

    with (
        world.proxies["opensearch"].injecting(Fault.RESET, lasts=True),
        pytest.raises(UnavailableError, match=r"^The search index cannot be reached .*must name"),
    ):
        service.search(scope.project, "Where does the nurse live?", EVERYTHING)
