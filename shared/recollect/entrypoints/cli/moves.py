"""`recollect import` of what holds memories rather than messages: exports, and a running mem0."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import click

from recollect import bootstrap
from recollect.adapters.export_lines import Header, load_items
from recollect.adapters.line_files import read_lines
from recollect.adapters.mem0_files import read_mem0_file
from recollect.bootstrap import moving
from recollect.domain.errors import NotFoundError, UnavailableError
from recollect.entrypoints.cli import local
from recollect.entrypoints.cli.client import checked_key, httpx_client
from recollect.entrypoints.cli.editions import AWS, edition_option, json_option
from recollect.entrypoints.cli.exports import subjects_of
from recollect.entrypoints.cli.kinds_of_import import MEM0, header_of
from recollect.entrypoints.cli.local import DEFAULT_PROJECT
from recollect.entrypoints.cli.maintenance import counting
from recollect.entrypoints.cli.options import PathType, data_option, subjects
from recollect.entrypoints.cli.output import (
    INTERRUPTED,
    MOST_SHOWN,
    examples,
    one_line,
    print_json,
    print_table,
    say,
)
from recollect.ports.archive import Item
from recollect.usecases.import_records import ReadAll
from recollect.usecases.import_report import NAMES, ImportReport

MEM0_URL: Final = "https://api.mem0.ai"


@click.command(
    "import",
    epilog=examples(
        "recollect import memories.jsonl.gz", "recollect import mem0-export.json --project research"
    ),
)
@click.argument("file", type=PathType())
@click.option("--project", help="Where the memories go.  [default: the export's, else default]")
@json_option
@edition_option
@data_option
def import_memories(
    *, file: Path, project: str | None, is_json: bool, edition: str, data: Path
) -> None:
    """Bring back what 'recollect export' wrote, or what mem0 exported.

    Ids, times, versions, histories and all else are as they were. What is there already in the same
    state is left alone: an import that was interrupted goes on when it is run again. What is there
    in another state stays, and is listed; then the exit status is 1.

    Memories that mem0's platform exported (JSON, a list or one a line) are kept word for word.
    """
    header = header_of(file)
    read: ReadAll
    if header:
        into = project or header.project
        read = partial(_exported, into, header, file)
        said_by = header.exported_at
    else:
        into = project or DEFAULT_PROJECT
        read, said_by = partial(read_mem0_file, into, file, local.now()), None
    _import(
        into,
        read,
        said_by,
        is_json=is_json,
        edition=edition,
        data=data,
        looks_ahead=header is not None,
    )


@click.command(
    MEM0,
    epilog=examples(
        "recollect import mem0 --api-key m0-...",
        "recollect import mem0 --host http://127.0.0.1:8888 --api-key ... --open-source",
    ),
)
@click.option("--host", default=MEM0_URL, show_default=True, help="The service's URL.")
@click.option(
    "--api-key", required=True, envvar="MEM0_API_KEY", show_envvar=True, help="A key of it."
)
@click.option("--open-source", "is_open_source", is_flag=True, help="It is the open-source server.")
@subjects
@click.option(
    "--project", default=DEFAULT_PROJECT, show_default=True, help="Where the memories go."
)
@json_option
@edition_option
@data_option
def import_mem0(
    *,
    host: str,
    api_key: str,
    is_open_source: bool,
    ids: dict[str, str],
    project: str,
    is_json: bool,
    edition: str,
    data: Path,
) -> None:
    """Move from a running mem0, or from whatever speaks its protocol.

    All memories of all users, agents, apps and runs come over, or of those that are named, word for
    word: with ids, times, metadata, categories, last days and histories. Graphs and the messages
    that memories came from do not.

    An import that was interrupted goes on when it is run again. What changed on either side
    meanwhile stays here as it is, and is listed; then the exit status is 1.
    """
    with httpx_client(host, checked_key(api_key)) as client:
        if is_open_source:
            client.headers = {"X-API-Key": api_key}
        read = moving.read_mem0(client, is_open_source=is_open_source)
        reading = partial(read, project, subjects_of(ids))
        _import(
            project, reading, None, is_json=is_json, edition=edition, data=data, looks_ahead=False
        )


def _import(
    project: str,
    read: ReadAll,
    said_by: datetime | None,
    *,
    is_json: bool,
    edition: str,
    data: Path,
    looks_ahead: bool,
) -> None:
    try:
        with _opened(edition, data, project), counting() as progress:
            report = moving.import_records()(
                project, read, progress, said_by=said_by, looks_ahead=looks_ahead
            )
    except KeyboardInterrupt:
        say("Interrupted. Run it again to go on.")
        click.get_current_context().exit(INTERRUPTED)
    except NotFoundError as error:
        message = f"{error}: 'recollect keys create NAME --project {project}' makes it"
        raise click.ClickException(message) from error
    except UnavailableError:
        say("The import stopped. What it has stored stays; run it again to go on.")
        raise
    _tell(report, is_json=is_json)


@contextmanager
def _opened(edition: str, data: Path, project: str) -> Iterator[None]:
    """Build everything on an edition inside the block, and index there what was stored locally."""
    if edition == AWS:
        with bootstrap.aws_edition():
            yield
        return
    with local.opened(data) as opened:
        if project == DEFAULT_PROJECT:
            # It is there from the first command on.
            opened.first_key()
        yield


def _exported(project: str, header: Header, path: Path) -> Iterator[Item]:
    lines = read_lines(path)
    next(lines)
    return load_items(project, header, lines)


def _tell(report: ImportReport, *, is_json: bool) -> None:
    if is_json:
        conflicts = list(map(asdict, report.conflicts))
        print_json({**vars(report), "conflicts": conflicts})
    else:
        _print(report)
    if report.conflict_count:
        click.get_current_context().exit(1)


def _print(report: ImportReport) -> None:
    for conflict in report.conflicts[:MOST_SHOWN]:
        say(f"{one_line(conflict.place)}: {one_line(conflict.reason)}")
    if report.conflict_count > MOST_SHOWN:
        say(f"... and {report.conflict_count - MOST_SHOWN} more; --json tells more.")
    if rows := list(_rows(report)):
        print_table([("imported", "already there", ""), *rows])
    if report.owners_to_read:
        say(f"The graphs of {report.owners_to_read} are others here: they go on as they are.")
    click.echo(f"{sum(report.imported.values())} imported, {report.conflict_count} not.")


def _rows(report: ImportReport) -> Iterator[Sequence[str]]:
    for name in NAMES.values():
        if report.imported[name] or report.known[name]:
            yield str(report.imported[name]), str(report.known[name]), name
