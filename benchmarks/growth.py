"""`make bench-growth`: what a search takes as the memories of the local edition grow.

Each data file is made, and then searched, by a fresh process. A file that takes too long to make is
reported as such, and with all that was to be measured in it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from benchmarks import growth_plot, growth_report, run
from benchmarks.growth_file import WHY_NOT, user
from benchmarks.measuring import RESULTS, write

REPOSITORY: Final = Path(__file__).parents[1]
MAKE_MINUTES: Final = 40
"""For one file; a million memories take eight on two free cores."""
MEASURE_SECONDS: Final = 900
GRACE_SECONDS: Final = 60
"""A process that has not noticed that its time is up gets so much more."""
MADE: Final = "made.json"
"""Stands beside a file that was made to its end."""
ROOMY_MEGABYTES: Final = 4_096


class NotMeasuredError(Exception):
    """Something could not be made or measured, and why."""


@dataclass(frozen=True)
class Case:
    """One data file, and whose memories are searched in it.

    So many `memories` of so many `users`; searches are for the first user, for `each` in their
    turn, or for the `whole` project. `resident_megabytes` is what the index may keep in memory,
    if not what it may by itself.
    """

    memories: int
    users: int = 1
    searched: str = "first"
    resident_megabytes: int | None = None

    @property
    def in_scope(self) -> int:
        """How many memories each search is over."""
        return self.memories if self.searched == "whole" else self.memories // self.users

    @property
    def asked(self) -> list[str]:
        """For whom searches are, in their turn."""
        whose = {"first": [user(0)], "whole": ["*"]}
        return whose.get(self.searched) or [user(number) for number in range(self.users)]

    @property
    def told(self) -> dict[str, Any]:
        """What is said of it in the results."""
        room = {"resident_megabytes": self.resident_megabytes} if self.resident_megabytes else {}
        return {
            "memories": self.memories,
            "users": self.users,
            "searched": self.searched,
            "in_scope": self.in_scope,
            **room,
        }


CASES: Final = (
    Case(1_000),
    Case(6_000, users=10, searched="each"),
    Case(10_000),
    Case(100_000),
    Case(1_000_000, users=1_000),
    Case(1_000_000, users=1_000, searched="whole"),
    Case(1_000_000, users=1_000, searched="whole", resident_megabytes=ROOMY_MEGABYTES),
)
"""A user who has all memories of the project, and of a million, which a thousand users share, all
and one's own. Ten users with 600 each are as many as the ten conversations of LoCoMo."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep `results/growth.json` and `.svg` and the README, and print the table."""
    sizes = sorted({case.memories for case in CASES})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", choices=sizes, default=sizes)
    parser.add_argument("--minutes", type=float, default=MAKE_MINUTES, help="to make one file in")
    parser.add_argument("--keep", type=Path, help="folder of data files, for this and later runs")
    asked = parser.parse_args(arguments)
    cases = [case for case in CASES if case.memories in asked.sizes]
    with nullcontext(asked.keep) if asked.keep else tempfile.TemporaryDirectory() as folder:
        result = measure(cases, Path(folder), seconds=asked.minutes * 60)
    keep(result)
    print(growth_report.report(result))
    if failed := [case[WHY_NOT] for case in result["cases"] if WHY_NOT in case]:
        sys.exit("\n".join(dict.fromkeys(failed)))


def measure(cases: Iterable[Case], folder: Path, *, seconds: float) -> dict[str, Any]:
    """Return what each case took, or why it could not be measured.

    Files are made in the folder, each in these seconds at most, unless they are there already.
    """
    measured: list[dict[str, Any]] = []
    for (memories, users), group in groupby(cases, key=attrgetter("memories", "users")):
        place = folder.resolve() / f"{memories}-{users}"
        made = _or_why_not(lambda: _made(place, memories, users, seconds))  # noqa: B023 - called here
        measured += [_measured(case, place, made) for case in group]
    return {"cases": measured}


def keep(result: Mapping[str, Any]) -> None:
    """Write the numbers, the picture and the README; raise `ValueError` if there are no numbers."""
    picture = growth_plot.plot(result["cases"])
    write("growth", result)
    (RESULTS / growth_report.PICTURE).write_text(picture)
    run.keep_report()


def _made(place: Path, memories: int, users: int, seconds: float) -> dict[str, Any]:
    """Make the data file unless it is there; return what the making took."""
    note = place / MADE
    if not note.exists():
        print(f"making {memories:,} memories, users: {users:,} ...", file=sys.stderr, flush=True)
        try:
            place.mkdir(parents=True)
        except FileExistsError as error:
            message = f"{place.name} is a data file that was not made to its end: delete it"
            raise NotMeasuredError(message) from error
        try:
            took = _fresh("file", place, memories, users, seconds, within=seconds + GRACE_SECONDS)
        except NotMeasuredError:
            shutil.rmtree(place)
            raise
        note.write_text(json.dumps(took))
    made: dict[str, Any] = json.loads(note.read_text())
    return made


def _measured(case: Case, place: Path, made: dict[str, Any]) -> dict[str, Any]:
    if WHY_NOT in made:
        return case.told | made
    print(f"measuring {case.told} ...", file=sys.stderr, flush=True)
    room = case.resident_megabytes
    chosen = {"RECOLLECT_RESIDENT_MEGABYTES": str(room)} if room else {}
    searched = _or_why_not(
        lambda: _fresh("searches", place, *case.asked, within=MEASURE_SECONDS, chosen=chosen)
    )
    return case.told | made | searched


def _or_why_not(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return call()
    except NotMeasuredError as error:
        return {WHY_NOT: str(error)}


def _fresh(
    name: str, *arguments: object, within: float, chosen: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what `benchmarks.growth_NAME` prints; raise `NotMeasuredError` if it cannot."""
    command = [sys.executable, "-m", f"benchmarks.growth_{name}", *map(str, arguments)]
    environment = {**os.environ, **(chosen or {})}
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and our own module
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            timeout=within,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        message = f"growth_{name} was stopped after {within:g} s"
        raise NotMeasuredError(message) from error
    except subprocess.CalledProcessError as error:
        message = f"growth_{name} ended with status {error.returncode}"
        raise NotMeasuredError(message) from error
    result: dict[str, Any] = json.loads(done.stdout)
    if WHY_NOT in result:
        raise NotMeasuredError(result[WHY_NOT])
    return result


if __name__ == "__main__":
    main()
