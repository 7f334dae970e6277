"""What the contract suites share."""

from collections.abc import Iterator

import pytest

from recollect.domain.subjects import Scope
from tests.builders import a_scope
from tests.contract.stores import ADAPTERS, Build, a_project
from tests.store import Store


@pytest.fixture(scope="session", params=ADAPTERS)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for all tests: each works in projects of its own."""
    build: Build = request.param
    with build(tmp_path_factory.mktemp("store")) as built:
        yield built


@pytest.fixture
def project(store: Store) -> str:
    return a_project(store)


@pytest.fixture
def scope(project: str) -> Scope:
    return a_scope(project, user="ada")
