"""Every IndexBuilds of ours passes the published suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.testing.index_builds import *
from recollect.testing.indexes import Indexed
from tests.contract.indexes import Adapter, collection, local, managed

VERSIONED = [
    pytest.param(local, id="local"),
    pytest.param(managed, id="opensearch", marks=pytest.mark.engines),
]
"""Those that tell versions apart, so that it does not matter who writes first."""
BUILDABLE = [*VERSIONED, pytest.param(collection, id="serverless", marks=pytest.mark.engines)]


@pytest.fixture(params=BUILDABLE)
def indexed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Indexed]:
    adapter: Adapter = request.param
    with adapter(tmp_path) as build:
        yield build(2)


@pytest.fixture(params=VERSIONED)  # type: ignore[no-redef] # the suite's own takes any index
def versioned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Indexed]:
    adapter: Adapter = request.param
    with adapter(tmp_path) as build:
        yield build(2)
