"""`recollect graph redrive`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from recollect.entrypoints.cli.editions import AWS, edition_option, json_option
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import examples, one_line, print_json, print_table, say
from recollect.ports.graph_outbox import SetAside


@click.command(
    epilog=examples("recollect graph redrive", "RECOLLECT_EDITION=aws recollect graph redrive")
)
@json_option
@edition_option
@data_option
def redrive(*, is_json: bool, edition: str, data: Path) -> None:
    """Read again what could not be read into the graph.

    A memory of which no model's answer could be used was set aside, and waits. All of these are
    told, of all projects, with the reason, and are read again: from the local data file at once,
    on AWS by the service. What fails again is set aside again.
    """
    taken_up = _taken_up_on_aws() if edition == AWS else _read_again(data)
    memories = {(each.owner.project, each.unread.memory_id) for each in taken_up}
    if is_json:
        print_json({"memories": len(memories), "changes": list(map(_told, taken_up))})
    elif taken_up:
        print_table([("project", "memory", "reason"), *map(_row, taken_up)])
        say(f"{len(memories)} memories are read again.")
    else:
        say("Nothing was set aside.")


# Half a second of imports that 'recollect graph show' of a service has no use for.
def _taken_up_on_aws() -> Sequence[SetAside]:
    from recollect import bootstrap  # noqa: PLC0415

    with bootstrap.aws_edition():
        return bootstrap.graphs.redrive_graph()()


def _read_again(data: Path) -> Sequence[SetAside]:
    from recollect import bootstrap  # noqa: PLC0415
    from recollect.entrypoints.cli import local  # noqa: PLC0415

    with local.opened(data):
        return bootstrap.graphs.redrive_graph()()


def _row(aside: SetAside) -> tuple[str, str, str]:
    return one_line(aside.owner.project), aside.unread.memory_id, one_line(aside.reason)


def _told(aside: SetAside) -> dict[str, Any]:
    return {
        "project": aside.owner.project,
        "memory_id": aside.unread.memory_id,
        "version": aside.unread.version,
        "reason": aside.reason,
    }
