"""Places to work in that no other test has seen; each suite of a store brings them along."""

import pytest

from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from recollect.testing.store import Store, a_project


@pytest.fixture
def project(store: Store) -> str:
    """Return a project of the store."""
    return a_project(store)


@pytest.fixture
def scope(project: str) -> Scope:
    """Return the scope of the user `ada` in the project."""
    return a_scope(project, user="ada")
