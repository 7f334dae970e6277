"""`recollect erase again`."""

from pathlib import Path

import click

from recollect import bootstrap
from recollect.entrypoints.cli.editions import AWS, edition_option, json_option
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import examples, print_json, say


@click.group()
def erase() -> None:
    """Look after what was erased."""


@erase.command(
    epilog=examples(
        "recollect erase again",
        "RECOLLECT_EDITION=aws recollect erase again --project research",
    )
)
@click.option("--project", help="Erase again in this project instead of all.")
@json_option
@edition_option
@data_option
def again(*, project: str | None, is_json: bool, edition: str, data: Path) -> None:
    """Erase what a backup has brought back.

    When a user, agent, app or run was erased is never restored to an earlier time. Everything that
    is older goes from the record again, before this ends; what was said afterwards stays. The
    service makes the index and the graph follow, and leaves a receipt for each, as of any erasure.

    To be done after a backup was restored, before the service opens.
    """
    begun = _begun_on_aws(project) if edition == AWS else _begun(data, project)
    if is_json:
        print_json({"erased": begun})
    else:
        say(f"{begun} users, agents, apps and runs were erased again.")


def _begun_on_aws(project: str | None) -> int:
    with bootstrap.aws_edition():
        return bootstrap.erasure.reapply_erasures()(project)


def _begun(data: Path, project: str | None) -> int:
    with bootstrap.local_edition(data):
        return bootstrap.erasure.reapply_erasures()(project)
