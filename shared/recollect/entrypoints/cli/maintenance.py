"""`recollect verify`, `recollect rebuild index` and `recollect reembed`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from recollect import bootstrap
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import (
    examples,
    is_watched,
    one_line,
    print_json,
    print_table,
    say,
)
from recollect.usecases.verify_index import IndexReport
from recollect.usecases.walking import Progress

NUMBERS: Final = ("memories", "indexed", "missing", "outdated", "ghosts", "pending", "drift")
AWS: Final = "aws"

edition_option = click.option(
    "--edition",
    type=click.Choice(["local", AWS]),
    envvar="RECOLLECT_EDITION",
    default="local",
    show_default=True,
    show_envvar=True,
    help=(
        "Where the memories are: in the local data file, or on AWS, where the environment says so"
        " as it does for the functions."
    ),
)
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.command(epilog=examples("recollect verify", "recollect verify --project research --repair"))
@click.option("--project", help="Compare this project instead of all.")
@click.option("--repair", is_flag=True, help="Write what has drifted to the index again.")
@json_option
@edition_option
@data_option
def verify(*, project: str | None, repair: bool, is_json: bool, edition: str, data: Path) -> None:
    """Compare the index with the record.

    It counts the memories of each project and in the index, and those that are missing there,
    outdated there, or there though they were deleted (ghosts). Some of these are pending: changes
    that the service is about to index, or that the index does not show yet. The rest is drift;
    with any, the exit status is 1.

    What --repair cannot set right, for the index is of a later state than the record, 'recollect
    rebuild index' can.
    """
    with _opened(edition, data), _counting() as progress:
        reports = bootstrap.verify_index()(progress, project, repair=repair)
    drift = sum(report.drift for report in reports)
    repaired = sum(report.repaired for report in reports)
    if is_json:
        print_json({"drift": drift, "repaired": repaired, "projects": list(map(_told, reports))})
    elif reports:
        _print_reports(reports)
    else:
        say("There are no projects.")
    if repair:
        say(f"{repaired} memories were written to the index again.")
    elif drift:
        say("The index has drifted; --repair writes what differs again.")
        click.get_current_context().exit(1)


@click.group()
def rebuild() -> None:
    """Build the index anew from the record."""


@rebuild.command("index", epilog=examples("recollect rebuild index"))
@json_option
@edition_option
@data_option
def rebuild_index(*, is_json: bool, edition: str, data: Path) -> None:
    """Build the search index anew from the record.

    No model is asked. The service goes on; searches use the old index until the new one is
    complete. What was interrupted is begun again by the next run.
    """
    with _opened(edition, data), _counting() as progress:
        indexed = bootstrap.rebuild_index()(progress)
    if is_json:
        print_json({"indexed": indexed})
    else:
        click.echo(f"{indexed} memories indexed.")


@click.command(
    epilog=examples("RECOLLECT_EMBEDDER=openai recollect reembed", "recollect reembed --json")
)
@json_option
@edition_option
@data_option
def reembed(*, is_json: bool, edition: str, data: Path) -> None:
    """Embed every memory with another model.

    The model is the one that the environment names now (RECOLLECT_EMBEDDER and what belongs to
    it). What was interrupted goes on with the next run: no text is embedded twice.

    A local data file must not be in use meanwhile, and is not served until this is done.

    On AWS the service goes on. Searches are as before until the new index is complete; from then
    on they find by words alone, until the functions are deployed with the new model. Run this
    again after that deployment: it embeds what was written in between.
    """
    with _opened(edition, data, to_reembed=True), _counting() as progress:
        done = bootstrap.reembed()(progress)
    if is_json:
        print_json(asdict(done))
    else:
        click.echo(f"{done.embedded} memories embedded, {done.indexed} indexed.")


@contextmanager
def _opened(edition: str, data: Path, *, to_reembed: bool = False) -> Iterator[None]:
    if edition == AWS:
        with bootstrap.aws_edition():
            yield
    else:
        with bootstrap.local_edition(data, to_reembed=to_reembed):
            yield


@contextmanager
def _counting() -> Iterator[Progress]:
    """Yield what tells whoever watches how far it is, on one line."""
    totals = Counter[str]()

    def tell(what: str, count: int) -> None:
        totals[what] += count
        if is_watched():
            click.echo("\r" + f"{totals[what]} {what}".ljust(30), nl=False, err=True)

    yield tell
    if totals and is_watched():
        click.echo(err=True)


def _print_reports(reports: Sequence[IndexReport]) -> None:
    rows = [
        (*(str(getattr(report, name)) for name in NUMBERS), one_line(report.project))
        for report in reports
    ]
    print_table([(*NUMBERS, "project"), *rows])


def _told(report: IndexReport) -> dict[str, Any]:
    return {**asdict(report), "drift": report.drift}
