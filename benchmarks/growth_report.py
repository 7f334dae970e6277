"""What searches take as memories grow, as a section of the README."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.growth_file import WHY_NOT
from benchmarks.measuring import table

PICTURE: Final = "growth.svg"
TITLE: Final = "## As memories grow"
ABOUT: Final = (
    "`make bench-growth` (`growth.json`): made-up texts in one data file of the local edition, each"
    " line measured in a process of its own. The first search of the process is of an empty scope:"
    " it loads the embedder. The next one is the first of the scope; its memories are read from the"
    " file, which the system has in memory. Later ones find ten, each another question's."
    " The embedding of questions is included. Resident memory is that of the whole process, before"
    " the first search of the scope, after it, and the most until the end."
)
HEADER: Final = (
    *("memories in the scope", "of the project", "users", "file MB", "made in s"),
    *("first search of the process ms", "of the scope ms", "later p50 ms", "p95 ms", "searches"),
    *("memory before MB", "after", "peak"),
)


def report(result: Mapping[str, Any]) -> str:
    """Return the section: a row a case, or why it has none, and the picture."""
    rows = [_row(case) for case in result["cases"]]
    picture = f"![Milliseconds of a search by memories in its scope]({PICTURE})"
    return "\n\n".join([TITLE, ABOUT, table(HEADER, rows), picture])


def _row(case: Mapping[str, Any]) -> list[object]:
    row = [_scope(case), f"{case['memories']:,}", f"{case['users']:,}"]
    if WHY_NOT in case:
        row.append(f"not measured: {case[WHY_NOT]}")
        return [*row, *[""] * (len(HEADER) - len(row))]
    search, memory = case["search"], case["memory_mb"]
    return [
        *row,
        *(case["file_mb"], case["made_in_seconds"], case["start_ms"], case["first_ms"]),
        *(search["p50_ms"], search["p95_ms"], case["searches"]),
        *(memory["before"], memory["after"], memory["peak"]),
    ]


def _scope(case: Mapping[str, Any]) -> str:
    asked = {"first": "", "each": ", each user in turn", "whole": ", the whole project"}
    room = case.get("resident_megabytes")
    kept = f", `RECOLLECT_RESIDENT_MEGABYTES={room}`" if room else ""
    return f"{case['in_scope']:,}{asked[case['searched']]}{kept}"
