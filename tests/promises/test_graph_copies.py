"""The projections in memory that other tests stand on keep the promises of any graph store."""

import pytest

from recollect.testing.graph_store import *  # noqa: F403 - the suite
from tests.promises.graph_copies import CopiedStore


@pytest.fixture
def graph() -> CopiedStore:
    return CopiedStore()


@pytest.fixture
def projection(graph: CopiedStore) -> CopiedStore:
    return graph
