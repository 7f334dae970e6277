"""`make build`: builds the functions and their layers with the SAM CLI, without containers."""

import hashlib
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import yaml

from scripts.interpreter import MissingPythonError, find_python

ROOT: Final = Path(__file__).parents[1]
SAM: Final = ROOT / ".venv-sam/bin/sam"
SOURCES: Final = ("template.yaml", "stacks", "functions", "layers", "shared", "scripts/build.py")
DEPLOYED: Final = "arm64"
ARCHITECTURES: Final = ("arm64", "x86_64")
ARCHITECTURE_PARAMETER: Final = "Architecture"
BUILD_SECONDS: Final = 600
USELESS_FOLDERS: Final = (
    "__pycache__",
    "aenum/doc",
    "recollect/deployed",
    "recollect/testing",
    "tests",
)
"""Made by another interpreter, for wheels alone, or imported by nothing that is deployed."""
USELESS_FILES: Final = ("aenum/_py2.py", "aenum/test*.py")
"""For Python 2, which alone compiles it, and tests."""
USELESS_SUFFIXES: Final = frozenset({".a", ".c", ".f", ".f90", ".h", ".pxd", ".pyi", ".pyx"})
"""For type checkers and compilers."""


def own_architecture() -> str:
    """Return what Lambda calls this machine's architecture."""
    return "arm64" if platform.machine().lower() in {"aarch64", "arm64"} else "x86_64"


def folder_of(architecture: str) -> Path:
    """Return where the built template and artefacts of an architecture are."""
    return ROOT / ".aws-sam" / architecture / "build"


def is_current(architecture: str) -> bool:
    """Tell whether the artefacts are there and made from the sources as they are now."""
    mark = _mark(architecture)
    return mark.exists() and mark.read_text() == _fingerprint()


def build(architecture: str) -> Path:
    """Build what is not current and return where it is.

    The layers hold exactly the locked packages without their tests and stubs, and everything is
    compiled: on Lambda nothing can be written beside the code, so each cold start would compile
    anew what it imports. Raises `click.ClickException` if there is no interpreter or if the SAM
    CLI fails.
    """
    folder, mark, wanted = folder_of(architecture), _mark(architecture), _fingerprint()
    if is_current(architecture):
        click.echo(f"build: {_shown(folder)} is up to date", err=True)
        return folder
    start = time.monotonic()
    python = find_python()
    mark.unlink(missing_ok=True)
    _sam_build(architecture, folder, python)
    parts = sorted(part for part in folder.iterdir() if part.is_dir())
    for part in parts:
        _slim(part)
        is_layer = (part / "python").exists()
        _compile(part, "/opt" if is_layer else "/var/task", python)
    _say_architecture(folder / "template.yaml", architecture)
    mark.write_text(wanted)
    seconds, size = time.monotonic() - start, sum(map(megabytes, parts))
    click.echo(f"build: {_shown(folder)} in {seconds:.0f} s, {size:.1f} MB unzipped", err=True)
    return folder


def megabytes(folder: Path) -> float:
    """Return what the files in a folder come to, in millions of bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _sam_build(architecture: str, folder: Path, python: Path) -> None:
    command: list[str | Path] = [SAM, "build", "--cached", "--parallel"]
    command += ["--build-dir", folder, "--cache-dir", folder.with_name("cache")]
    command += ["--parameter-overrides", f"{ARCHITECTURE_PARAMETER}={architecture}"]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(python.parent), os.environ["PATH"])),
        # requirements.txt is complete and leaves out what opensearch-py asks for without need.
        "PIP_NO_DEPS": "1",
        "SAM_CLI_TELEMETRY": "0",
    }
    done = subprocess.run(  # noqa: S603 - our own tool
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        message = f"sam build failed:\n{done.stdout.strip()}"
        raise click.ClickException(message)


def _slim(part: Path) -> None:
    for path in list(part.rglob("*")):
        if any(map(path.match, USELESS_FOLDERS)):
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix in USELESS_SUFFIXES or any(map(path.match, USELESS_FILES)):
            path.unlink(missing_ok=True)


def _compile(folder: Path, deployed: str, python: Path) -> None:
    """Compile every module; the same bytes each time, or each deployment would be a new version."""
    command: list[str | Path] = [python, "-m", "compileall", "-q", "-f", "-j", "0"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", folder, "-p", deployed, folder]
    subprocess.run(  # noqa: S603 - an interpreter of this machine
        command, env={"PYTHONHASHSEED": "0"}, timeout=BUILD_SECONDS, check=True
    )


def _say_architecture(template: Path, architecture: str) -> None:
    """Make the built template's own default the architecture that it was built for."""
    built: dict[str, Any] = yaml.safe_load(template.read_text())
    built["Parameters"][ARCHITECTURE_PARAMETER]["Default"] = architecture
    template.write_text(yaml.safe_dump(built, sort_keys=False, width=1000))


def _mark(architecture: str) -> Path:
    return folder_of(architecture).with_name("made-from")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(_source_files()):
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        source = ROOT / name
        for path in (source, *source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT)


@click.command()
@click.argument("architectures", nargs=-1, type=click.Choice(ARCHITECTURES))
@click.option("--check", is_flag=True, help="Outside CI, go on without an interpreter.")
def main(architectures: Sequence[str], *, check: bool) -> None:
    """Build for the architecture that is deployed and for this machine's, or for those named."""
    try:
        for architecture in architectures or sorted({DEPLOYED, own_architecture()}):
            build(architecture)
    except MissingPythonError as error:
        if not check or os.environ.get("CI") == "true":
            raise
        click.echo(f"check: SKIPPED sam build and the tests of what it builds: {error.message}")


if __name__ == "__main__":
    main()
