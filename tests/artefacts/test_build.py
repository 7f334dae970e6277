"""What is shipped: all of it, nothing else, and for the right processor."""

import os
import re
import subprocess
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from scripts.artefacts import artefacts
from scripts.artefacts import layers as all_layers
from scripts.build import DEPLOYED, ROOT, megabytes, own_architecture
from scripts.interpreter import find_python
from tests.artefacts.conftest import built

MACHINES = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}
"""`e_machine` of the ELF header, at byte 18."""
every_architecture = pytest.mark.parametrize("architecture", sorted({DEPLOYED, own_architecture()}))


def layers(build: Path) -> set[Path]:
    return {layer / "python" for artefact in artefacts(build).values() for layer in artefact.layers}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@every_architecture
def test_every_function_is_built_with_its_handler(architecture: str) -> None:
    found = artefacts(built(architecture))

    assert set(found) == {path.parent.name for path in ROOT.glob("functions/*/handler.py")}
    for name, artefact in found.items():
        handler = (artefact.folder / "handler.py").read_bytes()
        assert handler == (ROOT / "functions" / name / "handler.py").read_bytes()


@every_architecture
def test_libraries_are_for_the_processor_that_the_template_names(architecture: str) -> None:
    build = built(architecture)
    libraries = [path for path in build.rglob("*") if ".so" in path.suffixes]

    assert libraries
    for library in libraries:
        assert library.read_bytes()[18:20] == MACHINES[architecture], library
    assert re.search(
        rf"^  Architecture:$(\n    .*)*\n    Default: {architecture}$",
        (build / "template.yaml").read_text(),
        re.MULTILINE,
    )


@every_architecture
def test_the_layers_hold_the_locked_packages_and_the_product_alone(architecture: str) -> None:
    lines = (ROOT / "layers/dependencies/requirements.txt").read_text().splitlines()
    wanted = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    shipped = {
        normal(str(Distribution.at(path).name))
        for layer in layers(built(architecture))
        for path in layer.glob("*.dist-info")
    }
    product = {
        path.name for layer in layers(built(architecture)) for path in layer.glob("recollect")
    }

    assert shipped == wanted
    assert product == {"recollect"}


@every_architecture
def test_every_module_is_compiled_and_no_test_is_shipped(architecture: str) -> None:
    for layer in (each / "python" for each in all_layers(built(architecture)).values()):
        for path in layer.rglob("*.py"):
            compiled = path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc"
            assert compiled.exists(), path
            # PEP 552: bit 0 says that a hash, not a time, tells it fresh; bit 1 to check it.
            assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00", path
        assert not list(layer.rglob("tests"))
        assert not list(layer.glob("recollect/testing"))
        assert not list(layer.rglob("*.pyi"))


MEGABYTES = 250
"""AWS Lambda's quota for a function and its layers, unzipped."""
DRIVERS = ("gremlin37", "gremlin38")


def with_driver(build: Path, driver: str) -> list[Path]:
    """Return the layers of a function that speaks to Neptune, the first one to win first."""
    found = all_layers(build)
    return [found[f"{driver.title()}Layer"], found["SharedLayer"], found["DependenciesLayer"]]


@every_architecture
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_of_neptune_is_shipped_with_what_is_locked_alone(
    architecture: str, driver: str
) -> None:
    lines = (ROOT / "layers" / driver / "requirements.txt").read_text().splitlines()
    folders = with_driver(built(architecture), driver)
    shipped = (folders[0] / "python").glob("*.dist-info")

    assert {normal(str(Distribution.at(path).name)) for path in shipped} == {
        normal(line.partition("==")[0]) for line in lines if "==" in line
    }
    assert sum(map(megabytes, folders)) < MEGABYTES


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_of_neptune_has_all_that_it_imports(driver: str) -> None:
    folders = with_driver(built(own_architecture()), driver)
    path = os.pathsep.join(str(each / "python") for each in folders)

    done = subprocess.run(  # noqa: S603 - an interpreter of this machine
        [find_python(), "-c", "from recollect.adapters.aws import gremlin, gremlin_connection"],
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert not done.stderr
    assert done.returncode == 0
