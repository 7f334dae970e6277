"""A service of its own for every promise, and a data file whose transactions break off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.domain.subjects import Scope
from tests.aws import Engines, engines
from tests.promises.breaking import BreakingDatabase
from tests.service import Clock, Service, UseCases, a_service


@pytest.fixture
def local_service(tmp_path: Path) -> Iterator[Service]:
    built = a_service(tmp_path / "recollect.db")
    yield built
    built.store.database.close()


@pytest.fixture
def service(local_service: Service) -> Service:
    return local_service


@pytest.fixture(scope="session")
def deployed() -> Iterator[Engines]:
    with engines() as built:
        yield built


@pytest.fixture(params=["local", pytest.param("aws", marks=pytest.mark.engines)])
def edition(request: pytest.FixtureRequest) -> UseCases:
    """The use cases of each edition, in a project of their own; nothing is projected by itself."""
    if request.param == "local":
        local: Service = request.getfixturevalue("local_service")
        return local
    aws: Engines = request.getfixturevalue("deployed")
    return aws.use_cases(Clock())


@pytest.fixture
def scope(service: UseCases) -> Scope:
    return service.new_scope(user="ada")


@pytest.fixture
def breaking(local_service: Service) -> Iterator[BreakingDatabase]:
    """The service's data file."""
    database = BreakingDatabase(local_service.store.path)
    yield database
    database.close()
