"""`recollect verify`, `recollect rebuild` and `recollect reembed`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from recollect import bootstrap
from recollect.entrypoints.cli.editions import AWS, edition_option, json_option
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import (
    examples,
    is_watched,
    one_line,
    print_json,
    print_table,
    say,
)
from recollect.usecases.verify_graph import GraphReport
from recollect.usecases.verify_index import IndexReport
from recollect.usecases.walking import Progress

DIFFERENCES: Final = ("missing", "outdated", "ghosts", "pending", "drift")
OLD_TERMS: Final = (
    "Another release took the index's texts apart; 'recollect rebuild index' does so anew."
)
NUMBERS: Final = ("memories", "indexed", *DIFFERENCES)
GRAPH_NUMBERS: Final = ("entities", "relations", *DIFFERENCES)


@dataclass(frozen=True)
class Comparison:
    """What was compared with the record; None for graphs where there are none."""

    index: Sequence[IndexReport]
    graphs: Sequence[GraphReport] | None

    @property
    def index_drift(self) -> int:
        """How much is wrong in the index and will stay so."""
        return sum(report.drift for report in self.index)

    @property
    def graph_drift(self) -> int:
        """How much is wrong in the projections of graphs and will stay so."""
        return sum(report.drift for report in self.graphs or ())

    def as_json(self) -> dict[str, Any]:
        """Return all of it; without a graph nothing of graphs."""
        told = {
            "drift": self.index_drift,
            "repaired": sum(report.repaired for report in self.index),
            "projects": list(map(_told, self.index)),
        }
        return told if self.graphs is None else {**told, "graphs": list(map(_told, self.graphs))}


@click.command(epilog=examples("recollect verify", "recollect verify --project research --repair"))
@click.option("--project", help="Compare this project instead of all.")
@click.option("--repair", is_flag=True, help="Write what has drifted again.")
@json_option
@edition_option
@data_option
def verify(*, project: str | None, repair: bool, is_json: bool, edition: str, data: Path) -> None:
    """Compare the index with the record.

    It counts the memories of each project and in the index, and those that are missing there,
    outdated there, or there though they were deleted (ghosts). Some of these are pending: changes
    that the service is about to index, or that the index does not show yet. The rest is drift;
    with any, the exit status is 1.

    With a graph configured, it does the same for entities and relations in the graph store and in
    the index of entities, in a second table. Entities whose names another release took apart are
    outdated there. With --repair, a graph that has drifted is written again as a whole. From where
    the graph store cannot be reached, RECOLLECT_GRAPH=none leaves graphs out.

    What --repair cannot set right, for the index is of a later state than the record, 'recollect
    rebuild index' can. That is also what an index needs whose texts another release took apart.
    """
    with opened(edition, data), counting() as progress:
        reports = bootstrap.verify_index()(progress, project, repair=repair)
        has_old_terms = bootstrap.stores.index_builds().is_outdated()
        graphs = None
        if bootstrap.graphs.has_graph():
            graphs = bootstrap.graphs.verify_graph()(progress, project, repair=repair)
    found = Comparison(reports, graphs)
    if is_json:
        print_json(found.as_json())
    elif reports:
        _print_comparison(found)
    else:
        say("There are no projects.")
    if has_old_terms:
        say(OLD_TERMS)
    if repair:
        _say_repaired(found)
    elif found.index_drift or found.graph_drift:
        _say_drifted(found)
        click.get_current_context().exit(1)


@click.group()
def rebuild() -> None:
    """Build the index anew from the record.

    What graphs are searched in is built anew as well, by 'recollect rebuild graph'.
    """


@rebuild.command("index", epilog=examples("recollect rebuild index"))
@json_option
@edition_option
@data_option
def rebuild_index(*, is_json: bool, edition: str, data: Path) -> None:
    """Build the search index anew from the record.

    No model is asked. The service goes on; searches use the old index until the new one is
    complete. What was interrupted is begun again by the next run.
    """
    with opened(edition, data), counting() as progress:
        indexed = bootstrap.rebuild_index()(progress)
    if is_json:
        print_json({"indexed": indexed})
    else:
        click.echo(f"{indexed} memories indexed.")


@rebuild.command("graph", epilog=examples("recollect rebuild graph"))
@json_option
@edition_option
@data_option
def rebuild_graph(*, is_json: bool, edition: str, data: Path) -> None:
    """Write all graphs to the graph store and the index of entities anew from the record.

    No model is asked. The service goes on; while a graph is written, searches may find only a part
    of it. What was interrupted is begun again by the next run.

    A graph store in a private network cannot be reached from everywhere. Then the graphs are marked
    here, and the service writes them within minutes: 'recollect verify', where the store can be
    reached, tells what is pending.
    """
    with opened(edition, data), counting() as progress:
        done = bootstrap.graphs.rebuild_graph()(progress)
    if is_json:
        print_json(asdict(done))
    else:
        click.echo(f"{done.entities} entities and {done.relations} relations written.")
    _say_left(done.left)


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
    with opened(edition, data, to_reembed=True), counting() as progress:
        done = bootstrap.reembed()(progress)
        names = bootstrap.graphs.reembed_graph()(progress)
    if is_json:
        print_json({**asdict(done), "names": names})
        return
    click.echo(f"{done.embedded} memories embedded, {done.indexed} indexed.")
    if names:
        say(f"{names} names of graphs embedded.")


@contextmanager
def opened(edition: str, data: Path, *, to_reembed: bool = False) -> Iterator[None]:
    """Build everything on an edition inside the block; raise `UnavailableError`."""
    if edition == AWS:
        with bootstrap.aws_edition():
            yield
    else:
        with bootstrap.local_edition(data, to_reembed=to_reembed):
            yield


@contextmanager
def counting() -> Iterator[Progress]:
    """Yield what tells whoever watches how far it is, on one line."""
    totals = Counter[str]()

    def tell(what: str, count: int) -> None:
        totals[what] += count
        if is_watched():
            click.echo("\r" + f"{totals[what]} {what}".ljust(30), nl=False, err=True)

    yield tell
    if totals and is_watched():
        click.echo(err=True)


def _print_comparison(found: Comparison) -> None:
    _print_reports(NUMBERS, found.index)
    if found.graphs is not None:
        click.echo()
        _print_reports(GRAPH_NUMBERS, found.graphs)


def _print_reports(numbers: Sequence[str], reports: Sequence[IndexReport | GraphReport]) -> None:
    rows = [
        (*(str(getattr(report, name)) for name in numbers), one_line(report.project))
        for report in reports
    ]
    print_table([(*numbers, "project"), *rows])


def _say_drifted(found: Comparison) -> None:
    if found.index_drift:
        say("The index has drifted; --repair writes what differs again.")
    if found.graph_drift:
        say("Graphs have drifted; --repair writes those again.")


def _say_repaired(found: Comparison) -> None:
    repaired = sum(report.repaired for report in found.index)
    say(f"{repaired} memories were written to the index again.")
    if found.graphs is not None:
        say(f"{sum(report.repaired for report in found.graphs)} graphs were written again.")
        _say_left(sum(report.left for report in found.graphs))


def _say_left(left: int) -> None:
    if left:
        say(f"{left} graphs cannot be written from here now: they are left to the service.")


def _told(report: IndexReport | GraphReport) -> dict[str, Any]:
    return {**asdict(report), "drift": report.drift}
