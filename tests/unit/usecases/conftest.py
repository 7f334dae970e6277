"""A service of its own for every test of a use case."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recollect.domain.subjects import Scope
from tests.service import Service, a_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    built = a_service(tmp_path / "recollect.db")
    yield built
    built.store.database.close()


@pytest.fixture
def scope(service: Service) -> Scope:
    return service.new_scope(user="ada")
