"""Commands of `recollect`, run in this process and told nothing by its environment."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from click.testing import CliRunner, Result

from recollect.entrypoints.cli.main import main

NOWHERE = {"RECOLLECT_HOST": None, "RECOLLECT_API_KEY": None, "RECOLLECT_DATA": None}
"""Takes away what would name a place: every command has its own."""
UNCHOSEN = {**NOWHERE, "RECOLLECT_EDITION": None, "RECOLLECT_GRAPH": None}

Run: TypeAlias = Callable[..., Result]


def invoke(*words: str, **environment: str | None) -> Result:
    """Return what a command did in an environment of this alone; raise what it did not expect."""
    result = CliRunner().invoke(main, words, env={**UNCHOSEN, **environment})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def on_file(data: Path) -> Run:
    """Return what runs a command on a data file."""

    def run(*words: str, **environment: str | None) -> Result:
        return invoke(*words, "--data", str(data), **environment)

    return run


def printed(result: Result) -> Any:  # noqa: ANN401 - whatever was printed
    """Return the JSON that a command printed."""
    return json.loads(result.stdout)
