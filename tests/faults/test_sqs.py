"""SQS fails while the service wants to wake the projector."""

import json

import pytest

from recollect.usecases.project_changes import STALE_AFTER
from tests.faults.operations import TEXTS, Operation
from tests.faults.refusals import Fault
from tests.faults.sweep import check, needing
from tests.faults.world import World
from tests.service import Clock

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("operation", needing("sqs"), ids=lambda each: each.name)
def test_no_fault_does_any_harm(world: World, operation: Operation) -> None:
    check(world, operation, "sqs")


def test_maintenance_sends_the_wake_up_that_was_lost(world: World) -> None:
    with world.own_tables() as own:
        service = own.service(Clock(), with_models=False, through=["sqs"])
        scope = service.new_scope(user="ada")
        with own.at_work(), own.proxies["sqs"].injecting(Fault.UNAVAILABLE, lasts=True):
            service.say(scope, *TEXTS)
        assert own.messages() == []
        service.clock.forward(STALE_AFTER * 2)

        assert service.maintain() == 1

        news = {"project": scope.project, "subject_keys": [scope.owner.key]}
        assert news.items() <= json.loads(own.messages()[0]).items()
