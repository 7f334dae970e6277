"""What the contract suites share."""

from collections.abc import Iterator

import pytest

from recollect.testing.store import Store
from tests.contract.stores import ADAPTERS, Build


@pytest.fixture(scope="session", params=ADAPTERS)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for all tests: each works in projects of its own."""
    build: Build = request.param
    with build(tmp_path_factory.mktemp("store")) as built:
        yield built
