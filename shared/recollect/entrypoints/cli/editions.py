"""The options of commands that look after all projects of an edition."""

from typing import Final

import click

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
