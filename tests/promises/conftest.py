"""A service of its own for every promise, and a data file whose transactions break off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.domain.subjects import Scope
from tests.promises.breaking import BreakingDatabase
from tests.service import Service, a_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    built = a_service(tmp_path / "recollect.db")
    yield built
    built.store.database.close()


@pytest.fixture
def scope(service: Service) -> Scope:
    return service.new_scope(user="ada")


@pytest.fixture
def breaking(service: Service) -> Iterator[BreakingDatabase]:
    """The service's data file."""
    database = BreakingDatabase(service.store.path)
    yield database
    database.close()
