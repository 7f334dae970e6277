"""The built functions, where they were built from the sources as they are."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.artefacts import Artefact, artefacts
from scripts.build import folder_of, is_current, own_architecture


def built(architecture: str) -> Path:
    """Return where the functions were built; skip outside CI if they were not, or from others."""
    if not is_current(architecture):
        message = f"run 'make build ARCH={architecture}': nothing is built from these sources"
        if os.environ.get("CI") == "true":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return folder_of(architecture)


@pytest.fixture(scope="session")
def functions() -> Mapping[str, Artefact]:
    """What was built for this machine's architecture, to be run on it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("built functions are Linux programs")
    return artefacts(built(own_architecture()))
