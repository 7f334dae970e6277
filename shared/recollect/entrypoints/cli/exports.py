"""`recollect export`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import click

from recollect.adapters.export_lines import Header, dump_lines
from recollect.adapters.line_files import write_lines
from recollect.bootstrap import moving
from recollect.domain.subjects import Subject, SubjectKind
from recollect.entrypoints.cli.editions import edition_option
from recollect.entrypoints.cli.local import DEFAULT_PROJECT, now
from recollect.entrypoints.cli.maintenance import counting, opened
from recollect.entrypoints.cli.options import PathType, data_option, subjects
from recollect.entrypoints.cli.output import examples
from recollect.usecases.walking import Progress

TOLD_EVERY: Final = 100
"""Things, to whoever watches."""

T = TypeVar("T")


@click.command(
    epilog=examples(
        "recollect export --out memories.jsonl.gz", "recollect export --user maya > maya.jsonl"
    )
)
@click.option("--project", default=DEFAULT_PROJECT, show_default=True, help="What to export.")
@subjects
@click.option(
    "--out",
    type=PathType(),
    help="The file to write; compressed if it ends in .gz.  [default: standard output]",
)
@edition_option
@data_option
def export(
    *, project: str, ids: dict[str, str], out: Path | None, edition: str, data: Path
) -> None:
    """Write everything that a project remembers to a file.

    That is JSON Lines: memories as they are, each with its history, the histories of deleted
    memories, episodes, graphs, and what was said of users, agents, apps and runs. Keys, settings
    and webhooks are not in it, nor are vectors. 'recollect import' brings all of it back.

    With --user, --agent, --app or --run, only what belongs to it, or to all of them.

    The service goes on; what it adds meanwhile may be left out.
    """
    named = subjects_of(ids)
    with opened(edition, data), counting() as progress:
        items = moving.export_records()(project, named)
        lines = dump_lines(Header(project, now(), named), _counted(items, progress))
        if out:
            write_lines(out, lines)
        else:
            _print(lines)


def subjects_of(ids: Mapping[str, str]) -> tuple[Subject, ...]:
    """Return whom the options name."""
    named = ((kind, ids.get(f"{kind}_id")) for kind in SubjectKind)
    return tuple(Subject(kind, name) for kind, name in named if name)


def _print(lines: Iterable[str]) -> None:
    """Write lines as UTF-8, whatever the terminal's encoding is."""
    for line in lines:
        sys.stdout.buffer.write(line.encode())
    sys.stdout.buffer.flush()


def _counted(items: Iterable[T], progress: Progress) -> Iterator[T]:
    count = 0
    for count, item in enumerate(items, 1):
        yield item
        if not count % TOLD_EVERY:
            progress("exported", TOLD_EVERY)
    progress("exported", count % TOLD_EVERY)
