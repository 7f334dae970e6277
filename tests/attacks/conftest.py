"""A world for every attack: a copy of one data file, or on AWS's engines what is made there."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from recollect.testing.builders import NOON
from tests.attacks.world import World, build
from tests.aws import Engines, engines
from tests.service import Clock, Service, UseCases, a_service

Enter = Callable[[Mapping[str, str]], tuple[UseCases, World]]
"""Gives a service and the world in it whose attacked scope has these names."""
Prepare = Callable[..., tuple[Path, World]]
LATER = NOON + timedelta(minutes=10)
"""When attacks begin: what was said before still belongs to the same session."""


def _service(path: Path, clock: Clock) -> Service:
    return a_service(path, clock, lambda: str(uuid4()))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Return a data file with the world of a scope, made once."""

    @cache
    def prepare(*names: tuple[str, str]) -> tuple[Path, World]:
        path = tmp_path_factory.mktemp("world") / "recollect.db"
        service = _service(path, Clock())
        world = build(service, dict(names))
        service.store.database.close()
        return path, world

    return prepare


@pytest.fixture
def enter(tmp_path: Path, prepared: Prepare) -> Iterator[Enter]:
    opened: list[Service] = []

    def entered(names: Mapping[str, str]) -> tuple[UseCases, World]:
        path, world = prepared(*sorted(names.items()))
        copy = shutil.copy(path, tmp_path / "recollect.db")
        opened.append(_service(Path(copy), Clock(LATER)))
        return opened[-1], world

    yield entered
    for service in opened:
        service.store.database.close()


@pytest.fixture(scope="module")
def deployed() -> Iterator[Engines]:
    with engines() as built:
        yield built


@pytest.fixture
def enter_aws(deployed: Engines) -> Enter:
    def entered(names: Mapping[str, str]) -> tuple[UseCases, World]:
        service = deployed.use_cases(Clock())
        return service, build(service, names)

    return entered
