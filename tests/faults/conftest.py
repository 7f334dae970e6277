"""One world for all tests of a process: each case is in a project of its own."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World, world


@pytest.fixture(scope="session", name="world")
def one_world() -> Iterator[World]:
    with world() as built:
        yield built
