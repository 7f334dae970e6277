"""Making a data file of many memories, in a process of its own.

`python -m benchmarks.growth_file FOLDER MEMORIES USERS SECONDS`. Adds and the projection into the
index run as they do in the service. What is measured afterwards, by another process, starts with
nothing in memory. Prints what the making took as JSON.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import service
from benchmarks.corpus import sentences

BATCH: Final = 200
"""Messages of an add: what the record stores in one commit."""
TOLD_EVERY: Final = 50_000
"""Memories between two lines about how far it is."""
DATA: Final = "bench.db"
WHY_NOT: Final = "not_measured"
"""Stands in place of what was to be made or measured, with the reason."""


class OutOfTimeError(Exception):
    """A file would have taken longer to make than it may."""


def user(number: int) -> str:
    """Return the name of a user of a made file, the first of which is 0."""
    return f"user-{number}"


def make(folder: Path, memories: int, users: int, seconds: float) -> dict[str, Any]:
    """Fill a new data file in this folder with made-up memories, as many for each user.

    The texts are the same ones for the same numbers, no two of them equal. Raises `OutOfTimeError`
    if it takes more than these seconds, and `ValueError` for users that cannot have as many each.
    """
    if users < 1 or memories < users or memories % users:
        message = f"{memories} memories cannot be shared out evenly among {users} users"
        raise ValueError(message)
    service.configure(folder)
    texts = sentences(memories)
    start = time.perf_counter()
    made = 0
    for number in range(users):
        for part in _parts(memories // users):
            service.add_verbatim(user(number), list(itertools.islice(texts, part)))
            service.index_all(user(number))
            made += part
            _tell(made, memories, start, seconds)
    took = time.perf_counter() - start
    return {"made_in_seconds": round(took, 1), "made_per_second": round(memories / took, 1)}


def size_megabytes(folder: Path) -> float:
    """Return what the data file takes on disk, in MB, with its write-ahead log."""
    size = sum(path.stat().st_size for path in folder.glob(f"{DATA}*"))
    return round(size / 1e6, 1)


def _parts(memories: int) -> list[int]:
    return [min(BATCH, memories - done) for done in range(0, memories, BATCH)]


def _tell(made: int, memories: int, start: float, seconds: float) -> None:
    """Tell how far it is now and then; raise `OutOfTimeError` if the time is up before the end."""
    took = time.perf_counter() - start
    if took > seconds and made < memories:
        message = (
            f"{memories:,} memories cannot be made in {seconds:g} s:"
            f" {made:,} were, {made / took:.0f} a second"
        )
        raise OutOfTimeError(message)
    if made % TOLD_EVERY < BATCH <= made and made % BATCH == 0:
        print(f"{made:,} memories in {took:.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a file and print what that took, or why it could not be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("memories", type=int)
    parser.add_argument("users", type=int)
    parser.add_argument("seconds", type=float)
    asked = parser.parse_args(arguments)
    try:
        result = make(asked.folder, asked.memories, asked.users, asked.seconds)
    except OutOfTimeError as error:
        result = {WHY_NOT: str(error)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
