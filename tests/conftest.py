"""What tests over HTTP share; a data file of its own for every test process."""

import atexit
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.callers import Deployment, LiveService, served
from tests.engines import ENDPOINTS, REGION

_FOLDER = tempfile.TemporaryDirectory(prefix="recollect-tests-")
atexit.register(_FOLDER.cleanup)
_OURS = ("AWS_", "POWERTOOLS_", "RECOLLECT_")
for _name in [name for name in os.environ if name.startswith(_OURS) and name != ENDPOINTS]:
    del os.environ[_name]
os.environ.update(
    # Made up, and without a way to the machine's own: no test can reach an account.
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION=REGION,
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    RECOLLECT_EDITION="local",
    RECOLLECT_DATA=str(Path(_FOLDER.name) / "memories.db"),
    RECOLLECT_INGEST_PROJECT="default",
    POWERTOOLS_LOG_LEVEL="CRITICAL",
    POWERTOOLS_METRICS_DISABLED="true",
    POWERTOOLS_SERVICE_NAME="memories",
)


@pytest.fixture
def caplog(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    """Hear what ours log, whoever ran before.

    As deployed, the functions' logger is called `recollect`, so that it writes what all of ours
    log, and nobody else hears of it.
    """
    ours = logging.getLogger("recollect")
    monkeypatch.setattr(ours, "propagate", True)
    monkeypatch.setattr(ours, "handlers", [])
    monkeypatch.setattr(ours, "filters", [])
    level = ours.level
    ours.setLevel(logging.NOTSET)
    yield caplog
    ours.setLevel(level)


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    return Deployment.fresh()


@pytest.fixture
def service(deployment: Deployment) -> Iterator[httpx.Client]:
    """A client with a project of its own; the handlers run in this process."""
    with deployment.client(deployment.new_key()) as client:
        yield client


@pytest.fixture
def stranger(deployment: Deployment) -> Iterator[httpx.Client]:
    """A client of another project."""
    with deployment.client(deployment.new_key()) as client:
        yield client


@pytest.fixture(scope="module")
def live_service(deployment: Deployment) -> Iterator[LiveService]:
    """The same functions behind a real server."""
    with served(deployment) as live:
        yield live
