"""The models on Bedrock fail while the service needs them."""

import pytest

from tests.faults.operations import Operation
from tests.faults.sweep import check, needing
from tests.faults.world import World

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("operation", needing("bedrock"), ids=lambda each: each.name)
def test_no_fault_does_any_harm(world: World, operation: Operation) -> None:
    check(world, operation, "bedrock")
