"""`recollect project limit`."""

from pathlib import Path
from typing import Final

import click

from recollect.domain.keys import Limits
from recollect.entrypoints.cli.options import data_option
from recollect.entrypoints.cli.output import examples, one_line, say

NONE: Final = "none"


@click.command(
    epilog=examples(
        "recollect project limit --project research --requests-per-minute 60",
        "recollect project limit --project research --tokens-per-day none",
    )
)
@click.option(
    "--project", default="default", show_default=True, help="The project, in the local data file."
)
@click.option("--requests-per-minute", metavar="N", help="A number, or none for no limit.")
@click.option("--tokens-per-day", metavar="N", help="The same; of all language models together.")
@data_option
def limit(
    *, project: str, requests_per_minute: str | None, tokens_per_day: str | None, data: Path
) -> None:
    """Limit what all keys of a project together may use.

    What is not given stays. No request can do this: it is for whoever runs the service. On AWS the
    admin function has the command limit_project.
    """
    named = {"requests_per_minute": requests_per_minute, "tokens_per_day": tokens_per_day}
    given = {name: _limit(name, text) for name, text in named.items() if text is not None}
    if not given:
        message = "Give --requests-per-minute or --tokens-per-day."
        raise click.UsageError(message)
    limits = vars(_limited(data, project, given))
    told = (f"{name}: {NONE if value is None else value}" for name, value in limits.items())
    say(f"{one_line(project)} has the limits {', '.join(told)}.")


# Half a second of imports that 'recollect project show' of a service has no use for.
def _limited(data: Path, project: str, limits: dict[str, int | None]) -> Limits:
    from recollect import bootstrap  # noqa: PLC0415
    from recollect.bootstrap import metering  # noqa: PLC0415

    with bootstrap.local_edition(data):
        return metering.limit_project()(project, limits)


def _limit(name: str, text: str) -> int | None:
    if text == NONE:
        return None
    if not (text.isascii() and text.isdigit()):
        message = f"--{name.replace('_', '-')} must be a number or none."
        raise click.UsageError(message)
    return int(text)
