"""`recollect usage`."""

from typing import Final

import click

from recollect.entrypoints.cli.client import Api
from recollect.entrypoints.cli.options import connected, json_option
from recollect.entrypoints.cli.output import examples, one_line, print_json, print_table, say
from recollect.entrypoints.usage_answers import UsageAnswer

HEAD: Final = ("DAY", "REQUESTS", "TOKENS", "KEY")


@click.command(epilog=examples("recollect usage", "recollect usage --start 2026-01-01"))
@click.option("--start", metavar="YYYY-MM-DD", help="The first day; else so that there are 30.")
@click.option("--end", metavar="YYYY-MM-DD", help="The last day; else today, in UTC.")
@json_option
@connected
def usage(api: Api, *, start: str | None, end: str | None, is_json: bool) -> None:
    """Show what keys used, by day.

    It is the project of the API key; in a local data file the project `default` without one.
    """
    given = {name: day for name, day in (("start", start), ("end", end)) if day is not None}
    answer = api.call(UsageAnswer, "GET", "/v1/usage/", query=given)
    if is_json:
        print_json(answer)
        return
    if not answer["results"]:
        say("Nothing was used on these days.")
        return
    totals = answer["totals"]
    rows = [
        (line["date"], str(line["requests"]), str(line["tokens"]), one_line(line["key_id"]))
        for line in answer["results"]
    ]
    print_table([HEAD, *rows, ("Total", str(totals["requests"]), str(totals["tokens"]), "")])
