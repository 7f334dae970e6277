"""What commands print: data on standard output, everything else on standard error."""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

INTERRUPTED: Final = 130
"""What shells report for a program that Ctrl-C ended."""
MOST_SHOWN: Final = 20
"""Things that went wrong; more would hide the summary."""
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


def examples(*lines: str) -> str:
    """Return the end of a help text, whose lines are left as they are."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(("\b", title, *(f"  {line}" for line in lines)))


def say(text: str) -> None:
    """Tell the person at the terminal, not the script that reads the output."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns; the last column is as wide as it likes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())


def one_line(text: str) -> str:
    """Return a text for one line of a terminal, which takes no orders from a memory."""
    return " ".join("".join(map(_visible, text)).split())


def names(ids: Mapping[str, Any]) -> str:
    """Return whose a memory is: `user=maya run=r1`."""
    kinds = ("user", "agent", "app", "run")
    given = [(kind, ids.get(f"{kind}_id")) for kind in kinds]
    return " ".join(f"{kind}={one_line(name)}" for kind, name in given if name)


def moment(text: str) -> str:
    """Return a time of the protocol to the second: `2026-03-01 12:00:00Z`."""
    return text[:10] + " " + text[11:19] + "Z"


def is_watched() -> bool:
    """Tell whether somebody sees a progress bar."""
    return sys.stderr.isatty()


def _visible(character: str) -> str:
    # The joiners of emoji and scripts are format characters too, and harmless.
    is_joiner = character in {"\u200c", "\u200d"}
    return " " if unicodedata.category(character) in _UNPRINTABLE and not is_joiner else character
