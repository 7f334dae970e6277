"""`recollect backup` and `recollect restore`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from recollect import bootstrap
from recollect.adapters.local import copies
from recollect.bootstrap import erasure
from recollect.entrypoints.cli.editions import json_option
from recollect.entrypoints.cli.local import beside, new_id, now
from recollect.entrypoints.cli.options import PathType, data_option
from recollect.entrypoints.cli.output import examples, print_json, say

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Restored:
    """What was put in the data file's place, and where that is now; None if there was none.

    `is_carried_over` tells whether what must not go back to an earlier time was taken over.
    `erased` is how many subjects had been erased since the backup, and are erased again.
    """

    contents: copies.Contents
    kept: Path | None
    is_carried_over: bool
    erased: int


@click.command(epilog=examples('recollect backup "recollect-$(date +%F).db"'))
@click.argument("target", type=PathType())
@json_option
@data_option
def backup(*, target: Path, is_json: bool, data: Path) -> None:
    """Copy the local data file while it is in use.

    TARGET is a new file. It becomes what the data file is at one moment; the service goes on
    writing meanwhile. The copy is checked before it gets its name, and only its owner can read it.

    The key file beside the data is not in it; 'recollect restore' puts it back.
    """
    done = copies.back_up(data, target, draft_name=new_id())
    if is_json:
        print_json(asdict(done))
    else:
        click.echo(f"{_told(done)} in {target}.")


@click.command(epilog=examples("recollect restore recollect-2026-11-21.db"))
@click.argument("source", metavar="BACKUP", type=PathType())
@json_option
@data_option
def restore(*, source: Path, is_json: bool, data: Path) -> None:
    """Put a backup in the data file's place.

    Stop the service first: a data file that is in use is refused. What is there now is kept beside
    it, with '.before-restore-' and the time behind its name.

    Memories, history, episodes and settings are as they were when the backup was made. Keys are as
    they are now: what was revoked since stays revoked. Subjects that were erased since are erased
    again. The key file is left alone.
    """
    done = _restored(source, data)
    if is_json:
        kept = str(done.kept) if done.kept else None
        print_json({**asdict(done.contents), "kept": kept, "erased": done.erased})
    else:
        click.echo(f"{_told(done.contents)} in {data}.")
    if done.erased:
        say(f"Of these, what belongs to {done.erased} subjects that were erased is erased again.")
    if done.kept:
        say(f"What was there before is in {done.kept}.")
    if not done.is_carried_over:
        say(
            "It is so damaged that its keys and erasures cannot be read: revoke again, and erase"
            " again, what was revoked or erased after the backup."
        )


def _restored(source: Path, data: Path) -> Restored:
    kept = beside(data, f".before-restore-{now():%Y%m%dT%H%M%SZ}")
    with copies.refusals(data):
        data.parent.mkdir(parents=True, exist_ok=True)
    with copies.drafted(data, new_id()) as draft, copies.held(data) as old:
        contents = copies.copy_to(draft, source)
        is_there = data.exists()
        rows = copies.carried(old) if old else None
        with bootstrap.local_edition(draft, to_reembed=True) as store:
            copies.take_over(store.database, rows or {})
            # The index follows later, as after any deletion: searches ask the record.
            erased = erasure.reapply_erasures()()
        copies.exchange(data, old, draft, kept)
    is_carried_over = rows is not None or not is_there
    return Restored(contents, kept if is_there else None, is_carried_over, erased)


def _told(contents: copies.Contents) -> str:
    return (
        f"{contents.memories} memories and {contents.episodes} episodes of {contents.projects}"
        f" projects, {contents.size / MEGABYTE:.1f} MB,"
    )
