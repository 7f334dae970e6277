"""Worlds of people, and keys that open a part of one."""

import httpx
import pytest

from tests.callers import Deployment
from tests.handlers.worlds import World


@pytest.fixture
def world(deployment: Deployment) -> World:
    return World.fresh(deployment)


@pytest.fixture(scope="module")
def shared(deployment: Deployment) -> World:
    """A world that nobody changes but ada, to whom nobody looks."""
    return World.fresh(deployment)


@pytest.fixture(scope="module")
def bound(shared: World) -> httpx.Client:
    """A client whose key opens what is ada's."""
    return shared.key(user_id=shared.ada.name)
