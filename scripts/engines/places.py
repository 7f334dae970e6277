"""Where the engines lie on this machine."""

import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.engines.catalogue import Engine

RECIPES = Path(__file__).parent
DEFAULT_HOME = RECIPES.parents[1] / ".engines"


@dataclass(frozen=True)
class Place:
    """The folder of one engine."""

    folder: Path

    @property
    def software(self) -> Path:
        """What was installed."""
        return self.folder / "software"

    @property
    def recipe(self) -> Path:
        """The digest of the recipe that `software` was made with."""
        return self.folder / "recipe"

    @property
    def run(self) -> Path:
        """Configuration and data of one run; made anew by every start."""
        return self.folder / "run"

    @property
    def log(self) -> Path:
        """What the engine printed since it was started."""
        return self.folder / "log"

    @property
    def process(self) -> Path:
        """Number and port of the process."""
        return self.folder / "process.json"


def place_of(engine: Engine, home: Path) -> Place:
    """Return where the engine is or will be."""
    elsewhere = _elsewhere(engine, home)
    return Place(Path(elsewhere.read_text()) if elsewhere.exists() else home / engine.name)


def make_place(engine: Engine, home: Path) -> Place:
    """Return an empty place for the engine, without what was there.

    It is below `home`, or in a temporary directory if the engine's account may not go there.
    """
    remove_place(engine, home)
    if engine.needs_another_account and not _is_open_to_all(home):
        folder = Path(tempfile.mkdtemp(prefix=f"recollect-{engine.name}-"))
        folder.chmod(0o755)
        _elsewhere(engine, home).write_text(str(folder))
    else:
        (home / engine.name).mkdir()
    return place_of(engine, home)


def remove_place(engine: Engine, home: Path) -> None:
    """Delete the engine with everything it wrote."""
    shutil.rmtree(place_of(engine, home).folder, ignore_errors=True)
    _elsewhere(engine, home).unlink(missing_ok=True)


def _elsewhere(engine: Engine, home: Path) -> Path:
    """Return the file that keeps the path of a place outside of `home`."""
    return home / f"{engine.name}.elsewhere"


def _is_open_to_all(folder: Path) -> bool:
    return all(above.stat().st_mode & stat.S_IXOTH for above in (folder, *folder.parents))
