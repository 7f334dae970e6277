"""`recollect start` and `recollect serve`."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from recollect import bootstrap
from recollect.entrypoints.cli.local import LocalEdition, opened
from recollect.entrypoints.cli.options import DEFAULT_DATA, PathType, data_option
from recollect.entrypoints.cli.output import examples, one_line, say
from recollect.entrypoints.cli.samples import Answered, Sample
from recollect.entrypoints.server import bind
from recollect.sample import sample_sessions

LOOPBACK: Final = "127.0.0.1"
EXTRACTOR: Final = "a rule-based stand-in, not a language model"
EXAMPLE_TEXT: Final = "Ada lives in Lisbon and loves sailing."
EXAMPLE_QUESTION: Final = "Where does Ada live?"

port_option = click.option(
    "--port",
    type=int,
    envvar="RECOLLECT_PORT",
    default=8080,
    show_default=True,
    show_envvar=True,
    help="The port to listen on; 0 takes any free one.",
)


def _folder(_: click.Context, __: click.Parameter, folder: Path | None) -> Path | None:
    if folder and not folder.is_dir():
        message = f"There is no folder {folder}"
        raise click.BadParameter(message)
    return folder


inbox_option = click.option(
    "--inbox",
    type=PathType(),
    callback=_folder,
    envvar="RECOLLECT_INBOX",
    show_envvar=True,
    help="A folder: what is put into projects/<project>/... below it is remembered.",
)


@click.command(epilog=examples("recollect start", "recollect start --port 9000 --data memories.db"))
@port_option
@inbox_option
@data_option
def start(port: int, inbox: Path | None, data: Path) -> None:
    """Run the service on this machine, until Ctrl-C.

    The first start makes the data file and an API key, imports a sample conversation into a
    project of its own and asks it three questions. Every start prints the address, the key and
    three lines to try.
    """
    with bind(LOOPBACK, port) as listener, opened(data) as edition:
        address = _address(LOOPBACK, listener.getsockname()[1])
        key = edition.first_key()
        sample = Sample.of(edition)

        def greet() -> None:
            if sample.is_wanted:
                _show_sample(sample.bring(address), data)
            _show_service(edition, address, key)

        edition.serve(listener, on_ready=greet, inbox=inbox)
    say("Stopped.")


@click.command(epilog=examples("recollect serve --data /var/lib/recollect/memories.db"))
@port_option
@click.option("--bind", "ip", default=LOOPBACK, show_default=True, help="The address to listen on.")
@inbox_option
@data_option
def serve(port: int, ip: str, inbox: Path | None, data: Path) -> None:
    """Run the service, without the sample conversation.

    It prints one line; the first API key is in a file beside the data file.
    """
    with bind(ip, port) as listener, opened(data) as edition:
        edition.first_key()
        address = _address(ip, listener.getsockname()[1])
        line = f"Recollect serves {data} at {address}; its first key is in {edition.key_file}."
        edition.serve(listener, on_ready=lambda: say(line), inbox=inbox)


def _address(ip: str, port: int) -> str:
    return f"http://[{ip}]:{port}" if ":" in ip else f"http://{ip}:{port}"


def _show_sample(answers: Sequence[Answered], data: Path) -> None:
    turns = sum(len(session.messages) for session in sample_sessions())
    click.echo(f"Imported a sample conversation of {turns} messages. Three questions to it:\n")
    for answered in answers:
        click.echo(f"  {answered.question}")
        if answered.best is None:
            click.echo("    nothing found\n")
        else:
            click.echo(f"    {answered.best['score']:.2f}  {one_line(answered.best['memory'])}\n")
    click.echo("It is in a project of its own; this removes it:\n")
    click.echo(f"  {_command('sample', 'remove', data=data)}\n")


def _show_service(edition: LocalEdition, address: str, key: str) -> None:
    rows = (
        ("Address", address),
        ("Key", f"{key}  (kept in {edition.key_file})"),
        ("Data", str(edition.store.path)),
        ("Embedder", bootstrap.embedding_model()),
        ("Extractor", f"{_reader()} (for infer=true)"),
    )
    for name, value in rows:
        click.echo(f"{name:9}  {value}")
    click.echo("\nTo try it, in another terminal:\n")
    add = f'{{"messages": "{EXAMPLE_TEXT}", "user_id": "ada"}}'
    search = f'{{"query": "{EXAMPLE_QUESTION}", "filters": {{"user_id": "ada"}}}}'
    for line in (
        _curl(f"{address}/v3/memories/add/", key, add),
        _curl(f"{address}/v3/memories/search/", key, search),
        _command("search", EXAMPLE_QUESTION, "--user", "ada", data=edition.store.path),
    ):
        click.echo(f"  {line}")
    click.echo(f'\nWith the mem0 client: MemoryClient(api_key="{key}", host="{address}")')
    click.echo("Ctrl-C stops it.")


def _curl(url: str, key: str, body: str) -> str:
    headers = f"-H 'Authorization: Token {key}' -H 'Content-Type: application/json'"
    return f"curl -s {url} {headers} -d {shlex.quote(body)}"


def _command(*words: str, data: Path) -> str:
    """Return a command as it can be typed here: with its path if the shell would not find it."""
    is_default = data == PathType().convert(DEFAULT_DATA, None, None)
    options = () if is_default else ("--data", str(data))
    return shlex.join((*_program(), *words, *options))


def _program() -> tuple[str, ...]:
    called = Path(sys.argv[0])
    if called.suffix == ".py":
        return (sys.executable, "-m", "recollect.entrypoints.cli.main")
    found = shutil.which(called.name)
    is_found = found is not None and Path(found).resolve() == called.resolve()
    return (called.name,) if is_found else (str(called),)


def _reader() -> str:
    chosen = bootstrap.settings()
    if chosen.language_model == "rules":
        return EXTRACTOR
    return chosen.chat_model or chosen.language_model
