"""Where installed packages that carry the weights of models have their files."""

from importlib.util import find_spec
from pathlib import Path

from recollect.domain.errors import UnavailableError


def folder_of(package: str, *files: Path, missing: str) -> Path:
    """Return the folder of a package, which has these files; the package is not imported.

    Raises `UnavailableError`, saying `missing`, if it is not installed or lacks a file.
    """
    spec = find_spec(package)
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location)
        if all((folder / file).is_file() for file in files):
            return folder
    raise UnavailableError(missing)
