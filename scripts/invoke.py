"""`make invoke F=add E=events/add.json`: runs a built function without a container."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import click

from scripts.artefacts import artefacts
from scripts.build import ROOT, build, own_architecture
from scripts.interpreter import find_python
from scripts.runtime_api import running

UV: Final = ROOT / ".venv/bin/uv"
RUNTIME_FOLDER: Final = ROOT / ".aws-sam/runtime"
RUNTIME_PACKAGES: Final = ("awslambdaric", "boto3")
"""What is on Lambda beside the artefacts."""
INSTALL_SECONDS: Final = 300
EXPORTED: Final = ("AWS_", "POWERTOOLS_", "RECOLLECT_")
EVENT_KEY: Final = "m0-0000000000000000000000000000example"
"""The key in events/*.json, which no project has."""


def runtime(python: Path) -> Path:
    """Return a folder with what Lambda itself has, at the versions in uv.lock.

    It is installed at the first call, and again when the versions change. Raises
    `click.ClickException` if that fails.
    """
    lock = (ROOT / "uv.lock").read_bytes()
    wanted = hashlib.sha256(lock + str(python).encode()).hexdigest()
    mark = RUNTIME_FOLDER / "made-from"
    if mark.exists() and mark.read_text() == wanted:
        return RUNTIME_FOLDER
    click.echo("invoke: installing what the functions find on Lambda", err=True)
    shutil.rmtree(RUNTIME_FOLDER, ignore_errors=True)
    RUNTIME_FOLDER.mkdir(parents=True)
    locked = RUNTIME_FOLDER / "locked.txt"
    _uv("export", "--frozen", "--no-hashes", "--no-emit-project", "--output-file", locked)
    place = ("--python", python, "--target", RUNTIME_FOLDER)
    _uv("pip", "install", *place, "--compile-bytecode", "-c", locked, *RUNTIME_PACKAGES)
    mark.write_text(wanted)
    return RUNTIME_FOLDER


def _uv(*words: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own tool
        [UV, *words], cwd=ROOT, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        message = f"uv {words[0]} failed: {done.stderr.strip()}"
        raise click.ClickException(message)


@click.command()
@click.argument("function")
@click.argument("event", type=click.File())
def main(function: str, event: IO[str]) -> None:
    """Build FUNCTION, start it, and print what it makes of EVENT, a file of JSON.

    It gets the variables that template.yaml gives as text and those that are exported here and
    begin with RECOLLECT_, POWERTOOLS_ or AWS_. An exported RECOLLECT_API_KEY takes the place of
    the event's made-up key. What the function logs goes to standard error.
    """
    if not sys.platform.startswith("linux"):
        message = "built functions are Linux programs: use 'sam local invoke' with a container here"
        raise click.ClickException(message)
    environment = {name: os.environ[name] for name in os.environ if name.startswith(EXPORTED)}
    text = event.read().replace(EVENT_KEY, environment.get("RECOLLECT_API_KEY", EVENT_KEY))
    try:
        loaded = json.loads(text)
    except ValueError as error:
        message = f"{event.name} is not JSON: {error}"
        raise click.ClickException(message) from error
    found = artefacts(build(own_architecture()))
    if function not in found:
        message = f"there is no function {function}; there are {', '.join(found)}"
        raise click.ClickException(message)
    python = find_python()
    with running(found[function], python, runtime(python), environment) as started:
        answer = started.invoke(loaded)
    click.echo(json.dumps(answer.value, ensure_ascii=False, indent=2))
    took = f"init {started.init_milliseconds:.0f} ms, duration {answer.milliseconds:.0f} ms"
    click.echo(f"invoke: {took}", err=True)
    if answer.is_error:
        sys.exit(1)


if __name__ == "__main__":
    main()
