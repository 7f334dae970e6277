"""Puts the engines together from what Maven downloads."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from scripts.engines import tools
from scripts.engines.catalogue import Engine
from scripts.engines.errors import EngineError
from scripts.engines.places import RECIPES, Place, make_place, place_of

PAUSES_SECONDS = (0, 5, 15)
"""Before each attempt to download: registries hiccup."""
ATTEMPT_SECONDS = 900
LINES_OF_LOG = 20


def is_installed(engine: Engine, home: Path) -> bool:
    """Tell whether the engine is there, made with today's recipe."""
    place = place_of(engine, home)
    return place.recipe.exists() and place.recipe.read_text() == _digest(engine)


def install(engines: Collection[Engine], home: Path) -> None:
    """Download and assemble these engines; raise `EngineError` with Maven's last words."""
    downloads = home / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    _download(engines, downloads, home / "install.log")
    for engine in engines:
        place = make_place(engine, home)
        _assemble(engine, downloads / engine.name, place)
        place.recipe.write_text(_digest(engine))
    shutil.rmtree(downloads)


def tail(log: Path) -> str:
    """Return the end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LINES_OF_LOG:])


def _download(engines: Collection[Engine], to: Path, log: Path) -> None:
    command = [tools.maven(), "--batch-mode", "--quiet", "--threads", "4", "--file"]
    command += [str(RECIPES / "pom.xml"), "--projects", ",".join(one.name for one in engines)]
    # Maven remembers failures: only with -U does it ask again.
    command += ["-U", f"-Dto={to}", "validate"]
    for pause in PAUSES_SECONDS:
        time.sleep(pause)
        if _runs(command, log):
            return
    message = (
        f"{tail(log)}\nMaven could not download the engines: see {log}, "
        "check the network and Maven's settings.xml, and try again"
    )
    raise EngineError(message)


def _runs(command: list[str], log: Path) -> bool:
    """Run a command with its words in a log; tell whether it succeeded in time."""
    with log.open("wb") as output:
        try:
            subprocess.run(  # noqa: S603 - a tool that the user put there
                command, stdout=output, stderr=output, timeout=ATTEMPT_SECONDS, check=True
            )
        except subprocess.SubprocessError:
            return False
    return True


def _assemble(engine: Engine, downloads: Path, place: Place) -> None:
    if engine.name == "opensearch":
        _verify(downloads, RECIPES / engine.name / "files.sha256")
        _assemble_opensearch(downloads, place.software)
    else:
        shutil.copytree(downloads, place.software / "lib")
    sources = [str(source) for source in (RECIPES / engine.name).glob("*.java")]
    if sources:
        _compile(sources, place)


def _assemble_opensearch(downloads: Path, software: Path) -> None:
    """Complete the bare server: its own modules are published without their descriptors."""
    shutil.unpack_archive(downloads / "home.zip", downloads)
    (unpacked,) = downloads.glob("opensearch-*/")
    shutil.copytree(unpacked, software)
    shutil.copytree(downloads / "modules", software / "modules", dirs_exist_ok=True)
    descriptors = RECIPES / "opensearch" / "modules"
    shutil.copytree(descriptors, software / "modules", dirs_exist_ok=True)
    shutil.unpack_archive(downloads / "opensearch-knn.zip", software / "plugins/opensearch-knn")


def _verify(downloads: Path, sums: Path) -> None:
    for line in sums.read_text().splitlines():
        expected, name = line.split()
        if hashlib.sha256((downloads / name).read_bytes()).hexdigest() != expected:
            message = f"{name} is not the file that {sums} expects: find out who serves it"
            raise EngineError(message)


def _compile(sources: list[str], place: Place) -> None:
    log = place.folder / "javac.log"
    command = [tools.javac(), "--release", str(tools.OLDEST_JAVA)]
    command += ["-cp", f"{place.software}/lib/*", "-d", f"{place.software}/classes", *sources]
    if not _runs(command, log):
        message = f"{tail(log)}\njavac could not compile {', '.join(sources)}"
        raise EngineError(message)


def _digest(engine: Engine) -> str:
    """Return a digest of everything that decides what is installed."""
    folder = sorted(file for file in (RECIPES / engine.name).rglob("*") if file.is_file())
    files = [RECIPES / "pom.xml", Path(__file__), *folder]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
