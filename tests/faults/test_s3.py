"""S3 fails while the service needs it."""

import pytest

from tests.faults.operations import Operation
from tests.faults.sweep import check, needing
from tests.faults.world import World

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("operation", needing("s3"), ids=lambda each: each.name)
def test_no_fault_does_any_harm(world: World, operation: Operation) -> None:
    check(world, operation, "s3")
