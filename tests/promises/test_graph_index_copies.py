"""The index in memory that other tests stand on keeps the promises of any entity index."""

import pytest

from recollect.testing.entity_index import *  # noqa: F403 - the suite
from tests.promises.graph_copies import CopiedIndex


@pytest.fixture
def index() -> CopiedIndex:
    return CopiedIndex()


@pytest.fixture
def projection(index: CopiedIndex) -> CopiedIndex:
    return index
