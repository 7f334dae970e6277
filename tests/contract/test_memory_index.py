"""Every MemoryIndex of ours passes the published suite."""

from collections.abc import Iterator

import pytest

from recollect.testing.indexes import Build
from recollect.testing.memory_index import *
from tests.contract.indexes import ADAPTERS, Adapter


@pytest.fixture(scope="module", params=ADAPTERS)
def build(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Build]:
    """One index for all tests: each works in a project of its own."""
    adapter: Adapter = request.param
    with adapter(tmp_path_factory.mktemp("index")) as build:
        yield build
